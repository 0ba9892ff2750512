"""Normalisation: subtract a mean, divide by a standard deviation, scale and shift.

Where mean and variance are taken from the tensor itself they depend on it too, and the contribution to x carries two
correction terms (Ioffe and Szegedy 2015, arXiv 1502.03167, section 3; Ba et al. 2016, arXiv 1607.06450).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, sum_over, unbroadcast
from resdebug.ops.memo import Memo
from resdebug.ops.onednn import rows as onednn
from resdebug.ops.windows import NonNegative

Epsilon = Annotated[float, msgspec.Meta(ge=0, description="added to the variance")]
NormalizedShape = Annotated[NonNegative | list[NonNegative], msgspec.Meta(description="sizes of the last axes")]

CENTRED = "{x̄} += (g − mean(g) − x̂ ⊙ mean(g ⊙ x̂)) / σ,  g = ⟦{weight} ⊙ ⟧{ȳ}"
"""What goes back through a normalisation by its own mean and variance."""

CHANNEL: Final = (
    Slot("weight", "{weight̄} += Σ {ȳ} ⊙ x̂ over all but channels", "a channel's scale met every x̂ in it", optional=True),
    Slot("bias", "{bias̄} += Σ {ȳ} over all but channels", "the shift was added at every place", optional=True),
)
RUNNING: Final = (Slot("running_mean", optional=True), Slot("running_var", optional=True))


def check_channels(x: TensorType, vectors: Mapping[str, TensorType | None]) -> None:
    """Require (N, C, …) and one number per channel in every vector. Raises RuleBroken."""
    if len(x.shape) < 2:
        raise RuleBroken(f"x is {shape_text(x.shape)}", key="x", hint="it takes (N, C, ...)")
    for key, vector in vectors.items():
        if vector is not None and vector.shape != x.shape[1:2]:
            what = f"x is {shape_text(x.shape)} and {key} is {shape_text(vector.shape)}"
            raise RuleBroken(what, key=key, hint=f"one number per channel: ({x.shape[1]})")


def check_tail(x: TensorType, tail: tuple[int, ...], vectors: Mapping[str, TensorType | None]) -> None:
    """Require that the last axes of x, and the shapes of the vectors, are ``tail``. Raises RuleBroken."""
    if not tail or x.shape[len(x.shape) - len(tail) :] != tail or len(x.shape) < len(tail) or 0 in tail:
        what = f"x is {shape_text(x.shape)}, whose last axes are not normalized_shape {shape_text(tail)}"
        raise RuleBroken(what, key="normalized_shape", hint="name the sizes of the axes to normalise over")
    for key, vector in vectors.items():
        if vector is not None and vector.shape != tail:
            what = f"{key} is {shape_text(vector.shape)}, normalized_shape {shape_text(tail)}"
            raise RuleBroken(what, key=key, hint="they must be equal")


def mean_over(x: Array, axes: tuple[int, ...]) -> Array:
    """Return the mean over ``axes``, which are kept; with the care that sums over many rows need."""
    mean: Array = sum_over(x, axes, keepdims=True) / math.prod(x.shape[axis] for axis in axes)
    return mean


_STATISTICS: Final[Memo[tuple[Array, ...] | None]] = Memo()
"""Mean and variance of every row, where they are taken beforehand."""

_SUMS: Final[Memo[tuple[Array, ...]]] = Memo()
"""Sums over an adjoint that two contributions of a layer normalisation are."""


def standardised(x: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, Array]:
    """Return ``x̂ = (x − μ) / σ`` and ``1 / σ`` over ``axes``, with ``σ = √(var + eps)`` and the biased variance."""
    centred = x - mean_over(x, axes)
    variance = mean_over(centred * centred, axes)
    inverse = 1 / np.sqrt(variance + x.dtype.type(eps))
    return centred * inverse, inverse


def standardised_vjp(scaled: Array, normal: Array, inverse: Array, axes: tuple[int, ...]) -> Array:
    """Return the contribution to x from ``scaled``, the adjoint of x̂: ``(s − mean s − x̂ · mean(s ⊙ x̂)) / σ``."""
    return (scaled - mean_over(scaled, axes) - normal * mean_over(scaled * normal, axes)) * inverse


def but_channels(x: Array) -> tuple[int, ...]:
    """Return all axes but that of the channels."""
    return (0, *range(2, x.ndim))


def per_channel(vector: Array, x: Array) -> Array:
    """Return one number per channel, to be broadcast over ``x``."""
    return vector.reshape(-1, *(1,) * (x.ndim - 2))


class ChannelNorm(Operator, frozen=True):
    """A normalisation of (N, C, …) with one scale and one shift per channel; a subclass says by which statistics."""

    def normal(self, x: Array, *running: Array | None) -> tuple[Array, Array]:
        """Return x̂, of the shape of ``x``, and 1/σ."""
        raise NotImplementedError

    def send(self, scaled: Array, normal: Array, inverse: Array) -> Array:
        """Return the contribution to x from ``scaled``, the adjoint of x̂."""
        raise NotImplementedError

    def forward(self, x: Array, weight: Array | None, bias: Array | None, *running: Array | None) -> Array:
        """Return ``x̂ ⊙ weight + bias``."""
        y, _ = self.normal(x, *running)
        if weight is not None:
            y = y * per_channel(weight, x)
        return y if bias is None else y + per_channel(bias, x)

    def vjp_x(
        self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array | None, *running: Array | None
    ) -> Array:
        """Divide by σ, and take off what mean and variance owe to x where they were taken from it."""
        return self.send(ybar if weight is None else ybar * per_channel(weight, x), *self.normal(x, *running))

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


class RunningNorm(ChannelNorm, frozen=True):
    """A normalisation by statistics of its input, or by those that were kept while training."""

    convention: ClassVar[str] = "the variance is the biased one; running statistics take no adjoint and are not updated"
    shapes: ClassVar[str] = "x (N, C, …), all vectors (C) → (N, C, …)"
    eps: Epsilon = 1e-5

    def over(self, ndim: int) -> tuple[int, ...] | None:
        """Return the axes over which the input's own statistics are taken, None for running statistics."""
        raise NotImplementedError

    def slot(self, position: int, count: int) -> Slot:
        """Return a slot; by running statistics μ and σ are constants, and x gets ``ȳ`` scaled."""
        if position == 0 and self.over(2) is None:
            return Slot("x", "{x̄} += ⟦{weight} ⊙ ⟧{ȳ} / σ", "running μ and σ are constants: only scales remain")
        return self.slots[position]

    def normal(self, x: Array, *running: Array | None) -> tuple[Array, Array]:
        """Return x̂ and 1/σ."""
        axes = self.over(x.ndim)
        if axes is not None:
            return standardised(x, axes, self.eps)
        mean, variance = running
        if mean is None or variance is None:
            raise ValueError(f"{self.op()}: there are no running statistics")
        inverse = 1 / np.sqrt(per_channel(variance, x) + x.dtype.type(self.eps))
        return (x - per_channel(mean, x)) * inverse, inverse

    def send(self, scaled: Array, normal: Array, inverse: Array) -> Array:
        """Divide by σ; where the statistics are the input's own, also take off what they owe to it."""
        axes = self.over(normal.ndim)
        return scaled * inverse if axes is None else standardised_vjp(scaled, normal, inverse, axes)


class TailNorm(Operator, frozen=True):
    """A normalisation over the last axes."""

    normalized_shape: NormalizedShape

    @property
    def tail(self) -> tuple[int, ...]:
        """The shape that is normalised over."""
        given = self.normalized_shape
        return (given,) if isinstance(given, int) else tuple(given)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that are normalised over."""
        return tuple(range(-len(self.tail), 0))


class LayerNorm(TailNorm, frozen=True, tag="layer_norm"):
    """Normalisation over the last axes, each row by itself: in Transformers and recurrent networks."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", CENTRED, "mean and variance depend on x too: two terms are taken off"),
        Slot("weight", "{weight̄} += Σ {ȳ} ⊙ x̂ over rows", "the scale met every x̂", optional=True),
        Slot("bias", "{bias̄} += Σ {ȳ} over rows", "the shift was added to every row", optional=True),
    )
    formula: ClassVar[str] = "{y} = x̂⟦ ⊙ {weight}⟧⟦ + {bias}⟧,  x̂ = ({x} − μ) / σ"
    shapes: ClassVar[str] = "x (…, normalized_shape), weight and bias (normalized_shape) → the shape of x"
    convention: ClassVar[str] = "the variance is the biased one"
    source: ClassVar[str] = "Ba et al. 2016, arXiv 1607.06450"
    eps: Epsilon = 1e-5

    def infer(self, x: TensorType, weight: TensorType | None = None, bias: TensorType | None = None) -> TensorType:
        """The last axes of x, and the shapes of weight and bias, are ``normalized_shape``."""
        check_tail(x, self.tail, {"weight": weight, "bias": bias})
        return x

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        """Return ``x̂ ⊙ weight + bias``."""
        found = onednn.normalised(x, math.prod(self.tail), weight, bias, self.eps)
        if found is not None:
            y, *statistics = found
            _STATISTICS.keep(self.kept(*statistics), x, of=self.key)
            return y
        y, _ = standardised(x, self.axes, self.eps)
        if weight is not None:
            y = y * weight
        return y if bias is None else y + bias

    @property
    def key(self) -> tuple[object, ...]:
        """What tells its statistics from others of the same tensor."""
        return self.tail, self.eps

    def kept(self, *vectors: Array) -> tuple[Array, ...]:
        """Return vectors read-only: several calls will see them."""
        for vector in vectors:
            vector.flags.writeable = False
        return vectors

    def own(self, x: Array) -> tuple[Array, ...] | None:
        """Return mean and variance of every row, where they are taken beforehand."""
        found = onednn.normalised(x, math.prod(self.tail), None, None, self.eps)
        return None if found is None else self.kept(*found[1:])

    def quickly(self, ybar: Array, x: Array, weight: Array | None) -> tuple[Array, Array, Array] | None:
        """Return all three contributions at once, the last two flat, where there is such a way."""
        statistics = _STATISTICS.get(self.own, x, of=self.key)
        if statistics is None:
            return None
        mean, variance = statistics
        return onednn.sent(ybar, x, mean, variance, weight, self.eps)

    def sums(self, ybar: Array, x: Array) -> tuple[Array, ...]:
        """Return ``Σ ȳ ⊙ x̂`` and ``Σ ȳ`` over all rows."""
        found = self.quickly(ybar, x, None)
        if found is not None:
            return found[1:]
        normal, _ = standardised(x, self.axes, self.eps)
        return unbroadcast(ybar * normal, self.tail), unbroadcast(ybar, self.tail)

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array | None) -> Array:
        """Divide by σ and take off what mean and variance owe to x."""
        found = self.quickly(ybar, x, weight)
        if found is not None:
            _SUMS.keep(found[1:], ybar, x, of=self.key)
            return found[0]
        normal, inverse = standardised(x, self.axes, self.eps)
        return standardised_vjp(ybar if weight is None else ybar * weight, normal, inverse, self.axes)

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Sum ``ȳ ⊙ x̂`` over all rows."""
        return _SUMS.get(self.sums, ybar, x, of=self.key)[0].reshape(weight.shape)

    def vjp_bias(self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array) -> Array:
        """Sum ``ȳ`` over all rows."""
        return _SUMS.get(self.sums, ybar, x, of=self.key)[1].reshape(bias.shape)
