"""Losses of yes-or-no answers, and of distributions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.activations import logistic
from resdebug.ops.base import Array
from resdebug.ops.losses import PairLoss

LOWEST = -100.0
"""PyTorch's bound for the logarithm of a probability of 0."""

KlReduction = Annotated[
    Literal["mean", "batchmean", "sum", "none"], msgspec.Meta(description="what becomes of the single losses")
]

SMALLEST = 1e-12
"""PyTorch's bound for the denominator p (1 − p)."""


class WeightedLoss(PairLoss, frozen=True):
    """A loss of two tensors of one shape, perhaps weighted element by element."""

    shapes: ClassVar[str] = "x and target of one shape, weight broadcast to it → (), or that shape without reduction"

    def infer(self, x: TensorType, target: TensorType, weight: TensorType | None = None) -> TensorType:
        """Both have the same shape, and the weight broadcasts to it."""
        output = super().infer(x, target)
        if weight is not None and not _stretches(weight.shape, x.shape):
            what = f"x is {shape_text(x.shape)} and weight is {shape_text(weight.shape)}"
            raise RuleBroken(what, key="weight", hint="the weight must broadcast to the shape of x")
        return output


def _stretches(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def _weighted(array: Array, weight: Array | None) -> Array:
    return array if weight is None else array * weight


class BinaryCrossEntropy(WeightedLoss, frozen=True, tag="binary_cross_entropy"):
    """Minus the log-probability of the right answer, from probabilities: in classifiers of two classes."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ}⟦ / {n}⟧ · ⟦{weight} ⊙ ⟧({x} − {target}) ⊘ ({x} ⊙ (1 − {x}))",
            "the derivative of −t log p − (1 − t) log(1 − p)",
        ),
        Slot(
            "target",
            "{target̄} += {ȳ} · ⟦{weight} ⊙ ⟧(log(1 − {x}) − log {x})⟦ / {n}⟧",
            "the loss is linear in the target",
        ),
        Slot("weight", optional=True),
    )
    formula: ClassVar[str] = (
        "{y} = −⟦{Σ} ⟧⟦{weight} ⊙ ⟧({target} ⊙ log {x} + (1 − {target}) ⊙ log(1 − {x}))⟦, mean over {n}⟧"
    )
    convention: ClassVar[str] = (
        "x below 0 or above 1 gives NaN; logarithms are at least −100, and x (1 − x) at least 1e-12, as in PyTorch, "
        "but also in what target gets, where PyTorch has ±∞"
    )

    def logs(self, x: Array) -> tuple[Array, Array]:
        """Return ``log x`` and ``log(1 − x)``, bounded."""
        low = x.dtype.type(LOWEST)
        with np.errstate(divide="ignore"):
            return np.maximum(np.log(x), low), np.maximum(np.log1p(-x), low)

    def forward(self, x: Array, target: Array, weight: Array | None = None) -> Array:
        """Return the loss."""
        yes, no = self.logs(x)
        return self.reduce(_weighted(-(target * yes + (1 - target) * no), weight))

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: Array, weight: Array | None = None) -> Array:
        """Return ``(x − t) / (x (1 − x))``, scaled."""
        slope: Array = (x - target) / np.maximum(x * (1 - x), x.dtype.type(SMALLEST))
        return self.spread(ybar, x.size) * _weighted(slope, weight)

    def vjp_target(self, ybar: Array, y: Array, x: Array, target: Array, weight: Array | None = None) -> Array:
        """Return ``log(1 − x) − log x``, scaled."""
        yes, no = self.logs(x)
        return self.spread(ybar, x.size) * _weighted(no - yes, weight)


class BinaryCrossEntropyWithLogits(WeightedLoss, frozen=True, tag="binary_cross_entropy_with_logits"):
    """Minus the log-probability of the right answer, from scores: sigmoid and logarithm in one, without overflow."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ} · ⟦{weight} ⊙ ⟧(σ({x}) − {target})⟦ / {n}⟧",
            "what the network says minus what is true: the log undoes the exponential",
        ),
        Slot("target", "{target̄} += −{ȳ} · ⟦{weight} ⊙ ⟧{x}⟦ / {n}⟧", "the loss is linear in the target"),
        Slot("weight", optional=True),
    )
    formula: ClassVar[str] = (
        "{y} = −⟦{Σ} ⟧⟦{weight} ⊙ ⟧({target} ⊙ log σ({x}) + (1 − {target}) ⊙ log σ(−{x}))⟦, mean over {n}⟧"
    )

    def forward(self, x: Array, target: Array, weight: Array | None = None) -> Array:
        """Return ``(1[x > 0] − t) x + log(1 + exp(−|x|))``, reduced."""
        losses: Array = np.where(x > 0, 1 - target, -target) * x + np.log1p(np.exp(-np.abs(x)))
        return self.reduce(_weighted(losses, weight))

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: Array, weight: Array | None = None) -> Array:
        """Return ``σ(x) − t``, scaled."""
        return self.spread(ybar, x.size) * _weighted(logistic(x) - target, weight)

    def vjp_target(self, ybar: Array, y: Array, x: Array, target: Array, weight: Array | None = None) -> Array:
        """Return ``−x``, scaled."""
        return self.spread(ybar, x.size) * _weighted(-x, weight)


class KlDiv(PairLoss, frozen=True, tag="kl_div"):
    """The Kullback-Leibler divergence of ``target`` from ``x``, which holds log-probabilities: in variational
    autoencoders, and where one network learns from another."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += −{ȳ} · ⟦{plain}{target}⟧⟦{logs}exp({target})⟧⟦ / {n}⟧", "the loss is linear in x"),
        Slot(
            "target",
            "{target̄} += {ȳ} · ⟦{plain}(log {target} + 1 − {x})⟧⟦{logs}exp({target}) ⊙ ({target} + 1 − {x})⟧⟦ / {n}⟧",
            "the product rule",
        ),
    )
    formula: ClassVar[str] = (
        "{y} = ⟦{Σ} ⟧⟦{plain}{target} ⊙ (log {target} − {x})⟧⟦{logs}exp({target}) ⊙ ({target} − {x})⟧⟦, mean over {n}⟧"
    )
    convention: ClassVar[str] = (
        "0 · log 0 is 0; a target of 0 takes no adjoint (PyTorch: NaN); batchmean sums and divides by the first axis"
    )
    source: ClassVar[str] = "Kullback and Leibler 1951, Annals of Mathematical Statistics 22"
    generic_words: ClassVar[dict[str, str]] = {"n": "n", "plain": ""}
    reduction: KlReduction = "mean"  # type: ignore[assignment] # one word more than other losses have
    log_target: Annotated[bool, msgspec.Meta(description="target holds log-probabilities too")] = False

    def words(self, inputs: Any) -> dict[str, str]:
        """Choose the form; a mean over the batch divides by the first axis."""
        words = super().words(inputs)
        if self.reduction == "batchmean" and inputs[0] is not None and inputs[0].shape:
            words |= {"Σ": "Σ", "n": str(inputs[0].shape[0])}
        return words | {"logs" if self.log_target else "plain": ""}

    def infer(self, x: TensorType, target: TensorType) -> TensorType:
        """Both have the same shape; a mean over the batch needs one."""
        output = super().infer(x, target)
        if self.reduction == "batchmean" and (not x.shape or not x.shape[0]):
            raise RuleBroken(f"x is {shape_text(x.shape)}: there is no batch", key="x", hint='use reduction "sum"')
        return output

    def forward(self, x: Array, target: Array) -> Array:
        """Return the divergence."""
        if self.log_target:
            losses: Array = np.exp(target) * (target - x)
        else:
            zero = target == 0
            logs = np.log(target, out=np.zeros_like(target), where=~zero)
            losses = target * logs - target * x
        if self.reduction == "batchmean":
            return np.asarray(losses.sum() / len(x))
        return self.reduce(losses)

    def each(self, ybar: Array, x: Array) -> Array:
        """Return the adjoint of each single loss."""
        return ybar / len(x) if self.reduction == "batchmean" else self.spread(ybar, x.size)

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Return minus the target's probabilities, scaled."""
        return self.each(ybar, x) * -(np.exp(target) if self.log_target else target)

    def vjp_target(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Apply the product rule; a probability of 0 takes no adjoint."""
        if self.log_target:
            slope: Array = np.exp(target) * (target + 1 - x)
        else:
            zero = target == 0
            slope = np.where(zero, x.dtype.type(0), np.log(target, out=np.zeros_like(target), where=~zero) + 1 - x)
        return self.each(ybar, x) * slope


class HingeLoss(PairLoss, frozen=True, tag="hinge_loss"):
    """How far an answer is from being right by a margin; target is 1 or −1: in support vector machines."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += −{ȳ} · {target} ⊙ 1[{target} ⊙ {x} < {margin}]⟦ / {n}⟧",
            "an answer that is right by the margin costs nothing and has no influence",
        ),
        Slot(
            "target",
            "{target̄} += −{ȳ} · {x} ⊙ 1[{target} ⊙ {x} < {margin}]⟦ / {n}⟧",
            "the same with x and target exchanged",
        ),
    )
    formula: ClassVar[str] = "{y} = ⟦{Σ} ⟧max({margin} − {target} ⊙ {x}, 0)⟦, mean over {n}⟧"
    convention: ClassVar[str] = "the slope is 0 at the margin itself"
    source: ClassVar[str] = "Cortes and Vapnik 1995, Machine Learning 20"
    margin: Annotated[float, msgspec.Meta(description="by how much an answer is to be right")] = 1.0

    def short(self, x: Array, target: Array) -> Array:
        """Return by how much each answer falls short of the margin."""
        return np.maximum(x.dtype.type(self.margin) - target * x, x.dtype.type(0))

    def forward(self, x: Array, target: Array) -> Array:
        """Return the loss."""
        return self.reduce(self.short(x, target))

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Return minus the target where the answer falls short."""
        return self.spread(ybar, x.size) * np.where(self.short(x, target) == 0, x.dtype.type(0), -target)

    def vjp_target(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Return minus x where the answer falls short."""
        return self.spread(ybar, x.size) * np.where(self.short(x, target) == 0, x.dtype.type(0), -x)


class HingeEmbeddingLoss(PairLoss, frozen=True, tag="hinge_embedding_loss"):
    """The distance x of a pair that belongs together (target 1), or what it lacks to a margin (target −1): in metric
    learning."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ} · (1[{target} ≠ −1] − 1[{target} ≠ 1] ⊙ 1[{x} ≤ {margin}])⟦ / {n}⟧",
            "a distance that counts has slope 1, one that is to grow −1, up to the margin",
        ),
        Slot("target"),
    )
    formula: ClassVar[str] = (
        "{y} = ⟦{Σ} ⟧({x} ⊙ 1[{target} ≠ −1] + max({margin} − {x}, 0) ⊙ 1[{target} ≠ 1])⟦, mean over {n}⟧"
    )
    convention: ClassVar[str] = (
        "at the margin itself the slope is −1; a target that is neither 1 nor −1 counts as both; target takes no "
        "adjoint; all as in PyTorch"
    )
    margin: Annotated[float, msgspec.Meta(description="how far apart a pair of target −1 is to be")] = 1.0

    def forward(self, x: Array, target: Array) -> Array:
        """Return the loss."""
        zero = x.dtype.type(0)
        apart = np.where(target != 1, np.maximum(x.dtype.type(self.margin) - x, zero), zero)
        return self.reduce(np.where(target != -1, x, zero) + apart)

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Return 1 for what is to be near, −1 for what is to be further; where x is NaN nobody knows that it is far."""
        near = ~(x > x.dtype.type(self.margin)) & (target != 1)
        slope: Array = (target != -1).astype(x.dtype) - near
        return self.spread(ybar, x.size) * slope
