"""Works ahead: what the next key will ask for is worked out on another thread while the person looks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from resdebug.debugger.stepping import Granularity
from resdebug.tui.idle import WRITTEN

if TYPE_CHECKING:
    from resdebug.network.model import Node
    from resdebug.tui.session import Session

WORTH: Final = 1 << 12
"""Elements from which a tensor takes long enough to be worth it."""


@lru_cache(maxsize=1)
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="ahead")


class Ahead:
    """Foresees that the next key does what the last one did."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._wanted = session.pass_.live and any(node.type.size >= WORTH for node in session.network.nodes)
        self._here = self._place()
        self._moved = (1, 1)
        """By how many events, and by how many rows, it went on last."""
        self._turn = 0

    def look(self) -> None:
        """The session has moved: work out what comes next, and leave what was begun before."""
        before, self._here = self._here, self._place()
        self._turn += 1
        if before == self._here or not self._wanted:
            return
        time, rows = (now - then for now, then in zip(self._here, before, strict=True))
        self._moved = (time or self._moved[0], self._moved[1] if time else rows)
        # What works meanwhile would hold up the thread that writes the picture.
        asyncio.get_running_loop().call_later(WRITTEN, self._begin, self._turn, not time)

    def _begin(self, turn: int, by_row: bool) -> None:
        if turn != self._turn:
            return
        names = [name for name in dict.fromkeys(self._likely(by_row=by_row)) if self._is_worth(name)]
        if names:
            _thread().submit(self._foresee, names, turn)

    def _place(self) -> tuple[int, int]:
        session = self._session
        return session.debugger.position, session.rows.row_of[session.node.index]

    def _foresee(self, names: list[str], turn: int) -> None:
        for name in names:
            if turn != self._turn:
                return
            self._session.answers.foresee(name)

    def _likely(self, *, by_row: bool) -> Iterator[str]:
        """Yield the nodes that the next key may select, the likeliest first."""
        if by_row:
            yield from self._next_rows()
        scout = copy(self._session.debugger)
        for granularity in (Granularity.NODE, Granularity.EDGE):
            scout.jump(self._here[0])
            (scout.step if self._moved[0] > 0 else scout.back)(granularity)
            yield scout.focus()
        if not by_row:
            yield from self._next_rows()

    def _next_rows(self) -> Iterator[str]:
        session = self._session
        direction = 1 if self._moved[1] > 0 else -1
        for step in (self._moved[1], direction, -direction):
            row = min(max(self._here[1] + step, 0), len(session.rows) - 1)
            yield session.network.nodes[session.rows.nodes[row]].name

    def _is_worth(self, name: str) -> bool:
        session = self._session
        node = session.network[name]
        consumers: list[Node] = [session.network.nodes[e.consumer_index] for e in session.network.consumers[node.index]]
        large = max(each.type.size for each in (node, *consumers)) >= WORTH
        return large and not session.answers.foreseen(name)
