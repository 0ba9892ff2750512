"""Batch normalisation: per channel, by the statistics of the batch or by running ones.

In training mean and variance depend on x too, and the contribution to x carries two correction terms (Ioffe and
Szegedy 2015, arXiv 1502.03167, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, NamedTuple

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array
from resdebug.ops.channels import affine, combined, moments, scaled, sums, sums_with
from resdebug.ops.memo import Memo
from resdebug.ops.normalisation import CENTRED, CHANNEL, RUNNING, RunningNorm, check_channels
from resdebug.ops.onednn import batch_norm as onednn


class Statistics(NamedTuple):
    """Of a batch, per channel: μ, σ² without epsilon, and 1/σ."""

    mean: Array
    variance: Array
    inverse: Array


_STATISTICS: Final[Memo[Statistics]] = Memo()
"""What the forward pass and three contributions need."""

_SUMS: Final[Memo[tuple[Array, Array]]] = Memo()
"""``Σ ȳ ⊙ x̂`` and ``Σ ȳ``, which all three contributions need."""


class BatchNorm(RunningNorm, frozen=True, tag="batch_norm"):
    """Normalisation per channel (axis 1), by the batch's statistics in training, by running ones in inference: after
    nearly every convolution of a residual network."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", CENTRED, "the batch's mean and variance depend on x too: two terms are taken off"),
        *CHANNEL,
        *RUNNING,
    )
    formula: ClassVar[str] = "{y} = x̂⟦ ⊙ {weight}⟧⟦ + {bias}⟧,  x̂ = ({x} − μ) / σ"
    source: ClassVar[str] = "Ioffe and Szegedy 2015, arXiv 1502.03167, section 3"
    training: Annotated[bool, msgspec.Meta(description="use the statistics of the batch")] = False

    def infer(
        self,
        x: TensorType,
        weight: TensorType | None = None,
        bias: TensorType | None = None,
        running_mean: TensorType | None = None,
        running_var: TensorType | None = None,
    ) -> TensorType:
        """All vectors have one element per channel."""
        vectors = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
        check_channels(x, vectors)
        if not self.training and (running_mean is None or running_var is None):
            what = "inference needs running_mean and running_var"
            raise RuleBroken(what, key="training", hint='give both, or set "training": true')
        if self.training and x.size // max(x.shape[1], 1) < 2:
            what = f"x is {shape_text(x.shape)}: training needs more than one value per channel"
            raise RuleBroken(what, key="x", hint="use a larger batch, or inference with running statistics")
        return x

    def over(self, ndim: int) -> tuple[int, ...] | None:
        """Return all axes but that of the channels, in training."""
        return (0, *range(2, ndim)) if self.training else None

    def own(self, x: Array) -> Statistics:
        """Return the statistics of the batch itself."""
        found = onednn.moments(x, self.eps)
        return self.kept(*(moments(x) if found is None else found))

    def kept(self, mean: Array, variance: Array) -> Statistics:
        """Return statistics read-only: several calls will see them."""
        statistics = Statistics(mean, variance, self.inverse(variance))
        for vector in statistics:
            vector.flags.writeable = False
        return statistics

    def inverse(self, variance: Array) -> Array:
        """Return 1/σ."""
        return np.asarray(1 / np.sqrt(variance + variance.dtype.type(self.eps)))

    def forward(self, x: Array, weight: Array | None, bias: Array | None, *running: Array | None) -> Array:
        """Return ``x̂ ⊙ weight + bias``."""
        if not self.training:
            mean, variance = given(running)
            return affine(x, mean, times(self.inverse(variance), weight), bias)
        found = onednn.normalised(x, weight, bias, self.eps)
        if found is not None:
            y, mean, variance = found
            _STATISTICS.keep(self.kept(mean, variance), x, of=self.eps)
            return y
        own = _STATISTICS.get(self.own, x, of=self.eps)
        return affine(x, own.mean, times(own.inverse, weight), bias)

    def vjp_x(
        self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array | None, *running: Array | None
    ) -> Array:
        """Divide by σ, and take off what mean and variance owe to x where they were taken from it."""
        if not self.training:
            return scaled(ybar, times(self.inverse(given(running)[1]), weight))
        own = _STATISTICS.get(self.own, x, of=self.eps)
        found = onednn.sent(ybar, x, own.mean, own.variance, weight, self.eps)
        if found is not None:
            _SUMS.keep(found[1:], ybar, x, of=self.eps)
            return found[0]
        weighed, plain = _SUMS.get(self.sums, ybar, x, of=self.eps)
        scale, count = times(own.inverse, weight), x.size // max(x.shape[1], 1)
        return combined(ybar, x, scale, own.mean, -scale * own.inverse * weighed / count, -scale * plain / count)

    def vjp_weight(
        self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None, *running: Array | None
    ) -> Array:
        """Sum ``ȳ ⊙ x̂`` per channel."""
        if not self.training:
            mean, variance = given(running)
            return sums_with(ybar, x, mean)[1] * self.inverse(variance)
        return _SUMS.get(self.sums, ybar, x, of=self.eps)[0]

    def vjp_bias(
        self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array, *running: Array | None
    ) -> Array:
        """Sum ``ȳ`` per channel."""
        return sums(ybar) if not self.training else _SUMS.get(self.sums, ybar, x, of=self.eps)[1]

    def sums(self, ybar: Array, x: Array) -> tuple[Array, Array]:
        """Return ``Σ ȳ ⊙ x̂`` and ``Σ ȳ`` per channel, x̂ by the statistics of the batch."""
        own = _STATISTICS.get(self.own, x, of=self.eps)
        found = onednn.sums(ybar, x, own.mean, own.variance, self.eps)
        if found is not None:
            return found
        plain, weighed = sums_with(ybar, x, own.mean)
        return weighed * own.inverse, plain


def given(running: Sequence[Array | None]) -> tuple[Array, Array]:
    """Return running mean and variance."""
    mean, variance = running
    if mean is None or variance is None:
        raise ValueError("batch_norm: there are no running statistics")
    return mean, variance


def times(inverse: Array, weight: Array | None) -> Array:
    """Return ``weight / σ``."""
    return inverse if weight is None else inverse * weight
