"""What a formula is handed: attributes, operands and adjoint of one use of an operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from resdebug.verification.measured import Array, Measured

Formula: TypeAlias = "Callable[[Case], Measured]"


class NotDerived(Exception):
    """A formula does not cover this use; its text says why."""


class Case:
    """One operator at work. In a forward formula ``y`` and ``g`` (that is ȳ) are not there yet."""

    def __init__(
        self,
        attributes: Mapping[str, Any],
        inputs: Mapping[str, Array],
        dtype: str,
        y: Array | None = None,
        g: Array | None = None,
        budget: int = 0,
        seed: int = 0,
    ) -> None:
        self.attributes = attributes
        self.inputs = inputs
        self.dtype = dtype
        self.budget = budget
        """Products up to which every element is computed; beyond it some channels are."""
        self.seed = seed
        self._y, self._g = y, g
        self.chosen: Array | None = None
        """Where only some elements were computed: their indices in the flat result."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, default)

    def number(self, name: str, default: float | None = None) -> Measured:
        """Return an attribute that is a number, as the trace's precision has it."""
        value = np.float64(self.get(name, default))
        rounds = np.dtype(self.dtype).type(value) != value
        return Measured(value, np.abs(value), 1) if rounds else Measured(value)

    def exact(self, name: str) -> Measured:
        """Return an attribute that is a number, rounded to the trace's precision."""
        return Measured(np.float64(np.dtype(self.dtype).type(self.get(name))))

    def has(self, slot: str) -> bool:
        """Whether there is an operand in a slot."""
        return slot in self.inputs

    def raw(self, slot: str) -> Array:
        """Return an operand as it is: indices, masks."""
        return self.inputs[slot]

    def __getitem__(self, slot: str) -> Measured:
        """Return an operand."""
        return exactly(self.inputs[slot])

    @property
    def x(self) -> Measured:
        """The operand in the slot that most operators have."""
        return self["x"]

    @property
    def y(self) -> Measured:
        """What the operator returned."""
        if self._y is None:
            raise NotDerived("its output is not in the trace")
        return exactly(self._y)

    @property
    def g(self) -> Measured:
        """The adjoint of what the operator returned."""
        if self._g is None:
            raise NotDerived("the adjoint is not in the trace")
        return exactly(self._g)

    def axes(self, name: str = "dim") -> tuple[int, ...]:
        """Return the axes that an attribute names, all where it is null."""
        return axes_of(self.get(name), self.x.ndim)


def exactly(array: Array) -> Measured:
    """Return an operand in double precision, without an error."""
    return Measured(np.asarray(array, dtype=np.float64))


def axes_of(given: Any, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the front, all where None."""
    if given is None:
        return tuple(range(ndim))
    return tuple(axis % max(ndim, 1) for axis in (given if isinstance(given, list) else [given]) if ndim)


def many(value: Any, axes: int) -> tuple[int, ...]:
    """Return one number per axis."""
    return tuple(value) if isinstance(value, list | tuple) else (value,) * axes
