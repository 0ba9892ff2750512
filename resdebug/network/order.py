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

from resdebug.network.model import Edge, Network, Node
from resdebug.network.pause import collection_paused
from resdebug.network.signature import LEAVES, slots_of
from resdebug.network.wiring import all_lead_to, uses


@dataclass(frozen=True)
class Schedule:
    """Who takes part in a pass, and when."""

    target: int
    order: tuple[int, ...]
    """Indices of all nodes that the target depends on, target first; read backwards it is the forward pass."""
    active: tuple[bool, ...]
    """Per node index, whether it gets an adjoint: it leads to the target and from an input or parameter, each time
    through differentiable slots."""
    nodes: tuple[Node, ...] = field(repr=False, compare=False)

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
        active = self.active
        sent: list[tuple[Edge, ...]] = [()] * len(active)
        with collection_paused():
            differentiable = _Differentiable()
            for i in self.reverse:
                node = self.nodes[i]
                slots = differentiable.of(node)
                sent[i] = tuple(
                    [edge for edge in node.inputs if edge and slots[edge.position] and active[edge.source_index]]
                )
        return tuple(sent)

    @cached_property
    def arrivals(self) -> tuple[tuple[Edge, ...], ...]:
        """Per node index, the edges through which contributions reach it, in order of arrival."""
        received: list[list[Edge]] = [[] for _ in self.active]
        with collection_paused():
            for i in self.reverse:
                for edge in self.deliveries[i]:
                    received[edge.source_index].append(edge)
            return tuple(map(tuple, received))


class _Differentiable:
    """Which slots of each operator send contributions."""

    def __init__(self) -> None:
        self._known: dict[tuple[type, int], tuple[bool, ...]] = {}

    def of(self, node: Node) -> tuple[bool, ...]:
        key = type(node.operator), len(node.inputs)
        if key not in self._known:
            self._known[key] = tuple(slot.differentiable for slot in slots_of(node.operator, len(node.inputs)))
        return self._known[key]


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
    nodes, differentiable = network.nodes, _Differentiable()
    if _all_carry(nodes, differentiable):
        active = [False] * len(nodes)
        for i in order:
            active[i] = True
        return active
    carries = [False] * len(nodes)
    through: list[list[int]] = [[] for _ in nodes]
    for i in reversed(order):
        node = nodes[i]
        if node.op in LEAVES:
            carries[i] = node.is_differentiable_leaf
            continue
        slots = differentiable.of(node)
        sources = [edge.source_index for edge in node.inputs if edge and slots[edge.position]]
        through[i] = sources = [source for source in sources if carries[source]]
        carries[i] = bool(sources) and node.type.is_float
    active = [False] * len(nodes)
    active[end] = True
    for i in order:
        if active[i]:
            for source in through[i]:
                active[source] = True
    return active


def _all_carry(nodes: Sequence[Node], differentiable: _Differentiable) -> bool:
    """Whether every leaf is differentiable, and every slot."""
    kinds = {(node.op, len(node.inputs), node.type): node for node in nodes}
    return all(
        node.is_differentiable_leaf if node.is_leaf else node.type.is_float and all(differentiable.of(node))
        for node in kinds.values()
    )


def _uses(sources: Sequence[Sequence[int]], target: int) -> list[int]:
    """Return, per node index, by how many edges nodes that lead to the target use it."""
    pending = [0] * len(sources)
    seen = [False] * len(sources)
    seen[target] = True
    stack = [target]
    while stack:
        for source in sources[stack.pop()]:
            pending[source] += 1
            if not seen[source]:
                seen[source] = True
                stack.append(source)
    return pending


def _order(network: Network, target: int) -> list[int]:
    sources = [[edge.source_index for edge in node.inputs if edge] for node in network.nodes]
    pending = uses(len(sources), network.edges)
    if not all_lead_to(target, pending):
        pending = _uses(sources, target)
    depth = [0] * len(sources)
    for i in network.inputs_first:
        deepest = -1
        for source in sources[i]:
            if depth[source] > deepest:
                deepest = depth[source]
        depth[i] = deepest + 1
    stack, order = [target], []
    while stack:
        i = stack.pop()
        order.append(i)
        ready = []
        for source in sources[i]:
            pending[source] -= 1
            if not pending[source]:
                ready.append(source)
        if len(ready) > 1:
            ready.sort(key=lambda source: -depth[source])
            ready.reverse()
        stack += ready
    return order
