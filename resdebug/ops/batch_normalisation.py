"""Batch normalisation: per channel, by the statistics of the batch or by running ones.

In training mean and variance depend on x too, and the contribution to x carries two correction terms (Ioffe and
Szegedy 2015, arXiv 1502.03167, section 3).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array
from resdebug.ops.channels import affine, combined, moments, scaled, sums_with
from resdebug.ops.memo import Memo
from resdebug.ops.normalisation import CENTRED, CHANNEL, RUNNING, RunningNorm, check_channels

_STATISTICS: Final[Memo[tuple[Array, Array]]] = Memo()
"""μ and 1/σ, which the forward pass and three contributions need."""

_SUMS: Final[Memo[tuple[Array, Array]]] = Memo()
"""Sums over an adjoint, which all three contributions need."""


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

    def statistics(self, x: Array, *running: Array | None) -> tuple[Array, Array]:
        """Return μ and 1/σ per channel."""
        if self.training:
            return _STATISTICS.get(self.own, x, of=self.eps)
        mean, variance = running
        if mean is None or variance is None:
            raise ValueError("batch_norm: there are no running statistics")
        return mean, self.inverse(variance)

    def own(self, x: Array) -> tuple[Array, Array]:
        """Return μ and 1/σ of the batch itself."""
        mean, variance = moments(x)
        inverse = self.inverse(variance)
        inverse.flags.writeable = False
        return mean, inverse

    def inverse(self, variance: Array) -> Array:
        """Return 1/σ."""
        return np.asarray(1 / np.sqrt(variance + variance.dtype.type(self.eps)))

    def forward(self, x: Array, weight: Array | None, bias: Array | None, *running: Array | None) -> Array:
        """Return ``x̂ ⊙ weight + bias``."""
        mean, inverse = self.statistics(x, *running)
        return affine(x, mean, inverse if weight is None else inverse * weight, bias)

    def vjp_x(
        self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array | None, *running: Array | None
    ) -> Array:
        """Divide by σ, and take off what mean and variance owe to x where they were taken from it."""
        mean, inverse = self.statistics(x, *running)
        scale = inverse if weight is None else inverse * weight
        if not self.training:
            return scaled(ybar, scale)
        plain, weighed = _SUMS.get(sums_with, ybar, x, mean)
        count = x.size // max(x.shape[1], 1)
        return combined(ybar, x, scale, mean, -scale * inverse * inverse * weighed / count, -scale * plain / count)

    def vjp_weight(
        self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None, *running: Array | None
    ) -> Array:
        """Sum ``ȳ ⊙ x̂`` per channel."""
        mean, inverse = self.statistics(x, *running)
        return np.asarray(_SUMS.get(sums_with, ybar, x, mean)[1] * inverse)

    def vjp_bias(
        self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array, *running: Array | None
    ) -> Array:
        """Sum ``ȳ`` per channel."""
        return _SUMS.get(sums_with, ybar, x, self.statistics(x, *running)[0])[0]
