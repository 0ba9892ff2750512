"""The reverse pass step by step: each adjoint as the sum of its contributions, in symbols and in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from resdebug.analysis.derivation.document import Block, Code, Equation, Maths, Piece, Prose, Section, Strong, Table
from resdebug.analysis.derivation.document import paragraph as said
from resdebug.analysis.derivation.subject import Subject, barred, named, shown
from resdebug.analysis.derivation.tensors import DIGITS, matrix, percent, plain, size_of, slices, written_in_full
from resdebug.analysis.formulas import contribution_formula, contribution_numbers, number, reason
from resdebug.analysis.residual.shares import part_of
from resdebug.network.model import Edge, Node
from resdebug.network.types import shape_text
from resdebug.ops.base import Array
from resdebug.ops.formula import Form
from resdebug.passes.summary import cosine
from resdebug.text import plural

ON_ONE_LINE: Final = 2
"""Terms of a sum of formulas that are written on one line."""
MOST_TERMS: Final = 24
"""Terms of a sum that are written out."""
WIDEST: Final = 9
"""Columns of all matrices on one line."""


def step(subject: Subject, node: Node, turn: int | None = None) -> Section:
    """Explain the adjoint of one node; ``turn`` is its number in the reverse pass."""
    arrivals = subject.pass_.schedule.arrivals[node.index]
    title: list[Piece] = [] if turn is None else [f"{turn}. "]
    title += [Maths(barred(node)), " · ", Code(shown(node)), f" · {node.op} · {shape_text(node.shape)}"]
    if len(arrivals) > 1:
        title.append(f" · fork: {len(arrivals)} contributions")
    if node.index == subject.pass_.schedule.target:
        return Section(tuple(title), seed(node))
    if not arrivals or subject.pass_.events.after_completion(node.index) is None:
        return Section(tuple(title), (said(_without(subject, node)),))
    blocks: list[Block] = [Equation(sum_of(subject, node, arrivals))]
    blocks += [said(*_because(subject, edge)) for edge in _one_a_reason(subject, arrivals)]
    if len(arrivals) > 1:
        blocks += _adding(subject, node, arrivals)
    blocks += numbers(subject, node, arrivals)
    if len(arrivals) > 1:
        blocks.append(ledger(subject, node, arrivals))
        if len(arrivals) > MOST_TERMS:
            blocks.append(said(f"… and {plural(len(arrivals) - MOST_TERMS, 'contribution')} more, left out here."))
    return Section(tuple(title), tuple(blocks))


def seed(node: Node) -> tuple[Block, ...]:
    """Explain the target's own adjoint."""
    name = named(node)
    equation = Equation(((barred(node), rf"= \frac{{\partial {name}}}{{\partial {name}}} = 1"),))
    return equation, said("The target's adjoint is sent by nobody: it is the seed from which all the others follow.")


def _without(subject: Subject, node: Node) -> str:
    if subject.pass_.events.after_completion(node.index) is None and node.index in subject.pass_.schedule.order:
        if subject.pass_.schedule.arrivals[node.index]:
            return "The trace breaks off before this adjoint is complete."
        return "No adjoint: no differentiable way leads from an input or parameter through it to the target."
    if not node.type.is_float:
        return f"No adjoint: {node.dtype} values cannot be varied by a little."
    return "No adjoint: the target does not depend on it."


def sum_of(subject: Subject, node: Node, arrivals: Sequence[Edge]) -> tuple[tuple[str, str], ...]:
    """Return the adjoint as a sum of formulas; skip and branch are named under their terms."""
    terms = []
    for edge in arrivals[:MOST_TERMS]:
        _, _, term = contribution_formula(subject.network, edge, Form.LATEX).partition(r"\mathrel{+}=")
        terms.append(under(term.strip(), subject.way(edge)))
    if len(arrivals) > MOST_TERMS:
        terms.append(rf"\ldots \quad \text{{({len(arrivals)} terms)}}")
    if len(terms) <= ON_ONE_LINE:
        return ((barred(node), "= " + " + ".join(terms)),)
    return ((barred(node), f"= {terms[0]}"), *(("", rf"\quad {{}} + {term}") for term in terms[1:]))


def under(term: str, word: str) -> str:
    """Write a word under a term."""
    return rf"\underbrace{{{term}}}_{{\text{{{word}}}}}" if word else term


def _one_a_reason(subject: Subject, arrivals: Sequence[Edge]) -> list[Edge]:
    """Return one edge for each different reason."""
    told: dict[str, Edge] = {}
    for edge in arrivals[:MOST_TERMS]:
        told.setdefault(reason(subject.network, edge), edge)
    return [edge for why, edge in told.items() if why]


def _because(subject: Subject, edge: Edge) -> Prose:
    why = reason(subject.network, edge)
    op = subject.network.nodes[edge.consumer_index].op
    return (f"Through {op}, slot {edge.slot}: {why}{'' if why.endswith('.') else '.'}",)


def _adding(subject: Subject, node: Node, arrivals: Sequence[Edge]) -> list[Block]:
    if not subject.right:
        return [
            said(
                Strong(f"This pass ran under the rule {subject.pass_.rule}, which is wrong on purpose: "),
                "the chain rule adds the contributions; the adjoint shown below is not their sum.",
            )
        ]
    skip = subject.skip_of(node)
    route = None if skip is None else subject.route(skip)
    several = f"{shown(node)} is used {len(arrivals)} times, so the contributions are added (multivariate chain rule)."
    if route is None or skip is None:
        return [said(several)]
    block = f" Skip and branch meet again at {shown(route.join)}."
    if route.length:
        return [said(several + block)]
    same = " The skip is an identity, its local derivative is 1: what arrives at "
    return [said(several + block + same, Maths(barred(route.join)), " comes through it unchanged.")]


def numbers(subject: Subject, node: Node, arrivals: Sequence[Edge]) -> list[Block]:
    """Return the sum in numbers: in full where the tensor is small, else as norms."""
    adjoint = subject.pass_.adjoint(node.name)
    parts = [subject.sent(edge) for edge in arrivals]
    if adjoint is None or any(part is None for part in parts):
        size = subject.adjoint_norm(node)
        return [said("With numbers: ", Maths(rf"\lVert {barred(node)} \rVert = {_tex(size)}"), " (from statistics).")]
    sent = [part for part in parts if part is not None]
    worked = [contribution_numbers(subject.pass_, edge, Form.LATEX) for edge in arrivals[:MOST_TERMS]]
    lines: list[tuple[str, str]] = []
    if len(sent) == 1 and worked[0]:
        lines.append((barred(node), f"= {worked[0]}"))
    elif any(worked):
        lines += [(rf"\text{{from }} {named(e.consumer)}:", text) for e, text in zip(arrivals, worked, strict=False)]
    if written_in_full(node.shape) and len(sent) <= MOST_TERMS:
        if len(sent) > 1 or not any(worked):
            lines += _in_full(subject, node, arrivals, sent, adjoint)
    elif len(sent) == 1:
        lines.append((rf"\lVert {barred(node)} \rVert", f"= {size_of(adjoint)}"))
    elif len(sent) <= MOST_TERMS:
        lines.append((rf"\lVert {barred(node)} \rVert", rf"= {_norms(subject, arrivals, sent)} = {size_of(adjoint)}"))
    else:
        lines.append((rf"\lVert {barred(node)} \rVert", f"= {size_of(adjoint)}"))
    return [said("With numbers:"), Equation(tuple(lines))] if lines else []


def _norms(subject: Subject, arrivals: Sequence[Edge], sent: Sequence[Array]) -> str:
    """Return ‖a + b‖ with a word for each term; norms themselves do not add up."""
    words = [subject.way(edge) or f"from {shown(edge.consumer, 24)}" for edge in arrivals]
    terms = [
        rf"\underbrace{{{barred_term(k)}}}_{{{_text(word)},\ \lVert\cdot\rVert = {size_of(part)}}}"
        for k, (word, part) in enumerate(zip(words, sent, strict=True), start=1)
    ]
    return r"\lVert " + " + ".join(terms) + r" \rVert" if subject.right else r"\text{(see the ledger)}"


def barred_term(k: int) -> str:
    """Return the name of the k-th contribution."""
    return f"c_{{{k}}}"


def _text(word: str) -> str:
    """Return a word as mathematics; a name from a file may be in it."""
    if word in {"skip", "branch"}:
        return rf"\text{{{word}}}"
    return r"\text{from }" + named(word.removeprefix("from "))


def _in_full(
    subject: Subject, node: Node, arrivals: Sequence[Edge], sent: Sequence[Array], adjoint: Array
) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    columns = (node.shape[-1] if node.shape else 1) * (len(sent) + 1)
    for k, (subscript, index) in enumerate(slices(node.shape)):
        terms = [matrix(part[index]) for part in sent]
        if not k:
            terms = [under(term, subject.way(edge)) for term, edge in zip(terms, arrivals, strict=True)]
        total, left = matrix(adjoint[index]), barred(node) + subscript
        if not subject.right and len(sent) > 1:
            lines.append((left, rf"= {total} \quad \text{{under the rule {subject.pass_.rule}, in place of}}"))
            left, total = "", matrix(_added(sent)[index])
            terms[0] = rf"\quad {{}} {terms[0]}"
            lines += [("", terms[0]), *(("", rf"\quad {{}} + {term}") for term in terms[1:])]
            lines.append(("", rf"\quad {{}} = {total}"))
        elif len(sent) == 1:
            lines.append((left, f"= {total}"))
        elif columns <= WIDEST:
            lines.append((left, f"= {' + '.join(terms)} = {total}"))
        else:
            lines.append((left, f"= {terms[0]}"))
            lines += [("", rf"\quad {{}} + {term}") for term in terms[1:]]
            lines.append(("", f"= {total}"))
    return lines


def _added(sent: Sequence[Array]) -> Array:
    total = sent[0]
    for part in sent[1:]:
        total = total + part
    return total


def ledger(subject: Subject, node: Node, arrivals: Sequence[Edge]) -> Table:
    """Return the contributions in order of arrival: norms, parts of the sum, angles."""
    adjoint = subject.pass_.adjoint(node.name)
    whole = subject.complete and adjoint is not None
    heads = ["", "from", "slot", "way", "norm"]
    heads += ["part of the sum", "cosine with the sum"] if whole and subject.right else []
    rows: list[tuple[Prose, ...]] = []
    for k, edge in enumerate(arrivals[:MOST_TERMS], start=1):
        row: list[Prose] = [
            (Maths(barred_term(k)),),
            (Code(shown(edge.consumer)),),
            (edge.slot,),
            (subject.way(edge) or "–",),
            (plain(subject.sent_norm(edge)),),
        ]
        sent = subject.sent(edge)
        if len(heads) > len(row) and adjoint is not None and sent is not None:
            row += [(percent(part_of(sent, adjoint)),), (plain(cosine(sent, adjoint), 3),)]
        rows.append(tuple(row))
    total: list[Prose] = [("",), (Strong("sum" if subject.right else subject.pass_.rule),), ("",), ("",)]
    total.append((plain(subject.adjoint_norm(node)),))
    total += [("100 %" if subject.adjoint_norm(node) else "–",), ("",)] if len(heads) > len(total) else []
    rows.append(tuple(total))
    return Table(tuple(heads), tuple(rows), frozenset({4, 5, 6}))


def _tex(x: float | None) -> str:
    return r"\text{unknown}" if x is None else number(x, Form.LATEX, DIGITS)
