"""The units of a pass, and all of them in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeAlias, overload

import msgspec
import numpy as np

from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule


class Evaluated(msgspec.Struct, frozen=True, gc=False):
    """The forward pass computed a node's value."""

    node: str


class Seeded(msgspec.Struct, frozen=True, gc=False):
    """The target's own adjoint was planted: 1."""

    node: str


class Completed(msgspec.Struct, frozen=True, gc=False):
    """All contributions to a node have arrived: its adjoint is complete, and it is visited."""

    node: str


class Contributed(msgspec.Struct, frozen=True, gc=False):
    """A visited node, the consumer, sent its contribution through one edge to the edge's source."""

    edge: Edge

    @property
    def node(self) -> str:
        """The node that received the contribution."""
        return self.edge.source


Event: TypeAlias = Evaluated | Seeded | Completed | Contributed


class Timeline(Sequence[Event]):
    """All events of a pass, in order. *Position* k means that k events have happened.

    Events are made when looked at; any of them, and the position of any, is found directly.
    """

    def __init__(self, network: Network, schedule: Schedule, until: int | None = None) -> None:
        """``until`` is the number of events after which the pass breaks off, None when it is whole."""
        self.network = network
        self.schedule = schedule
        self.forward = schedule.order[::-1]
        self.reverse = schedule.reverse
        self.seeded = len(self.forward) + 1
        """Position just after the seed was planted, where a debugger opens; a pass may break off before."""
        _, begin = schedule.delivered
        self._turn: list[int] = schedule.turn.tolist()
        visits = np.array(self.reverse, np.intp)
        starts = self.seeded + np.append(0, np.cumsum(1 + np.diff(begin)[visits]))
        self._starts: list[int] = starts.tolist()
        """Position before each visit, and at last after all."""
        length = self._starts[-1]
        self._length = length if until is None else min(length, until)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, k: int) -> Event: ...
    @overload
    def __getitem__(self, k: slice) -> list[Event]: ...
    def __getitem__(self, k: int | slice) -> Event | list[Event]:
        """Return the k-th event (from 0)."""
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(self._length))]
        if not -self._length <= k < self._length:
            raise IndexError(f"event {k} of {self._length}")
        k %= self._length
        nodes = self.network.nodes
        if k < len(self.forward):
            return Evaluated(nodes[self.forward[k]].name)
        if k == len(self.forward):
            return Seeded(nodes[self.schedule.target].name)
        turn = bisect_right(self._starts, k, hi=len(self.reverse)) - 1
        visited = self.reverse[turn]
        nth = k - self._starts[turn]
        return Contributed(self.schedule.deliveries[visited][nth - 1]) if nth else Completed(nodes[visited].name)

    def __iter__(self) -> Iterator[Event]:
        return islice(self._all(), self._length)

    def _all(self) -> Iterator[Event]:
        """Yield the events of the whole pass, without looking each of them up."""
        nodes, deliveries = self.network.nodes, self.schedule.deliveries
        for i in self.forward:
            yield Evaluated(nodes[i].name)
        yield Seeded(nodes[self.schedule.target].name)
        for i in self.reverse:
            yield Completed(nodes[i].name)
            for edge in deliveries[i]:
                yield Contributed(edge)

    def after_evaluation(self, node: int) -> int | None:
        """Return the position just after the node (by index) was evaluated, None when it takes no part."""
        place = self.schedule.place.get(node)
        return None if place is None else self._within(len(self.forward) - place)

    def after_completion(self, node: int) -> int | None:
        """Return the position just after the node's adjoint was complete, None when it has none."""
        turn = self._turn[node]
        return self._within(self._starts[turn] + 1) if turn < len(self.reverse) else None

    def after_contribution(self, edge: Edge) -> int | None:
        """Return the position just after a contribution went through ``edge``, None when none ever does."""
        turn = self._turn[edge.consumer_index]
        if turn < len(self.reverse):
            for nth, sent in enumerate(self.schedule.deliveries[edge.consumer_index]):
                if sent.index == edge.index:
                    return self._within(self._starts[turn] + 2 + nth)
        return None

    def end_of_visit(self, node: int) -> int | None:
        """Return the position just after the node sent its last contribution, even if the pass breaks off before."""
        turn = self._turn[node]
        return self._starts[turn + 1] if turn < len(self.reverse) else None

    def _within(self, position: int | None) -> int | None:
        return position if position is not None and position <= self._length else None
