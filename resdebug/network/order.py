"""The one order of a pass.

The reverse pass visits nodes in it, the screen draws them in it, and the forward pass is exactly its reverse. It is
found depth-first from the target: a node waits until all of its consumers have come; of the operands that a visit
makes ready, the deepest (the longest way from a leaf) comes next, ties by slot, and the others when all that hangs on
it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from resdebug.network.model import Edge, Network


@dataclass(frozen=True)
class Schedule:
    """Who takes part in a pass, and when."""

    target: int
    order: tuple[int, ...]
    """Indices of all nodes that the target depends on, target first; read backwards it is the forward pass."""
    active: tuple[bool, ...]
    """Per node index, whether it gets an adjoint: it leads to the target and from an input or parameter, each time
    through differentiable slots."""
    deliveries: tuple[tuple[Edge, ...], ...]
    """Per node index, the edges through which it sends contributions when it is visited, in slot order."""
    arrivals: tuple[tuple[Edge, ...], ...]
    """Per node index, the edges through which contributions reach it, in order of arrival."""

    @cached_property
    def reverse(self) -> tuple[int, ...]:
        """The nodes of the reverse pass, in order."""
        return tuple(i for i in self.order if self.active[i])


def schedule(network: Network, target: str | None = None) -> Schedule:
    """Lay out the pass that differentiates ``target`` (the network's own where None)."""
    name = network.target if target is None else target
    if name not in network.schedules:
        network.schedules[name] = _schedule(network, network[name].index)
    return network.schedules[name]


def _schedule(network: Network, end: int) -> Schedule:
    order = _order(network, end)
    carries = _carries(network, order)
    active = [False] * len(network.nodes)
    active[end] = True
    deliveries: list[tuple[Edge, ...]] = [()] * len(network.nodes)
    arrivals: list[list[Edge]] = [[] for _ in network.nodes]
    for i in order:
        if not active[i]:
            continue
        node = network.nodes[i]
        sent = tuple(e for e in node.inputs if e is not None and carries[e.source_index] and node.differentiable(e))
        deliveries[i] = sent
        for edge in sent:
            active[edge.source_index] = True
            arrivals[edge.source_index].append(edge)
    return Schedule(end, tuple(order), tuple(active), tuple(deliveries), tuple(tuple(a) for a in arrivals))


def _carries(network: Network, order: Sequence[int]) -> list[bool]:
    """Per node index, whether it leads from a differentiable leaf through differentiable slots."""
    carries = [False] * len(network.nodes)
    for i in reversed(order):
        node = network.nodes[i]
        if node.is_leaf:
            carries[i] = node.is_differentiable_leaf
        else:
            carries[i] = node.type.is_float and any(
                e is not None and carries[e.source_index] and node.differentiable(e) for e in node.inputs
            )
    return carries


def _order(network: Network, target: int) -> list[int]:
    pending, depth = _survey(network, target)
    stack, order = [target], []
    while stack:
        i = stack.pop()
        order.append(i)
        ready = []
        for edge in network.nodes[i].inputs:
            if edge is None:
                continue
            source = edge.source_index
            pending[source] -= 1
            if not pending[source]:
                ready.append(source)
        if len(ready) > 1:
            ready.sort(key=lambda source: -depth[source])
        stack += reversed(ready)
    return order


def _survey(network: Network, target: int) -> tuple[dict[int, int], dict[int, int]]:
    """Return, for all nodes the target depends on, how many edges consume each, and its longest way from a leaf."""
    pending = {target: 0}
    stack = [target]
    while stack:
        for edge in network.nodes[stack.pop()].inputs:
            if edge is None:
                continue
            if edge.source_index not in pending:
                pending[edge.source_index] = 0
                stack.append(edge.source_index)
            pending[edge.source_index] += 1
    waiting = {i: sum(e is not None for e in network.nodes[i].inputs) for i in pending}
    ready = [i for i, count in waiting.items() if not count]
    depth = dict.fromkeys(ready, 0)
    while ready:
        i = ready.pop()
        for edge in network.consumers[i]:
            consumer = edge.consumer_index
            if consumer in waiting:
                depth[consumer] = max(depth.get(consumer, 0), depth[i] + 1)
                waiting[consumer] -= 1
                if not waiting[consumer]:
                    ready.append(consumer)
    return pending, depth
