"""Softmax and its logarithm over one axis."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, normal_axis, sum_over
from resdebug.ops.onednn import rows as onednn


def log_softmax(x: Array, axis: int) -> Array:
    """Return ``x − log Σ exp x`` along ``axis``, shifted by the maximum so that nothing overflows."""
    shifted = x - x.max(axis=axis, keepdims=True)
    result: Array = shifted - np.log(sum_over(np.exp(shifted), axis, keepdims=True))
    return result


def log_softmax_at(x: Array, axis: int, places: NDArray[np.intp]) -> Array:
    """Return what ``log_softmax`` has at some places along ``axis``, one for all others."""
    shifted = x - x.max(axis=axis, keepdims=True)
    picked: Array = np.take_along_axis(shifted, places, axis)
    return picked - np.log(sum_over(np.exp(shifted, out=shifted), axis, keepdims=True))


def probabilities(x: Array, axis: int) -> Array:
    """Return ``exp x / Σ exp x`` along ``axis``, shifted in the same way."""
    found = onednn.softmax(x) if axis in {-1, x.ndim - 1} else None
    if found is not None:
        return found
    e: Array = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / sum_over(e, axis, keepdims=True)


class OverAxis(Operator, frozen=True):
    """An operator that works along the axis ``dim``."""

    shapes: ClassVar[str] = "x any shape → the same shape"
    dim: Annotated[int, msgspec.Meta(description="the axis along which it works")] = -1

    def infer(self, x: TensorType) -> TensorType:
        """The axis must exist and not be empty."""
        axis = normal_axis(self.dim, len(x.shape), "dim")
        if not x.shape[axis]:
            raise RuleBroken(f"x is {shape_text(x.shape)}, empty along dim {self.dim}", key="dim")
        return x


class Softmax(OverAxis, frozen=True, tag="softmax"):
    """Exponentials, normalised to sum 1."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {y} ⊙ ({ȳ} − Σ {ȳ} ⊙ {y})",
            "the Jacobian is diag(y) − y yᵀ: raising one probability lowers the others",
        ),
    )
    formula: ClassVar[str] = "{y} = exp({x}) / Σ exp({x})"

    def forward(self, x: Array) -> Array:
        """Return the probabilities."""
        return probabilities(x, self.dim)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Apply the Jacobian ``diag(y) − y yᵀ``."""
        found = onednn.softmax_sent(ybar, y) if self.dim in {-1, x.ndim - 1} else None
        if found is not None:
            return found
        return y * (ybar - sum_over(ybar * y, self.dim, keepdims=True))


class LogSoftmax(OverAxis, frozen=True, tag="log_softmax"):
    """The logarithm of softmax, without its overflow."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} − exp({y}) ⊙ Σ {ȳ}", "the Jacobian is I − 1 softmax(x)ᵀ"),
    )
    formula: ClassVar[str] = "{y} = {x} − log Σ exp({x})"

    def forward(self, x: Array) -> Array:
        """Return the log-probabilities."""
        return log_softmax(x, self.dim)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Subtract the probabilities times the sum of ``ȳ``."""
        return ybar - np.exp(y) * sum_over(ybar, self.dim, keepdims=True)
