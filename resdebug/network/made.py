"""Sequences whose items are made when somebody looks."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

from resdebug.network.pause import collection_paused

T = TypeVar("T")


class Made(Sequence[T]):
    """Each item is made once, and is the same object from then on."""

    def __init__(self, count: int) -> None:
        self._items: list[T | None] = [None] * count
        self._whole: tuple[T, ...] | None = None
        self._making = threading.Lock()

    @abstractmethod
    def make(self, index: int) -> T:
        """Return a new item."""

    @abstractmethod
    def make_all(self) -> Sequence[T]:
        """Return all items anew, which is sooner done than one by one."""

    @property
    def whole(self) -> tuple[T, ...]:
        """All items."""
        if self._whole is None:
            with self._making, collection_paused():
                if self._whole is None:
                    pairs = zip(self._items, self.make_all(), strict=True)
                    self._whole = tuple([new if old is None else old for old, new in pairs])
                    self._items[:] = self._whole
        return self._whole

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        """Return the item at ``index``."""
        if isinstance(index, slice):
            return self.whole[index]
        item = self._items[index]
        return self._first_time(index) if item is None else item

    def _first_time(self, index: int) -> T:
        with self._making:
            item = self._items[index]
            if item is None:
                item = self._items[index] = self.make(index % len(self._items))
            return item

    def __iter__(self) -> Iterator[T]:
        return iter(self.whole)

    def __repr__(self) -> str:
        return repr(self.whole)
