"""Goes through a trace once, event by event, and checks every rule."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from resdebug.text import visible
from resdebug.verification.formulas import FORWARD, Case, NotDerived, vjp_of
from resdebug.verification.judging import Judged, exact, judge, same_bits
from resdebug.verification.measured import Array, Measured
from resdebug.verification.operands import Operands
from resdebug.verification.reading import Placed, TraceFile
from resdebug.verification.report import Report
from resdebug.verification.rules import Broken, Finding
from resdebug.verification.wiring import Node, Type, Wiring

MOST_FINDINGS: Final = 1000
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
        self.file, self.report, self.budget, self.tell = file, found, budget, report
        self.header = file.header
        self.operands = Operands(file)
        self.line = 1
        self.event: int | None = None
        self.types: dict[str, Type] = {}
        self.seeded = False
        self.plan: dict[str, list[tuple[str, str]]] = {}
        self.awaited: Counter[str] = Counter()
        self.arrived: Counter[str] = Counter()
        self.completed: set[str] = set()
        self.visited: Node | None = None
        self.owed: list[tuple[str, str]] = []
        self.seed: Array | None = None
        self.ended = False
        patterns = self.header.get("nodes") or []
        self.chosen = re.compile("|".join(map(fnmatch.translate, patterns))) if patterns else None
        self.level = self.header.get("level", "full")

    # What is found

    def add(self, rule: str, what: str, node: str = "", slot: str = "", judged: Judged | None = None) -> None:
        """Keep a finding at the line and event looked at."""
        if len(self.report.findings) >= MOST_FINDINGS:
            self.report.more += 1
            return
        numbers = {} if judged is None else {
            "index": judged.index, "found": judged.found, "expected": judged.expected, "allowed": judged.allowed,
        }  # fmt: skip
        self.report.findings.append(Finding(rule, what, self.line, self.event, node, slot, **numbers))  # type: ignore[arg-type]

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
            for placed in self.file:
                last = self.line = placed.line
                self.event = placed.record["k"]
                if self.file.broken is not None:
                    self.add(self.file.broken.rule, str(self.file.broken))
                if self.ended:
                    self.add("V005", "a record follows the end mark")
                    break
                count += 1
                self.take(placed, count)
                if self.tell is not None and count % 256 == 0:
                    self.tell("events", count, self.header["events"])
        except Broken as broken:
            self.line, self.event = self.file.line, None
            self.add(broken.rule, str(broken))
            return
        self.line, self.event = last, None
        self.finish()

    def open_beside(self) -> None:
        """Open the file of tensors already: what is wrong with it is wrong with the trace."""
        from resdebug.verification.beside import Beside

        try:
            self.file.beside = Beside(self.file.path, self.header)
        except Broken as broken:
            self.add(broken.rule, str(broken))
            self.header["tensors"] = None

    def take(self, placed: Placed, count: int) -> None:
        """Check a record."""
        record = placed.record
        self.event = record["k"]
        kind = record["event"]
        if kind == "end":
            self.ended = True
            if record["k"] != self.report.events or (record["k"] != self.header["events"]):
                said = f"the end mark says {record['k']}, the header {self.header['events']}"
                self.add("V005", f"there are {self.report.events} events; {said}")
            return
        self.report.events += 1
        if record["k"] != count:
            self.add("V004", f"record {record['k']} stands in place {count}")
        for name in (record["node"], record.get("consumer", record["node"])):
            if name not in self.wiring.nodes:
                self.add("V010", f'the network has no node "{visible(name)}"')
                return
        if kind == "evaluated":
            self.evaluated(placed, self.wiring.nodes[record["node"]])
        elif kind == "seeded":
            self.planted(placed, record["node"])
        elif not self.seeded:
            self.add("V031", "the reverse pass begins without a seed", record["node"])
            self.start_back()
        elif kind == "completed":
            self.complete(placed, self.wiring.nodes[record["node"]])
        else:
            self.contributed(placed, self.wiring.nodes[record["node"]])

    def tensor(self, placed: Placed, key: str, node: Node, *, numbers: bool) -> tuple[Array | None, bool]:
        """Return the numbers of a tensor and whether it could be read; check that it is there as it should be."""
        tensor = placed.record[key]
        try:
            array = self.file.array(tensor)
        except Broken as broken:
            self.add(broken.rule, f"{key}: {broken}", node.name)
            return None, False
        if (array is not None) != numbers:
            there, wanted = ("numbers", "statistics") if array is not None else ("statistics", "numbers")
            self.add("V025", f"{key}: {there}, where level and nodes say {wanted}", node.name)
        type_: Type = tuple(tensor["shape"]), tensor["dtype"]
        expected = node.declared if key == "value" else self.types.get(node.name)
        if expected is not None and type_ != expected:
            self.add("V023", f"{key} is {_typed(type_)}, and it should be {_typed(expected)}", node.name)
            return None, False
        if key == "value":
            self.types[node.name] = type_
        return array, True

    def is_chosen(self, name: str) -> bool:
        """Whether the level is about a node."""
        return self.chosen is None or self.chosen.match(name) is not None

    # The forward pass

    def evaluated(self, placed: Placed, node: Node) -> None:
        """A value: once, after its inputs, and what the operator makes of them."""
        self.report.values += 1
        early = [source for source in node.inputs.values() if source not in self.types]
        if node.name in self.types or self.seeded:
            self.add(
                "V030", "it is evaluated twice" if node.name in self.types else "evaluated after the seed", node.name
            )
            return
        if early:
            self.add("V030", f'it is evaluated before its input "{visible(early[0])}"', node.name)
        numbers = self.level == "full" and self.is_chosen(node.name)
        array, _ = self.tensor(placed, "value", node, numbers=numbers)
        self.types.setdefault(node.name, (tuple(placed.record["value"]["shape"]), placed.record["value"]["dtype"]))
        self.operands.put(("value", node.name), placed.at, array)
        if not node.is_leaf and not early:
            self.derive("values", node, array, None)

    def planted(self, placed: Placed, name: str) -> None:
        """The seed: once, at the target, 1, when all is evaluated."""
        if self.seeded:
            self.add("V031", "a second seed is planted", name)
            return
        missing = [other for other in self.wiring.order if other not in self.types]
        if missing:
            self.add("V030", f'"{visible(missing[0])}" is not evaluated before the seed', missing[0])
        if name != self.wiring.target:
            self.add("V031", f'it is planted at "{visible(name)}", and the target is another', name)
        node = self.wiring.nodes[name]
        numbers = self.level != "stats" and self.is_chosen(name)
        self.seed, read = self.tensor(placed, "adjoint", node, numbers=numbers)
        if read and self.seed is not None and not (self.seed.shape == () and self.seed.item() == 1):
            self.add("V031", "it is not 1", name)
        self.start_back()

    def start_back(self) -> None:
        """Lay out who owes what to whom."""
        self.seeded = True
        self.plan = self.wiring.plan(self.types.get)
        for sent in self.plan.values():
            self.awaited.update(source for _, source in sent)

    # The reverse pass

    def complete(self, placed: Placed, node: Node) -> None:
        """An adjoint: once, when all have delivered, and the last partial."""
        self.settle()
        name = node.name
        numbers = self.level != "stats" and self.is_chosen(name)
        array, read = self.tensor(placed, "adjoint", node, numbers=numbers)
        if name in self.completed:
            self.add("V032", "it is completed a second time", name)
            return
        if name not in self.plan:
            self.add("V034", "it is visited, and is not between the target and an input or parameter", name)
        elif not self.completed and name != self.wiring.target:
            self.add("V034", "it is visited first, in place of the target", name)
        if self.arrived[name] != self.awaited[name]:
            what = f"it is completed after {self.arrived[name]} of {self.awaited[name]} contributions"
            self.add("V032", what, name)
        self.completed.add(name)
        self.report.ledgers += 1
        before = self.seed if name == self.wiring.target else self.operands.get(("partial", name))
        if read and array is not None and before is not None and not same_bits(array, before):
            judged = exact(array, before)
            self.add("V041", "its adjoint is not the last partial", name, judged=judged)
        self.operands.put(("adjoint", name), placed.at, array)
        self.visited, self.owed = node, list(self.plan.get(name, ()))

    def settle(self) -> None:
        """Require that the node visited last has delivered all it owes."""
        if self.visited is not None and self.visited.is_known and self.owed:
            slot, source = self.owed[0]
            what = f'it has not sent its contribution to "{visible(source)}"'
            self.add("V033", what, self.visited.name, slot)
        self.owed = []

    def contributed(self, placed: Placed, node: Node) -> None:
        """A contribution: the next that its sender owes, what the VJP makes, and rightly added up."""
        record = placed.record
        consumer, slot = self.wiring.nodes[record["consumer"]], record["slot"]
        self.report.contributions += 1
        if consumer.inputs.get(slot) != node.name:
            self.add("V033", f'"{visible(node.name)}" does not lead into it there', consumer.name, visible(slot))
            return
        if consumer is not self.visited or (slot, node.name) not in self.owed:
            self.add("V033", "a contribution that it does not owe at this point", consumer.name, slot)
        else:
            if consumer.is_known and self.owed[0] != (slot, node.name):
                self.add("V033", f"its slot {self.owed[0][0]} comes first", consumer.name, slot)
            self.owed.remove((slot, node.name))
        if node.name in self.completed:
            self.add("V032", "a contribution arrives after it is complete", node.name, slot)
        numbers = self.level == "full" and self.is_chosen(node.name)
        sent, read = self.tensor(placed, "contribution", node, numbers=numbers)
        partial, summed = self.tensor(placed, "partial", node, numbers=numbers)
        self.arrived[node.name] += 1
        if read and summed:
            self.add_up(node, slot, sent, partial)
            self.derive("contributions", consumer, sent, slot)
        self.operands.put(("partial", node.name), placed.at, partial)

    def add_up(self, node: Node, slot: str, sent: Array | None, partial: Array | None) -> None:
        """Re-add one row of a ledger."""
        k = self.arrived[node.name]
        before = self.operands.get(("partial", node.name)) if k > 1 else None
        if sent is None or partial is None or (k > 1 and before is None):
            return
        expected = sent if before is None else accumulated(self.header["rule"], before, sent, k)
        if not same_bits(partial, expected):
            what = f"partial {k} is not what {self.header['rule']} makes of the one before and the contribution"
            self.add("V040", what, node.name, slot, exact(partial, expected))

    # Derivations

    def derive(self, what: str, node: Node, found: Array | None, slot: str | None) -> None:
        """Derive a value (no slot) or a contribution from the operands in the file, and compare."""
        reason = "" if found is not None else "statistics in place of its numbers"
        formula = None
        if not reason:
            formula = FORWARD.get(node.op) if slot is None else vjp_of(node.op, slot)
            if not node.is_known or formula is None:
                reason = f"no formula for operator {visible(node.op, limit=60)}"
        inputs: dict[str, Array] = {}
        for name, source in node.inputs.items() if not reason else ():
            array = self.operands.get(("value", source))
            if array is None:
                reason = "an operand's numbers are not in the trace"
                break
            inputs[name] = array
        y = g = None
        if slot is not None and not reason:
            y, g = self.operands.get(("value", node.name)), self.operands.get(("adjoint", node.name))
            if y is None or g is None:
                reason = "an operand's numbers are not in the trace"
        if reason or formula is None or found is None:
            self.report.not_derived[reason] += 1
            return
        case = Case(node.attributes, inputs, found.dtype.name, y, g, self.budget, self.event or 0)
        if slot is not None and not found.dtype.name.startswith("float"):
            self.report.not_derived["an adjoint of whole numbers"] += 1
            return
        try:
            derived = formula(case)
        except NotDerived as error:
            self.report.not_derived[str(error)] += 1
            return
        except Exception as error:  # noqa: BLE001 - attributes or shapes that no such operator has, in whatever way
            rule = "V050" if slot is None else "V051"
            told = f"{visible(node.op)} cannot be applied to these operands: {visible(str(error), limit=120)}"
            self.add(rule, told, node.name, slot or "")
            return
        self.compare(what, node, found, slot, case, derived)

    def compare(self, what: str, node: Node, found: Array, slot: str | None, case: Case, derived: Measured) -> None:
        """Hold a tensor beside what was derived."""
        rule = "V050" if slot is None else "V051"
        chosen = case.chosen
        if chosen is None and derived.shape != found.shape:
            told = f"it is {list(found.shape)}, and {visible(node.op)} makes {list(derived.shape)} of these operands"
            self.add("V023", told, node.name, slot or "")
            return
        part = found
        if chosen is not None:
            part, derived = found.reshape(-1)[chosen], derived.moved(lambda v: np.reshape(v, -1))
            self.report.sampled[node.op] += 1
        operands = [*case.inputs.values(), *([] if slot is None else [case.g.value, case.y.value])]
        judged = judge(part, derived, finite=True)
        if judged.index is not None or judged.open:
            finite = all(np.isfinite(o).all() for o in operands if o.dtype.kind == "f")
            judged = judge(part, derived, finite=finite)
        self.report.open += judged.open
        self.report.derived[what] += 1
        if judged.index is None:
            return
        if chosen is not None:
            index = np.unravel_index(int(chosen[judged.index[0]]), found.shape)
            judged = replace(judged, index=tuple(int(i) for i in index))
        made = "the value" if slot is None else f'the contribution to "{visible(node.inputs[slot])}"'
        told = f"{made} is not what {visible(node.op)} makes of its operands"
        if judged.elements > 1:
            told += f" ({judged.elements} of {part.size} elements)"
        self.add(rule, told, node.name, slot or "", judged)

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
            missing = [name for name in self.plan if name not in self.completed]
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
            array = self.operands.get(("value", node.name)) if node.name in self.types else None
            if array is None:
                why = "are not in the trace" if node.name not in self.types else "are there as statistics only"
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


def _typed(type_: Type) -> str:
    return f"{visible(type_[1], limit=20)} {list(type_[0])}"
