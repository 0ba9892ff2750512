"""Activations that are smooth everywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np

from resdebug.network.signature import Slot
from resdebug.network.types import TensorType
from resdebug.ops.activations import logistic
from resdebug.ops.base import SCIPY, Array
from resdebug.ops.elementwise import Elementwise
from resdebug.ops.onednn import gelu as onednn

ROOT_2_OVER_PI = math.sqrt(2 / math.pi)
CUBIC = 0.044715
SATURATED = 20.0
"""Where the tanh in GELU's approximation is 1 to the last digit, in double precision too."""


class Gelu(Elementwise, frozen=True, tag="gelu"):
    """x times the probability that a standard normal number is below x; Transformers use it."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (Φ({x}) + {x} ⊙ φ({x}))", "the product rule; φ is the normal density, Φ its integral"),
    )
    formula: ClassVar[str] = "{y} = {x} ⊙ Φ({x})⟦,  Φ as by {approximation}⟧"
    convention: ClassVar[str] = "tanh takes Φ(x) = (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, and its slope for φ"
    source: ClassVar[str] = "Hendrycks and Gimpel 2016, arXiv 1606.08415"
    elementwise: ClassVar[bool] = False  # numpy rounds the cube of a scalar otherwise than that of many numbers
    loads: ClassVar[int] = SCIPY
    approximate: Annotated[Literal["none", "tanh"], msgspec.Meta(description="whether Φ is approximated")] = "none"

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Say where Φ is approximated."""
        return super().words(inputs) | ({"approximation": "tanh"} if self.approximate == "tanh" else {})

    def probability(self, x: Array) -> Array:
        """Return ``Φ(x)``."""
        if self.approximate == "none":
            from scipy.special import ndtr

            return np.asarray(ndtr(x))
        return self.approximated(x)[0]

    def density(self, x: Array) -> tuple[Array, Array]:
        """Return ``Φ(x)`` and its derivative."""
        if self.approximate == "none":
            return self.probability(x), np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return self.approximated(x)

    def approximated(self, x: Array) -> tuple[Array, Array]:
        """Return the same by the hyperbolic tangent."""
        # Further out x² would overflow, and 0 · ∞ be NaN.
        x = np.minimum(np.maximum(x, x.dtype.type(-SATURATED)), x.dtype.type(SATURATED))
        t = np.tanh(ROOT_2_OVER_PI * (x + CUBIC * x**3))
        return 0.5 * (1 + t), 0.5 * (1 - t * t) * (ROOT_2_OVER_PI * (1 + 3 * CUBIC * x * x))

    def forward(self, x: Array) -> Array:
        """Return ``x Φ(x)``."""
        found = onednn.gelu(x, self.plain) if self.approximate == "none" else None
        return self.plain(x) if found is None else found

    def plain(self, x: Array) -> Array:
        """Return the same by its formula."""
        return x * self.probability(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``Φ(x) + x Φ'(x)``."""
        found = onednn.slope(ybar, x, self.sent) if self.approximate == "none" else None
        return self.sent(ybar, x) if found is None else found

    def sent(self, ybar: Array, x: Array) -> Array:
        """Return the same by its formula."""
        probability, density = self.density(x)
        return ybar * (probability + x * density)


class Silu(Elementwise, frozen=True, tag="silu"):
    """x times its sigmoid, also called swish."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (σ({x}) + {y} ⊙ (1 − σ({x})))", "the product rule, with σ' = σ(1 − σ)"),
    )
    formula: ClassVar[str] = "{y} = {x} ⊙ σ({x})"
    source: ClassVar[str] = "Elfwing et al. 2018, arXiv 1702.03118; Ramachandran et al. 2017, arXiv 1710.05941"

    def forward(self, x: Array) -> Array:
        """Return ``x σ(x)``."""
        return x * logistic(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``σ + y (1 − σ)``."""
        s = logistic(x)
        return ybar * (s + y * (1 - s))


class Softplus(Elementwise, frozen=True, tag="softplus"):
    """The smooth rectifier; far out it is taken as x itself."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ σ({beta} · {x})", "the derivative of log(1 + exp x) is the sigmoid"),
    )
    formula: ClassVar[str] = "{y} = log(1 + exp({beta} · {x})) / {beta}"
    convention: ClassVar[str] = "where beta · x > threshold it is x, with slope 1"
    source: ClassVar[str] = "Dugas et al. 2001, Advances in Neural Information Processing Systems 13"
    beta: Annotated[float, msgspec.Meta(gt=0, description="steepness")] = 1.0
    threshold: Annotated[float, msgspec.Meta(description="beta · x above which it is linear")] = 20.0

    def forward(self, x: Array) -> Array:
        """Return ``log(1 + exp(βx)) / β``."""
        z: Array = x * x.dtype.type(self.beta)
        soft: Array = (np.maximum(z, x.dtype.type(0)) + np.log1p(np.exp(-np.abs(z)))) / x.dtype.type(self.beta)
        return np.where(z > self.threshold, x, soft)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``σ(βx)``."""
        z: Array = x * x.dtype.type(self.beta)
        return np.where(z > self.threshold, ybar, ybar * logistic(z))


class Mish(Elementwise, frozen=True, tag="mish"):
    """x times the tanh of its softplus."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (t + {x} ⊙ (1 − t²) ⊙ σ({x})),  t = tanh(log(1 + exp({x})))", "product and chain rule"),
    )
    formula: ClassVar[str] = "{y} = {x} ⊙ tanh(log(1 + exp({x})))"
    source: ClassVar[str] = "Misra 2019, arXiv 1908.08681"

    def gate(self, x: Array) -> Array:
        """Return ``tanh(softplus(x))``."""
        softplus: Array = np.maximum(x, x.dtype.type(0)) + np.log1p(np.exp(-np.abs(x)))
        return np.tanh(softplus)

    def forward(self, x: Array) -> Array:
        """Return ``x tanh(softplus(x))``."""
        return x * self.gate(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Apply the product rule."""
        t = self.gate(x)
        return ybar * (t + x * ((1 - t * t) * logistic(x)))


class Logsigmoid(Elementwise, frozen=True, tag="logsigmoid"):
    """The logarithm of the sigmoid, without its underflow."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊙ (1 − σ({x}))", "the derivative of log σ is 1 − σ"),)
    formula: ClassVar[str] = "{y} = log σ({x}) = −log(1 + exp(−{x}))"

    def forward(self, x: Array) -> Array:
        """Return ``min(x, 0) − log(1 + exp(−|x|))``."""
        y: Array = np.minimum(x, x.dtype.type(0)) - np.log1p(np.exp(-np.abs(x)))
        return y

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``σ(−x)``."""
        return ybar * logistic(-x)
