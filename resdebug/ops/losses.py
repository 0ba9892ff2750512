"""Losses: where most targets come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator
from resdebug.ops.softmaxes import log_softmax


class Loss(Operator, frozen=True):
    """An operator that compares ``x`` with ``target`` and reduces what it finds."""

    reduction: Literal["mean", "sum", "none"] = "mean"

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Add ``n``, the number of losses that a mean is over, or ``Σ`` for a sum."""
        words = super().words(inputs)
        if self.reduction == "sum":
            words["Σ"] = "Σ"
        if self.reduction == "mean" and (target := inputs[1]) is not None:
            words["n"] = str(target.size)
        return words

    def reduced(self, losses: TensorType) -> TensorType:
        """Return the output's type from that of the single losses. Raises RuleBroken for the mean of nothing."""
        if self.reduction == "mean" and not losses.size:
            raise RuleBroken(f"x is {losses}: the mean of nothing is not defined", key="x", hint='use reduction "sum"')
        return losses if self.reduction == "none" else losses.with_shape()

    def reduce(self, losses: Array) -> Array:
        """Reduce the single losses."""
        if self.reduction == "none":
            return losses
        return np.asarray(losses.mean() if self.reduction == "mean" else losses.sum())

    def spread(self, ybar: Array, count: int) -> Array:
        """Return the adjoint of each single loss."""
        return ybar / count if self.reduction == "mean" else ybar


class CrossEntropy(Loss, frozen=True, tag="cross_entropy"):
    """Minus the log-probability that softmax gives to the right class; x is (N, C, ...) or (C), target the indices."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ} · (softmax({x}) − onehot({target}))⟦ / {n}⟧",
            "what the network says minus what is true: the log undoes the exponential",
        ),
        Slot("target", elements="integer"),
    )
    formula: ClassVar[str] = "{y} = −⟦{Σ} ⟧log softmax({x})[{target}]⟦, mean over {n}⟧"
    convention: ClassVar[str] = "class indices count from 0 and take no adjoint"

    def infer(self, x: TensorType, target: TensorType) -> TensorType:
        """Target has the shape of x without the class axis."""
        if not x.shape:
            raise RuleBroken("x is a scalar", key="x", hint="x is (N, C) or (C)")
        axis = self.axis(len(x.shape))
        expected = x.shape[:axis] + x.shape[axis + 1 :]
        if target.shape != expected:
            what = f"x is {shape_text(x.shape)} and target is {shape_text(target.shape)}"
            raise RuleBroken(
                what, key="target", hint=f"target holds one class index per example: {shape_text(expected)}"
            )
        if not x.shape[axis]:
            raise RuleBroken(f"x is {shape_text(x.shape)}: there are no classes", key="x")
        return self.reduced(x.with_shape(*expected))

    @staticmethod
    def axis(ndim: int) -> int:
        """Return the axis of the classes."""
        return 1 if ndim > 1 else 0

    def forward(self, x: Array, target: Array) -> Array:
        """Return the loss. Raises IndexError for a class that does not exist."""
        axis = self.axis(x.ndim)
        classes = x.shape[axis]
        outside = np.argwhere((target < 0) | (target >= classes))
        if len(outside):
            where = tuple(int(i) for i in outside[0])
            raise IndexError(
                f"target[{', '.join(map(str, where))}] is {int(target[where])}, and there are {classes} classes"
            )
        index = np.expand_dims(target.astype(np.intp), axis)
        return self.reduce(-np.take_along_axis(log_softmax(x, axis), index, axis).squeeze(axis))

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Return softmax minus one-hot, scaled."""
        axis = self.axis(x.ndim)
        index = np.expand_dims(target.astype(np.intp), axis)
        result = np.exp(log_softmax(x, axis))
        np.put_along_axis(result, index, np.take_along_axis(result, index, axis) - 1, axis)
        each = self.spread(ybar, target.size)
        return result * (np.expand_dims(each, axis) if self.reduction == "none" else each)


class MseLoss(Loss, frozen=True, tag="mse_loss"):
    """The squared difference of two tensors of one shape."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} · 2({x} − {target})⟦ / {n}⟧", "the derivative of a square is twice its root"),
        Slot("target", "{target̄} += {ȳ} · 2({target} − {x})⟦ / {n}⟧", "the same with the other sign"),
    )
    formula: ClassVar[str] = "{y} = ⟦{Σ} ⟧({x} − {target})²⟦, mean over {n}⟧"

    def infer(self, x: TensorType, target: TensorType) -> TensorType:
        """Both have the same shape."""
        if x.shape != target.shape:
            what = f"x is {shape_text(x.shape)} and target is {shape_text(target.shape)}"
            raise RuleBroken(what, key="target", hint="give both the same shape")
        return self.reduced(x)

    def forward(self, x: Array, target: Array) -> Array:
        """Return the loss."""
        difference = x - target
        return self.reduce(difference * difference)

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Return twice the difference, scaled."""
        return self.spread(ybar, x.size) * (2 * (x - target))

    def vjp_target(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Return twice the difference with the other sign, scaled."""
        return self.spread(ybar, x.size) * (2 * (target - x))
