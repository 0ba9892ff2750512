"""Is every number finite, and where is the first that is not?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from resdebug.analysis.measured import adjoint_norm, value_norm
from resdebug.analysis.report.structure import (
    Finding,
    Label,
    Number,
    Progress,
    Quantity,
    Section,
    SectionKind,
    Settings,
    Table,
    TableKind,
    Weight,
)
from resdebug.debugger.nonfinite import origin
from resdebug.network.model import Node
from resdebug.ops.base import Array
from resdebug.passes.protocol import Of, Pass
from resdebug.text import plural, visible

VALUES: Final = Quantity("values_not_finite", "nodes", "Nodes whose value holds NaN or infinity.", whole=True)
ADJOINTS: Final = Quantity("adjoints_not_finite", "nodes", "Nodes whose adjoint holds NaN or infinity.", whole=True)
NANS: Final = Quantity("nans", "numbers", "Elements that are NaN.", whole=True)
INFINITIES: Final = Quantity("infinities", "numbers", "Elements that are infinite.", whole=True)
ELEMENTS: Final = Quantity("elements", "numbers", "Elements of the tensor.", whole=True)

TABLE: Final = TableKind(
    "first",
    "The first tensors with NaN or infinity, in the order in which they were computed.",
    (
        Label("node", "Name of the node."),
        Label("op", "Its operator."),
        Label("tensor", "Value or adjoint."),
        NANS,
        INFINITIES,
        ELEMENTS,
        Label("at", "Index of the first such element."),
    ),
)

KIND: Final = SectionKind("finite", "Is every number finite?", (VALUES, ADJOINTS), (TABLE,))

SHOWN: Final = 5
"""So many nodes of each kind are listed: what comes after them inherits."""

ADVICE: Final = {
    "exp": "Subtract the maximum first, or bound what goes in.",
    "log": "Keep what goes in above 0, or use log1p, log_softmax or logsigmoid.",
    "div": "Keep the denominator away from 0: add an ε.",
    "reciprocal": "Keep what goes in away from 0: add an ε.",
    "sqrt": "Add an ε within the root: at 0 its slope is infinite.",
    "rsqrt": "Add an ε within the root.",
    "pow": "Keep the base away from 0 or from negative numbers.",
    "norm": "Add an ε: at 0 a norm has no slope.",
    "std": "Add an ε: where all are equal it has no slope.",
}


def answer(pass_: Pass, _settings: Settings, progress: Progress) -> Section:
    """Look at the norms of all values and adjoints: they are finite where all elements are."""
    plan, nodes = pass_.schedule, pass_.network.nodes
    forward, reverse = plan.order[::-1], plan.reverse
    values = _bad(pass_, forward, value_norm, lambda done: progress("values", done, len(forward)))
    adjoints = _bad(pass_, reverse, adjoint_norm, lambda done: progress("adjoints", done, len(reverse)))
    rows = [_row(pass_, nodes[i], Of.VALUE) for i in values[:SHOWN]]
    rows += [_row(pass_, nodes[i], Of.ADJOINT) for i in adjoints[:SHOWN]]
    findings: list[Finding] = []
    notes: list[str] = []
    if values and not adjoints and _contained(pass_, values):
        notes.append(f"{plural(len(values), 'value')} hold infinities, as masks do; they go no further.")
    elif values:
        row = _row(pass_, nodes[values[0]], Of.VALUE)
        findings.append(_finding(nodes[values[0]], row, _began(pass_), VALUES, len(values)))
    elif adjoints:
        row = _row(pass_, nodes[adjoints[0]], Of.ADJOINT)
        findings.append(_finding(nodes[adjoints[0]], row, _began(pass_), ADJOINTS, len(adjoints)))
    numbers = (Number(VALUES, len(values)), Number(ADJOINTS, len(adjoints)))
    return Section(KIND, numbers, (Table(TABLE, tuple(rows)),) if rows else (), (), tuple(findings), tuple(notes))


def _began(pass_: Pass) -> str:
    """Return which operation made the first number that is not finite of what, in a clause."""
    birth = origin(pass_)
    if birth is None:
        return ""
    first = birth.root
    return f'{first.what} (in the {first.stage.value}, at "{visible(first.node, limit=60)}")'


def _contained(pass_: Pass, indices: list[int]) -> bool:
    """Whether infinities do no harm: there is no NaN among values, and the target is finite."""
    target = pass_.summary(Of.VALUE, pass_.target)
    if target is None or target.nans + target.infinities:
        return False
    values = (pass_.summary(Of.VALUE, pass_.network.nodes[i].name) for i in indices)
    return not any(value.nans for value in values if value is not None)


def _bad(
    pass_: Pass, order: Iterable[int], measure: Callable[[Pass, int], float | None], tell: Callable[[int], None]
) -> list[int]:
    found = []
    for done, i in enumerate(order, start=1):
        measured = measure(pass_, i)
        if measured is not None and not math.isfinite(measured) and _counts(pass_, i, measure):
            found.append(i)
        tell(done)
    return found


def _counts(pass_: Pass, index: int, measure: Callable[[Pass, int], float | None]) -> bool:
    """Whether an element is at fault, and not the norm alone, which may overflow."""
    name = pass_.network.nodes[index].name
    told = pass_.summary(Of.VALUE if measure is value_norm else Of.ADJOINT, name)
    return told is not None and bool(told.nans + told.infinities)


def _row(pass_: Pass, node: Node, of: Of) -> tuple[str | int, ...]:
    told = pass_.summary(of, node.name)
    if told is None:
        raise AssertionError(f"{node.name} has no {of.value}")
    at = pass_.lacking(of, node.name) or _first(pass_.needed(of, node.name))
    return node.name, node.op, of.value, told.nans, told.infinities, told.size, at


def _first(array: Array | None) -> str:
    """Return the index of the first element that is not finite."""
    if array is None or not array.ndim:
        return "[]"
    place = np.unravel_index(int(np.argmax(~np.isfinite(array))), array.shape)
    return str([int(k) for k in place])


def _finding(node: Node, row: tuple[str | int, ...], why: str, kind: Quantity, count: int) -> Finding:
    _, _, tensor, nans, infinities, size, at = row
    what = (
        f'The {tensor} of "{visible(node.name, limit=60)}" ({node.op}) is the first with numbers that are not finite: '
        f"{nans} NaN and {infinities} infinite of {plural(int(size), 'element')}, the first at {at}"
        f"{f'; it began so: {why}' if why else ''}. It spreads to {plural(count - 1, 'other node')}."
    )
    if node.is_leaf and tensor == "value":
        return Finding(Weight.FAULT, node.name, Number(kind, count), what, "The file brought it: correct the numbers.")
    advice = ADVICE.get(node.op, "Look at its inputs: a division by 0, an overflow, or the logarithm of nothing.")
    if tensor == "adjoint":
        advice = "Look at its ledger: which contribution brought it, and through which operator's slope."
    return Finding(Weight.FAULT, node.name, Number(kind, count), what, advice)
