"""Activations."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from resdebug.network.signature import Slot
from resdebug.ops.base import Array
from resdebug.ops.elementwise import Elementwise


class Relu(Elementwise, frozen=True, tag="relu"):
    """The rectifier."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ 1[{x} > 0]", "where x was positive the adjoint passes, elsewhere nothing does"),
    )
    formula: ClassVar[str] = "{y} = max({x}, 0)"
    convention: ClassVar[str] = "relu'(0) = 0"

    def forward(self, x: Array) -> Array:
        """Return ``max(x, 0)``; NaN stays NaN."""
        return np.maximum(x, x.dtype.type(0))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Mask ``ȳ`` by where ``x`` was positive, or NaN."""
        return np.where(x <= 0, ybar.dtype.type(0), ybar)


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

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ {y} ⊙ (1 − {y})", "the derivative of σ is σ(1 − σ): at most 1/4"),
    )
    formula: ClassVar[str] = "{y} = σ({x}) = 1 / (1 + exp(−{x}))"

    def forward(self, x: Array) -> Array:
        """Return ``1 / (1 + exp(−x))`` without overflow on either side."""
        e: Array = np.exp(-np.abs(x))
        return np.where(x >= 0, x.dtype.type(1), e) / (1 + e)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``y (1 − y)``."""
        return ybar * (y * (1 - y))
