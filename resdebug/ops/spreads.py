"""Variance, standard deviation and norms over axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, reduced, sum_over
from resdebug.ops.reductions import Reduction


class Spread(Reduction, frozen=True):
    """How far elements lie from their mean."""

    correction: Annotated[
        int, msgspec.Meta(ge=0, le=1 << 31, description="what the count is reduced by; 1 for an unbiased variance")
    ] = 1

    def infer(self, x: TensorType) -> TensorType:
        """There must be more elements than the correction takes away."""
        count = self.count(x.shape)
        if count <= self.correction:
            what = f"x is {shape_text(x.shape)}: {count} elements, less a correction of {self.correction}, leave none"
            raise RuleBroken(what, key="correction", hint="reduce more elements, or lower the correction")
        return super().infer(x)

    def deviations(self, x: Array) -> Array:
        """Return the distance of every element from the mean."""
        axes = self.axes(x.ndim)
        # Measured from the first element, equal ones have none at all, and a large common offset costs no digits.
        first = x[(*(slice(1) if axis in axes else slice(None) for axis in range(x.ndim)), ...)]
        apart: Array = x - np.where(np.isfinite(first), first, x.dtype.type(0))
        return apart - sum_over(apart, axes, keepdims=True) / self.count(x.shape)

    def variance(self, x: Array) -> Array:
        """Return the mean square distance."""
        deviations = self.deviations(x)
        squares = sum_over(deviations * deviations, self.axes(x.ndim), keepdims=self.keepdim)
        return squares / (self.count(x.shape) - self.correction)


class Var(Spread, frozen=True, tag="var"):
    """The variance over axes."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ 2({x} − mean({x})) / (n − {correction})", "the mean's own derivative cancels out"),
    )
    formula: ClassVar[str] = "{y} = Σ ({x} − mean({x}))² / (n − {correction})⟦ over dim {dim}⟧"

    def forward(self, x: Array) -> Array:
        """Return the variance."""
        return self.variance(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by twice the distance from the mean."""
        return self.spread(ybar, x) * (self.deviations(x) * (2 / (self.count(x.shape) - self.correction)))


class Std(Spread, frozen=True, tag="std"):
    """The standard deviation over axes."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ ({x} − mean({x})) / ((n − {correction}) · {y})", "that of the variance, over 2y"),
    )
    formula: ClassVar[str] = "{y} = √(Σ ({x} − mean({x}))² / (n − {correction}))⟦ over dim {dim}⟧"
    convention: ClassVar[str] = "where the deviation is 0, so is the contribution"

    def forward(self, x: Array) -> Array:
        """Return the standard deviation."""
        return np.sqrt(self.variance(x))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by the distance from the mean over the deviation."""
        slope = np.divide(ybar, y * (self.count(x.shape) - self.correction), out=np.zeros_like(ybar), where=y != 0)
        return self.spread(slope, x) * self.deviations(x)


class Norm(Reduction, frozen=True, tag="norm"):
    """The p-norm over axes; Σ |x|, the Euclidean length, the largest size."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ} ⊙ ⟦sign({x}) ⊙ (|{x}| / {y})^({p} − 1)⟧⟦{length}{x} / {y}⟧⟦{taxicab}sign({x})⟧"
            "⟦{largest}sign({x}) ⊙ 1[|{x}| = {y}] / |ties|⟧",
            "for p = 2 that is the direction of x; for inf only the largest had any influence",
        ),
    )
    formula: ClassVar[str] = (
        "{y} = ⟦(Σ |{x}|^{p})^(1/{p})⟧⟦{length}√(Σ {x}²)⟧⟦{taxicab}Σ |{x}|⟧⟦{largest}max |{x}|⟧⟦ over dim {dim}⟧"
    )
    convention: ClassVar[str] = (
        "where the norm is 0, so is the contribution; p = inf is the largest |x|, and elements that tie share; NaN "
        "sends NaN, where PyTorch sends 0 for p = 1 and inf"
    )
    p: Annotated[
        Annotated[float, msgspec.Meta(gt=0)] | Literal["inf"],
        msgspec.Meta(description="which norm; inf is the largest"),
    ] = 2.0

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Give the usual norms the form in which they are known."""
        words = super().words(inputs)
        known = {2.0: "length", 1.0: "taxicab", "inf": "largest"}.get(self.p)
        if known:
            del words["p"]
            words[known] = ""
        return words

    def infer(self, x: TensorType) -> TensorType:
        """The largest of nothing is not defined."""
        if self.p == "inf":
            self.refuse_nothing(x, "the largest")
        return super().infer(x)

    def forward(self, x: Array) -> Array:
        """Return the norm; scaled by the largest element, so that squares neither overflow nor vanish."""
        axes = self.axes(x.ndim)
        sizes = np.abs(x)
        if self.p == "inf":
            return reduced(np.maximum, sizes, axes, keepdims=self.keepdim)
        if self.p == 1:
            return sum_over(sizes, axes, keepdims=self.keepdim)
        largest = sizes.max(axis=axes, keepdims=True, initial=0)
        scale = np.where((largest > 0) & np.isfinite(largest), largest, x.dtype.type(1))
        total = sum_over((sizes / scale) ** x.dtype.type(self.p), axes, keepdims=True)
        result = scale * total ** x.dtype.type(1 / self.p)
        return result if self.keepdim else result.reshape(self.infer(TensorType(x.shape)).shape)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``sign(x) (|x| / y)^(p − 1)``."""
        norm, arriving = self.spread(y, x), self.spread(ybar, x)
        if self.p == "inf":
            chosen: Array = (np.abs(x) == norm).astype(x.dtype)
            ties: Array = self.spread(sum_over(chosen, self.axes(x.ndim), keepdims=self.keepdim), x)
            share: Array = np.sign(x) * chosen / ties
            return arriving * share
        if self.p == 1:
            return arriving * np.sign(x)
        nothing = np.zeros(x.shape, dtype=x.dtype)
        if self.p > 1:
            ratio: Array = np.divide(np.abs(x), norm, out=nothing, where=norm != 0)
            return arriving * np.sign(x) * ratio ** x.dtype.type(self.p - 1)
        # The power is below 0 here: the ratio itself would underflow where the contribution is huge.
        inverse: Array = np.power(np.abs(x), x.dtype.type(self.p - 1), out=nothing, where=x != 0)
        return arriving * np.sign(x) * inverse * norm ** x.dtype.type(1 - self.p)
