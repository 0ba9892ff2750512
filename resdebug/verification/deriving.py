"""Values and contributions derived again from the operands in the file, and held beside what the trace says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from resdebug.text import visible
from resdebug.verification.formulas import ELEMENTARY, FORWARD, Case, Formula, NotDerived, vjp_of
from resdebug.verification.judging import Judged, doubtful, judge
from resdebug.verification.measured import Array, Measured
from resdebug.verification.operands import Operand, Operands
from resdebug.verification.report import Report
from resdebug.verification.rules import Finding
from resdebug.verification.wiring import Node, Type

MOST: Final = 8192
"""Numbers that are put aside before they are derived together."""
_NUMBERS: Final[frozenset[Type]] = frozenset({((), "float64"), ((), "float32")})
_NO_OPERAND: Final = "an operand's numbers are not in the trace"


class Use(NamedTuple):
    """One operator at work: ``y`` and ``g`` (that is ȳ) are there where it is a contribution that is derived."""

    slot: str | None
    found: Array
    inputs: dict[str, Array]
    y: Array | None
    g: Array | None
    formula: Formula

    @property
    def operands(self) -> Iterator[Array]:
        """All that it was computed from."""
        yield from self.inputs.values()
        if self.y is not None and self.g is not None:
            yield self.g
            yield self.y


class Aside(NamedTuple):
    """A number whose derivation waits until there are many of its kind."""

    line: int
    event: int
    node: Node
    found: Array | None


class Derivations:
    """Derives; single numbers of elementary operators many at a time, which is several times as quick."""

    def __init__(self, operands: Operands, report: Report, budget: int) -> None:
        """``budget`` is up to how many products every element of a convolution is derived."""
        self._operands, self._report, self._budget = operands, report, budget
        self._aside: dict[tuple[str, str | None, Type], list[Aside]] = {}
        self._count = 0

    def derive(self, line: int, event: int, node: Node, found: Array | None, slot: str | None) -> None:
        """Derive a value (no slot) or a contribution, at once or when ``settle`` is called."""
        type_ = node.type
        if found is not None and type_ is not None and type_ in _NUMBERS and node.op in ELEMENTARY:
            for source in node.inputs.values():
                if source.type is not type_:
                    break
            else:
                self._aside.setdefault((node.work, slot, type_), []).append(Aside(line, event, node, found))
                self._count += 1
                if self._count >= MOST:
                    self.settle()
                return
        finding = self._alone(Aside(line, event, node, found), slot)
        if finding is not None:
            self.settle()
            self._report.add(finding)

    def settle(self) -> None:
        """Derive what was put aside, and report it in the order of events."""
        if not self._count:
            return
        aside, self._aside, self._count = self._aside, {}, 0
        findings = [f for (_, slot, type_), numbers in aside.items() for f in self._together(numbers, slot, type_)]
        for finding in sorted(findings, key=lambda f: f.event or 0):
            self._report.add(finding)

    def _use(self, node: Node, found: Array | None, slot: str | None) -> Use | str:
        """Gather the operands, or say why it cannot be derived."""
        if found is None:
            return "statistics in place of its numbers"
        formula = FORWARD.get(node.op) if slot is None else vjp_of(node.op, slot)
        if not node.is_known or formula is None:
            return f"no formula for operator {visible(node.op, limit=60)}"
        inputs: dict[str, Array] = {}
        for name, source in node.inputs.items():
            array = self._operands.numbers(source.value)
            if array is None:
                return _NO_OPERAND
            inputs[name] = array
        y = g = None
        if slot is not None:
            y, g = self._operands.numbers(node.value), self._operands.numbers(node.adjoint)
            if y is None or g is None:
                return _NO_OPERAND
            if found.dtype.kind != "f":
                return "an adjoint of whole numbers"
        return Use(slot, found, inputs, y, g, formula)

    def _together(self, numbers: list[Aside], slot: str | None, type_: Type) -> Iterator[Finding]:
        """Derive the same work on many numbers; those in doubt once more, alone."""
        again = self._in_doubt(numbers, slot, type_)
        self._report.derived[_what(slot)] += len(numbers) - len(again)
        yield from (finding for number in again if (finding := self._alone(number, slot)) is not None)

    def _in_doubt(self, numbers: list[Aside], slot: str | None, type_: Type) -> list[Aside]:
        """Return those that do not agree at once, all of them where they cannot be derived together."""
        first, dtype = numbers[0].node, np.dtype(type_[1])
        formula = FORWARD.get(first.op) if slot is None else vjp_of(first.op, slot)

        def column(operands: Iterable[Operand | None]) -> Array:
            return np.array([array.item() for x in operands if (array := self._operands.numbers(x)) is not None], dtype)

        inputs = {name: column(number.node.inputs[name].value for number in numbers) for name in first.inputs}
        y = g = None
        if slot is not None:
            y, g = (column(n.node.value for n in numbers), column(n.node.adjoint for n in numbers))
        found = np.array([number.found.item() for number in numbers if number.found is not None], dtype)
        whole = all(len(x) == len(numbers) for x in (*inputs.values(), y, g) if x is not None)
        if formula is None or not whole:
            return numbers
        try:
            derived = formula(Case(first.attributes, inputs, dtype.name, y, g))
        except Exception:  # noqa: BLE001 - attributes that no such operator has: each of them is told
            return numbers
        open_ = doubtful(found, derived)
        return [] if open_ is None else [numbers[int(i)] for i in np.flatnonzero(open_)]

    def _alone(self, one: Aside, slot: str | None) -> Finding | None:
        """Derive one value or contribution, and compare."""
        use = self._use(one.node, one.found, slot)
        if isinstance(use, str):
            self._report.not_derived[use] += 1
            return None
        node = one.node
        case = Case(node.attributes, use.inputs, use.found.dtype.name, use.y, use.g, self._budget, one.event)
        try:
            derived = use.formula(case)
        except NotDerived as error:
            self._report.not_derived[str(error)] += 1
            return None
        except Exception as error:  # noqa: BLE001 - attributes or shapes that no such operator has, in whatever way
            told = f"{visible(node.op)} cannot be applied to these operands: {visible(str(error), limit=120)}"
            return _finding(one, slot, _rule(slot), told)
        return self._compared(one, use, case, derived)

    def _compared(self, one: Aside, use: Use, case: Case, derived: Measured) -> Finding | None:
        """Hold a tensor beside what was derived."""
        found, node, slot, chosen = use.found, one.node, use.slot, case.chosen
        if chosen is None and derived.shape != found.shape:
            told = f"it is {list(found.shape)}, and {visible(node.op)} makes {list(derived.shape)} of these operands"
            return _finding(one, slot, "V023", told)
        part = found
        if chosen is not None:
            part, derived = found.reshape(-1)[chosen], derived.moved(lambda v: np.reshape(v, -1))
            self._report.sampled[node.op] += 1
        judged = judge(part, derived, finite=True)
        if judged.index is not None or judged.open:
            finite = all(np.isfinite(o).all() for o in use.operands if o.dtype.kind == "f")
            judged = judge(part, derived, finite=finite)
        self._report.open += judged.open
        self._report.derived[_what(slot)] += 1
        if judged.index is None:
            return None
        if chosen is not None:
            index = np.unravel_index(int(chosen[judged.index[0]]), found.shape)
            judged = replace(judged, index=tuple(int(i) for i in index))
        made = "the value" if slot is None else f'the contribution to "{visible(node.inputs[slot].name)}"'
        told = f"{made} is not what {visible(node.op)} makes of its operands"
        if judged.elements > 1:
            told += f" ({judged.elements} of {part.size} elements)"
        return _finding(one, slot, _rule(slot), told, judged)


def _what(slot: str | None) -> str:
    return "values" if slot is None else "contributions"


def _rule(slot: str | None) -> str:
    return "V050" if slot is None else "V051"


def _finding(one: Aside, slot: str | None, rule: str, what: str, judged: Judged | None = None) -> Finding:
    return Finding(rule, what, one.line, one.event, one.node.name, slot or "").judged(judged)
