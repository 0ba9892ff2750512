"""By which way does a contribution come: through the skip, or through the branch?

The forks and ways are those of the residual blocks of the network. Where a block has no skip, because even its
straightest way goes through an activation, nothing is called one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

from resdebug.network.model import Edge
from resdebug.passes.blocks import Block, Way, blocks
from resdebug.passes.protocol import Pass

__all__ = ["Route", "Routes", "Way"]


@dataclass(frozen=True, slots=True)
class Route:
    """The way of one contribution: which, where it joined, and how many operators lie in between."""

    way: Way
    join: str
    length: int


class Routes:
    """Finds the routes of all forks of a pass, when the first is asked for."""

    def __init__(self, pass_: Pass) -> None:
        self.pass_ = pass_
        self._lock = Lock()
        self._known: Mapping[int, Route] | None = None

    def find(self) -> Mapping[int, Route]:
        """Find all routes, by edge; whoever asks meanwhile on another thread waits for them."""
        with self._lock:
            if self._known is None:
                self._known = self._found()
            return self._known

    def route(self, edge: Edge) -> Route | None:
        """Return the route of the contribution through ``edge``; None when its source is no fork of a block."""
        return (self.find() if self._known is None else self._known).get(edge.index)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The residual blocks of the pass, those nearest the target first."""
        return blocks(self.pass_)

    def _found(self) -> Mapping[int, Route]:
        found: dict[int, Route] = {}
        arrivals, nodes = self.pass_.schedule.arrivals, self.pass_.network.nodes
        # Of blocks within each other that share a fork the inner one, which comes later, has the last word.
        for block in self.blocks:
            if block.skip is None:
                continue
            join = nodes[block.join].name
            for edge in arrivals[block.fork]:
                way = block.way(edge)
                if way is not None:
                    on_it = block.skip_nodes if way is Way.SKIP else block.branch_nodes
                    found[edge.index] = Route(way, join, len(on_it))
        return found

    @cached_property
    def joins(self) -> Mapping[int, int | None]:
        """Per node of the reverse pass, the first node that all its ways to the target pass: the immediate dominator.

        In reverse order every consumer comes before its inputs, so one sweep is enough (Cooper, Harvey and Kennedy
        2001, A Simple, Fast Dominance Algorithm, on an acyclic graph).
        """
        schedule = self.pass_.schedule
        above: dict[int, int | None] = {schedule.target: None}
        depth = {schedule.target: 0}
        for node in schedule.reverse:
            if node == schedule.target:
                continue
            consumers = [edge.consumer_index for edge in schedule.arrivals[node]]
            meet = consumers[0]
            for other in consumers[1:]:
                meet = _meet(meet, other, above, depth)
            above[node] = meet
            depth[node] = depth[meet] + 1
        return above


def _meet(a: int, b: int, above: Mapping[int, int | None], depth: Mapping[int, int]) -> int:
    while a != b:
        if depth[a] >= depth[b]:
            up = above[a]
            a = a if up is None else up
        else:
            up = above[b]
            b = b if up is None else up
    return a
