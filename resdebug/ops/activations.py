"""Activations."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, unbroadcast
from resdebug.ops.elementwise import Elementwise
from resdebug.ops.masks import rectified, unless_at_most_zero

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def hard_logistic(x: Array) -> Array:
    """Return ``relu6(x + 3) / 6``; NaN stays NaN."""
    return np.minimum(np.maximum(x + 3, x.dtype.type(0)), x.dtype.type(6)) / 6


def logistic(x: Array) -> Array:
    """Return ``1 / (1 + exp(−x))`` without overflow on either side."""
    e: Array = np.exp(-np.abs(x))
    return np.where(x >= 0, x.dtype.type(1), e) / (1 + e)


class Relu(Elementwise, frozen=True, tag="relu"):
    """The rectifier."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ 1[{x} > 0]", "where x was positive the adjoint passes, elsewhere nothing does"),
    )
    formula: ClassVar[str] = "{y} = max({x}, 0)"
    convention: ClassVar[str] = "relu'(0) = 0"
    source: ClassVar[str] = "Nair and Hinton 2010, International Conference on Machine Learning"

    def forward(self, x: Array) -> Array:
        """Return ``max(x, 0)``; NaN stays NaN."""
        return rectified(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Mask ``ȳ`` by where ``x`` was positive, or NaN."""
        return unless_at_most_zero(x, ybar)


class Tanh(Elementwise, frozen=True, tag="tanh"):
    """The hyperbolic tangent."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (1 − {y}²)", "the derivative of tanh is 1 − tanh²: near 0 where it saturates"),
    )
    formula: ClassVar[str] = "{y} = tanh({x})"

    def forward(self, x: Array) -> Array:
        """Return ``tanh(x)``."""
        return np.tanh(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``1 − y²``."""
        return ybar * (1 - y * y)


class Sigmoid(Elementwise, frozen=True, tag="sigmoid"):
    """The logistic function."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ {y} ⊙ (1 − {y})", "the derivative of σ is σ(1 − σ): at most 1/4"),
    )
    formula: ClassVar[str] = "{y} = σ({x}) = 1 / (1 + exp(−{x}))"

    def forward(self, x: Array) -> Array:
        """Return the sigmoid."""
        return logistic(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``y (1 − y)``."""
        return ybar * (y * (1 - y))


class Bounded(Elementwise, frozen=True):
    """An activation that is linear between two bounds and constant beyond them."""

    def inside(self, x: Array) -> NDArray[np.bool_]:
        """Return where the adjoint passes: strictly between the bounds, or where x is NaN."""
        low, high = self.bounds
        return ~((x <= x.dtype.type(low)) | (x >= x.dtype.type(high)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Where the activation stops to depend on x."""
        raise NotImplementedError


class Relu6(Bounded, frozen=True, tag="relu6"):
    """The rectifier with a ceiling, which low precision likes; MobileNets use it."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ 1[0 < {x} < 6]", "between 0 and 6 the adjoint passes, elsewhere nothing does"),
    )
    formula: ClassVar[str] = "{y} = min(max({x}, 0), 6)"
    convention: ClassVar[str] = "relu6'(0) = relu6'(6) = 0"
    source: ClassVar[str] = "Sandler et al. 2018, arXiv 1801.04381"

    @property
    def bounds(self) -> tuple[float, float]:
        """From 0 to 6."""
        return 0.0, 6.0

    def forward(self, x: Array) -> Array:
        """Return ``x`` between 0 and 6; NaN stays NaN."""
        return np.minimum(np.maximum(x, x.dtype.type(0)), x.dtype.type(6))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Mask ``ȳ`` by where ``x`` was inside."""
        return np.where(self.inside(x), ybar, ybar.dtype.type(0))


class Hardtanh(Bounded, frozen=True, tag="hardtanh"):
    """The value, held between two bounds."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ 1[{min_val} < {x} < {max_val}]", "between the bounds the adjoint passes"),
    )
    formula: ClassVar[str] = "{y} = min(max({x}, {min_val}), {max_val})"
    convention: ClassVar[str] = "the slope is 0 on the bounds themselves (clip has 1)"
    min_val: Annotated[float, msgspec.Meta(description="lower bound")] = -1.0
    max_val: Annotated[float, msgspec.Meta(description="upper bound")] = 1.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The two bounds."""
        return self.min_val, self.max_val

    def infer(self, x: TensorType) -> TensorType:
        """The bounds leave room."""
        if self.min_val >= self.max_val:
            what = f"min_val {self.min_val:g} is not below max_val {self.max_val:g}"
            raise RuleBroken(what, key="min_val", hint="exchange them")
        return x

    def forward(self, x: Array) -> Array:
        """Return ``x`` between the bounds; NaN stays NaN."""
        return np.minimum(np.maximum(x, x.dtype.type(self.min_val)), x.dtype.type(self.max_val))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Mask ``ȳ`` by where ``x`` was inside."""
        return np.where(self.inside(x), ybar, ybar.dtype.type(0))


class HardSigmoid(Bounded, frozen=True, tag="hard_sigmoid"):
    """A sigmoid of three straight lines."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ 1[−3 < {x} < 3] / 6", "the slope is 1/6 in the middle and 0 outside"),
    )
    formula: ClassVar[str] = "{y} = min(max({x} + 3, 0), 6) / 6"
    convention: ClassVar[str] = "the slope is 0 at −3 and at 3"
    source: ClassVar[str] = "Howard et al. 2019, arXiv 1905.02244, section 5.2"

    @property
    def bounds(self) -> tuple[float, float]:
        """From −3 to 3."""
        return -3.0, 3.0

    def forward(self, x: Array) -> Array:
        """Return the hard sigmoid."""
        return hard_logistic(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Divide ``ȳ`` by 6 where ``x`` was inside."""
        return np.where(self.inside(x), ybar / 6, ybar.dtype.type(0))


class HardSwish(Elementwise, frozen=True, tag="hard_swish"):
    """x times its hard sigmoid; MobileNetV3 uses it."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (1[|{x}| < 3] ⊙ ({x}/3 + 1/2) + 1[{x} ≥ 3])", "the product rule between −3 and 3"),
    )
    formula: ClassVar[str] = "{y} = {x} ⊙ min(max({x} + 3, 0), 6) / 6"
    convention: ClassVar[str] = "the slope is 0 at −3 and 1 at 3"
    source: ClassVar[str] = "Howard et al. 2019, arXiv 1905.02244, section 5.2"

    def forward(self, x: Array) -> Array:
        """Return ``x`` times its hard sigmoid, which is at most 1: no overflow."""
        return x * hard_logistic(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``x/3 + 1/2`` between −3 and 3, by 1 above, by 0 below."""
        middle = np.where(x >= 3, ybar, ybar * (x / 3 + x.dtype.type(0.5)))
        return np.where(x <= -3, ybar.dtype.type(0), middle)


class LeakyRelu(Elementwise, frozen=True, tag="leaky_relu"):
    """The rectifier that lets a little through below 0."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (1[{x} > 0] + {negative_slope} · 1[{x} ≤ 0])", "1 above 0, the slope below"),
    )
    formula: ClassVar[str] = "{y} = max({x}, 0) + {negative_slope} · min({x}, 0)"
    convention: ClassVar[str] = "leaky_relu'(0) = negative_slope"
    source: ClassVar[str] = "Maas et al. 2013, ICML workshop on deep learning for audio, speech and language"
    negative_slope: Annotated[float, msgspec.Meta(description="the slope below 0")] = 0.01

    def forward(self, x: Array) -> Array:
        """Return ``x``, below 0 times the slope."""
        return np.where(x > 0, x, x * x.dtype.type(self.negative_slope))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by the slope where ``x`` was not positive."""
        return np.where(x > 0, ybar, ybar * ybar.dtype.type(self.negative_slope))


class Prelu(Operator, frozen=True, tag="prelu"):
    """The leaky rectifier whose slope is learned, one for all or one per channel (axis 1)."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (1[{x} > 0] + {weight} · 1[{x} ≤ 0])", "1 above 0, the learned slope below"),
        Slot("weight", "{weight̄} += Σ {ȳ} ⊙ min({x}, 0)", "the slope met every element that was not positive"),
    )
    formula: ClassVar[str] = "{y} = max({x}, 0) + {weight} · min({x}, 0)"
    shapes: ClassVar[str] = "x (N, C, …), weight (1) or (C) → (N, C, …)"
    convention: ClassVar[str] = "prelu'(0) = weight"
    source: ClassVar[str] = "He et al. 2015, arXiv 1502.01852, eq. 1"

    def infer(self, x: TensorType, weight: TensorType) -> TensorType:
        """One slope, or one per channel."""
        channels = x.shape[1] if len(x.shape) > 1 else 1
        if len(weight.shape) > 1 or weight.size not in {1, channels}:
            what = f"x is {shape_text(x.shape)}, weight is {shape_text(weight.shape)}"
            hint = f"weight is (1) or ({channels})" if channels != 1 else "weight is (1)"
            raise RuleBroken(what, key="weight", hint=hint)
        return x

    @staticmethod
    def spread(weight: Array, x: Array) -> Array:
        """Return the slopes, to be broadcast along the channels."""
        return weight.reshape(()) if weight.size == 1 else weight.reshape(weight.size, *[1] * (x.ndim - 2))

    def forward(self, x: Array, weight: Array) -> Array:
        """Return ``x``, below 0 times the slope."""
        return np.where(x > 0, x, x * self.spread(weight, x))

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array) -> Array:
        """Multiply by the slope where ``x`` was not positive."""
        return np.where(x > 0, ybar, ybar * self.spread(weight, x))

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array) -> Array:
        """Sum ``ȳ ⊙ x`` where ``x`` was not positive."""
        parts = np.where(x > 0, x.dtype.type(0), ybar * x)
        return unbroadcast(parts, self.spread(weight, x).shape).reshape(weight.shape)


class Exponential(Elementwise, frozen=True):
    """An activation that is linear above 0 and goes to a constant below."""

    def settings(self) -> tuple[float, float, float]:
        """Return the slope above 0, and height and steepness below."""
        raise NotImplementedError

    def forward(self, x: Array) -> Array:
        """Return ``slope · x`` above 0, ``height · (exp(steepness · x) − 1)`` below."""
        slope, height, steepness = map(x.dtype.type, self.settings())
        return np.where(x > 0, slope * x, height * np.expm1(steepness * np.minimum(x, x.dtype.type(0))))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by the slope."""
        slope, height, steepness = map(x.dtype.type, self.settings())
        return np.where(
            x > 0, ybar * slope, ybar * (height * steepness * np.exp(steepness * np.minimum(x, x.dtype.type(0))))
        )


class Elu(Exponential, frozen=True, tag="elu"):
    """The exponential linear unit: it goes to −α far below 0."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (1[{x} > 0] + {alpha} · exp({x}) ⊙ 1[{x} ≤ 0])", "1 above 0, α exp(x) below"),
    )
    formula: ClassVar[str] = "{y} = max({x}, 0) + {alpha} · (exp(min({x}, 0)) − 1)"
    convention: ClassVar[str] = "elu'(0) = alpha"
    source: ClassVar[str] = "Clevert et al. 2016, arXiv 1511.07289"
    alpha: Annotated[float, msgspec.Meta(description="minus the value far below 0")] = 1.0

    def settings(self) -> tuple[float, float, float]:
        """Slope 1, height α, steepness 1."""
        return 1.0, self.alpha, 1.0


class Selu(Exponential, frozen=True, tag="selu"):
    """The scaled exponential linear unit, whose two numbers keep mean 0 and variance 1 through many layers."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ λ · (1[{x} > 0] + α · exp({x}) ⊙ 1[{x} ≤ 0])", "λ above 0, λ α exp(x) below"),
    )
    formula: ClassVar[str] = "{y} = λ · (max({x}, 0) + α · (exp(min({x}, 0)) − 1))"
    convention: ClassVar[str] = "λ = 1.0507009873554805, α = 1.6732632423543772; selu'(0) = λ α"
    source: ClassVar[str] = "Klambauer et al. 2017, arXiv 1706.02515, eq. 2"

    def settings(self) -> tuple[float, float, float]:
        """Slope λ, height λ α, steepness 1."""
        return SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1.0


class Celu(Exponential, frozen=True, tag="celu"):
    """The exponential linear unit whose slope has no jump at 0."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (1[{x} > 0] + exp({x}/{alpha}) ⊙ 1[{x} ≤ 0])", "1 above 0, exp(x/α) below"),
    )
    formula: ClassVar[str] = "{y} = max({x}, 0) + {alpha} · (exp(min({x}, 0)/{alpha}) − 1)"
    convention: ClassVar[str] = "celu'(0) = 1"
    source: ClassVar[str] = "Barron 2017, arXiv 1704.07483"
    alpha: Annotated[float, msgspec.Meta(gt=0, description="minus the value far below 0")] = 1.0

    def settings(self) -> tuple[float, float, float]:
        """Slope 1, height α, steepness 1/α."""
        return 1.0, self.alpha, 1.0 / self.alpha
