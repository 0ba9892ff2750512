"""The network itself: what goes in, the forward equations, the computational graph."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from resdebug.analysis.derivation.document import (
    Block,
    Code,
    Drawing,
    Equation,
    Maths,
    Paragraph,
    Prose,
    Section,
    Table,
    paragraph,
)
from resdebug.analysis.derivation.subject import Subject, named, shown
from resdebug.analysis.derivation.tensors import plain
from resdebug.analysis.formulas import forward_formula, forward_numbers
from resdebug.analysis.rows import Rows
from resdebug.engine.forward import operator_of
from resdebug.network.model import Node
from resdebug.network.types import shape_text
from resdebug.ops.formula import Form
from resdebug.text import plural, visible

MOST_LEAVES = 60
MOST_EQUATIONS = 300
MOST_ROWS = 400


def equations(subject: Subject, only: Collection[int] | None = None) -> Section:
    """Return leaves and forward equations in the order of the forward pass, of all nodes or of ``only`` some."""
    nodes = [subject.network.nodes[i] for i in subject.pass_.events.forward]
    kept = [node for node in nodes if only is None or node.index in only]
    leaves, others = sorted((n for n in kept if n.is_leaf), key=_place), [n for n in kept if not n.is_leaf]
    blocks: list[Block] = []
    if leaves:
        blocks.append(paragraph("What goes in:"))
        blocks.append(_leaves(subject, leaves[:MOST_LEAVES]))
        blocks += _rest(len(leaves) - MOST_LEAVES, "input, parameter or constant", "inputs, parameters and constants")
    if others:
        blocks.append(paragraph("In the order in which they are computed; all values are saved for the way back:"))
        blocks.append(Equation(tuple(_equation(subject, node) for node in others[:MOST_EQUATIONS])))
        blocks += _rest(len(others) - MOST_EQUATIONS, "equation")
    blocks += _conventions(others)
    return Section(("The forward pass",), tuple(blocks))


def _place(leaf: Node) -> tuple[bool, int]:
    """Sort inputs before parameters, each as they stand in the file."""
    return leaf.op != "input", leaf.index


def _leaves(subject: Subject, leaves: Sequence[Node]) -> Table:
    rows = tuple(
        (
            (Code(shown(node)),),
            (node.op,),
            (shape_text(node.shape),),
            (plain(subject.value_norm(node)),),
        )
        for node in leaves
    )
    return Table(("node", "kind", "shape", "norm"), rows, frozenset({3}))


def _equation(subject: Subject, node: Node) -> tuple[str, str]:
    left, _, right = forward_formula(subject.network, node, Form.LATEX).partition(" = ")
    written = f"= {right}"
    if subject.complete:
        value, _, numbers = forward_numbers(subject.pass_, node, Form.LATEX).partition(" = ")
        written += f" = {numbers}" if numbers else ""
        written += f" = {value}" if numbers != value else ""
    return left, written


def _conventions(nodes: Sequence[Node]) -> list[Block]:
    told: dict[str, str] = {}
    for node in nodes:
        convention = operator_of(node).convention
        if convention:
            told.setdefault(node.op, convention)
    if not told:
        return []
    pieces: list[Block] = [paragraph("Where a derivative is a matter of convention:")]
    rows = tuple(((Code(op),), (convention,)) for op, convention in told.items())
    return [*pieces, Table(("operator", "convention"), rows)]


def _rest(count: int, one: str, many: str = "") -> list[Block]:
    return [paragraph(f"… and {plural(count, one, many)} more, left out here.")] if count > 0 else []


def drawing(subject: Subject, rows: Rows) -> Section:
    """Return the graph in the order of the reverse pass, with forks, joins and folded blocks marked."""
    blocks: list[Block] = []
    if len(rows.units) > MOST_ROWS:
        what = f"The drawing of {plural(len(rows.units), 'row')} is left out: "
        blocks.append(paragraph(what, Code("resdebug trace FILE -o graph.dot"), " writes one for Graphviz."))
        return Section(("The computational graph",), tuple(blocks))
    joins = _joins(subject)
    described = []
    for unit in rows.units:
        node = subject.network.nodes[unit.nodes[0]]
        if unit.block:
            described.append(("■", visible(unit.block, limit=40), f"block of {plural(len(unit.nodes), 'operator')}"))
            continue
        fork = len(subject.pass_.schedule.arrivals[node.index]) > 1
        marks = [node.op, shape_text(node.shape)]
        marks += ["fork"] if fork else []
        marks += ["join"] if node.index in joins else []
        glyph = "⊕" if node.index in joins else "◉" if fork else "●"
        described.append((glyph, shown(node), " · ".join(marks)))
    blocks.append(
        paragraph(
            "Adjoints flow down the page, from the target to the inputs; values were computed the other way, upwards. "
            "A skip is a line beside the trunk. Parameters and constants are left out."
        )
    )
    blocks.append(Drawing(rows.rails, tuple(described), _legend()))
    if any(rows.rails.undrawn(k) for k in range(rows.rails.rows)):
        blocks.append(paragraph("Some lines are left out: there are too many beside each other."))
    return Section(("The computational graph",), tuple(blocks))


def _joins(subject: Subject) -> set[int]:
    return {block.join for block in subject.blocks}


def _legend() -> Prose:
    return ("◉ fork: contributions are added here; ⊕ join of a residual block; ■ folded block",)


def facts(subject: Subject) -> Paragraph:
    """Return in a line what the network is."""
    pass_, plan = subject.pass_, subject.pass_.schedule
    sent = sum(map(len, plan.deliveries))
    idle = len(subject.network) - len(plan.order)
    source = "" if pass_.live else ", read from a trace"
    tail = f"; {plural(idle, 'node')} {'takes' if idle == 1 else 'take'} no part" if idle else ""
    return paragraph(
        "Target ", Code(shown(pass_.target)), f", {subject.network.dtype}{source}. ",
        f"{plural(len(plan.order), 'node')} in the forward pass, {plural(len(plan.reverse), 'adjoint')}, ",
        f"{plural(sent, 'contribution')}, {plural(len(subject.forks), 'fork')}{tail}. A bar is an adjoint: ",
        Maths(r"\bar{v} = \partial " + _target(subject) + r" / \partial v"), ", of the shape of ", Maths("v"), ".",
    )  # fmt: skip


def _target(subject: Subject) -> str:

    return named(subject.pass_.target)
