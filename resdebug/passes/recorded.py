"""A pass that a trace answers for."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cached_property
from pathlib import Path

from resdebug.engine.accumulation import RULES
from resdebug.errors import BadInput, Fault, Place
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule
from resdebug.network.pause import collection_paused
from resdebug.network.progress import Report
from resdebug.network.source import read_text
from resdebug.ops.base import Array
from resdebug.passes.events import Timeline
from resdebug.passes.lines import is_trace, split
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.selection import Level, Selection
from resdebug.passes.summary import Summary
from resdebug.passes.trace import (
    FORMAT,
    READABLE,
    Header,
    Statistics,
)
from resdebug.text import did_you_mean, plural, visible

__all__ = ["RecordedPass", "is_trace", "load_trace", "parse_trace"]

Key = tuple[Of, int]
"""What a tensor is, and the index of its node or edge."""


class RecordedPass(Pass):
    """Answers with what a trace holds; what it does not hold cannot be asked for.

    A trace may hold statistics in place of numbers, and may break off: ``absent`` says so, ``holds`` which.
    """

    live = False
    _demanding = False

    def __init__(
        self,
        network: Network,
        schedule: Schedule,
        header: Header,
        tensors: Mapping[Key, Array],
        statistics: Mapping[Key, Statistics],
        events: int | None,
    ) -> None:
        """``events`` is the number of events after which the trace breaks off, None when it is whole."""
        super().__init__(network, schedule, header.rule)
        self.selection = Selection(Level(header.level), tuple(header.nodes))
        self.whole = events is None
        self._digest = header.digest
        self._tensors = tensors
        self._statistics = statistics
        self._events = events
        if self.absent:
            told = Fault("T013", self.absent, "trace the network again for the rest", severity="warning")
            self.network = network.with_warnings([*network.warnings, told])

    @cached_property
    def events(self) -> Timeline:
        """All events in order, as far as the trace goes."""
        return Timeline(self.network, self.schedule, self._events)

    def digest(self) -> str:
        """Return the fingerprint that the trace carries."""
        return self._digest

    def value(self, node: str) -> Array | None:
        """Return a node's value; None when the trace has none, as for nodes the target does not depend on."""
        return self._asked(Of.VALUE, node)

    def adjoint(self, node: str) -> Array | None:
        """Return a node's adjoint; None without one, and where ``holds`` says that the trace does not have it."""
        return self._asked(Of.ADJOINT, node)

    def _asked(self, of: Of, node: str) -> Array | None:
        found = self._tensors.get((of, self.network[node].index))
        return self.needed(of, node) if found is None and self._demanding and self.lacking(of, node) else found

    def demanding(self) -> RecordedPass:
        """Return this pass as one that raises BadInput (T014) where it lacks what it is asked for, in place of None."""
        other = copy(self)
        other._demanding = True
        return other

    def contribution(self, edge: Edge) -> Array:
        """Return what was recorded for an edge. Raises KeyError when nothing goes through it, or was not recorded."""
        found = self._tensors.get((Of.CONTRIBUTION, edge.index))
        if found is None:
            known = (Of.CONTRIBUTION, edge.index) in self._statistics
            if self._demanding:
                self.needed(Of.CONTRIBUTION, edge)
            why = "the trace has only statistics of what" if known else "nothing"
            raise KeyError(f"{why} goes from {edge.consumer} through {edge.slot} to {edge.source}")
        return found

    def norm(self, edge: Edge) -> float:
        """Return the norm of a contribution, from its statistics where its numbers are not here."""
        told = self._statistics.get((Of.CONTRIBUTION, edge.index))
        return super().norm(edge) if told is None else float(told.norm)

    def holds(self, of: Of, which: str | Edge) -> bool:
        """Whether the trace has the numbers of a node's value or adjoint, or of the contribution through an edge."""
        return (of, self._index(which)) in self._tensors

    def lacking(self, of: Of, which: str | Edge) -> str:
        """Why the numbers of a tensor that the pass makes are not in the trace; nothing where they are."""
        if self.holds(of, which) or not self.exists(of, which):
            return ""
        if (of, self._index(which)) not in self._statistics and self._events is not None:
            return f"not in this trace: it breaks off after event {self._events}"
        written = self.selection.written
        return f"not in this trace: written with {written}" if written else "not in this trace"

    def exists(self, of: Of, which: str | Edge) -> bool:
        """Whether the pass makes such a tensor, also one after the event at which the trace breaks off."""
        if isinstance(which, str) and of is Of.VALUE:
            return self.network[which].index in self._taking_part
        return super().exists(of, which)

    @cached_property
    def _taking_part(self) -> frozenset[int]:
        return frozenset(self.schedule.order)

    def summary(self, of: Of, which: str | Edge) -> Summary | None:
        """Return the statistics of a tensor, from its numbers or as the trace has them; None where it has neither."""
        told = self.statistics(of, which)
        if told is None:
            return super().summary(of, which) if self.holds(of, which) else None
        node = self.network.nodes[which.source_index] if isinstance(which, Edge) else self.network[which]
        return Summary(
            node.type.size, float(told.norm), told.minimum, told.maximum, told.mean, told.deviation, told.zeros,
            told.nans, told.infinities,
        )  # fmt: skip

    def size_of(self, of: Of, which: str | Edge) -> float | None:
        """Return the norm of a tensor, from its numbers or as the trace has it; None where it has neither."""
        told = self.statistics(of, which)
        if told is not None:
            return float(told.norm)
        return super().size_of(of, which) if self.holds(of, which) else None

    def statistics(self, of: Of, which: str | Edge) -> Statistics | None:
        """Return the statistics that the trace has in place of a tensor, if it has them.

        ``Of.PARTIAL`` are those of the running sum after the contribution through an edge.
        """
        return self._statistics.get((of, self._index(which)))

    def _index(self, which: str | Edge) -> int:
        return which.index if isinstance(which, Edge) else self.network[which].index

    @cached_property
    def absent(self) -> str:
        """What the trace does not hold of the pass, in a sentence; nothing when it holds all."""
        plan = self.schedule
        kinds = (
            (Of.VALUE, "value", len(plan.order)),
            (Of.ADJOINT, "adjoint", len(plan.reverse)),
            (Of.CONTRIBUTION, "contribution", sum(map(len, plan.deliveries))),
        )
        held = {of: sum(1 for kind, _ in self._tensors if kind is of) for of, _, _ in kinds}
        told = []
        if any(held[of] < total for of, _, total in kinds):
            told.append("the trace holds " + ", ".join(f"{held[of]} of {plural(n, word)}" for of, word, n in kinds))
            if self._statistics:
                told.append("it has statistics of " + ("the others" if self._events is None else "some others"))
        if self._events is not None:
            told.append(f"it breaks off after event {self._events} of {len(Timeline(self.network, plan))}")
        return "; ".join(told)


def load_trace(path: str | Path, *, memory: int | None = None, recover: bool = False) -> RecordedPass:
    """Read a trace in JSON or JSONL. Raises MissingInput, BadInput with line and event, IOFailure.

    ``memory`` is how many bytes values and adjoints may take together (80 % of what is free). With ``recover`` a trace
    that was cut off or damaged is read up to the first event that is not whole.
    """
    path = Path(path)
    return parse_trace(read_text(path), str(path), memory=memory, recover=recover)


def parse_trace(
    data: bytes, file: str, *, memory: int | None = None, recover: bool = False, report: Report | None = None
) -> RecordedPass:
    """Read the text of the trace ``file``. Raises BadInput, and what ``report`` does to give it up."""
    with collection_paused():
        return _parsed(data, file, memory, report, recover=recover)


def _parsed(data: bytes, file: str, memory: int | None, report: Report | None, *, recover: bool) -> RecordedPass:
    text = split(data, file, report)
    header = text.header
    place = Place(file, 1, 1)
    if header.format != FORMAT or header.version not in READABLE:
        what = f"format {visible(header.format)} version {header.version}; this reads {FORMAT} version 1 and 2"
        raise BadInput(Fault("T002", what, "write the trace again", place))
    if header.rule not in RULES:
        what = f'unknown accumulation rule "{visible(header.rule)}"'
        raise BadInput(Fault("T002", what, did_you_mean(header.rule, RULES), place))
    levels = [level.value for level in Level]
    if header.level not in levels:
        what = f'unknown level "{visible(header.level)}"'
        raise BadInput(Fault("T002", what, did_you_mean(header.level, levels), place))
    if text.broken is not None and not recover:
        raise BadInput(text.broken)
    from resdebug.passes.reading import Reader

    return Reader(file, text, memory, recover, report).read()
