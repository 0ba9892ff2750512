"""What has just happened, in a sentence: the bar under the header."""

from __future__ import annotations

from resdebug.analysis.formulas import forward_formula, reason
from resdebug.passes.events import Completed, Contributed, Evaluated, Seeded
from resdebug.text import adjoint_of, plural, visible
from resdebug.tui.lines import Line, wrap
from resdebug.tui.session import Session

LINES = 2


def narration_lines(session: Session, width: int) -> list[Line]:
    """Return two lines that tell the last event."""
    told = [[(text, "")] for text in wrap(narrate(session), max(width - 3, 10), most=LINES)]
    lines: list[Line] = [[(" ▶ ", "now"), *told[0]]] + [[("   ", ""), *line] for line in told[1:]]
    return lines + [[("", "")]] * (LINES - len(lines))


def narrate(session: Session) -> str:
    """Return the last event as a sentence."""
    event = session.debugger.last
    network = session.network
    match event:
        case None:
            return "Nothing has happened yet. The forward pass will evaluate every node, inputs first; press n."
        case Evaluated(node):
            if network[node].is_leaf:
                return f"{_name(node)} is given: {network[node].type}."
            return f"The forward pass evaluated {_name(node)} and saved it: {forward_formula(network, network[node])}."
        case Seeded(node):
            bar = adjoint_of(_name(node))
            return f"The seed: {bar} = ∂{_name(node)}/∂{_name(node)} = 1. From here the adjoints flow back; n steps."
        case Completed(node):
            return _completed(session, node)
        case Contributed():
            return _contributed(session, event)


def _completed(session: Session, node: str) -> str:
    bar = adjoint_of(_name(node))
    parts = session.parts(node)
    if not parts:
        return f"{bar} is complete, the seed itself. Visiting {_name(node)} sends its contributions to its inputs."
    if len(parts) == 1:
        return f"{bar} is complete: its only contribution came from {_name(parts[0].consumer)}."
    ways = [part.route.way.value if part.route else _name(part.consumer) for part in parts]
    if session.pass_.rule != "sum":
        return f"{bar} holds the {session.pass_.rule} of {len(parts)} contributions. Wrong on purpose: they are added."
    shown = " + ".join(ways) if len(ways) <= 4 else f"{len(ways)} in all"
    return f"{bar} is complete: {plural(len(parts), 'contribution')} were added, not averaged ({shown})."


def _contributed(session: Session, event: Contributed) -> str:
    edge = event.edge
    state = session.debugger.node_state(edge.source)
    part = session.parts(edge.source)[state.arrived - 1]
    way = f" through the {part.route.way.value}" if part.route else ""
    count = f" ({state.arrived} of {state.expected})" if state.expected > 1 else ""
    why = reason(session.network, edge)
    return f"{_name(edge.consumer)} sent {_name(edge.source)} a contribution{way}{count}: {why}."


def _name(name: str) -> str:
    return visible(name, limit=30)
