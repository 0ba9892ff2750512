"""By which way does a contribution come: through the skip, or through the branch?

From a fork several ways lead towards the target; they meet again at a join, the first node that all of them pass.
Where that join is an addition or a concatenation, and the shortest way round is an identity or holds nothing but
linear operators (a projection, a scale, a padding), that way is the skip and the others are branches. Where even the
shortest way goes through an activation, nothing is called a skip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

from resdebug.network.model import Edge
from resdebug.passes.protocol import Pass

JOINS: Final = frozenset({"add", "concat"})

LINEAR: Final = frozenset((
    "identity", "neg", "scale", "mul", "div", "sub", "add", "linear", "matmul", "einsum", "conv1d", "conv2d", "conv3d",
    "conv_transpose2d", "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "avg_pool1d",
    "avg_pool2d", "avg_pool3d", "global_avg_pool", "adaptive_avg_pool2d", "max_pool2d", "pad", "slice", "split",
    "select", "reshape", "flatten", "transpose", "permute", "squeeze", "unsqueeze", "expand", "upsample",
    "pixel_shuffle", "pixel_unshuffle", "dropout", "concat", "roll", "flip",
))  # fmt: skip
"""What a shortcut may be made of: operators that keep its way straight, with or without a norm or a pooling in it."""


class Way(Enum):
    """Which way round a block a contribution takes."""

    SKIP = "skip"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Route:
    """The way of one contribution: which, where it joined, and how many operators lie in between."""

    way: Way
    join: str
    length: int


class Routes:
    """Finds the routes of all forks of a pass; each fork is worked out when it is asked for."""

    def __init__(self, pass_: Pass) -> None:
        self.pass_ = pass_
        self._found: dict[int, Mapping[int, Route]] = {}

    def route(self, edge: Edge) -> Route | None:
        """Return the route of the contribution through ``edge``; None when its source is no fork of a block."""
        fork = edge.source_index
        if fork not in self._found:
            self._found[fork] = self._routes(fork)
        return self._found[fork].get(edge.index)

    def _routes(self, fork: int) -> Mapping[int, Route]:
        arrivals = self.pass_.schedule.arrivals[fork]
        if len(arrivals) < 2:
            return {}
        join = self.joins[fork]
        if join is None or self.pass_.network.nodes[join].op not in JOINS:
            return {}
        lengths = {edge.index: self._length(edge, join) for edge in arrivals}
        shortest = min(lengths.values())
        if sum(length == shortest for length in lengths.values()) > 1:
            return {}
        if shortest and not all(self._is_straight(e, join) for e in arrivals if lengths[e.index] == shortest):
            return {}
        name = self.pass_.network.nodes[join].name
        return {
            index: Route(Way.SKIP if length == shortest else Way.BRANCH, name, length)
            for index, length in lengths.items()
        }

    def _is_straight(self, edge: Edge, join: int) -> bool:
        """Whether all ways from ``edge`` to ``join`` hold linear operators only."""
        arrivals = self.pass_.schedule.arrivals
        stack, seen = [edge.consumer_index], {join}
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                if self.pass_.network.nodes[node].op not in LINEAR:
                    return False
                stack += [e.consumer_index for e in arrivals[node]]
        return True

    def _length(self, edge: Edge, join: int) -> int:
        """Return the number of operators on the longest way from ``edge`` to ``join``, the join not counted."""
        arrivals = self.pass_.schedule.arrivals
        longest = {join: 0}
        stack = [edge.consumer_index]
        while stack:
            node = stack[-1]
            open_ = [e.consumer_index for e in arrivals[node] if e.consumer_index not in longest]
            if node in longest or not open_:
                stack.pop()
                if node not in longest:
                    longest[node] = 1 + max(longest[e.consumer_index] for e in arrivals[node])
            else:
                stack += open_
        return longest[edge.consumer_index]

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
