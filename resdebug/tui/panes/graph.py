"""The graph pane: one row a node in the order of the reverse pass, skips as lanes beside the trunk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from resdebug.analysis.folding import Unit
from resdebug.analysis.rails import Cell, heavy, upside_down
from resdebug.debugger.debugger import NodeState, State
from resdebug.network.model import Node
from resdebug.passes.blocks import JOINS
from resdebug.text import visible
from resdebug.tui.folded import FoldedBlock
from resdebug.tui.lines import Line, between
from resdebug.tui.lines import width as measure
from resdebug.tui.numbers import percent, scientific
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


def told_row(session: Session, row: int) -> str:
    """Tell a row in full: name, operator, type, block, and the adjoint's norm where it is complete."""
    unit = session.rows.unit(row)
    if unit.block:
        return f"{visible(unit.block, limit=200)}: {len(unit.nodes)} operators, folded"
    node = session.network.nodes[unit.nodes[0]]
    told = f"{visible(node.name, limit=200)}: {node.op} {node.type}"
    told += f" in {visible(node.block, limit=100)}" if node.block else ""
    size = session.adjoint_norm(node.index) if session.state(node.name) is State.COMPLETE else None
    return told if size is None else f"{told}, adjoint of norm {scientific(size)}"


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
        """Return one row: number, mark, lanes, name, fan-out, norm of the complete adjoint; or a folded block."""
        session = self.session
        unit = self.rows.unit(row)
        if unit.block:
            return self._folded(row, unit, width)
        index = unit.nodes[0]
        node = session.network.nodes[index]
        state = session.debugger.node_state(node.name)
        role = _ROLES[state.state]
        here = session.current_row == row
        left: Line = [(f"{row + 1:>{self.digits}} ", "dim"), *self._mark([index], state.state, here)]
        left += self._lanes(row, node, state, width)
        left.append((visible(node.name, limit=60), role))
        if state.expected > 1:
            count = f"{state.arrived}/{state.expected}" if state.state is State.PARTIAL else str(state.expected)
            left.append((f"  Σ{count}", "sum"))
        if node.op not in node.name and width >= WITH_OPERATOR:
            left.append((f"  {node.op}", "dim"))
        return between([*left, *self._focus(here, [index])], self._size(index, state.state), width)

    def _folded(self, row: int, unit: Unit, width: int) -> Line:
        """Return the row of a folded block: its name, how many operators, the gradient's norm in and out."""
        session = self.session
        folded = session.folded_block(unit)
        position = session.debugger.position
        state = folded.state(position)
        here = session.current_row == row
        rail = self.rows.rail_of[unit.nodes[0]]
        left: Line = [(f"{row + 1:>{self.digits}} ", "dim"), *self._mark(unit.nodes, state, here)]
        left += self._drawn(rail, "▸", _ROLES[state], width)
        left += [(visible(unit.block, limit=40), _ROLES[state] or "strong")]
        done = folded.completed(position)
        count = f"{done}/{len(unit.nodes)}" if 0 < done < len(unit.nodes) else str(len(unit.nodes))
        left.append((f"  {count} ops", "dim"))
        right = self._through(folded, state, width - measure(left) - 1)
        return between([*left, *self._focus(here, unit.nodes)], right, width)

    def _through(self, folded: FoldedBlock, state: State, room: int) -> Line:
        """Tell the gradient's norm at a block's end and at its beginning, and the skip's share, as far as they fit."""
        entering, leaving = folded.norms
        if state is not State.COMPLETE or entering is None:
            return [(" ", "")]
        norms = scientific(entering) if leaving is None else f"{scientific(entering)}→{scientific(leaving)}"
        share = "" if folded.skip_share is None else f"skip {percent(folded.skip_share)} "
        if len(share) + len(norms) < room:
            return [(share, "skip"), (f"{norms} ", "")]
        return [(f"{norms if len(norms) < room else norms.rpartition('→')[2]} ", "")]

    def _focus(self, here: bool, nodes: Sequence[int]) -> Line:
        """Name the node that time is at, where it has no row of its own."""
        focus = self.session.network[self.session.debugger.focus()]
        return [(f"  ◂ {visible(focus.name, limit=30)}", "now")] if here and focus.index != nodes[0] else []

    def _lanes(self, row: int, node: Node, state: NodeState, width: int) -> Line:
        """Draw the rails of a row, or, beside a leaf, what runs past it."""
        rail = self.rows.rail_of[node.index]
        if not self.rows.on_rails(row):
            cells = self.rails.draw_under(rail, self.columns(width))
            turn = "↱" if self.rows.forward else "↳"
            return [*(self._styled(cell, rail + 0.5, k, "") for k, cell in enumerate(cells)), (f" {turn} ", "dim")]
        joined = sum(e is not None and self.rows.rail_of[e.source_index] > rail for e in node.inputs) > 1
        is_join = joined and node.op in JOINS
        glyph = "⊕" if is_join else _GLYPHS[state.state][state.expected > 1]
        return self._drawn(rail, glyph, _ROLES[state.state], width)

    def _drawn(self, rail: int, glyph: str, role: str, width: int) -> Line:
        """Return the cells of a row of the rails, and how many lanes had no room."""
        shown = self.columns(width)
        line = [self._styled(cell, rail, k, role) for k, cell in enumerate(self.rails.draw(rail, glyph, shown))]
        hidden = self.rails.undrawn(rail) if self.rails.columns > shown else 0
        return [*line, (f"+{hidden} " if hidden else " ", "dim")]

    def _mark(self, nodes: Sequence[int], state: State, here: bool) -> Line:
        stops = self.session.stop_indices
        differing = self.session.divergent
        stop: Line = [(" ", "")]
        if stops and any(i in stops for i in nodes):
            stop = [("■", "bad")]
        elif differing and any(i in differing for i in nodes):
            stop = [("≠", "bad")]
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
        if self.rows.forward:
            cell = cell._replace(glyph=upside_down(cell.glyph))
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
        arrivals = self.session.pass_.schedule.arrivals
        start = end = None
        for node in self.rows.units[carries].nodes:
            feeding = [e for e in arrivals[node] if self.rows.rail_of[e.consumer_index] == since]
            sent = [at for e in feeding if (at := timeline.after_contribution(e)) is not None]
            if sent:
                start = min(sent) if start is None else min(start, *sent)
                end = max(end or 0, timeline.after_completion(node) or 0)
        return (start, end) if start is not None and end is not None else (1, 0)

    @property
    def travel(self) -> Travel | None:
        """Where the last event's contribution is drawn, None when it is none or goes to a leaf."""
        edge = self.session.travelling
        rows = self.rows
        if edge is None or edge.source_index not in rows.drawn:
            return None
        top, bottom = rows.rail_of[edge.consumer_index], rows.rail_of[edge.source_index]
        if top == bottom:
            return None
        path = next((link.path for link in self.rails.links[top] if link.carries == bottom), self.rails.path_of[top])
        return Travel(top, bottom, self.rails.paths[path].column)
