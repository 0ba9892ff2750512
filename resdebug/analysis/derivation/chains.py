"""Chains of identity shortcuts: He et al.'s closed form with this network's numbers.

For x_{l+1} = x_l + F_l(x_l) with nothing after the addition, ∂E/∂x_l = ∂E/∂x_L (1 + ∂/∂x_l Σ F_i) (He, Zhang, Ren, Sun
2016, Identity Mappings in Deep Residual Networks, equation 5; with scaled shortcuts equation 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from resdebug.analysis.derivation.document import Block, Code, Equation, Maths, Prose, Section, Table, paragraph
from resdebug.analysis.derivation.subject import Subject, named, shown
from resdebug.analysis.derivation.tensors import percent, plain
from resdebug.analysis.residual.shares import Identity, part_of, share
from resdebug.engine.norms import norm
from resdebug.passes.blocks import Block as Residual
from resdebug.text import plural

MOST_FORKS: Final = 64
_MEASURED: Final = "A part is ⟨term, x̄⟩ / ⟨x̄, x̄⟩: the parts of a sum add up to 100 %, norms do not."


def closed_form(subject: Subject) -> Section | None:
    """Return every chain with the direct term and what comes through the branches; None where there is none."""
    if not subject.chains:
        return None
    ends = list(dict.fromkeys(identity.end for identity in subject.chains))
    chains = [[i for i in subject.chains if i.end == end] for end in ends]
    blocks: list[Block] = [
        paragraph(
            "Where a shortcut is an identity and nothing follows the addition, ",
            Maths("x_{l+1} = x_l + F_l(x_l)"),
            ", the sums telescope (He, Zhang, Ren and Sun 2016, Identity Mappings in Deep Residual Networks, "
            "equation 5). With ",
            Maths("E"), " the target ", Code(shown(subject.pass_.target)), ":",
        ),
        Equation((equation(all(i.direct == 1 for i in subject.chains)),)),
        paragraph(
            "The 1 is the direct term: the adjoint at the top of the chain reaches every fork below without passing a "
            "single weight. " + _MEASURED
        ),
    ]  # fmt: skip
    longest = max(chains, key=len)
    if len(longest) == 1 and len(chains) > 1:
        blocks.append(
            paragraph(
                f"Every chain here has one block: something stands between each addition and the next fork, and across "
                f"{plural(len(chains), 'block')} its derivative multiplies what comes down."
            )
        )
    blocks.append(table(subject, [i for chain in chains for i in chain][:MOST_FORKS]))
    if len(subject.chains) > MOST_FORKS:
        blocks.append(paragraph(f"… and {plural(len(subject.chains) - MOST_FORKS, 'fork')} more, left out here."))
    if len(longest) > 1:
        blocks += _terms(subject, longest)
    return Section(("The closed form for identity shortcuts",), tuple(blocks))


def equation(identity: bool) -> tuple[str, str]:
    """Return the closed form, with the products of the scales where shortcuts are scaled."""
    left = r"\frac{\partial E}{\partial x_l}"
    top = r"\frac{\partial E}{\partial x_L}"
    inner = r"\frac{\partial}{\partial x_l} \sum_{i=l}^{L-1}"
    if identity:
        return left, rf"= {top} \left( 1 + {inner} F_i(x_i) \right)"
    scaled = r"\prod_{i=l}^{L-1} \lambda_i"
    return left, rf"= {top} \left( {scaled} + {inner} \prod_{{j=i+1}}^{{L-1}} \lambda_j F_i(x_i) \right)"


def table(subject: Subject, chain: Sequence[Identity]) -> Table:
    """Return one row a fork: how much of its adjoint is the direct term, how much comes through the branches."""
    nodes = subject.network.nodes
    heads = (
        "fork", "top", "blocks", "direct factor", "norm direct", "norm through branches", "part direct",
        "part through branches", "discrepancy",
    )  # fmt: skip
    rows: list[tuple[Prose, ...]] = [
        (
            (Code(shown(nodes[i.fork])),), (Code(shown(nodes[i.end])),), (str(i.blocks),), (plain(i.direct),),
            (plain(i.norms[0]),), (plain(i.norms[1]),), (percent(i.part),), (percent(1 - i.part),),
            (plain(i.discrepancy, 2),),
        )
        for i in chain
    ]  # fmt: skip
    return Table(heads, tuple(rows), frozenset(range(2, 9)))


def _terms(subject: Subject, chain: Sequence[Identity]) -> list[Block]:
    """Return what each block's branch adds to the adjoint of the deepest fork of a chain."""
    deepest = max(chain, key=lambda i: i.blocks)
    nodes = subject.network.nodes
    fork, top = nodes[deepest.fork], nodes[deepest.end]
    adjoint = subject.pass_.adjoint(fork.name)
    below = {i.fork for i in chain}
    scale = 1.0
    rows: list[tuple[Prose, ...]] = []
    for block in reversed([b for b in subject.blocks if b.fork in below]):
        part = share(subject.pass_, block)
        if part.branch is None or adjoint is None:
            continue
        # The chain's blocks come from the deepest fork upwards; each shortcut scales what comes from above it.
        sent = scale * part.branch
        rows.append(
            (
                (f"through {_way(subject, block)}",), (plain(norm(sent)),), (percent(part_of(sent, adjoint)),),
            )
        )  # fmt: skip
        scale *= _factor(chain, block)
    rows.append((("direct, from ", Code(shown(top))), (plain(deepest.norms[0]),), (percent(deepest.part),)))
    return [
        paragraph(
            "The terms of the sum at the deepest fork of the longest chain, ", Code(shown(fork)), ", ",
            Maths(rf"x_l = {named(fork)}"), ", ", Maths(rf"x_L = {named(top)}"), ":",
        ),
        Table(("term", "norm", "part"), tuple(rows[:MOST_FORKS]), frozenset({1, 2})),
    ]  # fmt: skip


def _factor(chain: Sequence[Identity], block: Residual) -> float:
    """Return the scale of a block's shortcut: the direct factor at its fork over the one at its join."""
    direct = {i.fork: i.direct for i in chain}
    above = direct.get(block.join, 1.0)
    return direct[block.fork] / above if above else 0.0


def _way(subject: Subject, block: Residual) -> str:
    nodes = subject.network.nodes
    name = nodes[block.join].block
    ends = f"{shown(nodes[block.fork], 24)} → {shown(nodes[block.join], 24)}"
    return f"{shown(name, 24)} ({ends})" if name else ends
