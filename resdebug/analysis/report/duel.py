"""Only the sum agrees with the target's own differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from resdebug.analysis.duel import ABOUT, CannotReplay, Contender, Duel, sampled
from resdebug.analysis.report.structure import (
    CannotAnswer,
    Cell,
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
from resdebug.engine.differences import Differences
from resdebug.engine.norms import norm
from resdebug.network.model import Node
from resdebug.ops.base import Array
from resdebug.passes.protocol import Pass
from resdebug.text import plural, visible

KINK: Final = 1e-3
"""Differences with h and h/2 that differ by more than this part have met a kink, and settle nothing."""
ROUNDING: Final = {"float64": 1e-7, "float32": 1e-3}
"""Relative error that an adjoint of this element type may have from its own rounding."""

LEAVES: Final = Quantity("leaves", "tensors", "Inputs and parameters that are compared.", whole=True)
COMPARED: Final = Quantity("elements", "numbers", "Elements of them that are compared.", whole=True)
KINKS: Final = Quantity("kinks", "numbers", "Elements left out: a kink lies within the step.", whole=True)
AGREES: Final = {
    c: Quantity(f"{c.value}_agrees", "tensors", f"Where this rule agrees with differences: {ABOUT[c]}.", whole=True)
    for c in Contender
}
ERRORS: Final = {c: Quantity(c.value, "1", f"Relative error against differences if {ABOUT[c]}.") for c in Contender}
OF: Final = Quantity("compared", "numbers", "Elements of the tensor that are compared.", whole=True)
DIFFERENCE: Final = Quantity("differences", "1", "Norm of the central differences at the compared elements.")

TABLE: Final = TableKind(
    "errors",
    "Relative error of every rule's gradient against central differences of the target.",
    (Label("leaf", "Name of the input or parameter."), OF, DIFFERENCE, *ERRORS.values()),
)

KIND: Final = SectionKind(
    "duel",
    "Are contributions added, averaged, or what?",
    (LEAVES, COMPARED, KINKS, *AGREES.values()),
    (TABLE,),
)


@dataclass(frozen=True, slots=True)
class _Truth:
    """Differences at some elements of a leaf."""

    node: Node
    elements: tuple[int, ...]
    slopes: Array
    doubt: float
    """How far they may be off, by truncation and roundoff."""
    kinks: int


def answer(pass_: Pass, settings: Settings, progress: Progress) -> Section:
    """Replay the pass under every rule, and compare the gradients with central differences of the target."""
    duel = Duel(pass_)
    plan, nodes = pass_.schedule, pass_.network.nodes
    leaves = [nodes[i] for i in plan.reverse if nodes[i].is_differentiable_leaf]
    if not leaves:
        raise CannotAnswer("there is no input and no parameter that leads to the target")
    differences = Differences(pass_.network, pass_.target)
    truths = []
    for done, node in enumerate(leaves, start=1):
        truths.append(_truth(pass_, differences, node, settings.elements))
        progress("differences", done, len(leaves))
    errors: dict[Contender, list[float | None]] = {}
    agrees: dict[Contender, int | None] = {}
    disagree: list[tuple[Node, float]] = []
    for done, contender in enumerate(Contender, start=1):
        if not duel.applies(contender):
            errors[contender], agrees[contender] = [None] * len(truths), None
            continue
        try:
            adjoints = duel.replay(contender)
        except CannotReplay as reason:
            raise CannotAnswer(str(reason)) from None
        errors[contender] = []
        right = 0
        for truth in truths:
            off, allowed = _error(adjoints[truth.node.index], truth)
            length = norm(truth.slopes)
            relative = off / length if length else (0.0 if off <= allowed else math.inf)
            errors[contender].append(relative if truth.elements else None)
            if not truth.elements:
                continue
            right += off <= allowed
            if contender is Contender.SUM and not off <= allowed:
                disagree.append((truth.node, relative))
        agrees[contender] = right
        progress("rules", done, len(Contender))
    rows: list[tuple[Cell, ...]] = [
        (truth.node.name, len(truth.elements), norm(truth.slopes), *(errors[c][k] for c in Contender))
        for k, truth in enumerate(truths)
    ]
    compared = sum(len(truth.elements) for truth in truths)
    numbers = (
        Number(LEAVES, sum(bool(truth.elements) for truth in truths)),
        Number(COMPARED, compared),
        Number(KINKS, sum(truth.kinks for truth in truths)),
        *(Number(AGREES[c], agrees[c]) for c in Contender),
    )
    notes = _notes(truths, agrees, compared, settings)
    return Section(KIND, numbers, (Table(TABLE, tuple(rows)),), (), _findings(disagree), notes)


def _truth(pass_: Pass, differences: Differences, node: Node, most: int) -> _Truth:
    adjoint = pass_.adjoint(node.name)
    if adjoint is None:
        raise CannotAnswer(f"there is no adjoint of {visible(node.name)!r}")
    kept, slopes, doubts = [], [], []
    chosen = sampled(node.type.size, most, adjoint)
    for flat in chosen:
        index = tuple(int(k) for k in np.unravel_index(flat, node.shape)) if node.shape else ()
        h = differences.step(node.name, index)
        wide, near = differences.sides(node.name, index, h), differences.sides(node.name, index, h / 2)
        whole, half = sum(wide) / 2, sum(near) / 2
        roundoff = 8 * float(np.finfo(np.float64).eps) * max(1.0, abs(differences.target)) / h
        if not math.isfinite(half) or abs(whole - half) > KINK * abs(half) + roundoff or _kinked(wide, near, roundoff):
            continue
        kept.append(flat)
        slopes.append(half)
        doubts.append(abs(whole - half) + roundoff)
    found = np.asarray(slopes, dtype=np.float64)
    return _Truth(node, tuple(kept), found, norm(np.asarray(doubts)), len(chosen) - len(kept))


def _kinked(wide: tuple[float, float], near: tuple[float, float], roundoff: float) -> bool:
    """Whether the slopes on both sides differ, and no less so when the step is halved: smooth functions halve that."""
    jump, nearer = abs(wide[1] - wide[0]), abs(near[1] - near[0])
    return nearer > KINK * max(map(abs, near)) + 2 * roundoff and nearer > 0.75 * jump


def _error(adjoint: Array | None, truth: _Truth) -> tuple[float, float]:
    """Return how far a gradient is from the differences, and how far it may be."""
    if adjoint is None:
        return math.inf, 0.0
    found = np.asarray(adjoint, dtype=np.float64).ravel()[list(truth.elements)]
    allowed = truth.doubt + ROUNDING[truth.node.dtype] * norm(truth.slopes)
    return norm(found - truth.slopes), allowed


def _notes(
    truths: list[_Truth], agrees: dict[Contender, int | None], compared: int, settings: Settings
) -> tuple[str, ...]:
    known = sum(bool(truth.elements) for truth in truths)
    size = sum(truth.node.type.size for truth in truths)
    wrong = [c for c in Contender if c is not Contender.SUM and agrees[c] is not None]
    everywhere = [c.value.replace("_", " ") for c in wrong if agrees[c] == known]
    notes = []
    if not wrong:
        notes.append("There are no forks: with one contribution a node, every rule gives the same.")
    elif not everywhere and agrees[Contender.SUM] == known:
        notes.append("Only the sum agrees with the differences at every input and parameter.")
    elif everywhere:
        notes.append(f"Beside the sum, these agree everywhere for this network: {', '.join(everywhere)}.")
    missing = [c.value.replace("_", " ") for c in Contender if agrees[c] is None]
    if wrong and missing:
        notes.append(f"No block with a skip was recognised, so there is nothing to drop: {', '.join(missing)}.")
    if compared < size:
        notes.append(
            f"{compared:,} of {size:,} elements were compared: of each large tensor the one of greatest adjoint and "
            f"{settings.elements} evenly spread (--elements)."
        )
    return tuple(notes)


def _findings(disagree: list[tuple[Node, float]]) -> tuple[Finding, ...]:
    if not disagree:
        return ()
    node, error = max(disagree, key=lambda pair: pair[1])
    name = visible(node.name, limit=60)
    what = (
        f"The gradient itself disagrees with differences at {plural(len(disagree), 'tensor')}, most at "
        f'"{name}", by {error:.2g} of its size.'
    )
    advice = "resdebug check tells which operator's VJP is at fault."
    return (Finding(Weight.FAULT, node.name, Number(ERRORS[Contender.SUM], error), what, advice),)
