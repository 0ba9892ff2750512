"""Bookmarks: moments with a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resdebug.errors import BadInput, Fault
from resdebug.text import did_you_mean, visible

LONGEST_NAME: Final = 100


class Bookmarks:
    """Positions by name, in the order in which they were set."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._positions.items())

    def __len__(self) -> int:
        return len(self._positions)

    def set(self, name: str, position: int) -> None:
        """Name a position; a name that is used already moves there. Raises BadInput for an impossible name."""
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            what = f'"{visible(name, limit=60)}" cannot be the name of a bookmark'
            raise BadInput(Fault("C002", what, f"1 to {LONGEST_NAME} printable characters"))
        self._positions[name] = position

    def __getitem__(self, name: str) -> int:
        """Return the position of a name. Raises BadInput where there is none."""
        if name not in self._positions:
            what = f'there is no bookmark "{visible(name, limit=60)}"'
            hint = did_you_mean(name, self._positions) or "bookmark NAME sets one"
            raise BadInput(Fault("C004", what, hint))
        return self._positions[name]

    def delete(self, name: str) -> int:
        """Remove a bookmark; returns where it was. Raises BadInput."""
        position = self[name]
        del self._positions[name]
        return position

    def up_to(self, last: int) -> Bookmarks:
        """Return those that lie on a timeline of ``last`` events."""
        other = Bookmarks()
        other._positions = {name: at for name, at in self if at <= last}
        return other
