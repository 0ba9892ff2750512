"""The graph pane: one row a node in the order of the reverse pass, skips as lanes beside the trunk."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from resdebug.debugger.debugger import State
from resdebug.text import visible
from resdebug.tui.lines import Line, between
from resdebug.tui.numbers import scientific
from resdebug.tui.rails import Cell, heavy
from resdebug.tui.session import Session

MOST_COLUMNS = 12
_GLYPHS = {
    State.IDLE: "·◌",
    State.WAITING: "○◎",
    State.EVALUATED: "○◎",
    State.PARTIAL: "◐◐",
    State.COMPLETE: "●◉",
}
_ROLES = {State.IDLE: "dim", State.WAITING: "dim", State.EVALUATED: "", State.PARTIAL: "lit", State.COMPLETE: "strong"}


class Travel(NamedTuple):
    """Where the contribution of the last event is drawn: from the consumer's row down to the source's, in a column."""

    top: int
    bottom: int
    column: int


class GraphDrawing:
    """Draws rows of the graph for the cursor's present position."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.digits = len(str(max(len(session.rows), 1)))
        self.interval = lru_cache(4096)(self._interval)

    def columns(self, width: int) -> int:
        """Return how many columns of lanes are drawn at this width."""
        return max(1, min(self.session.rows.rails.columns, MOST_COLUMNS, (width - self.digits - 22) // 2))

    def row(self, row: int, width: int) -> Line:
        """Return one row: number, mark, lanes, name, fan-out, norm of the complete adjoint."""
        session = self.session
        index = session.rows.nodes[row]
        node = session.network.nodes[index]
        state = session.debugger.node_state(node.name)
        here = session.current_row == row
        joined = sum(edge is not None and session.rows.row_of[edge.source_index] > row for edge in node.inputs) > 1
        fork = len(session.pass_.schedule.arrivals[index]) > 1
        glyph = "⊕" if joined and node.op in {"add", "concat", "sub"} else _GLYPHS[state.state][fork]
        shown = self.columns(width)
        cells = session.rows.rails.draw(row, glyph, shown)
        left: Line = [(f"{row + 1:>{self.digits}} ", "dim"), *self._mark(node.name, state.state, here)]
        left += [self._styled(cell, row, place, _ROLES[state.state]) for place, cell in enumerate(cells)]
        if session.rows.rails.columns > shown:
            hidden = session.rows.rails.undrawn(row)
            left.append((f"+{hidden} " if hidden else "", "dim"))
        left.append((" " + visible(node.name, limit=60), _ROLES[state.state]))
        if fork:
            count = f"{state.arrived}/{state.expected}" if state.state is State.PARTIAL else str(state.expected)
            left.append((f"  Σ{count}", "sum"))
        if node.op not in node.name:
            left.append((f"  {node.op}", "dim"))
        focus = session.debugger.focus()
        if here and focus != node.name:
            left.append((f"  ◂ {visible(focus, limit=30)}", "now"))
        return between(left, self._size(index, state.state), width)

    def _mark(self, name: str, state: State, here: bool) -> Line:
        stop: Line = [("■", "bad")] if name in self.session.debugger.breakpoints else [(" ", "")]
        if here:
            return [*stop, ("▶ ", "now")]
        return [*stop, ("✓ ", "good") if state is State.COMPLETE else ("  ", "")]

    def _size(self, index: int, state: State) -> Line:
        if state is State.IDLE:
            return [("no path ", "dim")]
        if state is not State.COMPLETE:
            return [(" ", "")]
        size = self.session.adjoint_norm(index)
        return [(" " if size is None else f"{scientific(size)} ", "")]

    def _styled(self, cell: Cell, row: int, place: int, role: str) -> tuple[str, str]:
        if cell.carries < 0:
            return cell.glyph, role
        travel = self.travel
        if travel is not None and cell.carries == travel.bottom:
            on_lane = place == 2 * travel.column and travel.top < row < travel.bottom
            if on_lane or row == travel.top or (row == travel.bottom and place <= 2 * travel.column):
                return heavy(cell.glyph), "travel"
        start, end = self.interval(cell.since if cell.since >= 0 else row, cell.carries)
        if start <= self.session.debugger.position < end:
            return heavy(cell.glyph), "lit"
        return cell.glyph, "dim"

    def _interval(self, since: int, carries: int) -> tuple[int, int]:
        """Return from which position to which a lane carries a partial adjoint: first contribution to completion."""
        session = self.session
        timeline = session.debugger.timeline
        node = session.rows.nodes[carries]
        feeding = [e for e in session.pass_.schedule.arrivals[node] if session.rows.row_of[e.consumer_index] <= since]
        starts = [at for e in feeding[-1:] or [] if (at := timeline.after_contribution(e)) is not None]
        end = timeline.after_completion(node)
        return (min(starts), end) if starts and end is not None else (1, 0)

    @property
    def travel(self) -> Travel | None:
        """Where the last event's contribution is drawn, None when it is none or its row is tucked away."""
        edge = self.session.travelling
        rows = self.session.rows
        if edge is None or rows.nodes[rows.row_of[edge.source_index]] != edge.source_index:
            return None
        top, bottom = rows.row_of[edge.consumer_index], rows.row_of[edge.source_index]
        path = next((link.path for link in rows.rails.links[top] if link.carries == bottom), rows.rails.path_of[top])
        return Travel(top, bottom, rows.rails.paths[path].column)
