"""Edges as they stand in a file: one by one, or as columns where nothing else is said of any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec


class EdgeEntry(msgspec.Struct, gc=False):
    """An edge as it stands in the file; ``slot`` is a name, an index, or left out."""

    source: str | int
    target: str | int
    slot: str | int | None = None


class EdgeColumns(NamedTuple):
    """The same of all edges, in file order."""

    source: Sequence[str | int]
    target: Sequence[str | int]
    slot: Sequence[str | int | None]
    keys: int
    """How many keys the edges have in the file, all together."""

    @classmethod
    def of(cls, entries: Sequence[EdgeEntry]) -> EdgeColumns:
        """Return entries as columns."""
        slots = [entry.slot for entry in entries]
        keys = 3 * len(entries) - slots.count(None)
        return cls([entry.source for entry in entries], [entry.target for entry in entries], slots, keys)

    def entries(self) -> list[EdgeEntry | None]:
        """Return columns as entries."""
        return list(map(EdgeEntry, self.source, self.target, self.slot))
