"""Does the gradient reach the input, or does it vanish or explode on its way, and where does that begin?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from resdebug.analysis.blocked import blocked, passing, remedy
from resdebug.analysis.measured import adjoint_norm
from resdebug.analysis.report.structure import (
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
from resdebug.analysis.trunk import Bend, bend, depths, tensors_of, trunk
from resdebug.network.model import Node
from resdebug.passes.protocol import Pass
from resdebug.text import visible

LOSS: Final = 1e-3
"""A steady fall along the trunk below this part of where it began is a vanishing gradient."""
GROWTH: Final = 1e4
"""A steady rise above this multiple is an exploding one. Networks with batch normalisation rise by 10² when fresh."""
CLIFF: Final = 1e-5
"""A fall to this part from one node of the trunk to the next."""
SMALL: Final = 0.8
"""Weights below this part of He's deviation are told as a likely cause."""
MANY: Final = 6
"""Nodes that a steady fall or rise needs."""

NODES: Final = Quantity("trunk_nodes", "nodes", "Nodes that every way from the input to the target passes.", whole=True)
TOP: Final = Quantity("top_norm", "1", "Norm of the adjoint at the first tensor below the target.")
BOTTOM: Final = Quantity("bottom_norm", "1", "Norm of the adjoint at the input, the end of the trunk.")
REACHES: Final = Quantity("reaches_input", "1", "Norm of the adjoint at the input in terms of that at the top.")
FACTOR: Final = Quantity(
    "factor_per_node", "1", "By what the norm is multiplied at each node below the bend, as fitted."
)
BEND: Final = Quantity("bend", "operators", "How far below the target the fitted fall or rise begins.", whole=True)
CHANGE: Final = Quantity("fitted_change", "1", "What the fitted fall or rise comes to from the bend to the input.")

STOPPED: Final = Quantity("stopped", "1", "The part of the trunk, from 0 to 1, that gets no gradient.")

DEPTH: Final = Quantity("depth", "operators", "Operators on the longest way to the target.", whole=True)
NORM: Final = Quantity("adjoint_norm", "1", "Euclidean norm of the node's adjoint.")
STEP: Final = Quantity("step", "1", "The norm in terms of that of the node above.")

TABLE: Final = TableKind(
    "trunk",
    "The trunk, from the target down to the input.",
    (Label("node", "Name of the node."), Label("op", "Its operator."), DEPTH, NORM, STEP),
)
CURVE: Final = CurveKind(
    "trunk", "Norm of the adjoint along the trunk, from the target to the input.", DEPTH, NORM, True
)

KIND: Final = SectionKind(
    "profile",
    "Does the gradient reach the input?",
    (NODES, TOP, BOTTOM, REACHES, FACTOR, BEND, CHANGE),
    (TABLE,),
    (CURVE,),
)


def answer(pass_: Pass, _settings: Settings, progress: Progress) -> Section:
    """Follow the adjoint's norm down the trunk."""
    whole = trunk(pass_)
    way = tensors_of(pass_, whole)
    deep = depths(pass_)
    names = [pass_.network.nodes[i].name for i in whole]
    norms = []
    for done, i in enumerate(whole, start=1):
        norms.append(adjoint_norm(pass_, i) or 0.0)
        progress("norms", done, len(whole))
    rows = tuple(
        (names[k], pass_.network.nodes[i].op, deep[i], norms[k], _ratio(norms[k], norms[k - 1]) if k else None)
        for k, i in enumerate(whole)
    )
    first = len(whole) - len(way)
    fit = _fit(norms[first:])
    numbers = [
        Number(NODES, len(whole)),
        Number(TOP, norms[first]),
        Number(BOTTOM, norms[-1]),
        Number(REACHES, _ratio(norms[-1], norms[first])),
    ]
    if fit is not None:
        numbers += [
            Number(FACTOR, 10**fit.slope),
            Number(BEND, deep[way[fit.start]]),
            Number(CHANGE, 10**fit.total),
        ]
    else:
        numbers += [Number(FACTOR, None), Number(BEND, None), Number(CHANGE, None)]
    series = Series("adjoint", tuple(float(deep[i]) for i in whole), tuple(norms), tuple(names))
    findings = _findings(pass_, way, norms[first:])
    return Section(KIND, tuple(numbers), (Table(TABLE, rows),), (Curve(CURVE, (series,)),), findings)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole and math.isfinite(whole) else None


def _fit(norms: Sequence[float]) -> Bend | None:
    return bend([math.log10(n) for n in norms]) if all(0 < n < math.inf for n in norms) else None


def _findings(pass_: Pass, way: Sequence[int], norms: Sequence[float]) -> tuple[Finding, ...]:
    nodes = pass_.network.nodes
    if not all(math.isfinite(n) for n in norms):
        return ()  # the section on numbers tells of it
    if 0.0 in norms:
        return _stops(pass_, way, norms)
    found = []
    steps = [below / above for above, below in pairwise(norms)]
    worst = min(range(len(steps)), key=steps.__getitem__, default=None)
    fit = _fit(norms)
    if worst is not None and steps[worst] < CLIFF:
        above, below = nodes[way[worst]], nodes[way[worst + 1]]
        what = f"The gradient falls to {steps[worst]:.2g} of itself in one step, from {_name(above)} to {_name(below)}."
        advice = f"Look at {_name(above)} ({above.op}): its local derivative is next to nothing at these values."
        found.append(Finding(Weight.WARNING, above.name, Number(STEP, steps[worst]), what, advice))
    elif fit is not None and len(norms) - fit.start >= MANY and abs(fit.total) >= -math.log10(LOSS):
        start, factor, change = nodes[way[fit.start]], 10**fit.slope, 10**fit.total
        part = f"from {_name(start)} down, every node of the trunk multiplies its norm by about {factor:.2g}"
        if change <= LOSS:
            what = f"The gradient vanishes: {part}, and {norms[-1] / norms[fit.start]:.1g} of it reaches the input."
            found.append(Finding(Weight.WARNING, start.name, Number(CHANGE, change), what, _stronger(pass_, way)))
        elif change >= GROWTH:
            times = norms[-1] / norms[fit.start]
            what = f"The gradient explodes: {part}, and it reaches the input {times:.1g} times as large."
            advice = "Start with smaller weights, normalise after each layer, scale the branches, or clip gradients."
            found.append(Finding(Weight.WARNING, start.name, Number(CHANGE, change), what, advice))
    return tuple(found)


def _stops(pass_: Pass, way: Sequence[int], norms: Sequence[float]) -> tuple[Finding, ...]:
    """Tell where the adjoint becomes exactly zero on the trunk, unless a parameter that is zero will move away."""
    k = norms.index(0.0)
    lost = blocked(pass_, way[k])
    if lost is None or passing(pass_, lost):
        return ()  # the section on parameters tells of it
    what = f"The gradient stops: {lost.why}, and nothing at or below {_name(pass_.network.nodes[way[k]])} gets any."
    share = 1 - k / len(norms)
    number = Number(STOPPED, share)
    return (Finding(Weight.FAULT, lost.node, number, what, remedy(lost), lost.cause.value),)


def _stronger(pass_: Pass, way: Sequence[int]) -> str:
    """Advise; say how the weights on the trunk compare with He's initialisation."""
    network = pass_.network
    ratios = []
    for i in way:
        for edge in network.nodes[i].inputs:
            if edge is None or network.nodes[edge.source_index].op != "parameter":
                continue
            shape, value = network.nodes[edge.source_index].shape, pass_.value(edge.source)
            if value is not None and len(shape) > 1 and value.size > 1:
                ratios.append(float(np.std(value, dtype=np.float64)) * math.sqrt(math.prod(shape[1:]) / 2))
    advice = "Add skips around the layers, normalise after each, or start with larger weights"
    middle = float(np.median(ratios)) if ratios else 1.0
    if middle < SMALL:
        advice += f": those on the trunk have {middle:.2g} of the deviation √(2 / fan-in) that He et al. 2015 advise"
    return advice + "."


def _name(node: Node) -> str:
    return f'"{visible(node.name, limit=60)}"'
