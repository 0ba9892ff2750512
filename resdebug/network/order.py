"""The one order of a pass.

The reverse pass visits nodes in it, the screen draws them in it, and the forward pass is exactly its reverse. It is
found depth-first from the target: a node waits until all of its consumers have come; of the operands that a visit
makes ready, the deepest (the longest way from a leaf) comes next, ties by slot, and the others when all that hangs on
it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from resdebug.network.model import Edge, Network
from resdebug.network.parts import Nodes
from resdebug.network.pause import collection_paused
from resdebug.network.wires import Flags, Wires

MORE: Final = -2


@dataclass(frozen=True)
class Schedule:
    """Who takes part in a pass, and when."""

    target: int
    order: tuple[int, ...]
    """Indices of all nodes that the target depends on, target first; read backwards it is the forward pass."""
    active: tuple[bool, ...]
    """Per node index, whether it gets an adjoint: it leads to the target and from an input or parameter, each time
    through differentiable slots."""
    nodes: Nodes = field(repr=False, compare=False)

    @cached_property
    def reverse(self) -> tuple[int, ...]:
        """The nodes of the reverse pass, in order."""
        return tuple(i for i in self.order if self.active[i])

    @cached_property
    def place(self) -> dict[int, int]:
        """Where each node that the target depends on stands in the order, by node index."""
        return {i: turn for turn, i in enumerate(self.order)}

    @cached_property
    def deliveries(self) -> tuple[tuple[Edge, ...], ...]:
        """Per node index, the edges through which it sends contributions when it is visited, in slot order."""
        wires, edges = self.nodes.wires, self.nodes.edges
        arriving, _ = wires.arriving
        sending = arriving[self.sends[arriving]]
        counts = np.bincount(wires.consumer[sending], minlength=wires.count)
        with collection_paused():
            sent = list(map(edges.whole.__getitem__, sending.tolist()))
            begin = np.append(0, np.cumsum(counts)).tolist()
            return tuple([tuple(sent[start:stop]) for start, stop in pairwise(begin)])

    @cached_property
    def sends(self) -> Flags:
        """Per edge, whether a contribution goes through it."""
        wires, active = self.nodes.wires, np.array(self.active, bool)
        sends: Flags = self.nodes.edges.differentiable & active[wires.source] & active[wires.consumer]
        return sends

    @cached_property
    def arrivals(self) -> tuple[tuple[Edge, ...], ...]:
        """Per node index, the edges through which contributions reach it, in order of arrival."""
        received: list[list[Edge]] = [[] for _ in self.active]
        with collection_paused():
            for i in self.reverse:
                for edge in self.deliveries[i]:
                    received[edge.source_index].append(edge)
            return tuple(map(tuple, received))


def schedule(network: Network, target: str | None = None) -> Schedule:
    """Lay out the pass that differentiates ``target`` (the network's own where None)."""
    name = network.target if target is None else target
    if name not in network.schedules:
        with collection_paused():
            network.schedules[name] = _schedule(network, network[name].index)
    return network.schedules[name]


def _schedule(network: Network, end: int) -> Schedule:
    order = _order(network, end)
    return Schedule(end, tuple(order), tuple(_active(network, order, end)), network.nodes)


def _active(network: Network, order: Sequence[int], end: int) -> list[bool]:
    """Return, per node index, whether it leads to the target, and from a differentiable leaf."""
    nodes, wires = network.nodes, network.wires
    differentiable = nodes.edges.differentiable
    if differentiable.all() and nodes.floating.all() and (nodes.differentiable_leaf == nodes.leaf).all():
        active = [False] * len(nodes)
        for i in order:
            active[i] = True
        return active
    edges, first = wires.arriving
    sources, sends, begin = wires.source[edges].tolist(), differentiable[edges].tolist(), first.tolist()
    carries: list[bool] = nodes.differentiable_leaf.tolist()
    leaf, floating = nodes.leaf.tolist(), nodes.floating.tolist()
    through: list[list[int]] = [[] for _ in nodes.names]
    for i in reversed(order):
        if not leaf[i]:
            part = range(begin[i], begin[i + 1])
            through[i] = [sources[k] for k in part if sends[k] and carries[sources[k]]]
            carries[i] = bool(through[i]) and floating[i]
    active = [False] * len(nodes)
    active[end] = True
    for i in order:
        if active[i]:
            for source in through[i]:
                active[source] = True
    return active


class _Operands:
    """The operands of every node, at most two of them where that is all; ``none`` stands for one that is not there."""

    def __init__(self, wires: Wires) -> None:
        arity = wires.arity
        self.none = wires.count
        edges, begin = wires.arriving
        sources = np.append(wires.source[edges], (self.none, self.none))
        self.first: list[int] = np.where(arity > 0, sources[begin[:-1]], self.none).tolist()
        second = np.where(arity > 1, sources[begin[:-1] + 1], self.none)
        second[arity > 2] = MORE
        self.second: list[int] = second.tolist()
        """``MORE`` where there are more than two."""
        wide = np.flatnonzero(arity > 2).tolist()
        self.all: dict[int, list[int]] = {i: sources[begin[i] : begin[i + 1]].tolist() for i in wide}

    def depths(self, inputs_first: Sequence[int]) -> list[int]:
        """Return each node's longest way from a leaf, and -1 for what is not there."""
        first, second = self.first, self.second
        depth = [-1] * (self.none + 1)
        for i in inputs_first:
            b = second[i]
            if b == MORE:
                depth[i] = max([depth[source] for source in self.all[i]]) + 1
                continue
            deepest = depth[first[i]]
            if depth[b] > deepest:
                deepest = depth[b]
            depth[i] = deepest + 1
        return depth


def _order(network: Network, target: int) -> list[int]:
    """Return the nodes that lead to the target, depth-first."""
    wires = network.wires
    operands = _Operands(wires)
    none, first, second = operands.none, operands.first, operands.second
    depth = operands.depths(network.inputs_first)
    leads = wires.leading_to(target)
    pending: list[int] = np.bincount(wires.source[leads[wires.consumer]], minlength=wires.count).tolist()
    stack, order = [target], []
    push = stack.append
    while stack:
        i = stack.pop()
        order.append(i)
        a, b = first[i], second[i]
        if a == none:
            continue
        if b == MORE:
            stack += _made_ready(operands.all[i], pending, depth)
            continue
        left = pending[a] = pending[a] - 1
        if b == none:
            if not left:
                push(a)
            continue
        right = pending[b] = pending[b] - 1
        if not left and not right and a != b:
            # What is pushed last comes next.
            if depth[a] >= depth[b]:
                push(b)
                push(a)
            else:
                push(a)
                push(b)
        elif not right:
            push(b)
        elif not left:
            push(a)
    return order


def _made_ready(sources: Sequence[int], pending: list[int], depth: Sequence[int]) -> list[int]:
    """Count a visit's contributions; return the operands that wait for no more, the one to come next last."""
    ready = []
    for source in sources:
        pending[source] -= 1
        if not pending[source]:
            ready.append(source)
    ready.sort(key=lambda source: -depth[source])
    ready.reverse()
    return ready
