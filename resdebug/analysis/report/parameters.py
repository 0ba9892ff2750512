"""Which parameters learn, how much a step would change each, and why some get nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Final

from resdebug.analysis.blocked import Blocked, Cause, blocked, passing, remedy
from resdebug.analysis.measured import adjoint_norm, value_norm
from resdebug.analysis.report.structure import (
    Cell,
    Curve,
    CurveKind,
    Finding,
    Label,
    Number,
    Progress,
    Quantity,
    Section,
    SectionKind,
    Series,
    Settings,
    Table,
    TableKind,
    Weight,
)
from resdebug.analysis.trunk import depths
from resdebug.network.model import Node
from resdebug.passes.protocol import Pass
from resdebug.text import plural, visible

SHOWN: Final = 3
"""Names that a finding lists."""

TENSORS: Final = Quantity("tensors", "parameters", "How many parameter tensors there are.", whole=True)
NOTHING: Final = Quantity("without_gradient", "parameters", "Tensors whose gradient is zero or absent.", whole=True)
NORM: Final = Quantity("gradient_norm", "1", "Euclidean norm of the gradient of all parameters together.")
LEAST: Final = Quantity("least_update", "1", "The smallest relative update, not 0, of a weight of two or more axes.")
MIDDLE: Final = Quantity("median_update", "1", "The median of the weights' relative updates that are not 0.")
MOST: Final = Quantity("greatest_update", "1", "The greatest relative update of a weight.")
SPREAD: Final = Quantity("update_spread", "1", "The greatest relative update of a weight divided by the smallest.")

DEPTH: Final = Quantity("depth", "operators", "Operators on the longest way to the target.", whole=True)
SIZE: Final = Quantity("elements", "numbers", "How many numbers the parameter has.", whole=True)
GRADIENT: Final = Quantity("gradient", "1", "Euclidean norm of the parameter's gradient; none without a way.")
WEIGHT: Final = Quantity("weight", "1", "Euclidean norm of the parameter itself.")
UPDATE: Final = Quantity(
    "relative_update", "1", "Norm of the gradient divided by the parameter's: what a step at learning rate 1 changes."
)

TABLE: Final = TableKind(
    "parameters",
    "Parameters, the deepest first; relative update is what a step at learning rate 1 changes of each.",
    (Label("parameter", "Name of the parameter."), DEPTH, SIZE, GRADIENT, WEIGHT, UPDATE),
)
MISSING: Final = TableKind(
    "without_gradient",
    "Parameters that get nothing, and why.",
    (
        Label("parameter", "Name of the parameter."),
        Label("cause", "The kind of reason."),
        Label("where", "The operator that passes nothing on."),
        Label("why", "What happens there."),
    ),
)
CURVE: Final = CurveKind(
    "updates", "Relative update of every weight by its depth below the target.", DEPTH, UPDATE, True
)

KIND: Final = SectionKind(
    "parameters",
    "Which parameters learn?",
    (TENSORS, NOTHING, NORM, LEAST, MIDDLE, MOST, SPREAD),
    (TABLE, MISSING),
    (CURVE,),
)


def answer(pass_: Pass, _settings: Settings, progress: Progress) -> Section:
    """Measure every parameter's gradient; trace back those that get nothing."""
    nodes = [node for node in pass_.network.nodes if node.op == "parameter"]
    deep = depths(pass_)
    rows: list[tuple[Cell, ...]] = []
    missing: list[tuple[Node, Blocked]] = []
    squares = 0.0
    points: list[tuple[float, float, str]] = []
    for done, node in enumerate(sorted(nodes, key=lambda n: -deep.get(n.index, -1)), start=1):
        gradient = adjoint_norm(pass_, node.index)
        size = value_norm(pass_, node.index)
        update = None if gradient is None or not size else gradient / size
        rows.append((node.name, deep.get(node.index), node.type.size, gradient, size, update))
        squares += (gradient or 0.0) ** 2
        if not gradient:
            why = blocked(pass_, node.index) if node.type.is_float else None
            if why is not None:
                missing.append((node, why))
        elif update is not None and len(node.shape) > 1 and math.isfinite(update):
            points.append((float(deep[node.index]), update, node.name))
        progress("parameters", done, len(nodes))
    points.sort()
    updates = sorted(update for _, update, _ in points)
    numbers = (
        Number(TENSORS, len(nodes)),
        Number(NOTHING, len(missing)),
        Number(NORM, math.sqrt(squares)),
        Number(LEAST, updates[0] if updates else None),
        Number(MIDDLE, _median(updates)),
        Number(MOST, updates[-1] if updates else None),
        Number(SPREAD, updates[-1] / updates[0] if updates else None),
    )
    tables = [Table(TABLE, tuple(rows))]
    if missing:
        why_rows = tuple((node.name, why.cause.value, why.node, why.why) for node, why in missing)
        tables.append(Table(MISSING, why_rows))
    xs, ys, places = (tuple(x for x, _, _ in points), tuple(y for _, y, _ in points), tuple(n for _, _, n in points))
    curves = (Curve(CURVE, (Series("weights", xs, ys, places),)),) if points else ()
    return Section(KIND, numbers, tuple(tables), curves, _findings(pass_, missing, len(nodes)))


def _median(numbers: list[float]) -> float | None:
    if not numbers:
        return None
    half = len(numbers) // 2
    return numbers[half] if len(numbers) % 2 else (numbers[half - 1] + numbers[half]) / 2


def _findings(pass_: Pass, missing: list[tuple[Node, Blocked]], total: int) -> tuple[Finding, ...]:
    """One finding per place where the gradient is lost, not one per parameter."""
    groups: dict[tuple[Cause, str], list[tuple[Node, Blocked]]] = defaultdict(list)
    for node, why in missing:
        place = "" if why.cause is Cause.UNUSED or passing(pass_, why) else why.node
        groups[why.cause, place].append((node, why))
    found = []
    for (cause, _), members in groups.items():
        first, why = members[0]
        names = ", ".join(f'"{visible(node.name, limit=40)}"' for node, _ in members[:SHOWN])
        names += f" and {len(members) - SHOWN} more" if len(members) > SHOWN else ""
        who = f"{plural(len(members), 'parameter')} of {total} " + ("gets" if len(members) == 1 else "get")
        number = Number(NOTHING, len(members))
        if cause is Cause.UNUSED:
            what = f"{who} nothing, because nothing that leads to the target uses them: {names}."
            found.append(Finding(Weight.NOTE, first.name, number, what, remedy(why)))
        elif passing(pass_, why):
            places = len({lost.node for _, lost in members})
            others = f" (the same at {plural(places - 1, 'other place')})" if places > 1 else ""
            what = f"{who} nothing at this step: {why.why}{others}. Without a gradient: {names}."
            advice = "None if it has just been initialised so: that zero gets a gradient itself, and moves away."
            found.append(Finding(Weight.NOTE, why.node, number, what, advice))
        else:
            what = f"{who} nothing: {why.why}. Without a gradient: {names}."
            weight = Weight.NOTE if cause is Cause.CUT else Weight.WARNING
            found.append(Finding(weight, why.node, number, what, remedy(why), why.cause.value))
    return tuple(found)
