"""Do nearby inputs have like gradients?"""

from __future__ import annotations

from typing import Final

from resdebug.analysis.report.structure import (
    CannotAnswer,
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
from resdebug.analysis.shattering import DISTANCES, Likeness, shattering
from resdebug.analysis.trunk import depths, tensors_of, trunk
from resdebug.passes.protocol import Pass
from resdebug.text import visible

NEAR: Final = DISTANCES[0]
SHATTERED: Final = 0.5
"""The cosine at the nearest inputs below which, with its whole interval, gradients are told to be shattered."""

PAIRS: Final = Quantity("pairs", "pairs", "Pairs of inputs at each distance.", whole=True)
SEED: Final = Quantity("seed", "1", "The seed that the inputs were drawn from.", whole=True)
AT: Final = {
    d: (
        Quantity(f"cosine_at_{d:g}", "1", f"Mean cosine of the input's adjoints at inputs {d:g} · rms apart."),
        Quantity(f"low_at_{d:g}", "1", "Lower end of its 95 % interval (Student's t over pairs)."),
        Quantity(f"high_at_{d:g}", "1", "Upper end of its 95 % interval."),
    )
    for d in DISTANCES
}
DEPTH: Final = Quantity("depth", "operators", "Operators on the longest way to the target.", whole=True)
DISTANCE: Final = Quantity(
    "distance", "rms", "Distance of the inputs of a pair per element, in terms of the input's rms."
)
COSINE: Final = Quantity("cosine", "1", "Mean cosine of the node's adjoints at the two inputs.")
LOW: Final = Quantity("low", "1", "Lower end of its 95 % interval.")
HIGH: Final = Quantity("high", "1", "Upper end of its 95 % interval.")

TABLE: Final = TableKind(
    "likeness",
    "Cosine between the adjoints at nearby inputs, along the trunk, the input first.",
    (Label("node", "Name of the node."), DEPTH, DISTANCE, COSINE, LOW, HIGH),
)
CURVE: Final = CurveKind(
    "likeness", "Cosine between the adjoints at nearby inputs along the trunk; the lines are distances.", DEPTH, COSINE
)

KIND: Final = SectionKind(
    "shattering",
    "Do nearby inputs have like gradients?",
    (PAIRS, SEED, *(quantity for three in AT.values() for quantity in three)),
    (TABLE,),
    (CURVE,),
)


def answer(pass_: Pass, settings: Settings, progress: Progress) -> Section:
    """Run passes at pairs of nearby inputs (Balduzzi et al. 2017)."""
    way, deep = tensors_of(pass_, trunk(pass_)), depths(pass_)
    leaf = pass_.network.nodes[way[-1]]
    if leaf.op != "input" or not leaf.type.is_float:
        raise CannotAnswer("no input of floating point leads to the target, so none can be moved a little")
    found = shattering(
        pass_, leaf.name, way, settings.pairs, settings.seed, lambda done, total: progress("passes", done, total)
    )
    if not found:
        raise CannotAnswer("the adjoints along the trunk are zero at nearby inputs")
    names = pass_.network.nodes
    rows = tuple(
        (names[like.node].name, deep[like.node], like.distance, like.mean, like.low, like.high)
        for like in sorted(found, key=lambda like: (-deep[like.node], like.distance))
    )
    curves = []
    for distance in DISTANCES:
        line = sorted((like for like in found if like.distance == distance), key=lambda like: deep[like.node])
        if line:
            xs = tuple(float(deep[like.node]) for like in line)
            places = tuple(names[like.node].name for like in line)
            curves.append(Series(f"{distance:g} rms apart", xs, tuple(like.mean for like in line), places))
    numbers = [Number(PAIRS, settings.pairs), Number(SEED, settings.seed)]
    at_input = {like.distance: like for like in found if like.node == leaf.index}
    for distance, (mean, low, high) in AT.items():
        like = at_input.get(distance)
        numbers += [
            Number(mean, None if like is None else like.mean),
            Number(low, None if like is None else like.low),
            Number(high, None if like is None else like.high),
        ]
    notes = (f"{settings.pairs} pairs (--pairs) of inputs near the given one, drawn from seed {settings.seed}.",)
    findings = _findings(leaf.name, at_input.get(NEAR))
    return Section(KIND, tuple(numbers), (Table(TABLE, rows),), (Curve(CURVE, tuple(curves)),), findings, notes)


def _findings(leaf: str, like: Likeness | None) -> tuple[Finding, ...]:
    if like is None or like.high >= SHATTERED:
        return ()
    what = (
        f'Gradients are shattered: at "{visible(leaf, limit=60)}", inputs {like.distance:g} of its rms apart have '
        f"gradients with a cosine of {like.mean:.2f} ({like.low:.2f} to {like.high:.2f})."
    )
    advice = "Add skips, scale the branches down, or make the network shallower."
    return (Finding(Weight.WARNING, leaf, Number(COSINE, like.mean), what, advice),)
