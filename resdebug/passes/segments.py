"""A pass whose tensors are not kept: every event is shown once, in order, and what nobody needs any more is let go.

The forward pass is cut into segments. Of each only what enters it from before is kept; when the reverse pass comes to
it, its values are computed once more (Griewank and Walther 2008, Evaluating Derivatives, section 12.2). With about √n
segments of n nodes that takes the memory of some √n of them, and one more forward pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from resdebug.engine.accumulation import accumulate
from resdebug.engine.allocation import returning_freed_memory
from resdebug.engine.forward import frozen, leaf_value, result
from resdebug.engine.reverse import contribution, seed_of
from resdebug.errors import BadInput, Fault
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule
from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Contributed, Evaluated, Event, Seeded
from resdebug.passes.needed import Need, Segmented, needed, passes_by
from resdebug.passes.protocol import Of
from resdebug.text import human_bytes, plural, visible

T = TypeVar("T")
Look = Callable[[Of, str, Array], T]


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """An event, and what was made of its tensor; of a contribution also of the running sum after it."""

    event: Event
    of: T
    running: T | None = None


class Segments(Generic[T]):
    """Walks through the events of a pass; ``look`` makes of every tensor what is to be kept of it.

    It is told what the tensor is and whose: a contribution and a partial are the receiver's.
    """

    def __init__(
        self, network: Network, schedule: Schedule, look: Look[T], *, rule: str = "sum", count: int = 0
    ) -> None:
        """``count`` is the number of segments, √n unless given."""
        self.network = network
        self.schedule = schedule
        self.look = look
        self.rule = rule
        forward = schedule.order[::-1]
        computed = [i for i in forward if not network.nodes[i].is_leaf]
        self.segments = _cut(network, computed, count or max(1, math.isqrt(len(computed))))
        self.entering = [self._entering(segment) for segment in self.segments]

    def _entering(self, segment: list[int]) -> set[int]:
        """Return the nodes before a segment that it uses, leaves left out: they are taken from the network."""
        inside, nodes = set(segment), self.network.nodes
        used = {edge.source_index for i in segment for edge in nodes[i].inputs if edge is not None}
        return {i for i in used - inside if not nodes[i].is_leaf}

    @cached_property
    def need(self) -> Need:
        """At most how many bytes tensors take at a time, and which node is visited then."""
        return needed(Segmented(self.network, self.schedule, self.segments, self.entering))

    @property
    def needed(self) -> int:
        """At most how many bytes tensors take at a time."""
        return self.need.bytes

    def check(self, limit: int) -> None:
        """Raise BadInput when tensors need more than ``limit`` bytes."""
        tensors, node = self.need
        if tensors > limit:
            what = f"a pass of which only statistics are kept takes {human_bytes(tensors)}"
            name = visible(self.network.nodes[node].name)
            most = f'the most when "{name}" of {plural(len(self.schedule.order), "node")} is visited'
            hint = "use a smaller batch, or raise the limit with --memory"
            raise BadInput(Fault("S002", f"{what}, over the limit of {human_bytes(limit)}; {most}", hint))

    def __iter__(self) -> Iterator[Seen[T]]:
        """Run the pass. Raises BadInput as the engine does."""
        with threads.ours(), returning_freed_memory():
            entered: list[dict[int, Array]] = [{} for _ in self.segments]
            yield from self._forward(entered)
            yield from self._reverse(entered)

    def _forward(self, entered: list[dict[int, Array]]) -> Iterator[Seen[T]]:
        network, nodes = self.network, self.network.nodes
        turn = {i: s for s, segment in enumerate(self.segments) for i in segment}
        wanted: dict[int, list[int]] = {}
        for s, entering in enumerate(self.entering):
            for i in entering:
                wanted.setdefault(i, []).append(s)
        values = _Values(network)
        for i in self.schedule.order[::-1]:
            value = leaf_value(network, nodes[i]) if nodes[i].is_leaf else result(nodes[i], values)
            yield Seen(Evaluated(nodes[i].name), self.look(Of.VALUE, nodes[i].name, value))
            if not nodes[i].is_leaf:
                values[i] = value
                for s in wanted.get(i, ()):
                    entered[s][i] = value
            # What is not kept is let go before the next one is made.
            del value
            if i in turn and i == self.segments[turn[i]][-1]:
                values = _Values(network, entered[turn[i] + 1] if turn[i] + 1 < len(self.segments) else {})

    def _reverse(self, entered: list[dict[int, Array]]) -> Iterator[Seen[T]]:
        network, nodes, schedule = self.network, self.network.nodes, self.schedule
        turn = {i: s for s, segment in enumerate(self.segments) for i in segment}
        seed = seed_of(network, schedule)
        adjoints, arrived = {schedule.target: seed}, dict.fromkeys(schedule.order, 0)
        known: dict[int, T] = {}
        yield Seen(Seeded(nodes[schedule.target].name), self.look(Of.ADJOINT, nodes[schedule.target].name, seed))
        current, values = -1, _Values(network)
        for i in schedule.reverse:
            if i in known:
                yield Seen(Completed(nodes[i].name), known.pop(i))
                continue
            ybar = frozen(adjoints.pop(i))
            yield Seen(Completed(nodes[i].name), self.look(Of.ADJOINT, nodes[i].name, ybar))
            if i in turn and turn[i] != current:
                current = turn[i]
                # Let go of the last segment before the next one is made.
                values = _Values(network)
                values = self._again(current, entered[current])
                entered[current] = {}
            for edge in schedule.deliveries[i]:
                arrived[edge.source_index] += 1
                yield self._deliver(edge, ybar, values, adjoints, known, arrived[edge.source_index])
            del ybar

    def _deliver(
        self,
        edge: Edge,
        ybar: Array,
        values: _Values,
        adjoints: dict[int, Array],
        known: dict[int, T],
        arrival: int,
    ) -> Seen[T]:
        """Send one contribution. Nothing holds it afterwards but ``adjoints``, where it is awaited there."""
        look, node, source = self.look, edge.source, edge.source_index
        sent = contribution(self.network, edge, ybar, values)
        of = look(Of.CONTRIBUTION, node, sent)
        if passes_by(self.network, self.schedule, source):
            seen = Seen(Contributed(edge), of, look(Of.PARTIAL, node, sent))
            known[source] = look(Of.ADJOINT, node, sent)
            return seen
        running = accumulate(self.rule, adjoints.get(source), sent, arrival)
        adjoints[source] = frozen(running)
        return Seen(Contributed(edge), of, look(Of.PARTIAL, node, running))

    def _again(self, s: int, entering: dict[int, Array]) -> _Values:
        values = _Values(self.network, entering)
        for i in self.segments[s]:
            values[i] = result(self.network.nodes[i], values)
        return values


class _Values:
    """Some values by node index; those of leaves are asked of the network each time."""

    def __init__(self, network: Network, known: dict[int, Array] | None = None) -> None:
        self._network = network
        self._known = dict(known or {})

    def __getitem__(self, index: int, /) -> Array | None:
        node = self._network.nodes[index]
        return leaf_value(self._network, node) if node.is_leaf else self._known.get(index)

    def __setitem__(self, index: int, array: Any, /) -> None:
        self._known[index] = array


def _cut(network: Network, computed: list[int], count: int) -> list[list[int]]:
    """Cut nodes in order of the forward pass into about ``count`` segments of about as many bytes."""
    total = sum(network.nodes[i].type.nbytes for i in computed)
    segments: list[list[int]] = [[]]
    size = 0
    for i in computed:
        if segments[-1] and size >= total / count:
            segments.append([])
            size = 0
        segments[-1].append(i)
        size += network.nodes[i].type.nbytes
    return segments
