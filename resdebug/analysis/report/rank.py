"""How many directions the adjoints have along the trunk."""

from __future__ import annotations

from typing import Final

from resdebug.analysis.effective_rank import MOST, Rank, rank_of
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
from resdebug.analysis.trunk import depths, tensors_of, trunk
from resdebug.passes.protocol import Pass
from resdebug.text import visible

FULL, COLLAPSED = 4.0, 1.2
"""A fall of the effective rank from the one to below the other, from one node to the next, is told."""

TOP: Final = Quantity("top_rank", "1", "Effective rank of the adjoint nearest to the target that has one.")
BOTTOM: Final = Quantity("bottom_rank", "1", "Effective rank of the adjoint nearest to the input that has one.")
LEAST: Final = Quantity("least_rank", "1", "The smallest effective rank along the trunk.")

DEPTH: Final = Quantity("depth", "operators", "Operators on the longest way to the target.", whole=True)
RANK: Final = Quantity("effective_rank", "1", "exp of the entropy of the adjoint's singular values, places by units.")
POSSIBLE: Final = Quantity("possible_rank", "1", "The rank that a matrix of this shape can have at most.", whole=True)

TABLE: Final = TableKind(
    "ranks",
    "Effective rank of the adjoints along the trunk (Roy and Vetterli 2007).",
    (Label("node", "Name of the node."), DEPTH, RANK, POSSIBLE),
)
CURVE: Final = CurveKind("ranks", "Effective rank of the adjoint along the trunk.", DEPTH, RANK)

KIND: Final = SectionKind("rank", "How many directions do the adjoints have?", (TOP, BOTTOM, LEAST), (TABLE,), (CURVE,))


def answer(pass_: Pass, _settings: Settings, progress: Progress) -> Section:
    """Take the singular values of every adjoint on the trunk."""
    way, deep = tensors_of(pass_, trunk(pass_)), depths(pass_)
    found: list[tuple[int, Rank]] = []
    for done, i in enumerate(way, start=1):
        adjoint = pass_.adjoint(pass_.network.nodes[i].name)
        rank = None if adjoint is None else rank_of(adjoint)
        if rank is not None:
            found.append((i, rank))
        progress("ranks", done, len(way))
    if not found:
        raise CannotAnswer("no adjoint on the trunk has two places and two units")
    names = [pass_.network.nodes[i].name for i, _ in found]
    ranks = [rank.effective for _, rank in found]
    rows = tuple((name, deep[i], rank.effective, rank.possible) for name, (i, rank) in zip(names, found, strict=True))
    series = Series("rank", tuple(float(deep[i]) for i, _ in found), tuple(ranks), tuple(names))
    numbers = (Number(TOP, ranks[0]), Number(BOTTOM, ranks[-1]), Number(LEAST, min(ranks)))
    notes = [f"Of larger tensors {MOST} rows and columns, evenly spread."] if any(r.sampled for _, r in found) else []
    return Section(
        KIND, numbers, (Table(TABLE, rows),), (Curve(CURVE, (series,)),), _findings(names, ranks), tuple(notes)
    )


def _findings(names: list[str], ranks: list[float]) -> tuple[Finding, ...]:
    for k in range(1, len(ranks)):
        if ranks[k - 1] >= FULL and 0 < ranks[k] < COLLAPSED:
            name = visible(names[k], limit=60)
            what = (
                f'The adjoint collapses to one direction at "{name}": its effective rank falls from '
                f"{ranks[k - 1]:.1f} to {ranks[k]:.2f}, so that all units below are told the same."
            )
            advice = "Look for a layer of rank one above it, or widen it."
            return (Finding(Weight.WARNING, names[k], Number(RANK, ranks[k]), what, advice),)
    return ()
