"""Residual blocks: skip beside branch at every fork, and He et al.'s equation."""

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
from resdebug.analysis.residual.shares import Share, identities, share
from resdebug.analysis.trunk import depths
from resdebug.passes.blocks import Skip, blocks
from resdebug.passes.protocol import Pass

COUNT: Final = Quantity("residual_blocks", "blocks", "Joins with a fork and a skip, found from the wiring.", whole=True)
IDENTITY: Final = Quantity("identity_skips", "blocks", "Of them, skips that are nothing but an edge.", whole=True)
DISCREPANCY: Final = Quantity(
    "identity_discrepancy", "1", "Largest ‖x̄ − what He et al.'s equations 4, 5 and 8 give‖ / ‖x̄‖ over chains of blocks."
)
DIRECT: Final = Quantity(
    "direct_term", "1", "Product of the skips' scales over the longest chain: what arrives directly."
)
CHAIN: Final = Quantity("longest_chain", "blocks", "Blocks in a row whose skips are identities or scales.", whole=True)

SKIP: Final = Quantity("skip", "1", "Norm of what comes to the fork through the skip.")
BRANCH: Final = Quantity("branch", "1", "Norm of what comes to it through the branches.")
RATIO: Final = Quantity("ratio", "1", "The branch's norm over the skip's.")
COSINE: Final = Quantity("cosine", "1", "Cosine between the two: 1 the same direction, −1 against each other.")
DEPTH: Final = Quantity("depth", "operators", "Operators on the longest way from the fork to the target.", whole=True)

TABLE: Final = TableKind(
    "skip_and_branch",
    "Skip and branch at the fork of every block, from the target down.",
    (
        Label("fork", "Name of the fork."),
        Label("join", "Name of the join."),
        Label("kind", "What the skip is: identity, scaled, projection, gated, or none."),
        DEPTH,
        SKIP,
        BRANCH,
        RATIO,
        COSINE,
    ),
)
CURVE: Final = CurveKind("skip_and_branch", "Norms of skip and branch, from the target down.", DEPTH, SKIP, log=True)
KIND: Final = SectionKind(
    "blocks",
    "What comes through the skips, and what through the branches?",
    (COUNT, IDENTITY, CHAIN, DIRECT, DISCREPANCY),
    (TABLE,),
    (CURVE,),
)


def answer(pass_: Pass, _settings: Settings, progress: Progress) -> Section:
    """Find the blocks and take their shares."""
    found = blocks(pass_)
    if not found:
        raise CannotAnswer("no residual blocks are in this network")
    shares: list[Share] = []
    for done, block in enumerate(found, start=1):
        shares.append(share(pass_, block))
        progress("blocks", done, len(found))
    proofs = identities(pass_, found)
    longest = max(proofs, key=lambda proof: proof.blocks, default=None)
    nodes, deep = pass_.network.nodes, depths(pass_)
    rows, places = [], []
    for part in shares:
        fork = part.block.fork
        skip, branch = part.norms
        ratio = part.ratio if skip and branch else None
        name, join = nodes[fork].name, nodes[part.block.join].name
        rows.append((name, join, part.block.kind.value, deep[fork], skip, branch, ratio, part.angle))
        places.append(name)
    xs = tuple(float(deep[part.block.fork]) for part in shares)
    series = tuple(
        Series(label, xs, tuple(part.norms[k] for part in shares), tuple(places))
        for k, label in enumerate(("skip", "branch"))
    )
    numbers = (
        Number(COUNT, len(found)),
        Number(IDENTITY, sum(block.kind is Skip.IDENTITY for block in found)),
        Number(CHAIN, longest.blocks if longest else 0),
        Number(DIRECT, longest.direct if longest else None),
        Number(DISCREPANCY, max((proof.discrepancy for proof in proofs), default=None)),
    )
    notes = [] if proofs else ["No chain of identity or scaled skips without anything after the addition."]
    return Section(KIND, numbers, (Table(TABLE, tuple(rows)),), (Curve(CURVE, series),), (), tuple(notes))
