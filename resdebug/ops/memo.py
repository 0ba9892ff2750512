"""Results that several calls share, kept for as long as the arrays they were made of."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

T = TypeVar("T")

_Entry = tuple[tuple["weakref.ref[NDArray[Any]]", ...], T]
"""The arrays, and what was made of them."""


class Memo(Generic[T]):
    """Keeps what was made of some arrays until one of them is gone.

    Only read-only arrays are remembered: others may hold other numbers by the next call. What is kept must be small.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], _Entry[T]] = {}

    def get(self, make: Callable[..., T], *arrays: NDArray[Any], of: object = None) -> T:
        """Return ``make(*arrays)``, made once; ``of`` tells apart what is made of the same arrays."""
        kept = self._entry(of, arrays)
        if kept is not None:
            return kept[1]
        made = make(*arrays)
        self.keep(made, *arrays, of=of)
        return made

    def found(self, *arrays: NDArray[Any], of: object = None) -> T | None:
        """Return what was kept for ``arrays``, if anything was."""
        kept = self._entry(of, arrays)
        return None if kept is None else kept[1]

    def _entry(self, of: object, arrays: tuple[NDArray[Any], ...]) -> _Entry[T] | None:
        kept = self._kept.get((of, *map(id, arrays)))
        if kept is None or any(ref() is not x for ref, x in zip(kept[0], arrays, strict=True)):
            return None
        return kept

    def keep(self, made: T, *arrays: NDArray[Any], of: object = None) -> None:
        """Remember what was made of ``arrays``."""
        for x in arrays:
            if x.flags.writeable:
                return
        key = (of, *map(id, arrays))
        self._kept[key] = tuple(weakref.ref(x, lambda _: self._kept.pop(key, None)) for x in arrays), made

    def __len__(self) -> int:
        return len(self._kept)
