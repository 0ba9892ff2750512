"""The selected node: its mathematics, its numbers in brief, its neighbours."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len

from resdebug.analysis.folding import Unit
from resdebug.analysis.formulas import (
    contribution_formula,
    forward_formula,
    forward_numbers,
    forward_shapes,
    sum_numbers,
)
from resdebug.debugger.debugger import State
from resdebug.engine.forward import operator_of
from resdebug.network.model import Node
from resdebug.passes.protocol import Of
from resdebug.passes.summary import Summary
from resdebug.text import adjoint_of, visible
from resdebug.tui.lines import Line, wrap
from resdebug.tui.lines import width as measure
from resdebug.tui.numbers import percent, plain, scientific
from resdebug.tui.session import Session

_LABEL = 8


def node_title(session: Session) -> str:
    """Return the pane's title."""
    node = session.node
    block = f" · {visible(node.block, limit=20)}" if node.block else ""
    return f"{visible(node.name, limit=30)} · {node.op} · {node.type}{block}"


def node_lines(session: Session, width: int) -> list[Line]:
    """Return formula, the same with shapes and numbers, adjoint as a sum, statistics, neighbours, block, convention."""
    network, node = session.network, session.node
    formula = fitting(lambda within: forward_formula(network, node, within=within), node, width)
    lines: list[Line] = [[(text, "strong")] for text in wrap(formula, width, indent="  ")]
    trouble = session.trouble(node.name) if session.state(node.name) is State.IDLE else ""
    if trouble:
        return [*lines, *[[(text, "bad")] for text in wrap(visible(trouble), width, indent="  ")]]
    if any(len(network.nodes[i].shape) for i in (node.index, *(e.source_index for e in node.inputs if e is not None))):
        lines += labelled("shapes", forward_shapes(network, node), width, "dim")
    waiting = session.state(node.name) is State.WAITING
    lines += labelled("numbers", "" if waiting else forward_numbers(session.pass_, node), width)
    lines += adjoint_formula(session, width)
    lines += statistics(session, width)
    lines += absent(session, width)
    lines += neighbours(session, width)
    lines += labelled("block", in_block(session), width, "dim")
    lines += labelled("set to", settings(session), width, "dim")
    lines += labelled("note", operator_of(node).convention, width, "dim")
    return lines


def labelled(label: str, content: str, width: int, role: str = "") -> list[Line]:
    """Return a text behind a word that says what it is, on as many lines as it takes; no text, no lines."""
    if not content:
        return []
    texts = wrap(content, width - _LABEL)
    return [[(label.ljust(_LABEL) if not k else " " * _LABEL, "dim"), (text, role)] for k, text in enumerate(texts)]


def fitting(write: Callable[[str], str], node: Node, width: int) -> str:
    """Return a formula with full names where it fits on a line, else with those beside ``node`` written short.

    ``write`` makes it, given the beginning that names are written without.
    """
    full = write("")
    return full if cell_len(full) <= width else write(node.name.rpartition(".")[0])


def neighbours(session: Session, width: int) -> list[Line]:
    """Return the inputs and the consumers; the one that enter follows is marked."""
    lines: list[Line] = []
    chosen = session.link
    links = session.links()
    for title, kind in (("inputs ", False), ("used by", True)):
        shown = [(k, link) for k, link in enumerate(links) if link.is_consumer is kind]
        if not shown:
            continue
        start = max(0, next((at for at, (k, _) in enumerate(shown) if k == chosen), 0) - 2)
        line: Line = [(f"{title} {'… ' if start else ''}", "dim")]
        room = width - len(title) - 8
        for k, link in shown[start:]:
            name, slot = visible(link.name, limit=24), f".{link.slot} "
            room -= cell_len(name) + len(slot) + 1
            if room < 0:
                line.append((f"… {len(shown)} in all", "dim"))
                break
            line += [("›" if k == chosen else " ", "now"), (name, "link" if k == chosen else "accent"), (slot, "dim")]
        lines.append(line)
    return lines


def in_block(session: Session) -> str:
    """Tell where in its block the node stands, and what the block does to the gradient, as far as it is known."""
    node = session.node
    members = session.arrangement.blocks.members.get(node.block, ())
    if node.index not in members:
        return ""
    told = f"operator {len(members) - members.index(node.index)} of {len(members)} in {visible(node.block, limit=30)}"
    whole = session.folded_block(Unit(node.block, list(members)))
    entering, leaving = whole.norms
    if whole.state(session.debugger.position) is not State.COMPLETE or entering is None or leaving is None:
        return told
    told += f"; its gradient {scientific(entering)} → {scientific(leaving)}"
    return told + ("" if whole.skip_share is None else f", {percent(whole.skip_share)} by the skip")


def settings(session: Session) -> str:
    """Tell the operator's attributes."""
    told = (f"{name} {_setting(value)}" for name, value in session.node.attributes.items() if value is not None)
    return " · ".join(told)


def _setting(value: object) -> str:
    return visible(str(value), limit=24) if isinstance(value, str) else str(value).replace(" ", "").lower()


def adjoint_formula(session: Session, width: int) -> list[Line]:
    """Return the adjoint as the sum of what its consumers contribute."""
    name = session.selected
    bar = adjoint_of(visible(name, limit=30))
    if name == session.pass_.target:
        shown = visible(name, limit=30)
        return [[(f"{bar} = ∂{shown}/∂{shown} = 1", "sum"), ("  (the seed)", "dim")]]
    arrivals = session.pass_.arrivals(name)
    if not arrivals:
        return [[(f"no adjoint: {why_none(session)}", "dim")]]

    def formula(within: str) -> str:
        terms = []
        for edge in arrivals[:6]:
            route = session.routes.route(edge)
            _, _, term = contribution_formula(session.network, edge, within=within).partition(" += ")
            terms.append(term + (f" [{route.way.value}]" if route else ""))
        if len(arrivals) > 6:
            terms.append(f"… ({len(arrivals)} contributions)")
        beginning = adjoint_of(visible(name.removeprefix(f"{within}.") if within else name, limit=30))
        return f"{beginning} = {' + '.join(terms)}"

    written = fitting(formula, session.node, width)
    lines: list[Line] = [[(text, "sum")] for text in wrap(written, width, indent="  ", most=3)]
    parts = session.parts(name)
    rows = [part.row for part in parts if part.row is not None]
    if session.state(name) is State.COMPLETE and session.pass_.rule == "sum" and len(rows) == len(parts):
        numbers = sum_numbers([row.contribution for row in rows], rows[-1].running)
        lines += labelled("numbers", f"{bar} = {numbers}" if numbers else "", width)
    return lines


def why_none(session: Session) -> str:
    """Say why the selected node has no adjoint."""
    node = session.node
    if node.op == "constant":
        return "a constant is not differentiated by"
    if not node.type.is_float:
        return f"{node.dtype} values cannot be varied by a little"
    if node.index not in session.pass_.schedule.order:
        return f"{visible(session.pass_.target, limit=30)} does not depend on it"
    return "no differentiable path leads from an input or parameter through it to the target"


def statistics(session: Session, width: int) -> list[Line]:
    """Return one line for the value and one for the adjoint, as far as they exist at the cursor."""
    state = session.state(session.selected)
    value, adjoint = session.summaries(session.selected)
    lines: list[Line] = []
    if value is not None and state is not State.WAITING:
        lines.append([("value   ", "dim"), *_statistics(value, width - _LABEL)])
    if adjoint is not None and state is State.COMPLETE:
        lines.append([("adjoint ", "dim"), *_statistics(adjoint, width - _LABEL)])
    return lines


def absent(session: Session, width: int) -> list[Line]:
    """Say which of value and adjoint the trace does not hold in full."""
    lacking = [of for of in (Of.VALUE, Of.ADJOINT) if session.absent(of)]
    if not lacking:
        return []
    told = f"{' and '.join(of.value for of in lacking)} in full: {session.absent(lacking[0])}"
    return [[(text, "strong")] for text in wrap(told, width, indent="  ")]


def _statistics(summary: Summary, room: int) -> Line:
    """Return norm and range, then what else fits, the most telling first."""
    if summary.size == 1 and not summary.nans + summary.infinities:
        return [(plain(summary.minimum, 8), "")]
    more: Line = []
    if summary.nans or summary.infinities:
        more.append((f"  NaN {summary.nans}  ∞ {summary.infinities}", "bad"))
    if summary.zeros:
        more.append((f"  zeros {percent(summary.zeros / summary.size)}", "dim"))
    more += [(f"  μ {plain(summary.mean, 3)}", "dim"), (f"  σ {plain(summary.deviation, 3)}", "dim")]
    line: Line = [(f"‖·‖ {scientific(summary.norm)}  [{plain(summary.minimum, 3)} … {plain(summary.maximum, 3)}]", "")]
    for piece in more:
        if measure([*line, piece]) <= room:
            line.append(piece)
    return line
