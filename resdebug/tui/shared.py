"""Answers that are kept, as many as there is room for, and given once to all that ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar

T = TypeVar("T")

FEWEST: Final = 4
"""So many are kept however large they are."""


class Shared(Generic[T]):
    """Keeps the latest answers of a function; of two threads that ask the same one waits for the other's answer."""

    def __init__(self, answer: Callable[[str], T], most: int, size: Callable[[T], int] = lambda _: 1) -> None:
        self._answer = answer
        self._most = most
        self._size = size
        self._kept: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._taken = 0
        self._asked: dict[str, Lock] = {}
        self._lock = Lock()

    def __call__(self, about: str) -> T:
        """Return the answer."""
        with self._lock:
            found = self._kept.get(about)
            if found is not None:
                self._kept.move_to_end(about)
                return found[0]
            turn = self._asked.setdefault(about, Lock())
        with turn:
            with self._lock:
                found = self._kept.get(about)
            if found is not None:
                return found[0]
            answer = self._answer(about)
            self._keep(about, answer)
            return answer

    def __contains__(self, about: str) -> bool:
        return about in self._kept

    def _keep(self, about: str, answer: T) -> None:
        size = self._size(answer)
        with self._lock:
            self._asked.pop(about, None)
            self._kept[about] = answer, size
            self._taken += size
            while self._taken > self._most and len(self._kept) > FEWEST:
                _, (_, freed) = self._kept.popitem(last=False)
                self._taken -= freed
