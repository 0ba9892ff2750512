"""Functions of one tensor, element by element; the contribution is the derivative at the saved value, times ȳ."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from resdebug.network.signature import Slot
from resdebug.network.types import TensorType
from resdebug.ops.base import Array, Operator


class Elementwise(Operator, frozen=True):
    """An operator whose output has its input's type."""

    def infer(self, x: TensorType) -> TensorType:
        """Return the type of ``x``."""
        return x


class Identity(Elementwise, frozen=True, tag="identity"):
    """The value itself: what a skip connection is."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ}", "an identity has local derivative 1: the adjoint passes through unchanged"),
    )
    formula: ClassVar[str] = "{y} = {x}"

    def forward(self, x: Array) -> Array:
        """Return ``x``."""
        return x

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Pass ``ȳ`` on."""
        return ybar


class Neg(Elementwise, frozen=True, tag="neg"):
    """The negative."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += −{ȳ}", "the derivative of −x is −1"),)
    formula: ClassVar[str] = "{y} = −{x}"

    def forward(self, x: Array) -> Array:
        """Return ``−x``."""
        return -x

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Turn the sign."""
        return -ybar


class Scale(Elementwise, frozen=True, tag="scale"):
    """The value times a fixed number."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {factor} · {ȳ}", "the derivative of c·x is c"),)
    formula: ClassVar[str] = "{y} = {factor} · {x}"
    factor: float

    def forward(self, x: Array) -> Array:
        """Return ``factor · x``."""
        return x * x.dtype.type(self.factor)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Scale ``ȳ`` likewise."""
        return ybar * ybar.dtype.type(self.factor)


class Pow(Elementwise, frozen=True, tag="pow"):
    """The value to a fixed power."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ {exponent} · {x}^({exponent}−1)", "the power rule, at the saved x"),
    )
    formula: ClassVar[str] = "{y} = {x}^{exponent}"
    convention: ClassVar[str] = "with exponent 0 the derivative is 0 everywhere, also at x = 0"
    exponent: float

    def forward(self, x: Array) -> Array:
        """Return ``x ** exponent``."""
        return np.power(x, x.dtype.type(self.exponent))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Apply the power rule."""
        if self.exponent == 0:
            return np.zeros_like(ybar)
        return ybar * (x.dtype.type(self.exponent) * np.power(x, x.dtype.type(self.exponent - 1)))


class Exp(Elementwise, frozen=True, tag="exp"):
    """The exponential function."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊙ {y}", "the derivative of exp is exp itself"),)
    formula: ClassVar[str] = "{y} = exp({x})"

    def forward(self, x: Array) -> Array:
        """Return ``exp(x)``."""
        return np.exp(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by the saved output."""
        return ybar * y


class Log(Elementwise, frozen=True, tag="log"):
    """The natural logarithm."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊘ {x}", "the derivative of log x is 1/x"),)
    formula: ClassVar[str] = "{y} = log({x})"
    convention: ClassVar[str] = "log 0 is −∞ and log of a negative is NaN, as IEEE 754 has it"

    def forward(self, x: Array) -> Array:
        """Return ``log(x)``."""
        return np.log(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Divide by the saved input."""
        return ybar / x


class Sqrt(Elementwise, frozen=True, tag="sqrt"):
    """The square root."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊘ (2 · {y})", "the derivative of √x is 1/(2√x)"),)
    formula: ClassVar[str] = "{y} = √{x}"
    convention: ClassVar[str] = "sqrt'(0) is +∞"

    def forward(self, x: Array) -> Array:
        """Return ``√x``."""
        return np.sqrt(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Divide by twice the saved output."""
        return ybar / (2 * y)
