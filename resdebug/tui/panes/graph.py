"""The graph pane: one row a node in the order of the reverse pass, skips as lanes beside the trunk."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from resdebug.debugger.debugger import NodeState, State
from resdebug.network.model import Node
from resdebug.text import visible
from resdebug.tui.lines import Line, between
from resdebug.tui.numbers import scientific
from resdebug.tui.rails import Cell, heavy
from resdebug.tui.session import Session

MOST_COLUMNS = 12
WITH_OPERATOR = 42
"""Panes of at least this width name the operator where the node's name does not."""
_GLYPHS = {
    State.IDLE: "·◌",
    State.WAITING: "○◎",
    State.EVALUATED: "○◎",
    State.PARTIAL: "◐◐",
    State.COMPLETE: "●◉",
}
_ROLES = {State.IDLE: "dim", State.WAITING: "dim", State.EVALUATED: "", State.PARTIAL: "lit", State.COMPLETE: "strong"}


class Travel(NamedTuple):
    """Where the contribution of the last event is drawn: from the consumer's row down to the source's, in a column.

    Rows are those of the rails.
    """

    top: int
    bottom: int
    column: int


class GraphDrawing:
    """Draws rows of the graph for the cursor's present position."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows = session.rows
        self.rails = session.rows.rails
        self.digits = len(str(max(len(self.rows), 1)))
        self.interval = lru_cache(4096)(self._interval)

    def columns(self, width: int) -> int:
        """Return how many columns of lanes are drawn at this width."""
        return max(1, min(self.rails.columns, MOST_COLUMNS, (width - self.digits - 18) // 2))

    def row(self, row: int, width: int) -> Line:
        """Return one row: number, mark, lanes, name, fan-out, norm of the complete adjoint."""
        session = self.session
        index = self.rows.nodes[row]
        node = session.network.nodes[index]
        state = session.debugger.node_state(node.name)
        role = _ROLES[state.state]
        here = session.current_row == row
        left: Line = [(f"{row + 1:>{self.digits}} ", "dim"), *self._mark(node.name, state.state, here)]
        left += self._lanes(row, node, state, width)
        left.append((visible(node.name, limit=60), role))
        if state.expected > 1:
            count = f"{state.arrived}/{state.expected}" if state.state is State.PARTIAL else str(state.expected)
            left.append((f"  Σ{count}", "sum"))
        if node.op not in node.name and width >= WITH_OPERATOR:
            left.append((f"  {node.op}", "dim"))
        focus = session.debugger.focus()
        if here and focus != node.name:
            left.append((f"  ◂ {visible(focus, limit=30)}", "now"))
        return between(left, self._size(index, state.state), width)

    def _lanes(self, row: int, node: Node, state: NodeState, width: int) -> Line:
        """Draw the rails of a row, or, beside a leaf, what runs past it."""
        rail = self.rows.rail_of[node.index]
        shown = self.columns(width)
        role = _ROLES[state.state]
        if not self.rows.on_rails(row):
            cells = self.rails.draw_under(rail, shown)
            return [*(self._styled(cell, rail + 0.5, k, "") for k, cell in enumerate(cells)), (" ↳ ", "dim")]
        joined = sum(e is not None and self.rows.rail_of[e.source_index] > rail for e in node.inputs) > 1
        glyph = "⊕" if joined and node.op in {"add", "concat", "sub"} else _GLYPHS[state.state][state.expected > 1]
        line = [self._styled(cell, rail, k, role) for k, cell in enumerate(self.rails.draw(rail, glyph, shown))]
        hidden = self.rails.undrawn(rail) if self.rails.columns > shown else 0
        return [*line, (f"+{hidden} " if hidden else " ", "dim")]

    def _mark(self, name: str, state: State, here: bool) -> Line:
        stop: Line = [("■", "bad")] if name in self.session.debugger.breakpoints else [(" ", "")]
        if here:
            return [*stop, ("▶ ", "now")]
        return [*stop, ("✓ ", "good") if state is State.COMPLETE else ("  ", "")]

    def _size(self, index: int, state: State) -> Line:
        if state is State.IDLE or not self.session.pass_.schedule.active[index]:
            return [("no path " if state is State.IDLE else " ", "dim")]
        if state is not State.COMPLETE:
            return [(" ", "")]
        size = self.session.adjoint_norm(index)
        return [(" " if size is None else f"{scientific(size)} ", "")]

    def _styled(self, cell: Cell, rail: float, place: int, role: str) -> tuple[str, str]:
        """Return a cell as it is drawn in a row of the rails, or half-way between two."""
        if cell.carries < 0:
            return cell.glyph, role
        travel = self.travel
        if travel is not None and cell.carries == travel.bottom:
            on_lane = place == 2 * travel.column and travel.top < rail < travel.bottom
            if on_lane or rail == travel.top or (rail == travel.bottom and place <= 2 * travel.column):
                return heavy(cell.glyph), "travel"
        start, end = self.interval(cell.since, cell.carries)
        if start <= self.session.debugger.position < end:
            return heavy(cell.glyph), "lit"
        return cell.glyph, "dim"

    def _interval(self, since: int, carries: int) -> tuple[int, int]:
        """Return from which position to which a lane carries a partial adjoint: first contribution to completion."""
        timeline = self.session.debugger.timeline
        node = self.rows.main[carries]
        arrivals = self.session.pass_.schedule.arrivals[node]
        feeding = [e for e in arrivals if self.rows.rail_of[e.consumer_index] <= since]
        start = timeline.after_contribution(feeding[-1]) if feeding else None
        end = timeline.after_completion(node)
        return (start, end) if start is not None and end is not None else (1, 0)

    @property
    def travel(self) -> Travel | None:
        """Where the last event's contribution is drawn, None when it is none or goes to a leaf."""
        edge = self.session.travelling
        rows = self.rows
        if edge is None or rows.main[rows.rail_of[edge.source_index]] != edge.source_index:
            return None
        top, bottom = rows.rail_of[edge.consumer_index], rows.rail_of[edge.source_index]
        path = next((link.path for link in self.rails.links[top] if link.carries == bottom), self.rails.path_of[top])
        return Travel(top, bottom, self.rails.paths[path].column)
