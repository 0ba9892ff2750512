"""Arithmetic of two tensors, with numpy's broadcasting; what was stretched is summed on the way back."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import Slot
from resdebug.network.types import TensorType
from resdebug.ops.base import Array, Operator, broadcast, unbroadcast

_SUMMAND = "the derivative of a sum by each summand is 1: the adjoint passes through unchanged"
_STRETCHED = "an input that was broadcast gets the sum over its copies"


class Binary(Operator, frozen=True):
    """An elementwise operator of two tensors."""

    shapes: ClassVar[str] = "a and b broadcast to one shape, which is the output's"
    convention: ClassVar[str] = _STRETCHED
    elementwise: ClassVar[bool] = True

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        """Return the type that ``a`` and ``b`` broadcast to."""
        return broadcast(a, b)


class Add(Binary, frozen=True, tag="add"):
    """The sum: where a residual block's skip and branch meet."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("a", "{ā} += {ȳ}", _SUMMAND), Slot("b", "{b̄} += {ȳ}", _SUMMAND))
    formula: ClassVar[str] = "{y} = {a} + {b}"

    def forward(self, a: Array, b: Array) -> Array:
        """Return ``a + b``."""
        return a + b

    def vjp_a(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Pass ``ȳ`` on."""
        return unbroadcast(ybar, a.shape)

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Pass ``ȳ`` on."""
        return unbroadcast(ybar, b.shape)


class Sub(Binary, frozen=True, tag="sub"):
    """The difference."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("a", "{ā} += {ȳ}", "the derivative of a − b by a is 1"),
        Slot("b", "{b̄} += −{ȳ}", "the derivative of a − b by b is −1"),
    )
    formula: ClassVar[str] = "{y} = {a} − {b}"

    def forward(self, a: Array, b: Array) -> Array:
        """Return ``a − b``."""
        return a - b

    def vjp_a(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Pass ``ȳ`` on."""
        return unbroadcast(ybar, a.shape)

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Turn the sign."""
        return unbroadcast(-ybar, b.shape)


class Mul(Binary, frozen=True, tag="mul"):
    """The product, element by element."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("a", "{ā} += {ȳ} ⊙ {b}", "the derivative of a·b by a is b"),
        Slot("b", "{b̄} += {ȳ} ⊙ {a}", "the derivative of a·b by b is a"),
    )
    formula: ClassVar[str] = "{y} = {a} ⊙ {b}"

    def forward(self, a: Array, b: Array) -> Array:
        """Return ``a · b``."""
        return a * b

    def vjp_a(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Multiply by the other factor."""
        return unbroadcast(ybar * b, a.shape)

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Multiply by the other factor."""
        return unbroadcast(ybar * a, b.shape)


class Div(Binary, frozen=True, tag="div"):
    """The quotient, element by element."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("a", "{ā} += {ȳ} ⊘ {b}", "the derivative of a/b by a is 1/b"),
        Slot("b", "{b̄} += −{ȳ} ⊙ {a} ⊘ {b}²", "the derivative of a/b by b is −a/b²"),
    )
    formula: ClassVar[str] = "{y} = {a} ⊘ {b}"
    convention: ClassVar[str] = f"division by 0 gives ±∞ or NaN, as IEEE 754 has it; {_STRETCHED}"

    def forward(self, a: Array, b: Array) -> Array:
        """Return ``a / b``."""
        return a / b

    def vjp_a(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Divide by the denominator."""
        return unbroadcast(ybar / b, a.shape)

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Use the saved quotient: ``−ȳ · y / b``."""
        return unbroadcast(-ybar * y / b, b.shape)


class Extreme(Binary, frozen=True):
    """The larger or the smaller of two tensors; at a tie each gets half."""

    convention: ClassVar[str] = f"at a tie each gets half of the adjoint; NaN wins; {_STRETCHED}"

    def share(self, wins: NDArray[np.bool_], ybar: Array, a: Array, b: Array) -> Array:
        """Return ``ȳ`` where this operand wins or nobody can say, half of it at ties."""
        half = ybar * ybar.dtype.type(0.5)
        return np.where(wins | np.isnan(a) | np.isnan(b), ybar, np.where(a == b, half, ybar.dtype.type(0)))


class Maximum(Extreme, frozen=True, tag="maximum"):
    """The larger of two, element by element."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("a", "{ā} += {ȳ} ⊙ (1[{a} > {b}] + 1[{a} = {b}] / 2)", "the larger one had all the influence"),
        Slot("b", "{b̄} += {ȳ} ⊙ (1[{b} > {a}] + 1[{a} = {b}] / 2)", "the larger one had all the influence"),
    )
    formula: ClassVar[str] = "{y} = max({a}, {b})"

    def forward(self, a: Array, b: Array) -> Array:
        """Return the larger."""
        return np.maximum(a, b)

    def vjp_a(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Pass ``ȳ`` where a is larger."""
        return unbroadcast(self.share(a > b, ybar, a, b), a.shape)

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Pass ``ȳ`` where b is larger."""
        return unbroadcast(self.share(b > a, ybar, a, b), b.shape)


class Minimum(Extreme, frozen=True, tag="minimum"):
    """The smaller of two, element by element."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("a", "{ā} += {ȳ} ⊙ (1[{a} < {b}] + 1[{a} = {b}] / 2)", "the smaller one had all the influence"),
        Slot("b", "{b̄} += {ȳ} ⊙ (1[{b} < {a}] + 1[{a} = {b}] / 2)", "the smaller one had all the influence"),
    )
    formula: ClassVar[str] = "{y} = min({a}, {b})"

    def forward(self, a: Array, b: Array) -> Array:
        """Return the smaller."""
        return np.minimum(a, b)

    def vjp_a(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Pass ``ȳ`` where a is smaller."""
        return unbroadcast(self.share(a < b, ybar, a, b), a.shape)

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Pass ``ȳ`` where b is smaller."""
        return unbroadcast(self.share(b < a, ybar, a, b), b.shape)
