"""Functions of one tensor, element by element; the contribution is the derivative at the saved value, times ȳ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType
from resdebug.ops.base import SCIPY, Array, Operator


class Elementwise(Operator, frozen=True):
    """An operator whose output has its input's type."""

    shapes: ClassVar[str] = "x any shape → the same shape"
    elementwise: ClassVar[bool] = True

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
    factor: Annotated[float, msgspec.Meta(description="the fixed number")]

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
    exponent: Annotated[float, msgspec.Meta(description="the fixed power")]

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


class Abs(Elementwise, frozen=True, tag="abs"):
    """The size without the sign: in absolute losses and sparsity penalties."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊙ sign({x})", "the slope is 1 on the right, −1 left"),)
    formula: ClassVar[str] = "{y} = |{x}|"
    convention: ClassVar[str] = "abs'(0) = 0"

    def forward(self, x: Array) -> Array:
        """Return ``|x|``."""
        return np.abs(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by the sign."""
        return ybar * np.sign(x)


class Square(Elementwise, frozen=True, tag="square"):
    """The square: in variances and squared losses."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊙ (2 · {x})", "the derivative of x² is 2x"),)
    formula: ClassVar[str] = "{y} = {x}²"

    def forward(self, x: Array) -> Array:
        """Return ``x²``."""
        return x * x

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by ``2x``."""
        return ybar * (2 * x)


class Reciprocal(Elementwise, frozen=True, tag="reciprocal"):
    """One over the value."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += −{ȳ} ⊙ {y}²", "the derivative of 1/x is −1/x²"),)
    formula: ClassVar[str] = "{y} = 1 ⊘ {x}"
    convention: ClassVar[str] = "1/0 is ±∞, as IEEE 754 has it"

    def forward(self, x: Array) -> Array:
        """Return ``1 / x``."""
        return np.reciprocal(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by minus the saved output squared."""
        return -ybar * (y * y)


class Rsqrt(Elementwise, frozen=True, tag="rsqrt"):
    """One over the square root, as normalisations need it."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += −{ȳ} ⊙ {y}³ / 2", "the derivative of x^(−1/2) is −x^(−3/2) / 2"),
    )
    formula: ClassVar[str] = "{y} = 1 ⊘ √{x}"
    convention: ClassVar[str] = "rsqrt(0) is ∞, of a negative NaN"

    def forward(self, x: Array) -> Array:
        """Return ``1 / √x``."""
        return np.reciprocal(np.sqrt(x))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by minus half the saved output cubed."""
        return ybar * (-0.5 * (y * y * y))


class Log1p(Elementwise, frozen=True, tag="log1p"):
    """The logarithm of 1 + x, exact for small x."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊘ (1 + {x})", "the derivative of log(1 + x) is 1/(1 + x)"),
    )
    formula: ClassVar[str] = "{y} = log(1 + {x})"
    convention: ClassVar[str] = "log1p(−1) is −∞, below NaN"

    def forward(self, x: Array) -> Array:
        """Return ``log(1 + x)``."""
        return np.log1p(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Divide by ``1 + x``."""
        return ybar / (1 + x)


class Expm1(Elementwise, frozen=True, tag="expm1"):
    """The exponential less 1, exact for small x."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊙ exp({x})", "the derivative of exp(x) − 1 is exp(x)"),)
    formula: ClassVar[str] = "{y} = exp({x}) − 1"

    def forward(self, x: Array) -> Array:
        """Return ``exp(x) − 1``."""
        return np.expm1(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by exp(x), afresh: far below 0 the saved output plus 1 has lost all digits."""
        return ybar * np.exp(x)


class Sin(Elementwise, frozen=True, tag="sin"):
    """The sine, of radians: in positional encodings."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊙ cos({x})", "the derivative of sin is cos"),)
    formula: ClassVar[str] = "{y} = sin({x})"

    def forward(self, x: Array) -> Array:
        """Return ``sin(x)``."""
        return np.sin(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by the cosine."""
        return ybar * np.cos(x)


class Cos(Elementwise, frozen=True, tag="cos"):
    """The cosine, of radians: in positional encodings."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += −{ȳ} ⊙ sin({x})", "the derivative of cos is −sin"),)
    formula: ClassVar[str] = "{y} = cos({x})"

    def forward(self, x: Array) -> Array:
        """Return ``cos(x)``."""
        return np.cos(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by minus the sine."""
        return -ybar * np.sin(x)


class Erf(Elementwise, frozen=True, tag="erf"):
    """The error function, 2/√π times the integral of exp(−t²) from 0 to x: GELU is made of it."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ (2/√π) · exp(−{x}²)", "the derivative of an integral is its integrand"),
    )
    formula: ClassVar[str] = "{y} = erf({x})"
    loads: ClassVar[int] = SCIPY

    def forward(self, x: Array) -> Array:
        """Return ``erf(x)``."""
        from scipy.special import erf

        return np.asarray(erf(x))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by the bell curve."""
        return ybar * (2 / math.sqrt(math.pi) * np.exp(-x * x))


class Clip(Elementwise, frozen=True, tag="clip"):
    """The value, held between bounds: in clipped losses, and before logarithms."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ 1[⟦{min} ≤ ⟧{x}⟦ ≤ {max}⟧]", "what is held at a bound has no influence"),
    )
    formula: ClassVar[str] = "{y} = {x}⟦, at least {min}⟧⟦, at most {max}⟧"
    convention: ClassVar[str] = "the slope is 1 on the bounds themselves"
    min: Annotated[float | None, msgspec.Meta(description="lower bound, null for none")] = None
    max: Annotated[float | None, msgspec.Meta(description="upper bound, null for none")] = None

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Leave out a bound that is not there."""
        return {name: word for name, word in super().words(inputs).items() if word != "None"}

    def infer(self, x: TensorType) -> TensorType:
        """There is a bound, and the bounds leave room."""
        if self.min is None and self.max is None:
            raise RuleBroken("clip has neither min nor max", key="min", hint="give at least one of them")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise RuleBroken(f"min {self.min:g} is above max {self.max:g}", key="min", hint="exchange them")
        return x

    def forward(self, x: Array) -> Array:
        """Return ``x`` between the bounds; NaN stays NaN."""
        y = x if self.min is None else np.maximum(x, x.dtype.type(self.min))
        return y if self.max is None else np.minimum(y, y.dtype.type(self.max))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Mask ``ȳ`` by where ``x`` was beyond a bound."""
        return np.where(self.beyond(x), ybar.dtype.type(0), ybar)

    def beyond(self, x: Array) -> NDArray[np.bool_]:
        """Return where a bound holds x."""
        low = -np.inf if self.min is None else self.min
        high = np.inf if self.max is None else self.max
        return np.asarray((x < x.dtype.type(low)) | (x > x.dtype.type(high)))
