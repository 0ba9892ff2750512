"""What the screen shows of a node's ledger, and the tensors there are to look at; where a trace lacks them, why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from resdebug.engine.norms import norm
from resdebug.network.model import Edge
from resdebug.ops.base import Array
from resdebug.passes.protocol import LedgerRow, Of, Pass
from resdebug.passes.routes import Route, Routes
from resdebug.passes.summary import Summary, cosine


class Link(NamedTuple):
    """A neighbour of the selected node, and the slot between them."""

    name: str
    slot: str
    is_consumer: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A ledger row as the screen shows it."""

    edge: Edge
    row: LedgerRow | None
    """The numbers; None where the trace does not hold them."""
    route: Route | None
    norm: float | None
    """None where not even that is known; so are the others."""
    running_norm: float | None
    cosine: float | None
    """With the running sum before it; None for the first one."""
    share: float | None
    """Of the norms of all contributions."""
    absent: str
    """Why there are no numbers, where there are none."""

    @property
    def consumer(self) -> str:
        """The node that sent it."""
        return self.edge.consumer


@dataclass(frozen=True, slots=True)
class View:
    """A tensor to look at: what it is, and the numbers; None where there are none yet, or none in the trace."""

    label: str
    array: Array | None
    absent: str = ""
    """Why the numbers are not there, where the trace does not hold them."""
    summary: Summary | None = None
    """What the trace has in their place."""


def parts_of(pass_: Pass, routes: Routes, name: str) -> tuple[Part, ...]:
    """Return the whole ledger of a node; of what the trace has no numbers of, what its statistics tell."""
    rows = {row.edge.index: row for row in pass_.ledger(name)}
    edges = pass_.arrivals(name)
    norms = [pass_.size_of(Of.CONTRIBUTION, edge) for edge in edges]
    known = [size for size in norms if size is not None]
    total = sum(known) if len(known) == len(norms) else math.nan
    parts: list[Part] = []
    before: LedgerRow | None = None
    for edge, size in zip(edges, norms, strict=True):
        row = rows.get(edge.index)
        angle = None if row is None or before is None else cosine(row.contribution, before.running)
        share = None if size is None or math.isnan(total) else size / total if total else 0.0
        running = pass_.size_of(Of.PARTIAL, edge) if row is None else norm(row.running)
        absent = "" if row is not None else pass_.lacking(Of.CONTRIBUTION, edge)
        parts.append(Part(edge, row, routes.route(edge), size, running, angle, share, absent))
        before = row
    return tuple(parts)


def view_of(pass_: Pass, label: str, array: Array | None, of: Of, which: str | Edge) -> View:
    """Return a tensor to look at; without numbers, why the trace does not hold them, and its statistics."""
    if array is not None:
        return View(label, array)
    # Of a running sum there are the numbers where there are those of what it is the sum of.
    absent = pass_.lacking(Of.CONTRIBUTION if of is Of.PARTIAL else of, which)
    return View(label, None, absent, pass_.summary(of, which) if absent else None)
