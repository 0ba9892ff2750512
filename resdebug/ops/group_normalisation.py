"""Normalisation within groups of channels, within a channel, and by the root mean square."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, unbroadcast
from resdebug.ops.normalisation import (
    CENTRED,
    CHANNEL,
    RUNNING,
    ChannelNorm,
    Epsilon,
    RunningNorm,
    TailNorm,
    check_channels,
    check_tail,
    mean_over,
    standardised,
    standardised_vjp,
)
from resdebug.ops.windows import Positive


class GroupNorm(ChannelNorm, frozen=True, tag="group_norm"):
    """Normalisation over groups of channels, each example by itself: where batches are small, as in detection."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", CENTRED, "mean and variance of a group depend on x too: two terms are taken off"),
        *CHANNEL,
    )
    formula: ClassVar[str] = "{y} = x̂⟦ ⊙ {weight}⟧⟦ + {bias}⟧,  x̂ = ({x} − μ) / σ in {num_groups} groups"
    shapes: ClassVar[str] = "x (N, C, …), weight (C), bias (C) → (N, C, …)"
    convention: ClassVar[str] = "the variance is the biased one"
    source: ClassVar[str] = "Wu and He 2018, arXiv 1803.08494"
    num_groups: Annotated[Positive, msgspec.Meta(description="how many groups the channels make")]
    eps: Epsilon = 1e-5

    def infer(self, x: TensorType, weight: TensorType | None = None, bias: TensorType | None = None) -> TensorType:
        """The groups divide the channels, and are not empty."""
        check_channels(x, {"weight": weight, "bias": bias})
        if x.shape[1] % self.num_groups:
            what = f"x is {shape_text(x.shape)}: {self.num_groups} groups do not divide {x.shape[1]} channels"
            raise RuleBroken(what, key="num_groups", hint="use a divisor of the channels")
        if 0 in x.shape[1:]:
            raise RuleBroken(f"x is {shape_text(x.shape)}: a group is empty", key="x", hint="channels and places > 0")
        return x

    def grouped(self, array: Array) -> Array:
        """Return an array of the shape of ``x`` as (N, groups, elements of a group)."""
        return array.reshape(len(array), self.num_groups, math.prod(array.shape[1:]) // self.num_groups)

    def normal(self, x: Array, *running: Array | None) -> tuple[Array, Array]:
        """Return x̂, and 1/σ of every group."""
        normal, inverse = standardised(self.grouped(x), (2,), self.eps)
        return normal.reshape(x.shape), inverse

    def send(self, scaled: Array, normal: Array, inverse: Array) -> Array:
        """Divide by σ and take off what mean and variance owe to x."""
        sent = standardised_vjp(self.grouped(scaled), self.grouped(normal), inverse, (2,))
        return sent.reshape(scaled.shape)


class InstanceNorm(RunningNorm, frozen=True, tag="instance_norm"):
    """Normalisation over the places of each channel of each example, or by running statistics: in style transfer."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", CENTRED, "mean and variance of a channel depend on x too: two terms are taken off"),
        *CHANNEL,
        *RUNNING,
    )
    formula: ClassVar[str] = "{y} = x̂⟦ ⊙ {weight}⟧⟦ + {bias}⟧,  x̂ = ({x} − μ) / σ in each channel"
    source: ClassVar[str] = "Ulyanov et al. 2016, arXiv 1607.08022"
    use_input_stats: Annotated[bool, msgspec.Meta(description="false: use the running statistics")] = True

    def infer(
        self,
        x: TensorType,
        weight: TensorType | None = None,
        bias: TensorType | None = None,
        running_mean: TensorType | None = None,
        running_var: TensorType | None = None,
    ) -> TensorType:
        """There is more than one place, or there are running statistics."""
        vectors = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
        check_channels(x, vectors)
        if not self.use_input_stats and (running_mean is None or running_var is None):
            what = "without use_input_stats it needs running_mean and running_var"
            raise RuleBroken(what, key="use_input_stats", hint='give both, or set "use_input_stats": true')
        if self.use_input_stats and math.prod(x.shape[2:]) < 2:
            what = f"x is {shape_text(x.shape)}: it needs more than one place per channel"
            raise RuleBroken(what, key="x", hint="use a larger image")
        return x

    def over(self, ndim: int) -> tuple[int, ...] | None:
        """Return the axes of the places, where the input's statistics are used."""
        return tuple(range(2, ndim)) if self.use_input_stats else None


class RmsNorm(TailNorm, frozen=True, tag="rms_norm"):
    """Division by the root mean square over the last axes; no mean is taken off: in language models."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x", "{x̄} += (g − x̂ ⊙ mean(g ⊙ x̂)) / r,  g = ⟦{weight} ⊙ ⟧{ȳ}", "r depends on x too: one term is taken off"
        ),
        Slot("weight", "{weight̄} += Σ {ȳ} ⊙ x̂ over rows", "the scale met every x̂", optional=True),
    )
    formula: ClassVar[str] = "{y} = x̂⟦ ⊙ {weight}⟧,  x̂ = {x} / r,  r = √(mean({x}²) + ε)"
    shapes: ClassVar[str] = "x (…, normalized_shape), weight (normalized_shape) → the shape of x"
    convention: ClassVar[str] = "eps null is the machine epsilon of the element type"
    source: ClassVar[str] = "Zhang and Sennrich 2019, arXiv 1910.07467"
    eps: Annotated[Annotated[float, msgspec.Meta(ge=0)] | None, msgspec.Meta(description="added under the root")] = None

    def infer(self, x: TensorType, weight: TensorType | None = None) -> TensorType:
        """The last axes of x, and the shape of weight, are ``normalized_shape``."""
        check_tail(x, self.tail, {"weight": weight})
        return x

    def normal(self, x: Array) -> tuple[Array, Array]:
        """Return x̂ and 1/r."""
        eps = np.finfo(x.dtype).eps if self.eps is None else self.eps
        inverse: Array = 1 / np.sqrt(mean_over(x * x, self.axes) + x.dtype.type(eps))
        return x * inverse, inverse

    def forward(self, x: Array, weight: Array | None) -> Array:
        """Return ``x̂ ⊙ weight``."""
        y, _ = self.normal(x)
        return y if weight is None else y * weight

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array | None) -> Array:
        """Divide by r and take off what r owes to x."""
        normal, inverse = self.normal(x)
        scaled = ybar if weight is None else ybar * weight
        return (scaled - normal * mean_over(scaled * normal, self.axes)) * inverse

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array) -> Array:
        """Sum ``ȳ ⊙ x̂`` over all rows."""
        return unbroadcast(ybar * self.normal(x)[0], weight.shape)
