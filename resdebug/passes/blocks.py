"""Residual blocks, found from the graph's structure alone.

A join is an addition or a concatenation of things that come from one node, its fork: the nearest common dominator of
the operands, where inputs are the roots and parameters do not count. (Where no block is above an input, constants are
the roots, such as a text, and else parameters.) The operand with the straightest way from the fork is the skip; the
others are branches. Dominators as Cooper, Harvey and Kennedy 2001 (A Simple, Fast Dominance Algorithm), one sweep over
an acyclic graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from resdebug.network.model import Edge
from resdebug.passes.protocol import Pass

JOINS: Final = frozenset({"add", "sub", "concat"})
"""Operators at which the ways of a block meet again."""
LINEAR: Final = frozenset((
    "identity", "neg", "scale", "mul", "div", "sub", "add", "linear", "matmul", "einsum", "conv1d", "conv2d", "conv3d",
    "conv_transpose2d", "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "avg_pool1d",
    "avg_pool2d", "avg_pool3d", "global_avg_pool", "adaptive_avg_pool2d", "max_pool2d", "pad", "slice", "split",
    "select", "reshape", "flatten", "transpose", "permute", "squeeze", "unsqueeze", "expand", "upsample",
    "pixel_shuffle", "pixel_unshuffle", "dropout", "concat", "roll", "flip",
))  # fmt: skip
"""What a shortcut may be made of: operators that keep its way straight, with or without a norm or a pooling in it."""
_SCALING: Final = frozenset({"scale", "neg", "mul", "div", "identity"})
_ROOT: Final = -1
_WORTH: Final = 64
"""Looking for ways stops after so many steps a node of the network: graphs that are one large tangle have no blocks."""


class Way(Enum):
    """Which way round a block a contribution takes."""

    SKIP = "skip"
    BRANCH = "branch"


class Skip(Enum):
    """What the short way round a block is made of."""

    IDENTITY = "identity"
    SCALED = "scaled"
    PROJECTION = "projection"
    GATED = "gated"
    NONE = "none"
    """No operand has a straight way: branches beside each other."""


@dataclass(frozen=True, slots=True)
class Block:
    """A residual block: from its fork to its join (node indices)."""

    fork: int
    join: int
    kind: Skip
    skip: Edge | None
    """The edge by which the skip enters the join."""
    branches: tuple[Edge, ...]
    """The edges by which the branches enter the join."""
    skip_nodes: frozenset[int]
    branch_nodes: frozenset[int]
    """The nodes on the ways, fork and join not counted."""

    def way(self, edge: Edge) -> Way | None:
        """Return by which way a contribution to the fork comes; None where it comes from elsewhere."""
        if edge.consumer_index in self.skip_nodes or (self.skip is not None and edge.index == self.skip.index):
            return Way.SKIP
        if edge.consumer_index in self.branch_nodes or any(e.index == edge.index for e in self.branches):
            return Way.BRANCH
        return None


def blocks(pass_: Pass) -> tuple[Block, ...]:
    """Return the residual blocks of a pass, those nearest the target first."""
    tried: set[frozenset[int]] = set()
    for op in ("input", "constant", "parameter"):
        flow = _flow(pass_, op)
        if flow and flow not in tried:
            tried.add(flow)
            found = _blocks(pass_, flow)
            if found:
                return found
    return ()


def _blocks(pass_: Pass, flow: frozenset[int]) -> tuple[Block, ...]:
    plan = pass_.schedule
    above = _dominators(pass_, flow)
    budget = [_WORTH * max(len(plan.reverse), 1)]
    found = []
    for join in plan.reverse:
        if pass_.network.nodes[join].op not in JOINS or join not in flow:
            continue
        operands = [edge for edge in plan.deliveries[join] if edge.source_index in flow]
        fork = _meet([edge.source_index for edge in operands], above) if len(operands) > 1 else None
        if fork is not None:
            block = _block(pass_, flow, fork, join, operands, budget)
            if block is not None:
                found.append(block)
    return tuple(found)


def _flow(pass_: Pass, op: str) -> frozenset[int]:
    """Return the visited nodes that depend on a leaf of this kind."""
    plan, nodes = pass_.schedule, pass_.network.nodes
    found = {i for i in plan.order if nodes[i].op == op}
    for i in reversed(plan.order):
        if any(edge is not None and edge.source_index in found for edge in nodes[i].inputs):
            found.add(i)
    return frozenset(found & set(plan.reverse))


def _dominators(pass_: Pass, flow: frozenset[int]) -> Mapping[int, tuple[int, int]]:
    """Return per node its immediate dominator, and its depth in the tree of dominators."""
    above: dict[int, tuple[int, int]] = {}
    for i in reversed(pass_.schedule.reverse):
        if i not in flow:
            continue
        sources = [edge.source_index for edge in pass_.schedule.deliveries[i] if edge.source_index in flow]
        meet = _meet(sources, above) if sources else None
        above[i] = (_ROOT, 1) if meet is None else (meet, above[meet][1] + 1)
    return above


def _meet(nodes: Sequence[int], above: Mapping[int, tuple[int, int]]) -> int | None:
    """Return the nearest node that dominates all of ``nodes``, themselves included; None where there is none."""
    meet = nodes[0]
    for node in nodes[1:]:
        other = node
        while meet != other:
            if _ROOT in {meet, other}:
                return None
            if above[meet][1] >= above[other][1]:
                meet = above[meet][0]
            else:
                other = above[other][0]
    return None if meet == _ROOT else meet


def _block(
    pass_: Pass, flow: frozenset[int], fork: int, join: int, operands: Sequence[Edge], budget: list[int]
) -> Block | None:
    ways = []
    for edge in operands:
        way = _way(pass_, flow, fork, edge.source_index, budget)
        if way is None:
            return None
        ways.append(way)
    kinds = [_kind(pass_, flow, fork, edge.source_index, way) for edge, way in zip(operands, ways, strict=True)]
    straight = [k for k, kind in enumerate(kinds) if kind is not Skip.NONE]
    chosen: int | None = None
    if straight:
        shortest = min(len(ways[k]) for k in straight)
        nearest = [k for k in straight if len(ways[k]) == shortest]
        if len(nearest) == 1:
            chosen = nearest[0]
    if chosen is None:
        if fork in {edge.source_index for edge in operands}:
            return None  # x + x: the same thing twice is no block
        kind, skip, short = Skip.NONE, None, frozenset[int]()
    else:
        kind, skip = kinds[chosen], operands[chosen]
        # A gate's own nodes lie on its way too, but what goes through it goes through the product alone.
        short = frozenset({skip.source_index}) if kind is Skip.GATED else ways[chosen]
    branches = tuple(edge for k, edge in enumerate(operands) if k != chosen)
    long = frozenset[int]().union(*(ways[k] for k in range(len(operands)) if k != chosen)) - short
    if kind is Skip.GATED and chosen is not None:
        long |= ways[chosen] - short
    return Block(fork, join, kind, skip, branches, short, long)


def _way(pass_: Pass, flow: frozenset[int], fork: int, end: int, budget: list[int]) -> frozenset[int] | None:
    """Return all nodes on ways from the fork to ``end``, the fork left out; None when the looking took too long."""
    seen: set[int] = set()
    stack = [end]
    while stack:
        i = stack.pop()
        if i == fork or i in seen:
            continue
        seen.add(i)
        budget[0] -= 1
        if budget[0] < 0:
            return None
        stack += [edge.source_index for edge in pass_.schedule.deliveries[i] if edge.source_index in flow]
    return frozenset(seen)


def _kind(pass_: Pass, flow: frozenset[int], fork: int, end: int, way: frozenset[int]) -> Skip:
    nodes, deliveries = pass_.network.nodes, pass_.schedule.deliveries
    if end == fork:
        return Skip.IDENTITY
    # Straight: no node on the way gets the fork's influence through more than one operand.
    single = all(sum(e.source_index in flow for e in deliveries[i]) == 1 for i in way)
    if single and all(nodes[i].op in _SCALING for i in way):
        return Skip.SCALED
    if single and all(nodes[i].op in LINEAR for i in way):
        return Skip.PROJECTION
    if nodes[end].op == "mul" and any(edge.source_index == fork for edge in deliveries[end]):
        return Skip.GATED
    return Skip.NONE
