"""How much memory a pass takes of which nothing is kept, computed from shapes before it is run.

It is gone through as ``Segments`` does: at every step there are the values that are kept, the adjoints that wait, and
what the visited node takes while it is visited. The most of all steps is what is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from resdebug.engine.forward import operator_of
from resdebug.network.model import Network, Node
from resdebug.network.order import Schedule
from resdebug.network.types import ITEM_BYTES, TensorType
from resdebug.network.values import Made, Read

TEMPORARIES: Final = 2
"""Tensors as large as its largest that an operator may make on its way, beside what it says itself."""

DRAWN: Final = "float64"
"""The element type in which initialisers make numbers."""


class Need(NamedTuple):
    """The most bytes that are taken at a time, and the node that is visited then."""

    bytes: int
    node: int


class Segmented(NamedTuple):
    """A pass as it is cut."""

    network: Network
    schedule: Schedule
    segments: Sequence[Sequence[int]]
    entering: Sequence[set[int]]
    """By segment, the values from before that it uses."""


def needed(cut: Segmented) -> Need:
    """Return what a pass needs."""
    walk = _Walk(cut)
    walk.forward()
    walk.reverse()
    return walk.most


class _Walk:
    """One of the two directions; keeps count of what there is."""

    def __init__(self, cut: Segmented) -> None:
        self.cut = cut
        self.nodes = cut.network.nodes
        self.sizes = [node.type.nbytes for node in self.nodes]
        self.visits: dict[int, int] = {}
        self.most = Need(0, cut.schedule.target)
        self.turn = {i: s for s, segment in enumerate(cut.segments) for i in segment}
        self.users: dict[int, int] = {}
        for entering in cut.entering:
            for i in entering:
                self.users[i] = self.users.get(i, 0) + 1

    def forward(self) -> None:
        """Go through the forward pass."""
        live = 0
        for i in self.cut.schedule.order[::-1]:
            node = self.nodes[i]
            if node.is_leaf:
                self.note(i, live + max(self.sizes[i] + self.reading(i), 2 * self.sizes[i]))
                continue
            live += self.sizes[i]
            self.note(i, live + self.visit(i))
            segment = self.cut.segments[self.turn[i]]
            if i == segment[-1]:
                live -= sum(self.sizes[k] for k in segment if k not in self.users)

    def reverse(self) -> None:
        """Go through the reverse pass; a segment is computed again when it is come to."""
        cut, schedule = self.cut, self.cut.schedule
        kept = sum(map(self.sizes.__getitem__, self.users))
        inside, current = 0, -1
        waiting = {schedule.target: self.sizes[schedule.target]}
        adjoints = waiting[schedule.target]
        for i in schedule.reverse:
            if i in self.turn and self.turn[i] != current:
                kept -= self.released(current)
                current = self.turn[i]
                inside = sum(map(self.sizes.__getitem__, cut.segments[current]))
                self.note(i, kept + inside + adjoints + max(map(self.visit, cut.segments[current])))
            for edge in schedule.deliveries[i]:
                source = edge.source_index
                size = self.sizes[source]
                if source not in waiting and not passes_by(cut.network, schedule, source):
                    waiting[source] = size
                    adjoints += size
                # What is sent is laid out once more for its statistics, and what it is added to is there meanwhile.
                while_made = max(self.visit(i), size)
                self.note(i, kept + inside + adjoints + size + while_made)
            self.note(i, kept + inside + adjoints + self.sizes[i])
            adjoints -= waiting.pop(i, 0)

    def released(self, segment: int) -> int:
        """Return how many bytes only this segment used of what was kept."""
        done = 0
        for i in self.cut.entering[segment] if segment >= 0 else ():
            self.users[i] -= 1
            done += self.sizes[i] * (not self.users[i])
        return done

    def visit(self, i: int) -> int:
        """Return what a node takes while its operator is at work: leaves, which are read for it, and temporaries."""
        if i not in self.visits:
            self.visits[i] = 0 if self.nodes[i].is_leaf else self.working(self.nodes[i])
        return self.visits[i]

    def working(self, node: Node) -> int:
        """Return the same of a node that has an operator."""
        types: list[TensorType | None] = [
            None if edge is None else self.nodes[edge.source_index].type for edge in node.inputs
        ]
        sources = {edge.source_index for edge in node.inputs if edge is not None}
        read = [i for i in sources if self.nodes[i].is_leaf]
        largest = max([node.type.nbytes, *(self.sizes[i] for i in sources if not self.nodes[i].is_leaf)])
        operator = operator_of(node)
        work = operator.workspace(*types) + operator.layouts(*types) + TEMPORARIES * largest
        return sum(map(self.sizes.__getitem__, read)) + max(work, *map(self.reading, read), 0)

    def reading(self, i: int) -> int:
        """Return what it takes to get the numbers of a leaf, themselves left out."""
        type_ = self.nodes[i].type
        match self.cut.network.values[self.nodes[i].name]:
            case Made() if type_.dtype != DRAWN:
                # In double precision first, and three masks tell whether all of it fits.
                return (ITEM_BYTES[DRAWN] + 3) * type_.size
            case Read():
                return type_.nbytes
            case _:
                return 0

    def note(self, i: int, size: int) -> None:
        """Remember what is the most."""
        if size > self.most.bytes:
            self.most = Need(size, i)


def passes_by(network: Network, schedule: Schedule, i: int) -> bool:
    """Whether an adjoint is seen when it arrives and does not wait: that of a leaf with one contribution."""
    return network.nodes[i].is_leaf and len(schedule.arrivals[i]) == 1
