"""Losses over classes: where most targets come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import Bound, RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, sum_over
from resdebug.ops.softmaxes import log_softmax, log_softmax_at, probabilities

PROBABLE = "fc"
"""Kinds of elements that are probabilities; others are indices."""

Reduction = Literal["mean", "sum", "none"]


class Loss(Operator, frozen=True):
    """An operator that compares ``x`` with ``target`` and reduces what it finds."""

    generic_words: ClassVar[Mapping[str, str]] = {"n": "n"}
    reduction: Annotated[Reduction, msgspec.Meta(description="what becomes of the single losses")] = "mean"

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


class PairLoss(Loss, frozen=True):
    """A loss of two tensors of one shape."""

    shapes: ClassVar[str] = "x and target of one shape → (), or that shape without reduction"

    def infer(self, x: TensorType, target: TensorType) -> TensorType:
        """Both have the same shape."""
        if x.shape != target.shape:
            what = f"x is {shape_text(x.shape)} and target is {shape_text(target.shape)}"
            raise RuleBroken(what, key="target", hint="give both the same shape")
        return self.reduced(x)


class Picks(NamedTuple):
    """The class of every example (0 where it is ignored), which ones count, how much, and what a mean divides by."""

    right: NDArray[np.intp]
    counted: NDArray[np.bool_]
    share: Array
    divisor: Array


class ClassLoss(Loss, frozen=True):
    """A loss over classes; ``x`` is (N, C, …) or (C)."""

    ignore_index: Annotated[
        int | None, msgspec.Meta(description="examples of this class count for nothing, also outside 0 … C − 1")
    ] = None

    @staticmethod
    def axis(ndim: int) -> int:
        """Return the axis of the classes."""
        return 1 if ndim > 1 else 0

    def check_classes(self, x: TensorType, weight: TensorType | None) -> None:
        """Require classes, and one weight for each. Raises RuleBroken."""
        if not x.shape:
            raise RuleBroken("x is a scalar", key="x", hint="x is (N, C) or (C)")
        count = x.shape[self.axis(len(x.shape))]
        if not count:
            raise RuleBroken(f"x is {shape_text(x.shape)}: there are no classes", key="x")
        if weight is not None and weight.shape != (count,):
            what = f"x is {shape_text(x.shape)} and weight is {shape_text(weight.shape)}"
            raise RuleBroken(what, key="weight", hint=f"one number per class: ({count})")

    def check_indices(self, x: TensorType, target: TensorType) -> TensorType:
        """Require one index per example; return the type of the single losses. Raises RuleBroken."""
        axis = self.axis(len(x.shape))
        expected = x.shape[:axis] + x.shape[axis + 1 :]
        if target.shape != expected:
            what = f"x is {shape_text(x.shape)} and target is {shape_text(target.shape)}"
            hint = f"target holds one class index per example: {shape_text(expected)}"
            raise RuleBroken(what, key="target", hint=hint)
        return x.with_shape(*expected)

    def index_bounds(self, x: TensorType, target: TensorType, weight: TensorType | None = None) -> dict[str, Bound]:
        """A target points at classes."""
        return {"target": Bound(x.shape[self.axis(len(x.shape))], "classes", self.ignore_index)}

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Where weights or ignored examples change what a mean is over, name the sum of weights."""
        words = super().words(inputs)
        weighted = self.ignore_index is not None or (len(inputs) > 2 and inputs[2] is not None)
        target = inputs[1]
        if "n" in words and target is not None and not target.is_float and weighted:
            words["n"] = "(Σ weights)"
        elif "n" in words and target is not None and target.is_float and inputs[0] is not None:
            words["n"] = str(target.size // max(inputs[0].shape[self.axis(len(inputs[0].shape))], 1))
        return words

    def picks(self, x: Array, target: NDArray[Any], weight: Array | None) -> Picks:
        """Return the classes that are right. Raises IndexError for one that does not exist."""
        classes = x.shape[self.axis(x.ndim)]
        counted = np.ones(target.shape, bool) if self.ignore_index is None else np.asarray(target != self.ignore_index)
        outside = ((target < 0) | (target >= classes)) & counted
        if outside.any():
            where = tuple(int(i) for i in np.argwhere(outside)[0])
            place = f"[{', '.join(map(str, where))}]" if where else ""
            raise IndexError(f"target{place} is {int(target[where])}, and there are {classes} classes")
        right = np.where(counted, target, 0).astype(np.intp)
        share = counted.astype(x.dtype) if weight is None else np.where(counted, weight[right], weight.dtype.type(0))
        return Picks(right, counted, share, np.asarray(share.sum()))

    def total(self, losses: Array, divisor: Array) -> Array:
        """Reduce the single losses; a mean divides by the sum of what counts."""
        if self.reduction == "none":
            return losses
        return np.asarray(losses.sum() / divisor if self.reduction == "mean" else losses.sum())


class Truth(NamedTuple):
    """What each class should get, which examples count (broadcast over classes), and what a mean is divided by."""

    parts: Array
    counted: NDArray[np.bool_]
    divisor: Array


class CrossEntropy(ClassLoss, frozen=True, tag="cross_entropy"):
    """Minus the log-probability that softmax gives to what is right: a class, or probabilities of classes."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ} · (⟦{picks}softmax({x}) − onehot({target})⟧⟦{q}softmax({x}) Σ q − q⟧)⟦ / {n}⟧"
            "⟦,  q = {weight} ⊙ {dense}({target})⟧⟦,  q = {bare}({target})⟧",
            "what the network says minus what is true: the log undoes the exponential",
        ),
        Slot(
            "target",
            "{target̄} += −{ȳ}⟦ / {n}⟧ · ⟦{weight} ⊙ ⟧⟦{sharp} · ⟧log softmax({x})",
            "a loss is linear in the probabilities; class indices take no adjoint",
            elements="any",
        ),
        Slot("weight", optional=True),
    )
    formula: ClassVar[str] = (
        "{y} = −⟦{Σ} ⟧⟦{picks}log softmax({x})[{target}]⟧⟦Σ {weight} ⊙ {dense}({target}) ⊙ log softmax({x})⟧"
        "⟦Σ {bare}({target}) ⊙ log softmax({x})⟧⟦, mean over {n}⟧"
    )
    shapes: ClassVar[str] = "x (N, C, …) or (C), target (N, …) of indices or the shape of x, weight (C) → () or (N, …)"
    convention: ClassVar[str] = (
        "class indices count from 0 and take no adjoint; a mean divides by the weights of the right classes, as "
        "PyTorch does; label smoothing mixes in 1/C of all classes; an ignored example sends 0 whatever x is, and a "
        "class of weight 0 costs 0 at probability 0 too (PyTorch: NaN in both)"
    )
    source: ClassVar[str] = "label smoothing: Szegedy et al. 2016, arXiv 1512.00567, section 7"
    generic_words: ClassVar[Mapping[str, str]] = {"n": "n", "picks": ""}
    label_smoothing: Annotated[
        float, msgspec.Meta(ge=0, le=1, description="how much of the truth is spread over all classes")
    ] = 0.0

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Choose between the plain form for class indices and the general one."""
        words = super().words(inputs)
        target = inputs[1]
        weighted = len(inputs) > 2 and inputs[2] is not None
        smooth = "smooth" if self.label_smoothing else ""
        kind = smooth + ("" if target is not None and target.is_float else "onehot")
        if self.label_smoothing:
            words["sharp"] = f"(1 − {self.label_smoothing:g})"
        if kind == "onehot" and not weighted:
            return words | {"picks": ""}
        return words | {"q": "", "dense" if weighted else "bare": kind}

    def infer(self, x: TensorType, target: TensorType, weight: TensorType | None = None) -> TensorType:
        """Target has one index per example, or one probability per class."""
        self.check_classes(x, weight)
        if not target.is_float:
            return self.reduced(self.check_indices(x, target))
        if target.shape != x.shape:
            what = f"x is {shape_text(x.shape)} and target is {shape_text(target.shape)}"
            raise RuleBroken(what, key="target", hint="probabilities have the shape of x; class indices are int64")
        if self.ignore_index is not None and self.ignore_index >= 0:
            what = f"target holds probabilities, and ignore_index is {self.ignore_index}"
            raise RuleBroken(what, key="ignore_index", hint="only class indices can be ignored")
        axis = self.axis(len(x.shape))
        return self.reduced(x.with_shape(*x.shape[:axis], *x.shape[axis + 1 :]))

    def single(self, target: NDArray[Any]) -> bool:
        """Whether one class is right in every example, and no other ever so little."""
        return target.dtype.kind not in PROBABLE and not self.label_smoothing

    def to_single(self, ybar: Array, x: Array, picks: Picks, axis: int, *, weighted: bool) -> Array:
        """Return the contribution to x where one class is right in every example."""
        right, share = np.expand_dims(picks.right, axis), np.expand_dims(picks.share, axis)
        slope = probabilities(x, axis)
        if weighted:
            slope *= share
        np.put_along_axis(slope, right, np.take_along_axis(slope, right, axis) - share, axis)
        slope *= self.each(ybar, picks.divisor, axis)
        if not picks.counted.all():
            # Not by a product with 0: where all examples are ignored, the mean divides by 0.
            np.copyto(slope, x.dtype.type(0), where=~np.expand_dims(picks.counted, axis))
        return slope

    def truth(self, x: Array, target: NDArray[Any], weight: Array | None) -> Truth:
        """Return what is true, weighted, of the shape of x. Raises IndexError."""
        axis = self.axis(x.ndim)
        classes = x.shape[axis]
        scale = np.ones((), dtype=x.dtype) if weight is None else _along(weight, x.ndim, axis)
        even = x.dtype.type(self.label_smoothing / classes)
        if target.dtype.kind in PROBABLE:
            mixed = target * x.dtype.type(1 - self.label_smoothing) + even
            return Truth(mixed * scale, np.ones((), dtype=bool), np.asarray(x.size // classes, dtype=x.dtype))
        picks = self.picks(x, target, weight)
        sharp = np.zeros(x.shape, dtype=x.dtype)
        np.put_along_axis(sharp, np.expand_dims(picks.right, axis), x.dtype.type(1 - self.label_smoothing), axis)
        counted = np.expand_dims(picks.counted, axis)
        return Truth((sharp + even) * counted * scale, counted, picks.divisor)

    def forward(self, x: Array, target: NDArray[Any], weight: Array | None = None) -> Array:
        """Return the loss. Raises IndexError for a class that does not exist."""
        axis = self.axis(x.ndim)
        if self.single(target):
            picks = self.picks(x, target, weight)
            logs = log_softmax_at(x, axis, np.expand_dims(picks.right, axis)).squeeze(axis)
            # 0 · −∞ is nothing here: a class that does not count may have probability 0.
            counted = picks.counted & ((picks.share != 0) | np.isnan(logs))
            return self.total(-np.where(counted, logs * picks.share, x.dtype.type(0)), picks.divisor)
        truth = self.truth(x, target, weight)
        logs = log_softmax(x, axis)
        if target.dtype.kind in PROBABLE:
            return self.total(-sum_over(truth.parts * logs, axis), truth.divisor)
        # A class that is not meant may have probability 0: 0 · −∞ is nothing here.
        meant = ((truth.parts != 0) | np.isnan(logs)) & truth.counted
        product = np.multiply(truth.parts, logs, out=np.zeros_like(logs), where=meant)
        return self.total(-sum_over(product, axis), truth.divisor)

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: NDArray[Any], weight: Array | None = None) -> Array:
        """Return softmax minus what is true, scaled; 0 where an example is ignored."""
        axis = self.axis(x.ndim)
        if self.single(target):
            return self.to_single(ybar, x, self.picks(x, target, weight), axis, weighted=weight is not None)
        truth = self.truth(x, target, weight)
        slope: Array = np.exp(log_softmax(x, axis)) * sum_over(truth.parts, axis, keepdims=True) - truth.parts
        # Not by a product with 0: where all examples are ignored, the mean divides by 0.
        return np.where(truth.counted, slope * self.each(ybar, truth.divisor, axis), x.dtype.type(0))

    def vjp_target(self, ybar: Array, y: Array, x: Array, target: Array, weight: Array | None = None) -> Array:
        """Return minus the log-probabilities, scaled."""
        axis = self.axis(x.ndim)
        scale = np.ones((), dtype=x.dtype) if weight is None else _along(weight, x.ndim, axis)
        logs = log_softmax(x, axis) * (scale * x.dtype.type(1 - self.label_smoothing))
        return -logs * self.each(ybar, np.asarray(x.size // x.shape[axis], dtype=x.dtype), axis)

    def each(self, ybar: Array, divisor: Array, axis: int) -> Array:
        """Return the adjoint of each single loss, broadcast over the classes."""
        if self.reduction == "none":
            return np.expand_dims(ybar, axis)
        return np.asarray(ybar / divisor) if self.reduction == "mean" else ybar


class NllLoss(ClassLoss, frozen=True, tag="nll_loss"):
    """Minus the log-probability of the right class, from log-probabilities."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += −{ȳ} · ⟦{weight} ⊙ ⟧onehot({target})⟦ / {n}⟧",
            "only the right class had any influence",
        ),
        Slot("target", elements="integer"),
        Slot("weight", optional=True),
    )
    formula: ClassVar[str] = "{y} = −⟦{Σ} ⟧⟦{weight}[{target}] ⊙ ⟧{x}[{target}]⟦, mean over {n}⟧"
    shapes: ClassVar[str] = "x (N, C, …) or (C), target (N, …) of indices, weight (C) → () or (N, …)"
    convention: ClassVar[str] = (
        "class indices count from 0 and take no adjoint; a mean divides by the weights of the right classes; "
        "an ignored example sends 0"
    )

    def infer(self, x: TensorType, target: TensorType, weight: TensorType | None = None) -> TensorType:
        """Target has one index per example."""
        self.check_classes(x, weight)
        return self.reduced(self.check_indices(x, target))

    def forward(self, x: Array, target: NDArray[Any], weight: Array | None = None) -> Array:
        """Return the loss. Raises IndexError for a class that does not exist."""
        axis = self.axis(x.ndim)
        picks = self.picks(x, target, weight)
        picked = np.take_along_axis(x, np.expand_dims(picks.right, axis), axis).squeeze(axis)
        return self.total(-np.where(picks.counted, picked * picks.share, x.dtype.type(0)), picks.divisor)

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: NDArray[Any], weight: Array | None = None) -> Array:
        """Give ``−ȳ`` to the right class."""
        axis = self.axis(x.ndim)
        picks = self.picks(x, target, weight)
        sent = -ybar * picks.share / (picks.divisor if self.reduction == "mean" else 1)
        kept = np.where(picks.counted, sent, ybar.dtype.type(0))
        result = np.zeros(x.shape, dtype=ybar.dtype)
        np.put_along_axis(result, np.expand_dims(picks.right, axis), np.expand_dims(kept, axis), axis)
        return result


def _along(weight: Array, ndim: int, axis: int) -> Array:
    """Return one number per class, to be broadcast over a tensor whose classes lie along ``axis``."""
    return weight.reshape(-1, *(1,) * (ndim - axis - 1))
