"""What CSV and Parquet share: a row for every contribution, node by node in order of the reverse pass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from resdebug.engine.norms import norm
from resdebug.network.model import Edge
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Contributed
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.recorded import RecordedPass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass
from resdebug.passes.summary import cosine, summarise


class Row(NamedTuple):
    """A contribution in numbers. Norms are Euclidean; minimum and maximum are over the finite elements."""

    event: int
    node: str
    consumer: str
    slot: str
    arrival: int
    elements: int
    norm: float
    running_norm: float
    share: float | None
    cosine: float | None
    minimum: float
    maximum: float
    zeros: int
    nans: int
    infinities: int
    rule: str


ABOUT: Final = {
    "event": "number of the event",
    "node": "who received it",
    "consumer": "who sent it",
    "slot": "through which slot of the consumer",
    "arrival": "its place in the node's ledger, from 1",
    "elements": "how many numbers it has",
    "norm": "its norm",
    "running_norm": "norm of the sum so far, this included",
    "share": "its norm of the sum of the norms of all that the node received",
    "cosine": "of the angle to the sum before it; empty for the first",
    "minimum": "least finite element",
    "maximum": "greatest finite element",
    "zeros": "elements that are zero",
    "nans": "elements that are NaN",
    "infinities": "elements that are infinite",
    "rule": "how contributions accumulated: sum, or wrong on purpose",
}
"""What the columns are."""
COLUMNS: Final = Row._fields


def rows(pass_: Pass | StreamedPass, selection: Selection, every: int = 1) -> Iterator[Row]:
    """Yield the rows of each chosen node, when its adjoint is complete; what waits for that is rows, not tensors.

    Of a pass that is kept ``every`` takes a sample: one of so many nodes. Where a trace has statistics in place of
    numbers, the cosine is None.
    """
    if isinstance(pass_, StreamedPass):
        yield from _while_it_runs(pass_, selection)
        return
    timeline, nodes = pass_.events, pass_.network.nodes
    for i in pass_.schedule.reverse[::every]:
        if not selection.chosen(nodes[i].name):
            continue
        found: list[Row] = []
        running: Array | None = None
        for k, edge in enumerate(pass_.arrivals(nodes[i].name), start=1):
            event = timeline.after_contribution(edge)
            if event is None:
                continue
            place = _Place(event, edge, k, pass_.rule)
            if pass_.holds(Of.CONTRIBUTION, edge):
                sent = pass_.contribution(edge)
                before, running = running, pass_.accumulate(running, sent, k)
                found.append(_measured(place, sent, running, before))
            elif isinstance(pass_, RecordedPass):
                found.append(_told(place, pass_, nodes[i].type.size))
        yield from _shared(found)


def _while_it_runs(pass_: StreamedPass, selection: Selection) -> Iterator[Row]:
    waiting: dict[str, list[Row]] = {}
    before: dict[str, Array] = {}

    def look(of: Of, node: str, array: Array) -> Array | None:
        return array if of in {Of.CONTRIBUTION, Of.PARTIAL} and selection.chosen(node) else None

    for event, seen in enumerate(pass_.seen(look), start=1):
        node = seen.event.node
        if isinstance(seen.event, Completed):
            before.pop(node, None)
            yield from _shared(waiting.pop(node, []))
        elif isinstance(seen.event, Contributed) and seen.of is not None and seen.running is not None:
            so_far = waiting.setdefault(node, [])
            place = _Place(event, seen.event.edge, len(so_far) + 1, pass_.rule)
            so_far.append(_measured(place, seen.of, seen.running, before.get(node)))
            before[node] = seen.running


class _Place(NamedTuple):
    event: int
    edge: Edge
    arrival: int
    rule: str


def _row(place: _Place, **numbers: Any) -> Row:
    edge = place.edge
    return Row(
        event=place.event, node=edge.source, consumer=edge.consumer, slot=edge.slot, arrival=place.arrival,
        share=None, rule=place.rule, **numbers,
    )  # fmt: skip


def _measured(place: _Place, sent: Array, running: Array, before: Array | None) -> Row:
    if sent.size == 1:
        x = float(sent.item())
        finite = math.isfinite(x)
        numbers = {
            "elements": 1, "norm": abs(x), "running_norm": abs(float(running.item())), "minimum": x if finite else 0.0,
            "maximum": x if finite else 0.0, "zeros": int(x == 0), "nans": int(x != x),
            "infinities": int(math.isinf(x)),
        }  # fmt: skip
    else:
        found = summarise(sent)
        numbers = {
            "elements": found.size, "norm": found.norm, "running_norm": found.norm if before is None else norm(running),
            "minimum": found.minimum, "maximum": found.maximum, "zeros": found.zeros, "nans": found.nans,
            "infinities": found.infinities,
        }  # fmt: skip
    return _row(place, cosine=None if before is None else _cosine(sent, before), **numbers)


def _cosine(a: Array, b: Array) -> float | None:
    if a.size != 1:
        return cosine(a, b)
    x, y = float(a.item()), float(b.item())
    if x == 0 or y == 0 or not (math.isfinite(x) and math.isfinite(y)):
        return None
    return 1.0 if (x > 0) == (y > 0) else -1.0


def _told(place: _Place, pass_: RecordedPass, elements: int) -> Row:
    """Return the row that a trace's statistics give."""
    sent, running = pass_.statistics(Of.CONTRIBUTION, place.edge), pass_.statistics(Of.PARTIAL, place.edge)
    if sent is None or running is None:
        raise AssertionError("a contribution with neither numbers nor statistics")
    return _row(
        place, cosine=None, elements=elements, norm=float(sent.norm), running_norm=float(running.norm),
        minimum=sent.minimum, maximum=sent.maximum, zeros=sent.zeros, nans=sent.nans, infinities=sent.infinities,
    )  # fmt: skip


def _shared(found: list[Row]) -> Iterator[Row]:
    """Add to the rows of one node the share of each; none where the norms have no finite sum above zero."""
    total = sum(row.norm for row in found)
    if not (0 < total < math.inf):
        yield from found
        return
    for row in found:
        yield row._replace(share=row.norm / total)


def count(pass_: Pass | StreamedPass, selection: Selection) -> int:
    """Return how many rows there are, of a pass that does not break off."""
    nodes, arrivals = pass_.network.nodes, pass_.schedule.arrivals
    return sum(len(arrivals[i]) for i in pass_.schedule.reverse if selection.chosen(nodes[i].name))
