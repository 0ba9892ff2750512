"""Names of members and files made from names of nodes."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 120
_ODD: Final = re.compile(r"[^\w.+=@-]+|\.{2,}")
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""What Windows takes for a device, with any suffix."""


def slug(name: str) -> str:
    """Return ``name`` as a file or the member of an archive may be called on any system.

    Letters and digits of any script and ``. _ - + = @`` stay; all else, and two dots or more, becomes ``_``. It neither
    begins nor ends with a dot, and has at most 120 characters. Different names may become the same: see ``Slugs``.
    """
    text = _ODD.sub("_", name)[:_LONGEST]
    text = text.strip(".") or "_"
    return f"_{text}" if _RESERVED.fullmatch(text) else text


class Slugs:
    """Gives each name a slug of its own: what is taken, upper and lower case alike, gets a number."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._given: dict[str, str] = {}
        self._next: dict[str, int] = {}

    @staticmethod
    def alike(name: str) -> bool:
        """Whether ``name`` may stay as it is."""
        return slug(name) == name

    def of(self, name: str) -> str:
        """Return the slug of ``name``, always the same."""
        if name not in self._given:
            wanted = slug(name)
            found, base = wanted, wanted.casefold()
            while found.casefold() in self._taken:
                self._next[base] = self._next.get(base, 1) + 1
                found = f"{wanted}~{self._next[base]}"
            self._taken.add(found.casefold())
            self._given[name] = found
        return self._given[name]
