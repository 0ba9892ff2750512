"""Statistics of every event in place of its numbers: a line of JSON each, whatever the size of the network.

The file cannot be opened again as a pass. NaN and the infinities are spelled as in a trace.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

import msgspec

from resdebug.analysis.summary import Summary, summarise
from resdebug.engine.forward import leaf_value
from resdebug.export.registry import Progress
from resdebug.network.digest import digest, node_link
from resdebug.network.limits import memory_limit
from resdebug.network.model import Network
from resdebug.network.order import schedule
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Contributed, Evaluated, Seeded, Timeline
from resdebug.passes.protocol import Pass
from resdebug.passes.segments import Seen, Segments
from resdebug.version import __version__

FORMAT: Final = "resdebug-statistics"
VERSION: Final = 1


class Statistics(msgspec.Struct, frozen=True):
    """A tensor in numbers; minimum, maximum, mean and deviation are over its finite elements."""

    shape: list[int]
    dtype: str
    norm: float | str
    minimum: float
    maximum: float
    mean: float
    deviation: float
    zeros: int
    nans: int
    infinities: int


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event; ``partial`` is the norm of the running sum after a contribution."""

    k: int
    event: str
    node: str
    statistics: Statistics | None = None
    consumer: str = ""
    slot: str = ""
    partial: float | str | None = None


def look(array: Array) -> Statistics:
    """Return the statistics of an array."""
    found: Summary = summarise(array)
    return Statistics(
        list(array.shape), array.dtype.name, _spelled(found.norm), found.minimum, found.maximum, found.mean,
        found.deviation, found.zeros, found.nans, found.infinities,
    )  # fmt: skip


def _spelled(number: float) -> float | str:
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def of_network(
    network: Network, target: str | None = None, *, rule: str = "sum", limit: int | None = None
) -> tuple[dict[str, Any], Iterable[Seen[Statistics]]]:
    """Return the header, and the events of a pass that keeps no tensors.

    Raises BadInput when even so it takes more than ``limit`` bytes (80 % of what is free).
    """
    plan = schedule(network, target)
    segments = Segments(network, plan, look, rule=rule)
    segments.check(memory_limit() if limit is None else limit)
    fingerprint = digest(network, lambda name: leaf_value(network, network[name]))
    return _header(network, plan.target, rule, fingerprint, len(Timeline(network, plan))), segments


def of_pass(pass_: Pass) -> tuple[dict[str, Any], Iterable[Seen[Statistics]]]:
    """Return the same of a pass that is there already."""
    plan = pass_.schedule
    return _header(pass_.network, plan.target, pass_.rule, pass_.digest(), len(pass_.events)), _seen(pass_)


def _header(network: Network, target: int, rule: str, fingerprint: str, events: int) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "generator": f"resdebug {__version__}",
        "digest": fingerprint,
        "target": network.nodes[target].name,
        "rule": rule,
        "events": events,
        "network": node_link(network),
    }


def _seen(pass_: Pass) -> Iterator[Seen[Statistics]]:
    partial: dict[str, tuple[int, Array]] = {}
    for event in pass_.events:
        match event:
            case Evaluated(node):
                yield Seen(event, look(_known(pass_.value(node))))
            case Seeded(node) | Completed(node):
                partial.pop(node, None)
                yield Seen(event, look(_known(pass_.adjoint(node))))
            case Contributed(edge):
                sent = pass_.contribution(edge)
                count, so_far = partial.get(edge.source, (0, None))
                running = pass_.accumulate(so_far, sent, count + 1)
                partial[edge.source] = count + 1, running
                yield Seen(event, look(sent), look(running))


def _known(array: Array | None) -> Array:
    if array is None:
        raise AssertionError("an event speaks of a tensor that the pass does not have")
    return array


def write(header: dict[str, Any], events: Iterable[Seen[Statistics]], stream: IO[bytes], progress: Progress) -> None:
    """Write the header, a line an event, and the end."""
    encoder = msgspec.json.Encoder()
    stream.write(encoder.encode(header) + b"\n")
    for k, seen in enumerate(events, start=1):
        stream.write(encoder.encode(_line(k, seen)) + b"\n")
        progress(k, header["events"])
    stream.write(encoder.encode({"k": header["events"], "event": "end"}) + b"\n")


def _line(k: int, seen: Seen[Statistics]) -> Line:
    event = seen.event
    if isinstance(event, Contributed):
        partial = None if seen.running is None else seen.running.norm
        edge = event.edge
        return Line(k, "contributed", edge.source, seen.of, edge.consumer, edge.slot, partial)
    kinds = {Evaluated: "evaluated", Seeded: "seeded", Completed: "completed"}
    return Line(k, kinds[type(event)], event.node, seen.of)
