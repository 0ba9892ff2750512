"""Numbers that know how far rounding may have moved them: running error analysis.

Beside every number in double precision stands a first-order bound, in units of the roundoff of the trace's own
precision, of what another order of the same operations may differ by (Higham 2002, Accuracy and Stability of
Numerical Algorithms, sections 3.3 and 4.2; for sums the √n of its section 3.1 in place of the worst case's n).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
SLACK: Final = 16.0
"""How many times the first-order bound two right results may be apart."""
UNIT: Final = {"float64": 2.0**-53, "float32": 2.0**-24}
"""Roundoff per element type."""
FUNCTION: Final = 4.0
"""Roundings that a library function such as ``exp`` is allowed."""
FLOOR: Final = {"float64": 2.0**-1074 * 64, "float32": 2.0**-149 * 64}
"""What underflow may take away."""


class Measured:
    """A tensor of numbers, each with its bound; ``rounded`` counts operations that rounded, up to 2."""

    __array_ufunc__ = None
    __slots__ = ("bound", "rounded", "value")

    def __init__(
        self, value: Array | np.floating[Any], bound: Array | np.floating[Any] | None = None, rounded: int = 0
    ) -> None:
        self.value: Array = np.asarray(value)
        self.bound: Array = np.zeros(self.value.shape) if bound is None else np.asarray(bound)
        self.rounded = min(rounded, 2)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return tuple(np.shape(self.value))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return np.ndim(self.value)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.size(self.value))

    def __add__(self, other: Measured | float) -> Measured:
        b = measured(other)
        value = self.value + b.value
        return Measured(value, self.bound + b.bound + np.abs(value), 1 + self.rounded + b.rounded)

    def __sub__(self, other: Measured | float) -> Measured:
        return self + (-measured(other))

    def __mul__(self, other: Measured | float) -> Measured:
        b = measured(other)
        value = self.value * b.value
        bound = np.abs(self.value) * b.bound + np.abs(b.value) * self.bound + np.abs(value)
        return Measured(value, bound, 1 + self.rounded + b.rounded)

    def __truediv__(self, other: Measured | float) -> Measured:
        b = measured(other)
        value = self.value / b.value
        bound = (self.bound + np.abs(value) * b.bound) / np.abs(b.value) + np.abs(value)
        return Measured(value, bound, 1 + self.rounded + b.rounded)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> Measured:
        return measured(other) - self

    def __rtruediv__(self, other: float) -> Measured:
        return measured(other) / self

    def __neg__(self) -> Measured:
        return Measured(-self.value, self.bound, self.rounded)

    def each(self, function: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Measured:
        """Apply a function of a library, whose slope says how it passes bounds on."""
        value = np.asarray(function(self.value))
        # An infinity is exact, whatever came before.
        known = (self.bound == 0) | ~np.isfinite(self.value)
        carried = np.where(known, 0.0, np.abs(slope(self.value)) * self.bound)
        return Measured(value, carried + FUNCTION * np.abs(value), 2)

    def moved(self, move: Callable[[Array], Array]) -> Measured:
        """Let elements change places; nothing is rounded."""
        return Measured(np.asarray(move(self.value)), np.asarray(move(self.bound)), self.rounded)

    def sum(self, axes: tuple[int, ...] | None = None, *, keepdims: bool = False) -> Measured:
        """Add up over axes (None for all), in whatever order."""
        count = math.prod(self.shape if axes is None else [self.shape[a] for a in axes])
        value = np.sum(self.value, axis=axes, keepdims=keepdims)
        size = np.sum(np.abs(self.value), axis=axes, keepdims=keepdims)
        bound = np.sum(self.bound, axis=axes, keepdims=keepdims) + slips(count) * size
        return Measured(np.asarray(value), np.asarray(bound), self.rounded + max(0, min(count - 1, 2)))

    def mean(self, axes: tuple[int, ...], *, keepdims: bool = False) -> Measured:
        """Return the mean over axes."""
        return self.sum(axes, keepdims=keepdims) / float(math.prod(self.shape[a] for a in axes))

    def unbroadcast(self, shape: tuple[int, ...]) -> Measured:
        """Sum down to the shape that was stretched."""
        if self.shape == shape:
            return self
        extra = self.ndim - len(shape)
        axes = (*range(extra), *(extra + i for i, n in enumerate(shape) if n == 1 and self.shape[extra + i] != 1))
        return self.sum(axes).moved(lambda x: x.reshape(shape))

    def to(self, shape: tuple[int, ...]) -> Measured:
        """Stretch to a shape."""
        return self.moved(lambda x: np.broadcast_to(x, shape))

    def exp(self) -> Measured:
        """Return the exponential."""
        return self.each(np.exp, np.exp)

    def log(self) -> Measured:
        """Return the natural logarithm."""
        return self.each(np.log, np.reciprocal)

    def sqrt(self) -> Measured:
        """Return the root."""
        return self.each(np.sqrt, lambda x: 0.5 / np.sqrt(x))

    def tanh(self) -> Measured:
        """Return the hyperbolic tangent."""
        return self.each(np.tanh, lambda x: 1 - np.tanh(x) ** 2)

    def power(self, exponent: float) -> Measured:
        """Return the power; a large exponent magnifies."""
        result = self.each(lambda x: np.power(x, exponent), lambda x: exponent * np.power(x, exponent - 1))
        result.bound = result.bound + abs(exponent) * np.abs(result.value)
        return result

    def abs(self) -> Measured:
        """Return the sizes."""
        return Measured(np.abs(self.value), self.bound, self.rounded)


def measured(number: Measured | float) -> Measured:
    """Return a plain number as a measured one, without an error."""
    return number if isinstance(number, Measured) else Measured(np.float64(number))


def slips(count: int) -> float:
    """Return by how many roundings a sum of so many terms may be off, relative to the sum of their sizes."""
    return 0.0 if count <= 1 else 1.0 + math.sqrt(count)


def where(mask: Array, a: Measured | float, b: Measured | float) -> Measured:
    """Choose element by element."""
    first, second = measured(a), measured(b)
    bound = np.where(mask, first.bound, second.bound)
    return Measured(np.where(mask, first.value, second.value), bound, max(first.rounded, second.rounded))


def product(a: Measured, b: Measured) -> Measured:
    """Return the matrix product ``a · b`` of two tensors with two axes or more."""
    terms = a.shape[-1]
    value = a.value @ b.value
    bound = (1 + slips(terms)) * (np.abs(a.value) @ np.abs(b.value))
    if a.bound.any():
        bound = bound + a.bound @ np.abs(b.value)
    if b.bound.any():
        bound = bound + np.abs(a.value) @ b.bound
    return Measured(value, bound, max(a.rounded, b.rounded) + min(terms, 2))
