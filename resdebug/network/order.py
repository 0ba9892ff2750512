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

import numpy as np

from resdebug.network.model import Edge, Network
from resdebug.network.operands import MORE
from resdebug.network.parts import EdgesOf, Nodes
from resdebug.network.pause import collection_paused
from resdebug.network.wires import Flags, Ints


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
    def turn(self) -> Ints:
        """Per node index, when it is visited in the reverse pass, counted from 0; the number of visits where never."""
        turns: Ints = np.full(len(self.active), len(self.reverse))
        turns[np.array(self.reverse, np.intp)] = np.arange(len(self.reverse))
        return turns

    @cached_property
    def sends(self) -> Flags:
        """Per edge, whether a contribution goes through it."""
        wires, active = self.nodes.wires, np.array(self.active, bool)
        sends: Flags = self.nodes.edges.differentiable & active[wires.source] & active[wires.consumer]
        return sends

    @cached_property
    def delivered(self) -> tuple[Ints, Ints]:
        """The edges through which contributions go, by consumer in the order of sending, and where each node's begin;
        one more ends them."""
        edges, _ = self.nodes.wires.arriving
        sending = edges[self.sends[edges]]
        counts = np.bincount(self.nodes.wires.consumer[sending], minlength=len(self.active))
        return sending, np.append(0, np.cumsum(counts))

    @cached_property
    def deliveries(self) -> Sequence[tuple[Edge, ...]]:
        """Per node index, the edges through which it sends contributions when it is visited, in slot order."""
        return EdgesOf(self.nodes.edges, *self.delivered)

    @cached_property
    def arrivals(self) -> Sequence[tuple[Edge, ...]]:
        """Per node index, the edges through which contributions reach it, in order of arrival."""
        wires, (sending, _) = self.nodes.wires, self.delivered
        receivers = wires.source[sending]
        in_time = sending[np.lexsort((self.turn[wires.consumer[sending]], receivers))]
        counts = np.bincount(receivers, minlength=len(self.active))
        return EdgesOf(self.nodes.edges, in_time, np.append(0, np.cumsum(counts)))


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


def _order(network: Network, target: int) -> list[int]:
    """Return the nodes that lead to the target, depth-first."""
    wires, operands, depth = network.wires, network.operands, network.depths
    none, first, second = operands.none, operands.first, operands.second
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
            stack += _made_ready(operands.more[i], pending, depth)
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
