"""A pass that a trace answers for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from resdebug.engine.accumulation import RULES
from resdebug.errors import BadInput, Fault, Place
from resdebug.network.building import build
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule, schedule
from resdebug.network.signature import LEAVES
from resdebug.network.source import read_text
from resdebug.network.types import ITEM_BYTES, TensorType
from resdebug.network.values import Missing
from resdebug.ops import CATALOGUE
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Contributed, Evaluated, Event, Seeded, Timeline
from resdebug.passes.protocol import Pass
from resdebug.passes.trace import (
    FORMAT,
    VERSION,
    CompletedRecord,
    ContributedRecord,
    EndRecord,
    EvaluatedRecord,
    Header,
    Record,
    SeededRecord,
    Tensor,
    decode,
)
from resdebug.text import did_you_mean, visible


class RecordedPass(Pass):
    """Answers with what a trace holds; what it does not hold cannot be asked for."""

    live = False

    def __init__(
        self,
        network: Network,
        schedule: Schedule,
        rule: str,
        values: Mapping[int, Array],
        adjoints: Mapping[int, Array],
        contributions: Mapping[int, Array],
        digest: str,
    ) -> None:
        super().__init__(network, schedule, rule)
        self._digest = digest
        self._values = values
        self._adjoints = adjoints
        self._contributions = contributions

    def digest(self) -> str:
        """Return the fingerprint that the trace carries."""
        return self._digest

    def value(self, node: str) -> Array | None:
        """Return a node's value; None when the trace has none, as for nodes the target does not depend on."""
        return self._values.get(self.network[node].index)

    def adjoint(self, node: str) -> Array | None:
        """Return a node's adjoint, or None."""
        return self._adjoints.get(self.network[node].index)

    def contribution(self, edge: Edge) -> Array:
        """Return what was recorded for an edge."""
        if edge.index not in self._contributions:
            raise KeyError(f"nothing goes from {edge.consumer} through {edge.slot} to {edge.source}")
        return self._contributions[edge.index]


def is_trace(data: bytes) -> bool:
    """Whether a file's text says of itself, in its first object, that it is a trace."""
    head = data[:4096].lstrip()
    return head.startswith(b"{") and b'"format"' in head and FORMAT.encode() in head


def load_trace(path: str | Path, *, memory: int | None = None) -> RecordedPass:
    """Read a trace in JSON or JSONL. Raises MissingInput, BadInput with line and event, IOFailure.

    ``memory`` is how many bytes values and adjoints may take together (80 % of what is free).
    """
    path = Path(path)
    return parse_trace(read_text(path), str(path), memory=memory)


@dataclass(frozen=True)
class _AsRecorded(Schedule):
    """A schedule whose nodes send in the order in which a trace has it."""

    sent: tuple[tuple[Edge, ...], ...] = field(repr=False)
    received: tuple[tuple[Edge, ...], ...] = field(repr=False)

    @cached_property
    def deliveries(self) -> tuple[tuple[Edge, ...], ...]:
        """Per node index, the edges through which it sends contributions, in order."""
        return self.sent

    @cached_property
    def arrivals(self) -> tuple[tuple[Edge, ...], ...]:
        """Per node index, the edges through which contributions reach it, in order of arrival."""
        return self.received


class _Line(NamedTuple):
    number: int
    record: Record


def parse_trace(data: bytes, file: str, *, memory: int | None = None) -> RecordedPass:
    """Read the text of the trace ``file``. Raises BadInput."""
    header, lines = _split(data, file)
    if header.format != FORMAT or header.version != VERSION:
        what = f"format {visible(header.format)} version {header.version}; this reads {FORMAT} version {VERSION}"
        raise BadInput(Fault("T002", what, "write the trace again", Place(file, 1, 1)))
    if header.rule not in RULES:
        what = f'unknown accumulation rule "{visible(header.rule)}"'
        raise BadInput(Fault("T002", what, did_you_mean(header.rule, RULES), Place(file, 1, 1)))
    return _Reader(file, header, lines, memory).read()


def _split(data: bytes, file: str) -> tuple[Header, Iterator[_Line]]:
    """Separate the header from the records, of either form."""
    first, newline, rest = data.partition(b"\n")
    try:
        if newline and rest.strip() and first.rstrip().endswith(b"}"):
            return msgspec.json.decode(first, type=Header), _lines(rest, file)
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        what = f"is not a trace: {visible(str(error))}"
        raise BadInput(Fault("T001", what, "write it with resdebug trace", Place(file, 1, 1))) from None
    header = msgspec.convert(msgspec.to_builtins(document), Header)
    return header, (_Line(0, record) for record in document.records)


class _Document(Header, frozen=True, kw_only=True):
    records: list[Record]


def _lines(rest: bytes, file: str) -> Iterator[_Line]:
    decoder = msgspec.json.Decoder(Record)
    for number, line in enumerate(rest.split(b"\n"), start=2):
        if not line.strip():
            continue
        try:
            yield _Line(number, decoder.decode(line))
        except (msgspec.DecodeError, RecursionError) as error:
            what = f"line {number} is not a record: {visible(str(error))}"
            raise BadInput(Fault("T003", what, "the trace was cut off or changed", Place(file, number, 1))) from None


def _event_of(item: Record | Event) -> tuple[str, ...]:
    """Return what a record or an event is about, to be compared."""
    match item:
        case EvaluatedRecord(node=node) | Evaluated(node=node):
            return ("evaluated", node)
        case SeededRecord(node=node) | Seeded(node=node):
            return ("seeded", node)
        case CompletedRecord(node=node) | Completed(node=node):
            return ("completed", node)
        case ContributedRecord(consumer=consumer, slot=slot, node=node):
            return ("contributed", consumer, slot, node)
        case Contributed(edge=edge):
            return ("contributed", edge.consumer, edge.slot, edge.source)
    return ("end",)


class _Reader:
    """Takes the records in order and fits them to the network of the header."""

    def __init__(self, file: str, header: Header, lines: Iterable[_Line], memory: int | None) -> None:
        self.memory = memory
        self.file = file
        self.header = header
        self.lines = list(lines)

    def read(self) -> RecordedPass:
        if not self.lines or not isinstance(self.lines[-1].record, EndRecord):
            number = self.lines[-1].number if self.lines else 1
            raise self.fault(number, "T004", "the trace ends before its end mark", "it was cut off; write it again")
        network = self.network()
        self.edges = {(e.consumer, e.slot): e for e in network.edges}
        values: dict[int, Array] = {}
        adjoints: dict[int, Array] = {}
        contributions: dict[int, Array] = {}
        forward: list[int] = []
        visited: list[int] = []
        sent: list[list[Edge]] = [[] for _ in network.nodes]
        got: list[list[Edge]] = [[] for _ in network.nodes]
        for expected, (number, record) in enumerate(self.lines, start=1):
            if record.k != (expected if not isinstance(record, EndRecord) else expected - 1):
                raise self.fault(number, "T005", f"event {record.k} stands in place {expected}", "events were lost")
            match record:
                case EvaluatedRecord():
                    index = self.index(network, record.node, number)
                    forward.append(index)
                    values[index] = self.tensor(record.value, network.nodes[index].type, number)
                case SeededRecord():
                    self.index(network, record.node, number)
                case CompletedRecord():
                    index = self.index(network, record.node, number)
                    visited.append(index)
                    adjoints[index] = self.tensor(record.adjoint, network.nodes[index].type, number)
                case ContributedRecord():
                    edge = self.edge(record, number)
                    type_ = network.nodes[edge.source_index].type
                    contributions[edge.index] = self.tensor(record.contribution, type_, number)
                    sent[edge.consumer_index].append(edge)
                    got[edge.source_index].append(edge)
        plan = _AsRecorded(
            network[self.header.target].index,
            tuple(reversed(forward)),
            tuple(i in adjoints for i in range(len(network.nodes))),
            network.nodes,
            tuple(map(tuple, sent)),
            tuple(map(tuple, got)),
        )
        self.check_order(network, plan)
        return RecordedPass(network, plan, self.header.rule, values, adjoints, contributions, self.header.digest)

    def check_order(self, network: Network, plan: Schedule) -> None:
        """Require the events of one whole pass in an order that a reverse pass can have."""
        place = {i: k for k, i in enumerate(plan.order)}
        whole = schedule(network, self.header.target)
        if set(place) != set(whole.order) or len(place) != len(plan.order):
            raise self.fault(1, "T006", "not every node that the target depends on is evaluated once")
        for i in plan.order:
            for edge in network.nodes[i].inputs:
                if edge is not None and place[edge.source_index] < place[i]:
                    what = f'"{visible(edge.consumer)}" is evaluated before its input "{visible(edge.source)}"'
                    raise self.fault(1, "T006", what)
        if plan.active != whole.active:
            raise self.fault(1, "T006", "other nodes have adjoints than those that lead to the target")
        for edges, expected in zip(plan.deliveries, whole.deliveries, strict=True):
            if sorted(e.index for e in edges) != sorted(e.index for e in expected):
                what = f'"{visible((edges or expected)[0].consumer)}" does not send one contribution to each input'
                raise self.fault(1, "T006", what)
        timeline = Timeline(network, plan)
        if self.header.events != len(timeline):
            raise self.fault(1, "T006", f"the header speaks of {self.header.events} events, there are {len(timeline)}")
        for line, event in zip(self.lines, timeline, strict=False):
            if _event_of(line.record) != _event_of(event):
                raise self.fault(line.number, "T006", f"event {line.record.k} is not what comes next in a reverse pass")

    def network(self) -> Network:
        """Check the header's network, its leaves filled with what the trace recorded of them."""
        recorded = {line.record.node: line for line in self.lines if isinstance(line.record, EvaluatedRecord)}
        nodes = self.header.network.get("nodes")
        filled: list[Any] = []
        for node in nodes if isinstance(nodes, list) else []:
            if not isinstance(node, dict) or node.get("op") not in LEAVES:
                filled.append(node)
                continue
            line = recorded.get(str(node.get("id")))
            filled.append(node | {"value": self.leaf(node, line)})
        raw = self.header.network | {"nodes": filled}
        try:
            return build(raw, CATALOGUE, target=self.header.target, limit=self.memory)
        except BadInput as error:
            raise BadInput([fault.located(self.file, 1, 1) for fault in error.faults]) from None

    def leaf(self, node: dict[str, Any], line: _Line | None) -> Array | Missing:
        if line is not None and isinstance(line.record, EvaluatedRecord):
            tensor = line.record.value
            return self.tensor(tensor, TensorType(tuple(tensor.shape), tensor.dtype), line.number)
        try:
            known = msgspec.convert(node, TensorType)
        except msgspec.ValidationError:
            raise self.fault(1, "T002", f'leaf "{visible(str(node.get("id")))}" has no shape') from None
        if known.dtype not in ITEM_BYTES or min(known.shape, default=0) < 0:
            raise self.fault(1, "T002", f'leaf "{visible(str(node.get("id")))}" has an impossible type')
        return Missing(known)

    def index(self, network: Network, name: str, number: int) -> int:
        if name not in network:
            hint = did_you_mean(name, (node.name for node in network.nodes))
            raise self.fault(number, "T007", f'event of unknown node "{visible(name)}"', hint)
        return network[name].index

    def edge(self, record: ContributedRecord, number: int) -> Edge:
        edge = self.edges.get((record.consumer, record.slot))
        if edge is None or edge.source != record.node:
            slot = f'slot {visible(record.slot)} of "{visible(record.consumer)}"'
            what = f'no edge from "{visible(record.node)}" into {slot}'
            raise self.fault(number, "T007", what)
        return edge

    def tensor(self, tensor: Tensor, type_: TensorType, number: int) -> Array:
        try:
            array = decode(tensor)
        except (ValueError, OverflowError) as error:
            raise self.fault(number, "T008", f"a tensor is at fault: {visible(str(error))}") from None
        found = TensorType(array.shape, array.dtype.name)
        if found != type_:
            raise self.fault(number, "T008", f"a tensor is {found}, the node {type_}")
        return array

    def fault(self, number: int, code: str, what: str, hint: str = "") -> BadInput:
        return BadInput(Fault(code, what, hint, Place(self.file, number, 1 if number else 0)))
