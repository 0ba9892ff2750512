"""What is written of a tensor: its numbers in the record, its numbers in the file beside, or statistics."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Final

from resdebug.engine.reverse import seed_of
from resdebug.export.names import slug
from resdebug.export.safetensors_stream import Stream
from resdebug.network.model import Edge, Node
from resdebug.ops.base import Array
from resdebug.passes.encoding import same_bits, type_name, word
from resdebug.passes.events import Completed, Contributed, Evaluated, Event, Seeded
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.recorded import RecordedPass
from resdebug.passes.segments import Seen
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass
from resdebug.passes.summary import summarise
from resdebug.passes.trace import (
    INLINE,
    CompletedRecord,
    ContributedRecord,
    EvaluatedRecord,
    Record,
    SeededRecord,
    Statistics,
    Tensor,
    encode,
)

_NAME: Final = 60
"""Most characters of a node's name in that of a tensor in the file beside."""
_ENTRY: Final = 140
"""Most bytes that the header of the file beside takes for a tensor, its shape and its node's name left out."""


def statistics(array: Array) -> Statistics:
    """Return the statistics of an array as a trace has them."""
    if array.size == 1:
        return _of_one(float(array.item()))
    found = summarise(array)
    return Statistics(
        word(found.norm), found.minimum, found.maximum, found.mean, found.deviation, found.zeros, found.nans,
        found.infinities,
    )  # fmt: skip


def _of_one(x: float) -> Statistics:
    finite = math.isfinite(x)
    shown = x if finite else 0.0
    return Statistics(word(abs(x)), shown, shown, shown, 0.0, int(x == 0), int(x != x), int(math.isinf(x)))


class Look:
    """Makes of a tensor what a trace has of it. A tensor that is written twice, one after the other, is stored once."""

    def __init__(self, selection: Selection, beside: Stream | None = None, *, checksums: bool = False) -> None:
        """``checksums`` are those of tensors in the record, where lines have none of their own."""
        self.selection = selection
        self.beside = beside
        self.checksums = checksums
        self._last: tuple[Array, Tensor] | None = None
        self._told: tuple[weakref.ref[Array], Tensor] | None = None
        """Weakly: statistics are to be had of tensors that are let go."""
        self._partial: dict[str, tuple[Array, Tensor]] = {}
        self._same: dict[str, Tensor] = {}
        self._count = 0

    def __call__(self, of: Of, node: str, array: Array) -> Tensor:
        """Return the record of a tensor; a contribution and a partial are the receiver's."""
        wanted = self.selection.adjoint(node) if of is Of.ADJOINT else self.selection.value(node)
        if not wanted:
            self._last = None
            if self._told is not None and self._told[0]() is array:
                return self._told[1]
            made = Tensor(list(array.shape), type_name(array.dtype), statistics=statistics(array))
            self._told = weakref.ref(array), made
            return made
        if self.beside is None or array.size <= INLINE:
            return encode(array, checksum=self.checksums)
        return self._stored(of, node, array, self.beside)

    def _stored(self, of: Of, node: str, array: Array, beside: Stream) -> Tensor:
        if of is Of.ADJOINT and node in self._same:
            return self._same.pop(node)
        before = self._partial.pop(node, None) if of is Of.ADJOINT else self._last if of is Of.PARTIAL else None
        if before is not None and before[1].name is not None and same_bits(before[0], array):
            made = before[1]
        else:
            self._count += 1
            name = f"{self._count}.{of.value}.{slug(node)[:_NAME]}"
            made = Tensor(list(array.shape), type_name(array.dtype), name=name, crc=beside.put(name, array))
        self._last = array, made
        if of is Of.PARTIAL:
            self._partial[node] = self._last
        return made

    def settle(self, node: str, adjoint: Array | None) -> None:
        """Let go of the last partial of ``node``, of which so much is remembered whether it is the adjoint."""
        last = self._partial.pop(node, None)
        if last is not None and adjoint is not None and same_bits(last[0], adjoint):
            self._same[node] = last[1]


def room(pass_: Pass | StreamedPass, selection: Selection) -> int:
    """Return at most how many bytes the header of the file beside takes."""
    return 200 + sum(
        _ENTRY + len(slug(node.name)[:_NAME].encode()) + len(str(node.shape)) for node in large(pass_, selection)
    )


def large(pass_: Pass | StreamedPass, selection: Selection) -> Iterator[Node]:
    """Yield the node of every tensor that may go into the file beside, once for each such tensor."""
    schedule = pass_.schedule
    for i in schedule.order:
        node = pass_.network.nodes[i]
        if node.type.size > INLINE:
            arriving = len(schedule.arrivals[i]) if schedule.active[i] else 0
            yield from repeat(node, (1 + 2 * arriving) * selection.value(node.name))
            yield from repeat(node, schedule.active[i] * selection.adjoint(node.name))


def seen(pass_: Pass | StreamedPass, look: Look) -> Iterable[Seen[Tensor]]:
    """Return the events of a pass with what ``look`` makes of them; of what a trace does not hold, its statistics."""
    return pass_.seen(look) if isinstance(pass_, StreamedPass) else _seen(pass_, look)


def _seen(pass_: Pass, look: Look) -> Iterator[Seen[Tensor]]:
    partial: dict[str, tuple[int, Array]] = {}
    for event in pass_.events:
        match event:
            case Evaluated(node):
                array = pass_.value(node)
                yield Seen(event, _absent(pass_, Of.VALUE, node) if array is None else look(Of.VALUE, node, array))
            case Seeded(node):
                yield Seen(event, look(Of.ADJOINT, node, seed_of(pass_.network, pass_.schedule)))
            case Completed(node):
                array = pass_.adjoint(node)
                yield Seen(event, _absent(pass_, Of.ADJOINT, node) if array is None else look(Of.ADJOINT, node, array))
            case Contributed(edge):
                if not pass_.holds(Of.CONTRIBUTION, edge):
                    sent = _absent(pass_, Of.CONTRIBUTION, edge)
                    yield Seen(event, sent, _absent(pass_, Of.PARTIAL, edge))
                    continue
                contribution = pass_.contribution(edge)
                count, so_far = partial.pop(edge.source, (0, None))
                running = pass_.accumulate(so_far, contribution, count + 1)
                sent = look(Of.CONTRIBUTION, edge.source, contribution)
                yield Seen(event, sent, look(Of.PARTIAL, edge.source, running))
                # Parameters wait for the end to be visited: what has arrived at them is not kept till then.
                if count + 1 < len(pass_.schedule.arrivals[edge.source_index]):
                    partial[edge.source] = count + 1, running
                else:
                    look.settle(edge.source, pass_.adjoint(edge.source))


def _absent(pass_: Pass, of: Of, which: str | Edge) -> Tensor:
    known = pass_.statistics(of, which) if isinstance(pass_, RecordedPass) else None
    if known is None:
        raise AssertionError("an event speaks of a tensor that the pass does not have")
    node = pass_.network[which.source if isinstance(which, Edge) else which]
    return Tensor(list(node.shape), node.dtype, statistics=known)


def records(events: Iterable[Seen[Tensor]]) -> Iterator[Record]:
    """Yield a record an event."""
    for k, (event, of, running) in enumerate(((s.event, s.of, s.running) for s in events), start=1):
        yield _record(k, event, of, running)


def _record(k: int, event: Event, of: Tensor, running: Tensor | None) -> Record:
    match event:
        case Evaluated(node):
            return EvaluatedRecord(k, node, of)
        case Seeded(node):
            return SeededRecord(k, node, of)
        case Completed(node):
            return CompletedRecord(k, node, of)
        case Contributed(edge):
            if running is None:
                raise AssertionError("a contribution without its running sum")
            return ContributedRecord(k, edge.source, edge.consumer, edge.slot, of, running)
