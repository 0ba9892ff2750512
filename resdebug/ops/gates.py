"""What lets nothing, or a random part, of an adjoint through: stop_gradient and dropout."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator
from resdebug.ops.elementwise import Elementwise


class StopGradient(Elementwise, frozen=True, tag="stop_gradient"):
    """The value itself, taken as a constant: nothing goes back through it (PyTorch's ``detach``)."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x"),)
    formula: ClassVar[str] = "{y} = {x}, taken as constant"
    convention: ClassVar[str] = "no adjoint goes through, by definition"

    def forward(self, x: Array) -> Array:
        """Return ``x``."""
        return x


class Dropout(Operator, frozen=True, tag="dropout"):
    """Some elements set to 0 at random, the others scaled up so that the expectation stays."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ}⟦ ⊙ {mask} / (1 − {p})⟧", "what was dropped had no influence"),
        Slot("mask", optional=True, elements="any"),
    )
    formula: ClassVar[str] = "{y} = {x}⟦ ⊙ {mask} / (1 − {p})⟧"
    shapes: ClassVar[str] = "x any shape, mask (1 keeps, 0 drops) the same shape → the same shape"
    convention: ClassVar[str] = (
        "without a given mask it is drawn from seed: numpy's Generator(PCG64(seed)).random(shape) ≥ p keeps; "
        "forward and reverse pass see the same mask"
    )
    source: ClassVar[str] = "Srivastava et al. 2014, Journal of Machine Learning Research 15"
    p: Annotated[float, msgspec.Meta(ge=0, lt=1, description="share of elements that are dropped")] = 0.5
    seed: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1, description="where the mask is drawn from")] = 0
    training: Annotated[bool, msgspec.Meta(description="false: everything passes unchanged")] = True

    def words(self, inputs: Any) -> dict[str, str]:
        """Name the mask by its seed, for where none is given; without training there is no p, and nothing dropped."""
        words = super().words(inputs) | {"mask": f"mask(seed {self.seed})"}
        if not self.training:
            del words["p"]
        return words

    def infer(self, x: TensorType, mask: TensorType | None = None) -> TensorType:
        """A given mask has the shape of x."""
        if mask is not None and mask.shape != x.shape:
            what = f"x is {shape_text(x.shape)} and mask is {shape_text(mask.shape)}"
            raise RuleBroken(what, key="mask", hint="give both the same shape")
        return x

    def factor(self, x: Array, mask: NDArray[Any] | None) -> Array:
        """Return what every element is multiplied by: 0, or 1 / (1 − p)."""
        if mask is None:
            mask = np.random.Generator(np.random.PCG64(self.seed)).random(x.shape) >= self.p
        return np.asarray(mask).astype(x.dtype) / x.dtype.type(1 - self.p)

    def forward(self, x: Array, mask: NDArray[Any] | None) -> Array:
        """Return what is kept, scaled up."""
        return x * self.factor(x, mask) if self.training else x

    def vjp_x(self, ybar: Array, y: Array, x: Array, mask: NDArray[Any] | None) -> Array:
        """Multiply by the same mask."""
        return ybar * self.factor(x, mask) if self.training else ybar
