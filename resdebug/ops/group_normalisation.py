"""Normalisation within groups of channels, within a channel, and by the root mean square."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, sum_over, unbroadcast
from resdebug.ops.normalisation import (
    CENTRED,
    Epsilon,
    NormalizedShape,
    but_channels,
    check_channels,
    check_tail,
    per_channel,
    standardised,
    standardised_vjp,
)  # fmt: skip
from resdebug.ops.windows import Positive

_OWED = "mean and variance of a group depend on x too: two terms are taken off"
_CHANNEL = (
    Slot("weight", "{weight̄} += Σ {ȳ} ⊙ x̂ over all but channels", "a channel's scale met every x̂ in it", optional=True),
    Slot("bias", "{bias̄} += Σ {ȳ} over all but channels", "the shift was added at every place", optional=True),
)


class GroupNorm(Operator, frozen=True, tag="group_norm"):
    """Normalisation over groups of channels, each example by itself."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", CENTRED, _OWED), *_CHANNEL)
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

    def normal(self, x: Array) -> tuple[Array, Array]:
        """Return x̂ and 1/σ, by groups: (N, groups, elements)."""
        return standardised(self.grouped(x, x), (2,), self.eps)

    def grouped(self, array: Array, x: Array) -> Array:
        """Return an array of the shape of ``x`` as (N, groups, elements of a group)."""
        return array.reshape(x.shape[0], self.num_groups, math.prod(x.shape[1:]) // self.num_groups)

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        """Return ``x̂ ⊙ weight + bias``."""
        y = self.normal(x)[0].reshape(x.shape)
        if weight is not None:
            y = y * per_channel(weight, x)
        return y if bias is None else y + per_channel(bias, x)

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array | None) -> Array:
        """Divide by σ and take off what mean and variance owe to x."""
        normal, inverse = self.normal(x)
        scaled = ybar if weight is None else ybar * per_channel(weight, x)
        return standardised_vjp(self.grouped(scaled, x), normal, inverse, (2,)).reshape(x.shape)

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Sum ``ȳ ⊙ x̂`` per channel."""
        return sum_over(ybar * self.normal(x)[0].reshape(x.shape), but_channels(x))

    def vjp_bias(self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array) -> Array:
        """Sum ``ȳ`` per channel."""
        return sum_over(ybar, but_channels(x))


class InstanceNorm(Operator, frozen=True, tag="instance_norm"):
    """Normalisation over the places of each channel of each example, or by running statistics."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", CENTRED, _OWED),
        *_CHANNEL,
        Slot("running_mean", optional=True),
        Slot("running_var", optional=True),
    )
    formula: ClassVar[str] = "{y} = x̂⟦ ⊙ {weight}⟧⟦ + {bias}⟧,  x̂ = ({x} − μ) / σ in each channel"
    shapes: ClassVar[str] = "x (N, C, …), all vectors (C) → (N, C, …)"
    convention: ClassVar[str] = "the variance is the biased one; running statistics take no adjoint and are not updated"
    source: ClassVar[str] = "Ulyanov et al. 2016, arXiv 1607.08022"
    use_input_stats: Annotated[bool, msgspec.Meta(description="false: use the running statistics")] = True
    eps: Epsilon = 1e-5

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

    def slot(self, position: int, count: int) -> Slot:
        """Return a slot; with running statistics μ and σ are constants, and x gets ``ȳ`` scaled."""
        if position == 0 and not self.use_input_stats:
            return Slot("x", "{x̄} += ⟦{weight} ⊙ ⟧{ȳ} / σ", "running μ and σ are constants: only scales remain")
        return self.slots[position]

    def normal(self, x: Array, running_mean: Array | None, running_var: Array | None) -> tuple[Array, Array]:
        """Return x̂ and 1/σ."""
        if self.use_input_stats or running_mean is None or running_var is None:
            return standardised(x, tuple(range(2, x.ndim)), self.eps)
        inverse = 1 / np.sqrt(per_channel(running_var, x) + x.dtype.type(self.eps))
        return (x - per_channel(running_mean, x)) * inverse, inverse

    def forward(self, x: Array, weight: Array | None, bias: Array | None, *running: Array | None) -> Array:
        """Return ``x̂ ⊙ weight + bias``."""
        y, _ = self.normal(x, *running)
        if weight is not None:
            y = y * per_channel(weight, x)
        return y if bias is None else y + per_channel(bias, x)

    def vjp_x(
        self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array | None, *running: Array | None
    ) -> Array:
        """Divide by σ; with the input's own statistics also take off what they owe to x."""
        normal, inverse = self.normal(x, *running)
        scaled = ybar if weight is None else ybar * per_channel(weight, x)
        if not self.use_input_stats:
            return scaled * inverse
        return standardised_vjp(scaled, normal, inverse, tuple(range(2, x.ndim)))

    def vjp_weight(
        self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None, *running: Array | None
    ) -> Array:
        """Sum ``ȳ ⊙ x̂`` per channel."""
        return sum_over(ybar * self.normal(x, *running)[0], but_channels(x))

    def vjp_bias(
        self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array, *running: Array | None
    ) -> Array:
        """Sum ``ȳ`` per channel."""
        return sum_over(ybar, but_channels(x))


class RmsNorm(Operator, frozen=True, tag="rms_norm"):
    """Division by the root mean square over the last axes; no mean is taken off."""

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
    normalized_shape: NormalizedShape
    eps: Annotated[Annotated[float, msgspec.Meta(ge=0)] | None, msgspec.Meta(description="added under the root")] = None

    @property
    def tail(self) -> tuple[int, ...]:
        """The shape that is normalised over."""
        given = self.normalized_shape
        return (given,) if isinstance(given, int) else tuple(given)

    def infer(self, x: TensorType, weight: TensorType | None = None) -> TensorType:
        """The last axes of x, and the shape of weight, are ``normalized_shape``."""
        check_tail(x, self.tail, {"weight": weight})
        return x

    def normal(self, x: Array) -> tuple[Array, Array]:
        """Return x̂ and 1/r."""
        eps = np.finfo(x.dtype).eps if self.eps is None else self.eps
        axes = tuple(range(-len(self.tail), 0))
        inverse: Array = 1 / np.sqrt(np.mean(x * x, axis=axes, keepdims=True) + x.dtype.type(eps))
        return x * inverse, inverse

    def forward(self, x: Array, weight: Array | None) -> Array:
        """Return ``x̂ ⊙ weight``."""
        y, _ = self.normal(x)
        return y if weight is None else y * weight

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array | None) -> Array:
        """Divide by r and take off what r owes to x."""
        normal, inverse = self.normal(x)
        scaled = ybar if weight is None else ybar * weight
        slope: Array = np.mean(scaled * normal, axis=tuple(range(-len(self.tail), 0)), keepdims=True)
        return (scaled - normal * slope) * inverse

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array) -> Array:
        """Sum ``ȳ ⊙ x̂`` over all rows."""
        return unbroadcast(ybar * self.normal(x)[0], weight.shape)
