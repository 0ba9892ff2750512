"""The largest and the smallest along axes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import Slot
from resdebug.network.types import TensorType
from resdebug.ops.base import Array, reduced, sum_over
from resdebug.ops.reductions import Reduction

_SHARED = "only the extreme elements had any influence; where several tie they share it"


class Extreme(Reduction, frozen=True):
    """The extreme element along axes; ties share the adjoint equally."""

    convention: ClassVar[str] = (
        "elements that tie share the adjoint equally (PyTorch's amax, amin); NaN wins and takes the adjoint, where "
        "PyTorch sends NaN to all"
    )

    def infer(self, x: TensorType) -> TensorType:
        """The extreme of nothing is not defined."""
        self.refuse_nothing(x, "the extreme")
        return super().infer(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Share ``ȳ`` among the elements that are the extreme one."""
        extreme = self.spread(y, x)
        chosen: NDArray[np.bool_] = (x == extreme) | (np.isnan(x) & np.isnan(extreme))
        counts = sum_over(chosen.astype(ybar.dtype), self.axes(x.ndim), keepdims=self.keepdim)
        return np.where(chosen, self.spread(ybar / counts, x), ybar.dtype.type(0))


class Max(Extreme, frozen=True, tag="max"):
    """The largest element along axes."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊙ 1[{x} = {y}] / |ties|", _SHARED),)
    formula: ClassVar[str] = "{y} = max {x}⟦ over dim {dim}⟧"

    def forward(self, x: Array) -> Array:
        """Return the largest."""
        return reduced(np.maximum, x, self.axes(x.ndim), keepdims=self.keepdim)


class Min(Extreme, frozen=True, tag="min"):
    """The smallest element along axes."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊙ 1[{x} = {y}] / |ties|", _SHARED),)
    formula: ClassVar[str] = "{y} = min {x}⟦ over dim {dim}⟧"

    def forward(self, x: Array) -> Array:
        """Return the smallest."""
        return reduced(np.minimum, x, self.axes(x.ndim), keepdims=self.keepdim)
