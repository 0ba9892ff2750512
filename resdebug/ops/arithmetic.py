"""Arithmetic of two tensors, with numpy's broadcasting; what was stretched is summed on the way back."""

from __future__ import annotations

from typing import ClassVar

from resdebug.network.signature import Slot
from resdebug.network.types import TensorType
from resdebug.ops.base import Array, Operator, broadcast, unbroadcast

_SUMMAND = "the derivative of a sum by each summand is 1: the adjoint passes through unchanged"
_STRETCHED = "an input that was broadcast gets the sum over its copies"


class Binary(Operator, frozen=True):
    """An elementwise operator of two tensors."""

    convention: ClassVar[str] = _STRETCHED

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
