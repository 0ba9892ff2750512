"""Trace events as Chrome writes them, for https://ui.perfetto.dev: measured times and bytes of every event.

The format: Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. The
network is run once more for it, an event after the other; what was measured stands under ``otherData``.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from typing import IO, Any, Final

import msgspec
import numpy as np

from resdebug.engine.batches import program
from resdebug.errors import Fault, UsageError
from resdebug.export.registry import Progress, Request, Size
from resdebug.ops import threads
from resdebug.passes.events import Completed, Contributed, Evaluated, Seeded
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.timed import Timed, timed
from resdebug.text import adjoint_of, visible
from resdebug.version import __version__

_PROCESS: Final = 1
_TRACKS: Final = {"forward": 1, "reverse": 2, "blocks": 3}
_PER_EVENT: Final = 275


def write(pass_: Pass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Run and write; holds one event at a time. Raises UsageError for a trace that does not hold its leaves."""
    check(pass_)
    encoder = msgspec.json.Encoder()
    total = len(pass_.events)
    stream.write(b'{"displayTimeUnit":"ns","otherData":' + encoder.encode(_about(pass_)) + b',"traceEvents":[\n')
    stream.write(b",\n".join(encoder.encode(name) for name in _names(pass_)))
    clock = _Clock(pass_)
    for k, happened in enumerate(timed(pass_.network, pass_.schedule, pass_.rule), start=1):
        for event in clock.events(k, happened):
            if request.selection.chosen(happened.event.node) or event["ph"] != "X":
                stream.write(b",\n" + encoder.encode(event))
        progress(k, total)
    for event in clock.last_block():
        stream.write(b",\n" + encoder.encode(event))
    stream.write(b"\n]}\n")


def size(pass_: Pass, request: Request) -> Size:
    """Estimate the bytes that will be written."""
    chosen = sum(request.selection.chosen(pass_.network.nodes[i].name) for i in pass_.schedule.order)
    share = chosen / max(1, len(pass_.schedule.order))
    return Size(round(1500 + _PER_EVENT * len(pass_.events) * share), exact=False)


def check(pass_: Pass) -> None:
    """Raise UsageError unless the network of ``pass_`` can be run."""
    leaves = [pass_.network.nodes[i] for i in pass_.schedule.order if pass_.network.nodes[i].is_leaf]
    if not all(pass_.holds(Of.VALUE, leaf.name) for leaf in leaves):
        what = "times are measured while the network runs, and this trace does not hold all of its inputs"
        raise UsageError(Fault("X010", what, "export from the network"))


def _about(pass_: Pass) -> dict[str, Any]:
    together = program(pass_.network, pass_.schedule) is not None
    return {
        "generator": f"resdebug {__version__}",
        "network": pass_.network.name,
        "digest": pass_.digest(),
        "target": pass_.target,
        "rule": pass_.rule,
        "measured": "the network was run once more for this file, with fresh tensors, every value, contribution and "
        "sum by itself and one after the other, with time.perf_counter_ns; the time between them, spent on writing, is "
        "left out. The first call of an operator includes what it prepares. Measuring adds some 0.2 µs to each.",
        "differs": "a pass proper computes the scalars of this network in batches, so that it is much faster"
        if together
        else "a pass proper makes some gradients of parameters on other threads",
        "bytes": "read: of the inputs' values, and for a contribution of the adjoint and the value it comes from; "
        "made: of the result; held: of all values so far and of adjoints not yet sent on, not of the process",
        "threads": threads.count(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def _names(pass_: Pass) -> Iterator[dict[str, Any]]:
    yield _named("process_name", 0, f"resdebug: {visible(pass_.network.name)}")
    for track, number in _TRACKS.items():
        yield _named("thread_name", number, track)
        order = {"sort_index": number}
        yield {"ph": "M", "name": "thread_sort_index", "pid": _PROCESS, "tid": number, "args": order}


def _named(kind: str, track: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": _PROCESS, "tid": track, "args": {"name": name}}


class _Clock:
    """Lays events one after the other, in microseconds from the first."""

    def __init__(self, pass_: Pass) -> None:
        self.network = pass_.network
        self.now = 0
        self.block = ("", "", 0)
        """The block that is under way, in which pass, and since when."""

    def events(self, k: int, happened: Timed) -> Iterator[dict[str, Any]]:
        """Yield what is written of an event."""
        event = happened.event
        track = "forward" if isinstance(event, Evaluated) else "reverse"
        # A contribution is work of the consumer, and of its block.
        worker = self.network[event.edge.consumer if isinstance(event, Contributed) else event.node]
        yield from self._enter(worker.block, track)
        args = {
            "k": k, "node": visible(event.node), "op": worker.op,
            "shape": str(list(self.network[event.node].shape)),
            "bytes_read": happened.read, "bytes_made": happened.made,
        }  # fmt: skip
        match event:
            case Evaluated(node):
                yield self._slice(visible(node), "evaluated", track, happened.duration, args)
            case Seeded(node):
                yield self._slice(f"seed {adjoint_of(visible(node))}", "seeded", track, happened.duration, args)
            case Completed(node):
                yield {
                    "ph": "i", "name": f"{adjoint_of(visible(node))} complete", "cat": "completed", "pid": _PROCESS,
                    "tid": _TRACKS[track], "ts": self.now / 1000, "s": "t", "args": {"k": k, "node": visible(node)},
                }  # fmt: skip
            case Contributed(edge):
                args |= {"consumer": visible(edge.consumer), "slot": edge.slot}
                name = f"{visible(edge.consumer)}.{edge.slot} → {adjoint_of(visible(edge.source))}"
                yield self._slice(name, "contributed", track, happened.duration, args)
                if happened.adding:
                    name = f"{adjoint_of(visible(edge.source))} +="
                    yield self._slice(name, "accumulated", track, happened.adding, {"k": k, "node": args["node"]})
        if not isinstance(event, Completed):
            yield {
                "ph": "C", "name": "held", "pid": _PROCESS, "tid": 0, "ts": self.now / 1000,
                "args": {"bytes": happened.held},
            }  # fmt: skip

    def last_block(self) -> Iterator[dict[str, Any]]:
        """Yield the block that was under way at the end."""
        yield from self._enter("", "")

    def _enter(self, block: str, track: str) -> Iterator[dict[str, Any]]:
        name, before, since = self.block
        if (block, track) == (name, before):
            return
        if name:
            ended, self.now = self.now, since
            yield self._slice(visible(name), "block", "blocks", ended - since, {"pass": before})
        self.block = block, track, self.now

    def _slice(self, name: str, kind: str, track: str, took: int, args: dict[str, Any]) -> dict[str, Any]:
        start, self.now = self.now, self.now + took
        return {
            "ph": "X", "name": name, "cat": kind, "pid": _PROCESS, "tid": _TRACKS[track], "ts": start / 1000,
            "dur": took / 1000, "args": args,
        }  # fmt: skip
