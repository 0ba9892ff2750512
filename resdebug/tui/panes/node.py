"""The selected node: its mathematics, its numbers in brief, its neighbours."""

from __future__ import annotations

from rich.cells import cell_len

from resdebug.analysis.formulas import contribution_formula, forward_formula, forward_numbers, sum_numbers
from resdebug.debugger.debugger import State
from resdebug.engine.forward import operator_of
from resdebug.passes.protocol import Of
from resdebug.passes.summary import Summary
from resdebug.text import adjoint_of, visible
from resdebug.tui.lines import Line, wrap
from resdebug.tui.numbers import percent, plain, scientific
from resdebug.tui.session import Session


def node_title(session: Session) -> str:
    """Return the pane's title."""
    node = session.node
    block = f" · {visible(node.block, limit=20)}" if node.block else ""
    return f"{visible(node.name, limit=30)} · {node.op} · {node.type}{block}"


def node_lines(session: Session, width: int) -> list[Line]:
    """Return formula, formula with numbers, adjoint as a sum, statistics, neighbours, convention."""
    network, node = session.network, session.node
    lines: list[Line] = [[(text, "strong")] for text in wrap(forward_formula(network, node), width, indent="  ")]
    trouble = session.trouble(node.name) if session.state(node.name) is State.IDLE else ""
    if trouble:
        return [*lines, *[[(text, "bad")] for text in wrap(visible(trouble), width, indent="  ")]]
    waiting = session.state(node.name) is State.WAITING
    numbers = "" if waiting else forward_numbers(session.pass_, node)
    if numbers:
        lines.append([(f"with numbers: {numbers}", "")])
    lines += adjoint_formula(session, width)
    lines += statistics(session)
    lines += absent(session, width)
    lines += neighbours(session, width)
    lines += [[(text, "dim")] for text in wrap(about(session), width, indent="  ")]
    convention = operator_of(node).convention
    if convention:
        lines += [[(text, "dim")] for text in wrap(f"convention: {convention}", width, indent="  ")]
    return lines


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
            line += [("›" if k == chosen else " ", "now"), (name, "cursor" if k == chosen else "accent"), (slot, "dim")]
        lines.append(line)
    return lines


def about(session: Session) -> str:
    """Tell the operator's settings, and where in its block the node stands."""
    node = session.node
    told = [f"{name} {_setting(value)}" for name, value in node.attributes.items() if value is not None]
    members = session.arrangement.blocks.members.get(node.block, ())
    if node.index in members:
        told.append(f"operator {len(members) - members.index(node.index)} of {len(members)} in {visible(node.block)}")
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
    terms = []
    for edge in arrivals[:6]:
        route = session.routes.route(edge)
        _, _, term = contribution_formula(session.network, edge).partition(" += ")
        terms.append(term + (f" [{route.way.value}]" if route else ""))
    if len(arrivals) > 6:
        terms.append(f"… ({len(arrivals)} contributions)")
    lines: list[Line] = [[(text, "sum")] for text in wrap(f"{bar} = {' + '.join(terms)}", width, indent="  ", most=3)]
    parts = session.parts(name)
    rows = [part.row for part in parts if part.row is not None]
    if session.state(name) is State.COMPLETE and session.pass_.rule == "sum" and len(rows) == len(parts):
        numbers = sum_numbers([row.contribution for row in rows], rows[-1].running)
        lines += [[(f"with numbers: {bar} = {numbers}", "")]] if numbers else []
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


def statistics(session: Session) -> list[Line]:
    """Return one line for the value and one for the adjoint, as far as they exist at the cursor."""
    state = session.state(session.selected)
    value, adjoint = session.summaries(session.selected)
    lines: list[Line] = []
    if value is not None and state is not State.WAITING:
        lines.append([("value   ", "dim"), *_statistics(value)])
    if adjoint is not None and state is State.COMPLETE:
        lines.append([("adjoint ", "dim"), *_statistics(adjoint)])
    return lines


def absent(session: Session, width: int) -> list[Line]:
    """Say which of value and adjoint the trace does not hold in full."""
    lacking = [of for of in (Of.VALUE, Of.ADJOINT) if session.absent(of)]
    if not lacking:
        return []
    told = f"{' and '.join(of.value for of in lacking)} in full: {session.absent(lacking[0])}"
    return [[(text, "strong")] for text in wrap(told, width, indent="  ")]


def _statistics(summary: Summary) -> Line:
    if summary.size == 1 and not summary.nans + summary.infinities:
        return [(plain(summary.minimum, 8), "")]
    line: Line = [
        (f"‖·‖ {scientific(summary.norm)}  [{plain(summary.minimum, 3)} … {plain(summary.maximum, 3)}]", ""),
        (f"  μ {plain(summary.mean, 3)}  σ {plain(summary.deviation, 3)}", "dim"),
    ]
    if summary.zeros:
        line.append((f"  zeros {percent(summary.zeros / summary.size)}", "dim"))
    if summary.nans or summary.infinities:
        line.append((f"  NaN {summary.nans}  ∞ {summary.infinities}", "bad"))
    return line
