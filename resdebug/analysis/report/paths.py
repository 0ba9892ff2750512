"""How many branches the gradient of the input crosses: the path-length spectrum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from resdebug.analysis.report.structure import (
    CannotAnswer,
    Cell,
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
from resdebug.analysis.residual.paths import moments, spectrum, top_paths
from resdebug.passes.blocks import Block, blocks
from resdebug.passes.protocol import Pass

MOST_PATHS: Final = 10
WHOLE: Final = 1 << 22
"""Elements of all values up to which the whole family is carried without being asked for."""

BLOCKS: Final = Quantity("branches", "branches", "Branches that a path may cross.", whole=True)
PATHS: Final = Quantity("paths", "log10", "Decimal logarithm of how many paths lead from the target to the input.")
MEAN: Final = Quantity(
    "mean_length", "branches", "Branches crossed on the average, weighed by what a path contributes."
)
SPREAD: Final = Quantity("length_variance", "branches²", "Variance of the number of branches crossed, weighed so.")
DISCREPANCY: Final = Quantity("spectrum_discrepancy", "1", "How far the parts are from the adjoint, ‖Σ s_k − x̄‖ / ‖x̄‖.")

LENGTH: Final = Quantity("length", "branches", "How many branches the paths cross.", whole=True)
COUNT: Final = Quantity("paths_of_length", "log10", "Decimal logarithm of how many paths cross so many branches.")
NORM: Final = Quantity("norm", "1", "Norm of the part of the adjoint that crosses so many branches.")
EACH: Final = Quantity("norm_per_path", "log10", "Decimal logarithm of that norm divided by the number of paths.")
SHARE: Final = Quantity("share", "1", "What the part adds in the direction of the adjoint, ⟨s_k, x̄⟩ / ‖x̄‖².")

TABLE: Final = TableKind("lengths", "The adjoint of the input by branches crossed.", (LENGTH, COUNT, NORM, EACH, SHARE))
CONTRIBUTION: Final = Quantity("contribution", "1", "What the path alone adds to the adjoint, with its sign.")
CROSSED: Final = Quantity("crossed", "branches", "How many branches the path crosses.", whole=True)
BEST: Final = TableKind(
    "top_paths",
    "The single paths that add most, in networks of scalars; elsewhere a path is a matrix and not told apart.",
    (CONTRIBUTION, CROSSED, Label("way", "The nodes of the path, from the target to the input.")),
)
NORMS: Final = CurveKind("lengths", "Norm of the parts of the adjoint by branches crossed.", LENGTH, NORM, log=True)
COUNTS: Final = CurveKind("path_counts", "Number of paths (log10) by branches crossed.", LENGTH, COUNT)
PER_PATH: Final = CurveKind("per_path", "Norm a path (log10) by branches crossed.", LENGTH, EACH)
KIND: Final = SectionKind(
    "paths",
    "How many branches does the gradient cross?",
    (BLOCKS, PATHS, MEAN, SPREAD, DISCREPANCY),
    (TABLE, BEST),
    (NORMS, COUNTS, PER_PATH),
)


def answer(pass_: Pass, settings: Settings, progress: Progress) -> Section:
    """Carry the moments, or the whole family where it is asked for or cheap."""
    found = [block for block in blocks(pass_) if block.skip is not None]
    if not found:
        raise CannotAnswer("no residual blocks are in this network")
    node = _input(pass_)
    if node is None:
        raise CannotAnswer("no input has an adjoint")
    branches = sum(len(block.branches) for block in found)
    size = sum(pass_.network.nodes[i].type.size for i in pass_.schedule.reverse)
    if "paths" not in settings.asked and size * branches > WHOLE:
        told = moments(pass_, found, node)
        note = f"Mean and variance alone, of {node}; --section paths carries the family of all lengths."
        numbers = (Number(BLOCKS, branches), Number(PATHS, None), Number(MEAN, told.mean),
                   Number(SPREAD, told.variance), Number(DISCREPANCY, None))  # fmt: skip
        return Section(KIND, numbers, notes=(note,))
    whole = spectrum(pass_, found, node, lambda done, total: progress("paths", done, total))
    shares, norms = whole.shares, whole.norms
    mean = whole.effective_depth
    variance = sum(k * k * part for k, part in shares.items()) - mean**2
    rows = tuple(
        (k, math.log10(whole.counts[k]), norms[k], _log(norms[k]) - math.log10(whole.counts[k]), shares[k])
        for k in norms
    )
    xs = tuple(float(row[0]) for row in rows)
    curves = tuple(
        Curve(kind, (Series("paths", xs, tuple(float(row[column]) for row in rows)),))
        for kind, column in ((NORMS, 2), (COUNTS, 1), (PER_PATH, 3))
    )
    numbers = (
        Number(BLOCKS, branches),
        Number(PATHS, math.log10(sum(whole.counts.values()))),
        Number(MEAN, mean),
        Number(SPREAD, variance),
        Number(DISCREPANCY, whole.discrepancy),
    )
    tables = [Table(TABLE, rows)]
    best = _best(pass_, found, node)
    if best:
        tables.append(Table(BEST, best))
    return Section(KIND, numbers, tuple(tables), curves, (), (f"Of the adjoint of {node}.",))


def _best(pass_: Pass, found: Sequence[Block], node: str) -> tuple[tuple[Cell, ...], ...]:
    try:
        paths = top_paths(pass_, found, node, MOST_PATHS)
    except ValueError:
        return ()
    return tuple(
        (path.contribution, path.crossed, " ".join([pass_.target, *(edge.source for edge in path.edges)]))
        for path in paths
    )


def _log(x: float) -> float:
    return math.log10(x) if x > 0 else -math.inf


def _input(pass_: Pass) -> str | None:
    """Return the input that is reached last, else the leaf that is."""
    nodes = pass_.network.nodes
    leaves = [i for i in pass_.schedule.reverse if nodes[i].is_leaf]
    inputs = [i for i in leaves if nodes[i].op == "input"]
    return nodes[(inputs or leaves)[-1]].name if leaves else None
