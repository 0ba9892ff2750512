"""Which activations are flat: dead ReLUs, saturated sigmoids, tanhs and softmaxes."""

from __future__ import annotations

from typing import Final

from resdebug.analysis.flatness import Flatness, flatness
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
from resdebug.passes.protocol import Pass
from resdebug.text import plural, visible

EXAMPLES: Final = 8
"""Examples from which half of the units being dead is told: with fewer, a unit may wait for another image."""
FEW: Final = 16
"""Elements per unit from which nearly all units being dead is told."""
MOST_DEAD, HALF_DEAD = 0.9, 0.5
MOST_SATURATED: Final = 0.95
LITTLE: Final = 1e-3
"""A saturated activation is told of when it passes less than this part of the adjoint."""

RELUS: Final = Quantity("relus", "nodes", "How many ReLUs there are.", whole=True)
ZERO_SHARE: Final = Quantity("zero_share", "1", "Part of all ReLU outputs that are 0, where nothing passes back.")
DEAD_SHARE: Final = Quantity("dead_share", "1", "Part of all ReLU units that are 0 at every example and place.")
SATURABLE: Final = Quantity(
    "saturable", "nodes", "How many sigmoids, tanhs, softmaxes and their hard forms there are.", whole=True
)
SATURATED_SHARE: Final = Quantity("saturated_share", "1", "Part of their elements that are saturated.")

ELEMENTS: Final = Quantity("elements", "numbers", "Elements of the output.", whole=True)
ZEROS: Final = Quantity("zeros", "1", "Part of the outputs that are 0.")
UNITS: Final = Quantity("units", "units", "Channels or features.", whole=True)
DEAD: Final = Quantity("dead", "units", "Units that are 0 at every example and place.", whole=True)
SATURATED: Final = Quantity("saturated", "1", "Part of the elements whose derivative is below 1 % of the greatest.")
PASSES: Final = Quantity("passes", "1", "Norm of the contribution sent in terms of the adjoint received.")

TABLE: Final = TableKind(
    "activations",
    "Activations, in order of the reverse pass.",
    (
        Label("node", "Name of the activation."),
        Label("op", "Its operator."),
        ELEMENTS,
        ZEROS,
        UNITS,
        DEAD,
        SATURATED,
        PASSES,
    ),
)

KIND: Final = SectionKind(
    "activations",
    "Which activations are dead or saturated?",
    (RELUS, ZERO_SHARE, DEAD_SHARE, SATURABLE, SATURATED_SHARE),
    (TABLE,),
)


def answer(pass_: Pass, _settings: Settings, progress: Progress) -> Section:
    """Look at every activation's output."""
    plan, nodes = pass_.schedule, pass_.network.nodes
    found: list[Flatness] = []
    for done, i in enumerate(plan.order, start=1):
        flat = flatness(pass_, nodes[i])
        if flat is not None:
            found.append(flat)
        progress("activations", done, len(plan.order))
    relus = [flat for flat in found if flat.units]
    others = [flat for flat in found if not flat.units]
    zeros = sum(flat.zeros for flat in relus), sum(flat.elements for flat in relus)
    dead = sum(flat.dead for flat in relus), sum(flat.units for flat in relus)
    saturated = sum(flat.saturated for flat in others), sum(flat.elements for flat in others)
    numbers = (
        Number(RELUS, len(relus)),
        Number(ZERO_SHARE, zeros[0] / zeros[1] if relus else None),
        Number(DEAD_SHARE, dead[0] / dead[1] if relus else None),
        Number(SATURABLE, len(others)),
        Number(SATURATED_SHARE, saturated[0] / saturated[1] if others else None),
    )
    rows = tuple(
        (
            flat.node.name,
            flat.node.op,
            flat.elements,
            flat.zeros / flat.elements if flat.units else None,
            flat.units or None,
            flat.dead if flat.units else None,
            None if flat.units else flat.saturated / flat.elements,
            flat.passes,
        )
        for flat in found
    )
    findings = tuple(finding for flat in found if (finding := _finding(flat)) is not None)
    note = "Dead and saturated are meant at this input; other examples may wake a unit."
    return Section(KIND, numbers, (Table(TABLE, rows),) if rows else (), (), findings, (note,) if found else ())


def _finding(flat: Flatness) -> Finding | None:
    name = f'"{visible(flat.node.name, limit=60)}"'
    if flat.units:
        share = flat.dead / flat.units
        examples = flat.node.shape[0] if len(flat.node.shape) > 1 else 1
        enough = (share >= HALF_DEAD and examples >= EXAMPLES) or (share >= MOST_DEAD and flat.seen >= FEW)
        if not flat.dead or (not enough and (share < 1 or flat.units < FEW)):
            return None
        what = (
            f"{name} is dead in {flat.dead:,} of {plural(flat.units, 'unit')}: 0 at all "
            f"{plural(flat.seen, 'element')} that each has over {plural(examples, 'example')}."
        )
        advice = "Lower the learning rate or the bias before it, start anew, or use an activation with a slope below 0."
        return Finding(Weight.WARNING, flat.node.name, Number(DEAD, flat.dead), what, advice, "dead")
    share = flat.saturated / flat.elements
    if share < MOST_SATURATED or flat.passes is None or flat.passes >= LITTLE:
        return None
    what = (
        f"{name} ({flat.node.op}) is saturated at {100 * share:.0f} % of its elements, and passes {flat.passes:.1g} of "
        "the adjoint."
    )
    advice = "Scale what goes into it down, or normalise before it."
    return Finding(Weight.WARNING, flat.node.name, Number(SATURATED, share), what, advice)
