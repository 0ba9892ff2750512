"""A pass that a trace answers for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from resdebug.engine.accumulation import RULES
from resdebug.errors import BadInput, Fault, Place
from resdebug.network.building import build
from resdebug.network.limits import memory_limit
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule
from resdebug.network.signature import LEAVES
from resdebug.network.source import read_text
from resdebug.ops import CATALOGUE
from resdebug.ops.base import Array
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
    ) -> None:
        super().__init__(network, schedule, rule)
        self._values = values
        self._adjoints = adjoints
        self._contributions = contributions

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


def load_trace(path: str | Path) -> RecordedPass:
    """Read a trace in JSON or JSONL. Raises MissingInput, BadInput with line and event, IOFailure."""
    path = Path(path)
    return parse_trace(read_text(path), str(path))


class _Line(NamedTuple):
    number: int
    record: Record


def parse_trace(data: bytes, file: str) -> RecordedPass:
    """Read the text of the trace ``file``. Raises BadInput."""
    header, lines = _split(data, file)
    if header.format != FORMAT or header.version != VERSION:
        what = f"format {visible(header.format)} version {header.version}; this reads {FORMAT} version {VERSION}"
        raise BadInput(Fault("T002", what, "write the trace again", Place(file, 1, 1)))
    if header.rule not in RULES:
        what = f'unknown accumulation rule "{visible(header.rule)}"'
        raise BadInput(Fault("T002", what, did_you_mean(header.rule, RULES), Place(file, 1, 1)))
    return _Reader(file, header, lines).read()


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


class _Reader:
    """Takes the records in order and fits them to the network of the header."""

    def __init__(self, file: str, header: Header, lines: Iterable[_Line]) -> None:
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
                    values[index] = self.tensor(record.value, network.nodes[index].shape, number)
                case SeededRecord():
                    self.index(network, record.node, number)
                case CompletedRecord():
                    index = self.index(network, record.node, number)
                    visited.append(index)
                    adjoints[index] = self.tensor(record.adjoint, network.nodes[index].shape, number)
                case ContributedRecord():
                    edge = self.edge(record, number)
                    shape = network.nodes[edge.source_index].shape
                    contributions[edge.index] = self.tensor(record.contribution, shape, number)
                    sent[edge.consumer_index].append(edge)
                    got[edge.source_index].append(edge)
        active = tuple(i in adjoints for i in range(len(network.nodes)))
        order = tuple(reversed(forward))
        if visited != [i for i in order if active[i]]:
            raise self.fault(1, "T006", "nodes were not completed in the reverse of the order of evaluation")
        target = network[self.header.target].index
        plan = Schedule(target, order, active, tuple(map(tuple, sent)), tuple(map(tuple, got)))
        return RecordedPass(network, plan, self.header.rule, values, adjoints, contributions)

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
            return build(raw, CATALOGUE, target=self.header.target)
        except BadInput as error:
            raise BadInput([fault.located(self.file, 1, 1) for fault in error.faults]) from None

    def leaf(self, node: dict[str, Any], line: _Line | None) -> Array:
        if line is not None and isinstance(line.record, EvaluatedRecord):
            return self.tensor(line.record.value, tuple(line.record.value.shape), line.number)
        shape, dtype = node.get("shape"), node.get("dtype", "float64")
        try:
            array = np.broadcast_to(np.zeros((), dtype=dtype), shape)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise self.fault(1, "T002", f'leaf "{visible(str(node.get("id")))}" has no shape') from None
        if array.nbytes > memory_limit():
            raise self.fault(1, "S001", f'leaf "{visible(str(node.get("id")))}" is over the memory limit')
        return array

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

    def tensor(self, tensor: Tensor, shape: tuple[int, ...], number: int) -> Array:
        try:
            array = decode(tensor)
        except (ValueError, OverflowError) as error:
            raise self.fault(number, "T008", f"a tensor is at fault: {visible(str(error))}") from None
        if array.shape != shape:
            raise self.fault(number, "T008", f"a tensor has shape {array.shape}, the node {shape}")
        return array

    def fault(self, number: int, code: str, what: str, hint: str = "") -> BadInput:
        return BadInput(Fault(code, what, hint, Place(self.file, number, 1 if number else 0)))
