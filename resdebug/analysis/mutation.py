"""A reverse pass with a mistake in it: some contributions or sums are others, and the rest goes on with that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from resdebug.analysis.completion import completion
from resdebug.network.model import Edge
from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.passes.live import LivePass

Send = Callable[[Array], Array]
"""Makes a contribution, of its receiver's shape, from the sender's adjoint."""
Add = Callable[[Sequence[Array]], Array]
"""Makes an adjoint of all contributions, in order of arrival."""

KEPT: int = 1 << 24
"""Elements of unchanged contributions that are remembered."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is made otherwise: contributions by edge index, sums by node index."""

    sends: Mapping[int, Send] = field(default_factory=dict)
    adds: Mapping[int, Add] = field(default_factory=dict)

    def __or__(self, other: Mutation) -> Mutation:
        """Return both; where they meet, ``other`` counts."""
        return Mutation({**self.sends, **other.sends}, {**self.adds, **other.adds})

    def meets(self, other: Mutation) -> bool:
        """Whether both change the same contribution or sum."""
        return bool(self.sends.keys() & other.sends.keys() or self.adds.keys() & other.adds.keys())


class Mutator:
    """Runs mutated reverse passes over one right pass; only what a mutation touches is computed again."""

    def __init__(self, pass_: LivePass) -> None:
        self.pass_ = pass_
        complete = completion(pass_.schedule)
        self.order = sorted(complete, key=lambda i: complete[i])
        """Node indices by when their adjoints are complete, so that a wrong parameter shows before all that follows."""
        self.turn = {i: turn for turn, i in enumerate(self.order)}
        """Places in that order, by node index."""
        self._right: dict[int, Array] = {}
        self._room = KEPT

    def run(self, mutation: Mutation) -> Iterator[tuple[int, Array]]:
        """Yield the index and the adjoint of every node that comes out otherwise, in order of completion."""
        schedule, nodes = self.pass_.schedule, self.pass_.network.nodes
        changed: dict[int, Array] = {}
        edges = self.pass_.network.edges
        starts = [edges[k].source_index for k in mutation.sends] + list(mutation.adds)
        waiting = set(starts)
        first = min((self.turn[i] for i in waiting), default=len(self.order))
        for i in self.order[first:]:
            if not waiting:
                return
            if i not in waiting:
                continue
            waiting.discard(i)
            with threads.ours():
                adjoint = self._adjoint(i, mutation, changed)
            right = self.pass_.adjoint(nodes[i].name)
            if right is not None and np.array_equal(adjoint, right, equal_nan=True):
                continue
            changed[i] = adjoint
            waiting.update(edge.source_index for edge in schedule.deliveries[i])
            yield i, adjoint

    def _adjoint(self, i: int, mutation: Mutation, changed: Mapping[int, Array]) -> Array:
        sent = [self._sent(edge, mutation, changed) for edge in self.pass_.schedule.arrivals[i]]
        if i in mutation.adds:
            return mutation.adds[i](sent)
        total = sent[0]
        for other in sent[1:]:
            total = total + other
        return total

    def _sent(self, edge: Edge, mutation: Mutation, changed: Mapping[int, Array]) -> Array:
        consumer = edge.consumer_index
        if edge.index not in mutation.sends and consumer not in changed:
            return self.right(edge)
        ybar = changed.get(consumer)
        if ybar is None:
            ybar = known(self.pass_.adjoint(edge.consumer))
        if edge.index in mutation.sends:
            return mutation.sends[edge.index](ybar)
        return vjp(self.pass_, edge, ybar)

    def right(self, edge: Edge) -> Array:
        """Return what goes through an edge in the right pass."""
        found = self._right.get(edge.index)
        if found is None:
            found = self.pass_.contribution(edge)
            if found.size <= self._room:
                self._right[edge.index] = found
                self._room -= found.size
        return found


def vjp(pass_: LivePass, edge: Edge, ybar: Array) -> Array:
    """Return the right contribution through ``edge`` to an adjoint ``ybar`` that may be wrong."""
    from resdebug.engine.forward import operator_of

    node = pass_.network.nodes[edge.consumer_index]
    inputs = [None if e is None else pass_.value(e.source) for e in node.inputs]
    with np.errstate(all="ignore"):
        return np.asarray(operator_of(node).vjp(edge.position, ybar, known(pass_.value(node.name)), inputs))


def known(array: Array | None) -> Array:
    """Return an array that must be there."""
    if array is None:
        raise AssertionError("a node that takes part in the pass has no numbers")
    return array
