"""Watches: expressions whose values follow the cursor, before and after the last step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from resdebug.debugger.conditions.columns import Columns
from resdebug.debugger.conditions.condition import Answer, Expression, expression
from resdebug.errors import BadInput, Fault
from resdebug.network.model import Network


@dataclass(frozen=True, slots=True)
class Watch:
    """An expression that is watched, and its number."""

    number: int
    expression: Expression


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch with its values: before the last move of the cursor, and now; None where there was no such thing."""

    number: int
    text: str
    before: Answer
    now: Answer

    @property
    def changed(self) -> bool:
        """Whether the two differ, in any bit."""
        return not same(self.before, self.now)


def same(a: Answer, b: Answer) -> bool:
    """Whether two answers are the same, in every bit."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray) or type(a) is not type(b):
        return False
    return a == b or (a != a and b != b)


class WatchList:
    """The watches that are set, by number."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._watches: dict[int, Watch] = {}
        self._last = 0

    def __iter__(self) -> Iterator[Watch]:
        return iter(self._watches.values())

    def __len__(self) -> int:
        return len(self._watches)

    def add(self, text: str) -> Watch:
        """Watch an expression; one that is watched already is returned. Raises BadInput."""
        found = expression(text.strip(), self.network)
        same_text = next((watch for watch in self if watch.expression.text == found.text), None)
        if same_text is not None:
            return same_text
        self._last += 1
        self._watches[self._last] = Watch(self._last, found)
        return self._watches[self._last]

    def delete(self, number: int) -> Watch:
        """Watch it no longer. Raises BadInput where there is no watch of that number."""
        if number not in self._watches:
            there = ", ".join(map(str, self._watches)) or "nothing is watched"
            raise BadInput(Fault("C004", f"there is no watch {number}", f"watches: {there}"))
        return self._watches.pop(number)

    def clear(self) -> None:
        """Watch nothing any longer."""
        self._watches.clear()

    def table(self, columns: Columns, before: int, now: int) -> tuple[Watched, ...]:
        """Return every watch with its values at two positions."""
        return tuple(
            Watched(w.number, w.expression.text, w.expression.at(columns, before), w.expression.at(columns, now))
            for w in self
        )

    def on(self, network: Network) -> WatchList:
        """Return the same watches on another network; those that do not fit it are left out."""
        other = WatchList(network)
        other._last = self._last
        for watch in self:
            try:
                other._watches[watch.number] = Watch(watch.number, expression(watch.expression.text, network))
            except BadInput:
                continue
        return other
