"""Skip beside branch at every fork of a block, and He et al.'s equation for chains of identity skips.

With x_{l+1} = λ_l x_l + F_l(x_l) and nothing after the addition, x̄_l = λ_l x̄_{l+1} + B_l, where B_l is what comes back
through the branch; so x̄_l = (Π_{i≥l} λ_i) x̄_L + Σ_{i≥l} (Π_{l≤j<i} λ_j) B_i (He, Zhang, Ren, Sun 2016, Identity
Mappings in Deep Residual Networks, equations 4, 5 and 8).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resdebug.engine.norms import norm
from resdebug.ops.base import Array
from resdebug.passes.blocks import Block, Skip, Way
from resdebug.passes.protocol import Pass
from resdebug.passes.summary import cosine


@dataclass(frozen=True, slots=True)
class Share:
    """What a block sends to its fork: through the skip, through the branches, and what comes from elsewhere."""

    block: Block
    skip: Array | None
    branch: Array | None
    elsewhere: int
    """How many contributions to the fork do not come from this block."""

    @property
    def norms(self) -> tuple[float, float]:
        """The norms of the two terms."""
        return (0.0 if self.skip is None else norm(self.skip), 0.0 if self.branch is None else norm(self.branch))

    @property
    def ratio(self) -> float:
        """The branch's norm over the skip's; infinite without a skip."""
        skip, branch = self.norms
        return branch / skip if skip else math.inf if branch else math.nan

    @property
    def angle(self) -> float | None:
        """The cosine between the two terms; None where one of them is missing or zero."""
        return None if self.skip is None or self.branch is None else cosine(self.skip, self.branch)


def share(pass_: Pass, block: Block) -> Share:
    """Return what a block sends to its fork, summed in order of arrival."""
    skip: Array | None = None
    branch: Array | None = None
    elsewhere = 0
    with np.errstate(all="ignore"):
        for edge in pass_.schedule.arrivals[block.fork]:
            way = block.way(edge)
            if way is None:
                elsewhere += 1
                continue
            sent = pass_.contribution(edge)
            if way is Way.SKIP:
                skip = sent if skip is None else np.asarray(skip + sent)
            else:
                branch = sent if branch is None else np.asarray(branch + sent)
    return Share(block, skip, branch, elsewhere)


@dataclass(frozen=True, slots=True)
class Identity:
    """He et al.'s equation at one fork of a chain of blocks."""

    fork: int
    end: int
    """The join at the top of the chain, x_L."""
    blocks: int
    direct: float
    """The product of the scales: how much of x̄_L arrives directly."""
    discrepancy: float
    """‖x̄_l − what the equation gives‖ / ‖x̄_l‖."""
    norms: tuple[float, float]
    """Of the direct term and of the one through the branches."""
    part: float
    """⟨direct term, x̄_l⟩ / ⟨x̄_l, x̄_l⟩; what comes through the branches is the rest to 1. NaN where x̄_l is zero."""


def identities(pass_: Pass, found: Sequence[Block]) -> list[Identity]:
    """Verify the equation at every fork whose way up consists of identity or scaled skips, nearest the target first."""
    at_fork = {block.fork: block for block in found if _plain(pass_, block)}
    told: list[Identity] = []
    known: dict[int, tuple[int, int, float, Array]] = {}
    for block in found:
        if at_fork.get(block.fork) is not block:
            continue
        part = share(pass_, block)
        top = pass_.adjoint(pass_.network.nodes[block.join].name)
        here = pass_.adjoint(pass_.network.nodes[block.fork].name)
        if part.elsewhere or part.branch is None or top is None or here is None:
            continue
        factor = _factor(pass_, block)
        end, count, direct, rest = known.get(block.join, (block.join, 0, 1.0, np.zeros(top.shape)))
        rest = factor * rest + np.asarray(part.branch, np.float64)
        known[block.fork] = end, count + 1, direct * factor, rest
        above = pass_.adjoint(pass_.network.nodes[end].name)
        if above is None:
            continue
        with np.errstate(all="ignore"):
            first = direct * factor * np.asarray(above, np.float64)
            whole = np.asarray(here, np.float64)
            size, gap = norm(whole), norm(whole - (first + rest))
        told.append(
            Identity(
                block.fork, end, count + 1, direct * factor, gap / size if size else gap, (norm(first), norm(rest)),
                part_of(first, whole),
            )
        )  # fmt: skip
    return told


def part_of(term: Array, whole: Array) -> float:
    """Return ⟨term, whole⟩ / ⟨whole, whole⟩: the parts of all terms of a sum add up to 1. NaN where it is zero."""
    size = norm(whole)
    if not size or not math.isfinite(size):
        return math.nan
    with np.errstate(all="ignore"):
        ratio = np.vdot(np.asarray(term, np.float64) / size, np.asarray(whole, np.float64) / size)
    return float(ratio)


def _plain(pass_: Pass, block: Block) -> bool:
    return pass_.network.nodes[block.join].op == "add" and (
        block.kind is Skip.IDENTITY or (block.kind is Skip.SCALED and math.isfinite(_factor(pass_, block)))
    )


def _factor(pass_: Pass, block: Block) -> float:
    """Return the product of the scales on a skip; NaN where a scale is no single number."""
    factor = 1.0
    for i in block.skip_nodes:
        node = pass_.network.nodes[i]
        if node.op == "scale":
            factor *= float(node.attributes["factor"])
        elif node.op == "neg":
            factor = -factor
        elif node.op == "mul":
            others = [e for e in node.inputs if e is not None and pass_.network.nodes[e.source_index].is_leaf]
            value = pass_.value(others[0].source) if len(others) == 1 else None
            factor *= float(value.reshape(-1)[0]) if value is not None and value.size == 1 else math.nan
        elif node.op != "identity":
            return math.nan
    return factor
