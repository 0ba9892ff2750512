"""A column with few different entries: each once, and the number of the one that stands in each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from resdebug.network.wires import Flags, Ints

T = TypeVar("T")


class Distinct(NamedTuple, Generic[T]):
    """``things`` in order of their first row, and per row the ``number`` of its own."""

    things: tuple[T, ...]
    number: Ints

    @classmethod
    def of(cls, column: Sequence[T]) -> Distinct[T]:
        """Return a column whose equal entries are one object."""
        identities = list(map(id, column))
        things = dict(zip(identities, column, strict=True))
        number = {identity: k for k, identity in enumerate(things)}
        return cls(tuple(things.values()), np.fromiter(map(number.__getitem__, identities), np.intp, len(column)))

    def at(self, row: int) -> T:
        """Return the entry of a row."""
        thing: T = self.things[self.number[row]]
        return thing

    def column(self) -> list[T]:
        """Return the entries of all rows."""
        return list(map(self.things.__getitem__, self.number.tolist()))

    def where(self, holds: Callable[[T], bool]) -> Flags:
        """Return per row whether something holds of its entry."""
        return np.array([holds(thing) for thing in self.things], bool)[self.number]
