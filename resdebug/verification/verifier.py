"""Goes through a trace once, event by event, and checks every rule."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from resdebug.text import visible
from resdebug.verification.deriving import Derivations
from resdebug.verification.judging import Judged, exact, same_bits
from resdebug.verification.measured import Array
from resdebug.verification.operands import Operands
from resdebug.verification.reading import TraceFile
from resdebug.verification.records import Completed, Contributed, End, Evaluated, Record, Seeded, Tensor
from resdebug.verification.report import Report
from resdebug.verification.rules import Broken, Finding
from resdebug.verification.wiring import Node, Type, Wiring

_NUMBER: Final[dict[str, Type]] = {"float64": ((), "float64"), "float32": ((), "float32")}
BUDGET: Final = 4_000_000
"""Products of numbers up to which every element of a convolution is derived."""


def verify(path: str | Path, *, budget: int = BUDGET, report: Callable[[str, int, int], None] | None = None) -> Report:
    """Check a trace against every rule, and return what was found.

    ``budget`` is up to how many products every element of a convolution is derived (0: always); ``report`` is told
    ``("events", done, all)`` now and then. Raises MissingInput, IOFailure, and BadInput for a file that is no trace.
    """
    found = Report()
    try:
        file = TraceFile(Path(path))
    except Broken as broken:
        found.findings.append(Finding(broken.rule, str(broken), 1))
        return found
    try:
        with np.errstate(all="ignore"):
            _Verifier(file, found, budget, report).run()
    finally:
        file.close()
    return found


class _Verifier:
    def __init__(
        self, file: TraceFile, found: Report, budget: int, report: Callable[[str, int, int], None] | None
    ) -> None:
        self.file, self.report, self.tell = file, found, report
        self.header = file.header
        self.operands = Operands(file)
        self.derivations = Derivations(self.operands, found, budget)
        self.line = 1
        self.at = 0
        """Where the record looked at is found again."""
        self.event: int | None = None
        self.seeded = False
        self.plan: dict[Node, list[tuple[str, Node]]] = {}
        self.visited: Node | None = None
        self.owed: list[tuple[str, Node]] = []
        self.seed: Array | None = None
        self.ended = False
        patterns = self.header.get("nodes") or []
        self.chosen = re.compile("|".join(map(fnmatch.translate, patterns))) if patterns else None
        self.level = self.header.get("level", "full")

    # What is found

    def add(self, rule: str, what: str, node: str = "", slot: str = "", judged: Judged | None = None) -> None:
        """Keep a finding at the line and event looked at, after those of events before it."""
        if not self.report.is_full:
            self.derivations.settle()
        self.report.add(Finding(rule, what, self.line, self.event, node, slot).judged(judged))

    def run(self) -> None:
        """Check everything."""
        if self.file.broken is not None:
            self.add(self.file.broken.rule, str(self.file.broken))
        try:
            self.wiring = Wiring(self.header)
        except Broken as broken:
            self.add(broken.rule, str(broken))
            return
        if self.header.get("tensors"):
            self.open_beside()
        count = 0
        last = self.line
        try:
            for line, at, record in self.file:
                last = self.line = line
                self.at, self.event = at, record.k
                if self.file.broken is not None:
                    self.add(self.file.broken.rule, str(self.file.broken))
                if self.ended:
                    self.add("V005", "a record follows the end mark")
                    break
                count += 1
                self.take(record, count)
                if self.tell is not None and count % 256 == 0:
                    self.tell("events", count, self.header["events"])
        except Broken as broken:
            self.line, self.event = self.file.line, None
            self.add(broken.rule, str(broken))
            return
        self.line, self.event = last, None
        self.derivations.settle()
        self.finish()

    def open_beside(self) -> None:
        """Open the file of tensors already: what is wrong with it is wrong with the trace."""
        from resdebug.verification.beside import Beside

        try:
            self.file.beside = Beside(self.file.path, self.header)
        except Broken as broken:
            self.add(broken.rule, str(broken))
            self.header["tensors"] = None

    def take(self, record: Record, count: int) -> None:
        """Check a record."""
        if isinstance(record, End):
            self.ended = True
            if record.k != self.report.events or record.k != self.header["events"]:
                said = f"the end mark says {record.k}, the header {self.header['events']}"
                self.add("V005", f"there are {self.report.events} events; {said}")
            return
        self.report.events += 1
        if record.k != count:
            self.add("V004", f"record {record.k} stands in place {count}")
        node = self.wiring.nodes.get(record.node)
        if node is None:
            self.add("V010", f'the network has no node "{visible(record.node)}"')
        elif isinstance(record, Evaluated):
            self.evaluated(record, node)
        elif isinstance(record, Seeded):
            self.planted(record, node)
        else:
            if not self.seeded:
                self.add("V031", "the reverse pass begins without a seed", record.node)
                self.start_back()
                return
            if isinstance(record, Completed):
                self.complete(record, node)
            else:
                self.contributed(record, node)

    def tensor(self, tensor: Tensor, key: str, node: Node, *, numbers: bool) -> tuple[Array | None, bool]:
        """Return the numbers of a tensor and whether it could be read; check that it is there as it should be."""
        try:
            array = self.file.array(tensor)
        except Broken as broken:
            self.add(broken.rule, f"{key}: {broken}", node.name)
            return None, False
        if (array is not None) != numbers:
            there, wanted = ("numbers", "statistics") if array is not None else ("statistics", "numbers")
            self.add("V025", f"{key}: {there}, where level and nodes say {wanted}", node.name)
        type_ = _type_of(tensor)
        expected = node.declared if key == "value" else node.type
        if expected is not None and type_ != expected:
            self.add("V023", f"{key} is {_typed(type_)}, and it should be {_typed(expected)}", node.name)
            return None, False
        return array, True

    def is_chosen(self, name: str) -> bool:
        """Whether the level is about a node."""
        return self.chosen is None or self.chosen.match(name) is not None

    # The forward pass

    def evaluated(self, record: Evaluated, node: Node) -> None:
        """A value: once, after its inputs, and what the operator makes of them."""
        self.report.values += 1
        if node.type is not None or self.seeded:
            what = "it is evaluated twice" if node.type is not None else "evaluated after the seed"
            self.add("V030", what, node.name)
            return
        early = [source for source in node.inputs.values() if source.type is None]
        if early:
            self.add("V030", f'it is evaluated before its input "{visible(early[0].name)}"', node.name)
        array, _ = self.tensor(record.value, "value", node, numbers=self.level == "full" and self.is_chosen(node.name))
        node.type = _type_of(record.value)
        node.value = self.operands.keep("value", self.at, array)
        if not node.is_leaf and not early:
            self.derivations.derive(self.line, record.k, node, array, None)

    def planted(self, record: Seeded, node: Node) -> None:
        """The seed: once, at the target, 1, when all is evaluated."""
        name = node.name
        if self.seeded:
            self.add("V031", "a second seed is planted", name)
            return
        missing = next((other.name for other in self.wiring.order if other.type is None), None)
        if missing is not None:
            self.add("V030", f'"{visible(missing)}" is not evaluated before the seed', missing)
        if name != self.wiring.target:
            self.add("V031", f'it is planted at "{visible(name)}", and the target is another', name)
        numbers = self.level != "stats" and self.is_chosen(name)
        self.seed, read = self.tensor(record.adjoint, "adjoint", node, numbers=numbers)
        if read and self.seed is not None and not (self.seed.shape == () and self.seed.item() == 1):
            self.add("V031", "it is not 1", name)
        self.start_back()

    def start_back(self) -> None:
        """Lay out who owes what to whom."""
        self.seeded = True
        self.plan = self.wiring.plan()
        for sent in self.plan.values():
            for _, source in sent:
                source.awaited += 1

    # The reverse pass

    def complete(self, record: Completed, node: Node) -> None:
        """An adjoint: once, when all have delivered, and the last partial."""
        self.settle()
        name = node.name
        is_target = name == self.wiring.target
        numbers = self.level != "stats" and self.is_chosen(name)
        array, read = self.tensor(record.adjoint, "adjoint", node, numbers=numbers)
        if node.completed:
            self.add("V032", "it is completed a second time", name)
            return
        owed = self.plan.get(node)
        if owed is None:
            self.add("V034", "it is visited, and is not between the target and an input or parameter", name)
        elif not self.report.ledgers and not is_target:
            self.add("V034", "it is visited first, in place of the target", name)
        if node.arrived != node.awaited:
            self.add("V032", f"it is completed after {node.arrived} of {node.awaited} contributions", name)
        node.completed = True
        self.report.ledgers += 1
        before = self.seed if is_target else self.operands.numbers(node.partial)
        if read and array is not None and before is not None and not same_bits(array, before):
            judged = exact(array, before)
            self.add("V041", "its adjoint is not the last partial", name, judged=judged)
        node.adjoint = self.operands.keep("adjoint", self.at, array)
        self.visited, self.owed = node, list(owed or ())

    def settle(self) -> None:
        """Require that the node visited last has delivered all it owes."""
        if self.visited is not None and self.visited.is_known and self.owed:
            slot, source = self.owed[0]
            what = f'it has not sent its contribution to "{visible(source.name)}"'
            self.add("V033", what, self.visited.name, slot)
        self.owed = []

    def contributed(self, record: Contributed, node: Node) -> None:
        """A contribution: the next that its sender owes, what the VJP makes, and rightly added up."""
        consumer, slot, name = self.wiring.nodes.get(record.consumer), record.slot, node.name
        if consumer is None:
            self.add("V010", f'the network has no node "{visible(record.consumer)}"')
            return
        self.report.contributions += 1
        if consumer.inputs.get(slot) is not node:
            self.add("V033", f'"{visible(name)}" does not lead into it there', consumer.name, visible(slot))
            return
        if consumer is not self.visited or (slot, node) not in self.owed:
            self.add("V033", "a contribution that it does not owe at this point", consumer.name, slot)
        else:
            if consumer.is_known and self.owed[0] != (slot, node):
                self.add("V033", f"its slot {self.owed[0][0]} comes first", consumer.name, slot)
            self.owed.remove((slot, node))
        if node.completed:
            self.add("V032", "a contribution arrives after it is complete", name, slot)
        numbers = self.level == "full" and self.is_chosen(name)
        sent, read = self.tensor(record.contribution, "contribution", node, numbers=numbers)
        partial, summed = self.tensor(record.partial, "partial", node, numbers=numbers)
        node.arrived += 1
        if read and summed:
            self.add_up(node, slot, sent, partial)
            self.derivations.derive(self.line, record.k, consumer, sent, slot)
        node.partial = self.operands.keep("partial", self.at, partial)

    def add_up(self, node: Node, slot: str, sent: Array | None, partial: Array | None) -> None:
        """Re-add one row of a ledger."""
        k = node.arrived
        before = self.operands.numbers(node.partial) if k > 1 else None
        if sent is None or partial is None or (k > 1 and before is None):
            return
        expected = sent if before is None else accumulated(self.header["rule"], before, sent, k)
        if not same_bits(partial, expected):
            what = f"partial {k} is not what {self.header['rule']} makes of the one before and the contribution"
            self.add("V040", what, node.name, slot, exact(partial, expected))

    # The end

    def finish(self) -> None:
        """Check what can be told only at the end."""
        whole = self.header.get("whole", True)
        if not self.ended:
            self.add("V005", f"the trace breaks off after {self.report.events} events, without an end mark")
            return
        if whole:
            if not self.seeded:
                self.add("V031", "no seed is planted", self.wiring.target)
                return
            self.settle()
            missing = [node.name for node in self.plan if not node.completed]
            if missing:
                self.add("V034", f'"{visible(missing[0])}" is never visited ({len(missing)} in all)', missing[0])
        else:
            self.report.notes.append("the trace breaks off on purpose (whole: false); what is missing is not checked")
        if self.file.beside is not None:
            unused = self.file.beside.unused()
            if unused and whole:
                self.add("V022", f'{self.file.beside.shown}: no record names tensor "{visible(unused[0])}"')
        if not self.file.sealed and self.file.unsummed and self.header["version"] > 1:
            self.report.notes.append(
                "there are no checksums: a change that rounding could explain is seen only where bits must agree"
            )
        self.check_digest()

    def check_digest(self) -> None:
        """Take the network's fingerprint anew."""
        said = self.header["digest"]
        if not said:
            self.report.notes.append("the header has no digest: network and leaves are not checked against one")
            return
        network = dict(self.header["network"])
        network["edges"] = sorted(network["edges"], key=lambda edge: (edge["target"], edge["slot"]))
        state = hashlib.sha256(msgspec.json.encode(network, order="deterministic"))
        for node in self.wiring.nodes.values():
            if not node.is_leaf:
                continue
            array = self.operands.numbers(node.value)
            if array is None:
                why = "are not in the trace" if node.type is None else "are there as statistics only"
                self.report.notes.append(f'the digest is not checked: the numbers of "{visible(node.name)}" {why}')
                return
            state.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes())
        if said != f"sha256:{state.hexdigest()}":
            self.line = 1
            self.add("V012", "the network or the numbers of a leaf are not those that the digest was taken of")


def accumulated(rule: str, partial: Array, sent: Array, k: int) -> Array:
    """Return the next partial under a rule, in the trace's own precision."""
    if rule == "sum":
        return np.asarray(partial + sent)
    if rule == "mean":
        return np.asarray(partial + (sent - partial) / k)
    if rule == "twice":
        return np.asarray(partial + sent + sent)
    return sent if rule == "overwrite" else partial


def _type_of(tensor: Tensor) -> Type:
    """Return the type of a tensor, whatever it says; two numbers of one type have the very same."""
    shape, dtype = tensor.shape, str(tensor.dtype)
    if shape == [] and dtype in _NUMBER:
        return _NUMBER[dtype]
    return (tuple(shape) if isinstance(shape, list) and all(type(n) is int for n in shape) else ()), dtype


def _typed(type_: Type) -> str:
    return f"{visible(type_[1], limit=20)} {list(type_[0])}"
