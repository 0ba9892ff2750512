"""A folded block in the reverse pass: what arrives at its end, what it sends on, what its parameters get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from resdebug.analysis.derivation.document import Block, Code, Equation, Maths, Prose, Section, Table
from resdebug.analysis.derivation.document import paragraph as said
from resdebug.analysis.derivation.steps import under
from resdebug.analysis.derivation.subject import Subject, barred, named, shown
from resdebug.analysis.derivation.tensors import plain, size_of
from resdebug.analysis.folding import Unit
from resdebug.network.model import Edge, Node
from resdebug.network.types import shape_text
from resdebug.ops.base import Array
from resdebug.text import plural, visible

MOST_PARAMETERS: Final = 24


def folded_step(subject: Subject, unit: Unit, letter: str, turn: int) -> Section:
    """Explain a block as one step; ``letter`` is the name of its function in formulas."""
    nodes = subject.network.nodes
    inside = frozenset(unit.nodes)
    title: Prose = (f"{turn}. ", Code(visible(unit.block, limit=40)), f" · {plural(len(unit.nodes), 'operator')}")
    kinds = Counter(nodes[i].op for i in reversed(unit.nodes))
    made_of = ", ".join(op if count == 1 else f"{count} × {op}" for op, count in kinds.items())
    ends = [nodes[i] for i in unit.nodes if _leaves(subject, i, inside)]
    blocks: list[Block] = [
        said(
            f"{made_of[0].upper()}{made_of[1:]}; its function, or that of its branch, is ",
            Maths(letter),
            ". ",
            *_arriving(subject, ends),
        ),
    ]
    receivers: dict[int, list[Edge]] = {}
    parameters: list[Node] = []
    for i in unit.nodes:
        for edge in subject.pass_.schedule.deliveries[i]:
            source = nodes[edge.source_index]
            if source.is_leaf and source.op != "input":
                parameters += [] if source in parameters else [source]
            elif edge.source_index not in inside:
                receivers.setdefault(edge.source_index, []).append(edge)
    for index, edges in receivers.items():
        blocks += _sends(subject, nodes[index], edges, ends, letter)
    if parameters:
        blocks.append(_gradients(subject, parameters))
        if len(parameters) > MOST_PARAMETERS:
            blocks.append(said(f"… and {plural(len(parameters) - MOST_PARAMETERS, 'parameter')} more, left out here."))
    return Section(title, tuple(blocks))


def _leaves(subject: Subject, index: int, inside: frozenset[int]) -> bool:
    return any(e.consumer_index not in inside for e in subject.pass_.schedule.arrivals[index])


def _arriving(subject: Subject, ends: Sequence[Node]) -> Prose:
    told: list[str | Maths | Code] = []
    for end in ends[:4]:
        told += [", " if told else "What arrives at its end: ", Maths(barred(end))]
        told.append(f" with norm {plain(subject.adjoint_norm(end))}")
    return (*told, ".") if told else ()


def _sends(subject: Subject, node: Node, edges: Sequence[Edge], ends: Sequence[Node], letter: str) -> list[Block]:
    """Return what a block contributes to one node outside, by skip and by branch."""
    above = barred(ends[0]) if len(ends) == 1 else r"\bar{y}"
    by_way: dict[str, list[Edge]] = {}
    for edge in edges:
        by_way.setdefault(subject.way(edge), []).append(edge)
    terms, norms = [], []
    for way, through in by_way.items():
        route = subject.route(through[0])
        if way == "skip" and route is not None and not route.length:
            term = barred(route.join)
        else:
            # F is the branch where there is one, else the whole block.
            function = "S" if way == "skip" else letter
            arriving = above if route is None else barred(route.join)
            term = rf"\left( \frac{{\partial {function}}}{{\partial {named(node)}}} \right)^{{\top}} {arriving}"
        terms.append(under(term, way))
        sent = [subject.sent(edge) for edge in through]
        known = [part for part in sent if part is not None]
        size = size_of(_added(known)) if known and len(known) == len(sent) else r"\text{unknown}"
        norms.append((way or "contribution", size))
    outside = len(subject.pass_.schedule.arrivals[node.index]) - len(edges)
    told: list[Block] = [Equation(((barred(node), r"\mathrel{+}= " + " + ".join(terms)),))]
    pieces: list[str | Maths] = []
    for word, size in norms:
        pieces += ["; " if pieces else "", f"{word}: norm ", Maths(size)]
    rest = f"; {plural(outside, 'other contribution')} from elsewhere" if outside else ""
    pieces += [
        rest + ". In all: ",
        Maths(rf"\lVert {barred(node)} \rVert"),
        f" is {plain(subject.adjoint_norm(node))}.",
    ]
    return [*told, said(*pieces)]


def _added(sent: Sequence[Array]) -> Array:
    total = sent[0]
    for part in sent[1:]:
        total = total + part
    return total


def _gradients(subject: Subject, parameters: Sequence[Node]) -> Table:
    rows = tuple(
        (
            (Code(shown(node)),), (shape_text(node.shape),), (plain(subject.value_norm(node)),),
            (plain(subject.adjoint_norm(node)),),
        )
        for node in parameters[:MOST_PARAMETERS]
    )  # fmt: skip
    return Table(("parameter", "shape", "norm", "norm of its gradient"), rows, frozenset({2, 3}))
