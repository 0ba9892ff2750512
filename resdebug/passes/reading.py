"""The records of a trace, fitted to its network."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from resdebug.errors import BadInput, Fault, Place
from resdebug.network.building import build
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule, schedule
from resdebug.network.progress import Report
from resdebug.network.signature import LEAVES
from resdebug.network.tensorfiles import TensorFault
from resdebug.network.types import ITEM_BYTES, TensorType
from resdebug.network.values import Missing
from resdebug.network.wires import Ints
from resdebug.ops import CATALOGUE
from resdebug.ops.base import Array
from resdebug.passes.beside import Beside
from resdebug.passes.encoding import little_endian
from resdebug.passes.lines import Line, Text, told
from resdebug.passes.protocol import Of
from resdebug.passes.recorded import Key, RecordedPass
from resdebug.passes.trace import (
    CompletedRecord,
    ContributedRecord,
    EndRecord,
    EvaluatedRecord,
    SeededRecord,
    Statistics,
    Tensor,
    decode,
)
from resdebug.text import did_you_mean, visible


@dataclass(frozen=True)
class _AsRecorded(Schedule):
    """A schedule whose nodes are visited, and send, in the order in which a trace has it."""

    visits: tuple[int, ...] = field(repr=False)
    sent: Mapping[int, Sequence[Edge]] = field(repr=False, compare=False)
    """By index of the consumer."""

    @cached_property
    def reverse(self) -> tuple[int, ...]:
        """The nodes of the reverse pass, in order."""
        return self.visits

    @cached_property
    def delivered(self) -> tuple[Ints, Ints]:
        """The edges through which contributions go, by consumer in the order of sending, and where each node's begin;
        one more ends them."""
        each = [self.sent.get(i, ()) for i in range(len(self.active))]
        begin = np.append(0, np.cumsum(np.array([*map(len, each)], np.intp)))
        return np.array([edge.index for edges in each for edge in edges], np.intp), begin


class Reader:
    """Takes the records in order and fits them to the network of the header."""

    def __init__(self, file: str, text: Text, memory: int | None, recover: bool, report: Report | None = None) -> None:
        self.file = file
        self.report = report
        self.header = text.header
        self.lines = text.lines
        self.memory = memory
        self.recover = recover
        self.cut = text.broken is not None or not text.header.whole
        """Whether the events end before the pass does."""
        self.beside = Beside(Path(file), text.header.tensors)
        self.read_already: dict[int, Array] = {}
        """Values of leaves, by the identity of their record."""
        self.tensors: dict[Key, Array] = {}
        self.statistics: dict[Key, Statistics] = {}
        self.forward: list[int] = []
        self.seeded = False
        self.visited: int | None = None
        """The node that was completed last."""
        self.visits: dict[int, int] = {}
        """The line in which each node is completed, in order."""
        self.sent: dict[int, list[Edge]] = {}

    def read(self) -> RecordedPass:
        """Return the pass. Raises BadInput."""
        network = self.network()
        self.edges = {(e.consumer, e.slot): e for e in network.edges}
        self.indices = {node.name: node.index for node in network.nodes}
        total = max(self.header.events + 1, len(self.lines))
        for expected, line in enumerate(told(self.lines, self.report, total, 2 * total), start=1):
            try:
                self.take(network, line, expected)
            except BadInput:
                if not self.recover:
                    raise
                self.lines, self.cut = self.lines[: expected - 1], True
                break
        events = [line for line in self.lines if not isinstance(line.record, EndRecord)]
        whole = schedule(network, self.header.target)
        plan = self.plan(network, whole)
        self.check_order(network, plan, whole, events)
        return RecordedPass(
            network, plan, self.header, self.tensors, self.statistics, len(events) if self.cut else None
        )

    def take(self, network: Network, line: Line, expected: int) -> None:
        """Keep what a record brings."""
        number, record = line
        if record.k != (expected if not isinstance(record, EndRecord) else expected - 1):
            raise self.fault(number, "T005", f"event {record.k} stands in place {expected}", "events were lost")
        match record:
            case EvaluatedRecord():
                index = self.index(record.node, number)
                self.require(not self.seeded, line)
                self.keep((Of.VALUE, index), record.value, network.nodes[index].type, number)
                self.forward.append(index)
            case SeededRecord():
                index = self.index(record.node, number)
                self.require(not self.seeded and record.node == self.header.target, line)
                self.tensor(record.adjoint, network.nodes[index].type, number)
                self.seeded = True
            case CompletedRecord():
                index = self.index(record.node, number)
                first = not self.visits and record.node == self.header.target
                self.require(self.seeded and index not in self.visits and (first or bool(self.visits)), line)
                self.keep((Of.ADJOINT, index), record.adjoint, network.nodes[index].type, number)
                self.visits[index] = number
                self.visited = index
            case ContributedRecord():
                edge = self.edge(record, number)
                self.require(edge.consumer_index == self.visited, line)
                type_ = network.nodes[edge.source_index].type
                self.tensor(record.partial, type_, number)
                if record.partial.statistics is not None:
                    self.statistics[Of.PARTIAL, edge.index] = record.partial.statistics
                self.keep((Of.CONTRIBUTION, edge.index), record.contribution, type_, number)
                self.sent.setdefault(edge.consumer_index, []).append(edge)

    def require(self, holds: bool, line: Line) -> None:
        """Refuse an event that no pass can have where it stands."""
        if not holds:
            what = f"event {line.record.k} is not what comes next in a reverse pass"
            raise self.fault(line.number, "T006", what)

    def keep(self, key: Key, tensor: Tensor, type_: TensorType, number: int) -> None:
        """Keep the numbers of a tensor, or the statistics in their place."""
        array = self.tensor(tensor, type_, number)
        if array is not None:
            self.tensors[key] = array
        elif tensor.statistics is not None:
            self.statistics[key] = tensor.statistics

    def plan(self, network: Network, whole: Schedule) -> Schedule:
        """Return the order that the trace has; where it breaks off, what is left follows in our own."""
        forward, visits = list(self.forward), list(self.visits)
        sent = {i: list(edges) for i, edges in self.sent.items()}
        if self.cut:
            done, visited = set(forward), set(visits)
            forward += [i for i in reversed(whole.order) if i not in done]
            visits += [i for i in whole.reverse if i not in visited]
            for i in whole.reverse:
                mine = sent.setdefault(i, [])
                mine += [edge for edge in whole.deliveries[i] if edge not in mine]
        return _AsRecorded(
            whole.target,
            tuple(reversed(forward)),
            whole.active,
            network.nodes,
            tuple(visits),
            sent,
        )

    def check_order(self, network: Network, plan: Schedule, whole: Schedule, events: list[Line]) -> None:
        """Require the events of one pass, in an order that a reverse pass can have."""
        place = {i: k for k, i in enumerate(plan.order)}
        if set(place) != set(whole.order) or len(place) != len(plan.order):
            raise self.fault(1, "T006", "not every node that the target depends on is evaluated once")
        for i in plan.order:
            for edge in network.nodes[i].inputs:
                if edge is not None and place[edge.source_index] < place[i]:
                    what = f'"{visible(edge.consumer)}" is evaluated before its input "{visible(edge.source)}"'
                    raise self.fault(1, "T006", what)
        if self.seeded and len(self.forward) < len(whole.order):
            raise self.fault(1, "T006", "not every node that the target depends on is evaluated before the seed")
        if plan.reverse != whole.reverse:
            self.check_visits(network, whole)
        for i, number in self.visits.items():
            if i != self.visited and len(self.sent.get(i, ())) < len(whole.deliveries[i]):
                name = visible(network.nodes[i].name)
                raise self.fault(number, "T006", f'"{name}" does not send one contribution to each input')
        for edges, expected in zip(plan.deliveries, whole.deliveries, strict=True):
            if edges != expected and sorted(e.index for e in edges) != sorted(e.index for e in expected):
                what = f'"{visible((edges or expected)[0].consumer)}" does not send one contribution to each input'
                raise self.fault(1, "T006", what)
        there, all_ = len(events), len(plan.order) + 1 + len(plan.reverse) + sum(map(len, plan.deliveries))
        if not self.cut and (there != all_ or (not self.recover and self.header.events != there)):
            what = f"the header speaks of {self.header.events} events, there are {there} of {all_}"
            raise self.fault(1, "T006", what)

    def check_visits(self, network: Network, whole: Schedule) -> None:
        """Require that every node with an adjoint is visited once, and after all that send to it."""
        done: set[int] = set()
        for i, number in self.visits.items():
            name = visible(network.nodes[i].name)
            if not whole.active[i]:
                raise self.fault(number, "T006", f'"{name}" is completed, and no adjoint leads to it')
            for edge in whole.arrivals[i]:
                if edge.consumer_index not in done:
                    consumer = visible(edge.consumer)
                    raise self.fault(number, "T006", f'"{name}" is completed before its consumer "{consumer}"')
            done.add(i)
        if not self.cut and len(done) < len(whole.reverse):
            raise self.fault(1, "T006", "not every node between the target and an input or parameter is visited")

    def network(self) -> Network:
        """Check the header's network, its leaves filled with what the trace recorded of them."""
        recorded = self.leaves()
        nodes = self.header.network.get("nodes")
        filled: list[Any] = []
        for node in nodes if isinstance(nodes, list) else []:
            if not isinstance(node, dict) or node.get("op") not in LEAVES:
                filled.append(node)
                continue
            array = recorded.get(str(node.get("id")))
            filled.append(node | {"value": self.missing(node) if array is None else array})
        raw = {"directed": True, "multigraph": True} | self.header.network | {"nodes": filled}
        try:
            return build(raw, CATALOGUE, target=self.header.target, limit=self.memory)
        except BadInput as error:
            raise BadInput([fault.located(self.file, 1, 1) for fault in error.faults]) from None

    def leaves(self) -> dict[str, Array]:
        """Read the values of leaves; what follows one that cannot be read is left out where that is allowed."""
        nodes = self.header.network.get("nodes")
        given = [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
        names = {str(node.get("id")) for node in given if node.get("op") in LEAVES}
        found: dict[str, Array] = {}
        for k, (number, record) in enumerate(self.lines):
            if isinstance(record, EvaluatedRecord) and record.node in names:
                tensor = record.value
                try:
                    array = self.tensor(tensor, TensorType(tuple(tensor.shape), tensor.dtype), number)
                except BadInput:
                    if not self.recover:
                        raise
                    self.lines, self.cut = self.lines[:k], True
                    break
                if array is not None:
                    found[record.node] = self.read_already[id(tensor)] = array
        return found

    def missing(self, node: dict[str, Any]) -> Missing:
        """Return in place of a leaf's numbers what the header says of their type."""
        try:
            known = msgspec.convert(node, TensorType)
        except msgspec.ValidationError:
            raise self.fault(1, "T002", f'leaf "{visible(str(node.get("id")))}" has no shape') from None
        if known.dtype not in ITEM_BYTES or min(known.shape, default=0) < 0:
            raise self.fault(1, "T002", f'leaf "{visible(str(node.get("id")))}" has an impossible type')
        return Missing(known)

    def index(self, name: str, number: int) -> int:
        """Return the index of the node that a record names."""
        index = self.indices.get(name)
        if index is None:
            hint = did_you_mean(name, self.indices)
            raise self.fault(number, "T007", f'event of unknown node "{visible(name)}"', hint)
        return index

    def edge(self, record: ContributedRecord, number: int) -> Edge:
        """Return the edge that a contribution goes through."""
        edge = self.edges.get((record.consumer, record.slot))
        if edge is None or edge.source != record.node:
            slot = f'slot {visible(record.slot)} of "{visible(record.consumer)}"'
            what = f'no edge from "{visible(record.node)}" into {slot}'
            raise self.fault(number, "T007", what)
        return edge

    def tensor(self, tensor: Tensor, type_: TensorType, number: int) -> Array | None:
        """Return the numbers of a record, None where it has statistics."""
        array = self.read_already.pop(id(tensor), None)
        try:
            if array is None and tensor.statistics is None:
                array = decode(tensor) if tensor.name is None else self.beside.read(tensor)
        except (ValueError, OverflowError) as error:
            raise self.fault(number, "T008", f"a tensor is at fault: {visible(str(error))}") from None
        except TensorFault as error:
            raise self.fault(number, error.code, error.what, error.hint) from None
        summed = array is not None and tensor.crc is not None and tensor.name is None
        if array is not None and summed and tensor.crc != zlib.crc32(little_endian(array)):
            raise self.fault(number, "T012", "a tensor is not as it was written: its checksum is another")
        if tensor.dtype != type_.dtype or tuple(tensor.shape) != type_.shape:
            found = TensorType(tuple(tensor.shape), tensor.dtype)
            shown = found if found.dtype in ITEM_BYTES else f"of type {visible(found.dtype, limit=40)}"
            raise self.fault(number, "T008", f"a tensor is {shown}, the node {type_}")
        return array

    def fault(self, number: int, code: str, what: str, hint: str = "") -> BadInput:
        """Return the error of a line."""
        return BadInput(Fault(code, what, hint, Place(self.file, number, 1 if number else 0)))
