"""How much of a network is checked, so that it ends in reasonable time: counted in multiplications, not by the clock.

The same network and seed get the same elements on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from resdebug.engine.forward import operator_of
from resdebug.network.model import Edge, Node
from resdebug.network.types import TensorType
from resdebug.passes.live import LivePass

ALL: Final = 0
LOCAL_ELEMENTS: Final = 10
FEWEST: Final = 3
GLOBAL_ELEMENTS: Final = 3
CALL: Final = 1_000_000
"""What calling an operator costs beside its arithmetic, in multiplications."""
SIMPLE: Final = 50_000
"""The same of an elementwise operator."""
LEAST: Final = 8
"""At so many nodes a global check looks in any case."""
WORK: Final = 2e11
"""Multiplications that a check of one scope may take where nobody says how many elements: some 15 seconds."""
LOCAL_TRIES: Final = 12
"""The same by itself: complex numbers take several times as long as real ones."""
TRIES: Final = 10
"""Evaluations that one element takes, on the average, and the random direction among all of them."""
SLOTS: Final = 4000
"""Most slots checked by themselves where nobody says how many elements."""


class Budget:
    """Chooses places and counts of elements; ``elements`` is what somebody asked for, None where nobody did."""

    def __init__(self, pass_: LivePass, elements: int | None) -> None:
        self.pass_ = pass_
        self.elements = elements

    def per_slot(self, edges: Sequence[Edge]) -> int:
        """Return how many elements the local check takes of each of these slots."""
        if self.elements is not None:
            return self.elements
        nodes = self.pass_.network.nodes
        once = LOCAL_TRIES * sum(work_of(nodes[e.consumer_index], nodes) for e in edges)
        return max(FEWEST, min(LOCAL_ELEMENTS, int(WORK / max(once, 1.0))))

    def local(self, edges: Sequence[Edge]) -> Sequence[Edge]:
        """Return the slots to check: all of them, or evenly spread with every operator among them."""
        if self.elements is not None or len(edges) <= SLOTS:
            return edges
        nodes = self.pass_.network.nodes
        first = {(nodes[e.consumer_index].op, e.position): k for k, e in reversed(list(enumerate(edges)))}
        chosen = set(first.values()) | {k * len(edges) // SLOTS for k in range(SLOTS)}
        return [edges[k] for k in sorted(chosen)]

    def global_(self, nodes: Sequence[int]) -> dict[int, int]:
        """Return how many elements to check of which nodes (by index), in reverse order."""
        if self.elements is not None:
            return dict.fromkeys(nodes, self.elements)
        costs = self._costs()
        total = TRIES * sum(costs[i] for i in nodes)
        if total <= WORK:
            count = min(GLOBAL_ELEMENTS, max(1, int(WORK / max(total, 1))))
            return dict.fromkeys(nodes, count)
        # One element each, of as many nodes as there is time for: forks first, the others evenly spread.
        fair = max(LEAST, int(len(nodes) * WORK / total))
        arrivals = self.pass_.schedule.arrivals
        forks = [i for i in nodes if len(arrivals[i]) > 1]
        kept = set(_spread(forks, fair // 2)) | set(_spread(nodes, fair - min(len(forks), fair // 2)))
        return {i: 1 for i in nodes if i in kept}

    def _costs(self) -> dict[int, float]:
        """Return, per node index, about how many multiplications it takes to evaluate all that comes after it."""
        schedule, network = self.pass_.schedule, self.pass_.network
        costs: dict[int, float] = {}
        so_far = 0.0
        # What comes later in the forward pass is an upper bound of what depends on a node, and needs no search.
        for i in schedule.order:
            costs[i] = so_far
            so_far += work_of(network.nodes[i], network.nodes)
        return costs


def _spread(items: Sequence[int], count: int) -> list[int]:
    if count >= len(items):
        return list(items)
    return [items[k * len(items) // count] for k in range(count)] if count > 0 else []


def work_of(node: Node, nodes: Sequence[Node]) -> float:
    """Return about how many multiplications one evaluation of a node takes, its call included."""
    if node.is_leaf:
        return 0.0
    inputs: list[TensorType] = [nodes[e.source_index].type for e in node.inputs if e is not None]
    call = SIMPLE if operator_of(node).elementwise else CALL
    if node.op.startswith("conv") or node.op == "linear":
        return call + float(node.type.size) * math.prod(inputs[1].shape[1:])
    if node.op in {"matmul", "einsum"}:
        return call + float(node.type.size) * max((t.shape[-1] for t in inputs if t.shape), default=1)
    return call + float(node.type.size + sum(t.size for t in inputs)) * 4
