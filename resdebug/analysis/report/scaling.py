"""Every block's branch scaled from 0 to beyond 1, and deleted."""

from __future__ import annotations

from typing import Final

from resdebug.analysis.report.structure import (
    CannotAnswer,
    Curve,
    CurveKind,
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
)
from resdebug.analysis.residual.scaling import deletion, scaled
from resdebug.analysis.trunk import depths
from resdebug.passes.blocks import blocks
from resdebug.passes.live import LivePass
from resdebug.passes.protocol import Pass

FACTORS: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)

BLOCKS: Final = Quantity("blocks_scaled", "blocks", "Blocks whose branches were scaled and deleted.", whole=True)
WORST: Final = Quantity("worst_prediction", "1", "Largest relative error of a deletion's prediction from the paths.")

FACTOR: Final = Quantity("factor", "1", "What the branch is multiplied by: 0 deletes it, 1 leaves it.")
INPUT: Final = Quantity("input_norm", "1", "Norm of the adjoint of the input.")
PREDICTED: Final = Quantity("predicted", "1", "Norm without the paths through the branch, saved values as they were.")
MEASURED: Final = Quantity("measured", "1", "Norm when the network is run without the branch.")
ERROR: Final = Quantity("error", "1", "Relative error of the prediction, ‖predicted − measured‖ / ‖measured‖.")
BEFORE: Final = Quantity("before", "1", "Norm of the input's adjoint with the branch.")

TABLE: Final = TableKind(
    "deletions",
    "The input's adjoint when a block's branch is deleted, predicted from the paths and measured.",
    (Label("join", "Name of the block's join."), BEFORE, PREDICTED, MEASURED, ERROR),
)
CURVE: Final = CurveKind("scaling", "Norm of the input's adjoint when a block's branch is scaled.", FACTOR, INPUT)
DEPTH: Final = Quantity("depth", "operators", "Operators on the longest way from a fork to the target.", whole=True)
FORK: Final = Quantity("fork_norm", "1", "Norm of the adjoint of a fork.")
PROFILE: Final = CurveKind(
    "profiles",
    "Adjoints at all depths when the branch of the block nearest the target is scaled.",
    DEPTH,
    FORK,
    log=True,
)
KIND: Final = SectionKind("scaling", "How sensitive is it to each branch?", (BLOCKS, WORST), (TABLE,), (CURVE, PROFILE))


def answer(pass_: Pass, _settings: Settings, progress: Progress) -> Section:
    """Scale and delete every block in turn."""
    if not isinstance(pass_, LivePass):
        raise CannotAnswer("a recorded pass cannot be run again")
    found = [block for block in blocks(pass_) if block.skip is not None]
    nodes = pass_.network.nodes
    inputs = [i for i in pass_.schedule.reverse if nodes[i].op == "input"]
    if not found or not inputs:
        raise CannotAnswer("no residual blocks above an input are in this network")
    name = nodes[inputs[-1]].name
    rows, series = [], []
    for done, block in enumerate(found, start=1):
        told = scaled(pass_, block, FACTORS, [name])
        join = nodes[block.join].name
        series.append(Series(join, FACTORS, tuple(one.norms[0] for one in told)))
        gone = deletion(pass_, block, name)
        rows.append((join, gone.before, gone.predicted, gone.measured, gone.error))
        progress("scaling", done, len(found))
    deep = depths(pass_)
    forks = [block.fork for block in found]
    profiles = tuple(
        Series(
            f"× {one.factor:g}", tuple(float(deep[i]) for i in forks), one.norms, tuple(nodes[i].name for i in forks)
        )
        for one in scaled(pass_, found[0], FACTORS, [nodes[i].name for i in forks])
    )
    curves = (Curve(CURVE, tuple(series)), Curve(PROFILE, profiles))
    numbers = (Number(BLOCKS, len(found)), Number(WORST, max(row[4] for row in rows)))
    return Section(KIND, numbers, (Table(TABLE, tuple(rows)),), curves, (), (f"Of {name}.",))
