"""The places of a pass at which a condition is asked: events, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np

from resdebug.passes.events import Timeline

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Truths: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

NONE: Final = -1


class Moment(IntEnum):
    """What happened at a place; a position of 0, where nothing has happened yet, is START."""

    START = 0
    EVALUATED = 1
    SEEDED = 2
    COMPLETED = 3
    CONTRIBUTED = 4


@dataclass(frozen=True, slots=True)
class Places:
    """Places, one a row: the position just after the event, what the event was, its node, and its edge.

    The node of a contribution is its receiver; the edge is -1 for all that is no contribution.
    """

    position: Ints
    moment: Ints
    node: Ints
    edge: Ints

    def __len__(self) -> int:
        return len(self.position)

    def take(self, rows: Ints | Truths) -> Places:
        """Return these places only."""
        return Places(self.position[rows], self.moment[rows], self.node[rows], self.edge[rows])


class Map:
    """All places of one timeline, made once."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline

    @cached_property
    def everything(self) -> Places:
        """A place for the start and for every event, row k being position k."""
        timeline, plan = self.timeline, self.timeline.schedule
        nodes: list[int] = [timeline.forward[0], *timeline.forward, plan.target]
        edges: list[int] = [NONE] * len(nodes)
        for i in timeline.reverse:
            nodes.append(i)
            edges.append(NONE)
            for sent in plan.deliveries[i]:
                nodes.append(sent.source_index)
                edges.append(sent.index)
        edge = np.array(edges, np.int64)
        moment = np.where(edge == NONE, Moment.COMPLETED, Moment.CONTRIBUTED).astype(np.int64)
        moment[0] = Moment.START
        moment[1 : timeline.seeded] = Moment.EVALUATED
        moment[timeline.seeded] = Moment.SEEDED
        whole = Places(np.arange(len(nodes)), moment, np.array(nodes, np.int64), edge)
        # The pass may break off before its last event.
        return whole.take(np.arange(len(timeline) + 1))

    @cached_property
    def by_moment(self) -> dict[Moment, Places]:
        """The places of each moment, in order."""
        every = self.everything
        return {moment: every.take(every.moment == moment) for moment in Moment}

    def at(self, position: int) -> Places:
        """Return the one place at a position."""
        return self.everything.take(np.array([position]))

    def previous(self, places: Places) -> tuple[Places, Truths]:
        """Return, for each place, the one before it at which the same happened, and whether there is one."""
        found = np.zeros(len(places), np.int64)
        known = np.zeros(len(places), bool)
        for moment, all_ in self.by_moment.items():
            mine = places.moment == moment
            if mine.any():
                rank = np.searchsorted(all_.position, places.position[mine]) - 1
                known[mine] = rank >= 0
                found[mine] = all_.position[np.maximum(rank, 0)]
        return self.everything.take(found), known
