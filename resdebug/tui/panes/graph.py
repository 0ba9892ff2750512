"""The graph pane: one row a node in the order of the reverse pass, skips as lanes beside the trunk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len

from resdebug.analysis.folding import Unit
from resdebug.analysis.rails import Cell, faint, heavy, upside_down
from resdebug.debugger.debugger import NodeState, State
from resdebug.network.model import Node
from resdebug.passes.blocks import JOINS
from resdebug.text import visible
from resdebug.tui.folded import FoldedBlock
from resdebug.tui.lines import Line, between, shorten
from resdebug.tui.lines import width as measure
from resdebug.tui.numbers import percent, scientific
from resdebug.tui.panes.lanes import MOST_COLUMNS, Travel, columns_in, travel_of
from resdebug.tui.session import Session

WITH_OPERATOR = 42
"""Panes of at least this width name the operator where the node's name does not."""
LEAST_NAME = 8
_FOLDED = (
    ("  {} ops", 3, "skip {:.0f} % "),
    ("  {} ops", 2, "skip {:.0f} % "),
    ("  {}", 2, "skip {:.0f}% "),
    ("  {}", 2, "{:.0f}% "),
    (" {}", 1, "{:.0f}% "),
)
"""How the number of operators, norms (so many digits) and the skip's share are written, the longest first."""
_GLYPHS = {
    State.IDLE: "·◌",
    State.WAITING: "○◎",
    State.EVALUATED: "○◎",
    State.PARTIAL: "◐◐",
    State.COMPLETE: "●◉",
}
_ROLES = {State.IDLE: "dim", State.WAITING: "dim", State.EVALUATED: "", State.PARTIAL: "sum", State.COMPLETE: "strong"}


def told_row(session: Session, row: int) -> str:
    """Tell a row in full: name, operator, type, block, and the adjoint's norm where it is complete."""
    unit = session.rows.unit(row)
    if unit.block:
        return f"{visible(unit.block, limit=200)}: {len(unit.nodes)} operators, folded{_told_block(session, unit)}"
    node = session.network.nodes[unit.nodes[0]]
    told = f"{visible(node.name, limit=200)}: {node.op} {node.type}"
    told += f" in {visible(node.block, limit=100)}" if node.block else ""
    size = session.adjoint_norm(node.index) if session.state(node.name) is State.COMPLETE else None
    return told if size is None else f"{told}, adjoint of norm {scientific(size)}"


def _told_block(session: Session, unit: Unit) -> str:
    folded = session.folded_block(unit)
    entering, leaving = folded.norms
    if folded.state(session.debugger.position) is not State.COMPLETE or entering is None:
        return ""
    told = f"; the gradient's norm {scientific(entering)} in"
    told += "" if leaving is None else f", {scientific(leaving)} out"
    return told + ("" if folded.skip_share is None else f"; the skip's share {percent(folded.skip_share)}")


class GraphDrawing:
    """Draws rows of the graph for the cursor's present position."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows = session.rows
        self.rails = session.rows.rails
        self.digits = len(str(max(len(self.rows), 1)))
        self.interval = lru_cache(4096)(self._interval)
        self._shown: Sequence[int] = ()
        self._travel: tuple[int, Travel | None] = (-1, None)
        self.pulse: int | None = None
        """The row of the rails that the last contribution is just passing."""

    def columns(self, width: int) -> int:
        """Return how many columns of lanes are drawn at this width."""
        return max(1, min(self.rails.columns, MOST_COLUMNS, (width - self.digits - 21) // 2))

    def look_at(self, top: int, bottom: int, width: int) -> bool:
        """Choose the columns that are drawn: those of the rows in view; returns whether they are others than before.

        Networks with few lanes have all of theirs drawn, always in the same place.
        """
        before, most = self._shown, self.columns(width)
        if most >= self.rails.columns:
            self._shown = range(self.rails.columns)
        else:
            rails = [self.rows.rail_of[self.rows.nodes[row]] for row in range(top, bottom)]
            here = self.rows.rail_of[self.session.network[self.session.debugger.focus()].index]
            self._shown = columns_in(self.rails, rails, here, most, before)
        return list(before) != list(self._shown)

    def row(self, row: int, width: int) -> Line:
        """Return one row: number, mark, lanes, name, fan-out, norm of the complete adjoint; or a folded block."""
        session = self.session
        unit = self.rows.unit(row)
        if unit.block:
            return self._folded(row, unit, width)
        index = unit.nodes[0]
        node = session.network.nodes[index]
        state = session.debugger.node_state(node.name)
        here = session.current_row == row
        left: Line = [(f"{row + 1:>{self.digits}} ", "dim"), *self._mark([index], state.state, here)]
        left += self._lanes(row, node, state, width)
        right = self._size(index, state.state)
        sums: Line = []
        if state.expected > 1:
            count = f"{state.arrived}/{state.expected}" if state.state is State.PARTIAL else str(state.expected)
            sums.append((f"  Σ{count}", "sum"))
        role = "found" if index in session.matched else _ROLES[state.state]
        room = width - measure(left) - measure(right) - 1
        return between([*left, *self._named(node, role, sums, here, room)], right, width)

    def _named(self, node: Node, role: str, sums: Line, here: bool, room: int) -> Line:
        """Return a node's name, how many contributions come to it, the operator where it fits and is not told yet."""
        full = visible(node.name, limit=60)
        focus = self._focus(here, [node.index], room - cell_len(full) - measure(sums))
        name = shorten(full, max(room - measure(sums) - measure(focus), LEAST_NAME))
        operator = f"  {node.op}"
        told = node.op in node.name or room < WITH_OPERATOR - 20
        if told or cell_len(name) + measure(sums) + measure(focus) + len(operator) > room:
            operator = ""
        return [(name, role), *sums, (operator, "dim"), *focus]

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
        done = folded.completed(position)
        count = f"{done}/{len(unit.nodes)}" if 0 < done < len(unit.nodes) else str(len(unit.nodes))
        name, focus = visible(unit.block, limit=40), self._focus(here, unit.nodes, 18)
        room = width - measure(left) - 1
        # As much as there is room for: what can be said in fewer cells is, before a part of it is left out.
        for written, digits, share in _FOLDED:
            counted, right = written.format(count), self._through(folded, state, digits, share)
            if cell_len(name) + len(counted) + measure(right) + measure(focus) <= room:
                break
        left_over = room - len(counted) - measure(right)
        if cell_len(shorten(name, max(left_over - measure(focus), 1))) < min(cell_len(name), LEAST_NAME):
            focus = []  # the ledger says which node it is
        name = shorten(name, max(left_over - measure(focus), LEAST_NAME))
        role = "found" if not session.matched.isdisjoint(unit.nodes) else _ROLES[state] or "strong"
        return between([*left, (name, role), (counted, "dim"), *focus], right, width)

    def _through(self, folded: FoldedBlock, state: State, digits: int, share: str) -> Line:
        """Tell the skip's share, and the gradient's norm at a block's end and at its beginning."""
        entering, leaving = folded.norms
        if state is not State.COMPLETE or entering is None:
            return []
        norms = scientific(entering, digits) + ("" if leaving is None else f"→{scientific(leaving, digits)}")
        skip = "" if folded.skip_share is None else share.format(100 * folded.skip_share)
        return [(skip, "skip"), (norms, "")]

    def _focus(self, here: bool, nodes: Sequence[int], room: int) -> Line:
        """Name the node that time is at, where it has no row of its own, in about as many cells as there are."""
        focus = self.session.network[self.session.debugger.focus()]
        if not here or focus.index == nodes[0]:
            return []
        return [(f" ◂ {shorten(visible(focus.name, limit=60), max(room - 3, LEAST_NAME))}", "now")]

    def _lanes(self, row: int, node: Node, state: NodeState, width: int) -> Line:
        """Draw the rails of a row, or, beside a leaf, what runs past it."""
        rail = self.rows.rail_of[node.index]
        if not self.rows.on_rails(row):
            cells, shown = self.rails.draw_under(rail), self._columns_shown(width)
            turn = "↱" if self.rows.forward else "↳"
            places = [place for k in shown for place in (2 * k, 2 * k + 1)]
            return [*(self._styled(cells[place], rail + 0.5, place, "") for place in places), (f" {turn} ", "dim")]
        joined = sum(e is not None and self.rows.rail_of[e.source_index] > rail for e in node.inputs) > 1
        is_join = joined and node.op in JOINS
        glyph = "⊕" if is_join else _GLYPHS[state.state][state.expected > 1]
        return self._drawn(rail, glyph, _ROLES[state.state], width)

    def _drawn(self, rail: int, glyph: str, role: str, width: int) -> Line:
        """Return the cells of a row of the rails, and how many lanes had no room."""
        cells, shown = self.rails.draw(rail, glyph), self._columns_shown(width)
        line = [self._styled(cells[place], rail, place, role) for k in shown for place in (2 * k, 2 * k + 1)]
        if self.rails.column(rail) not in shown:
            line.append((glyph, role))
        hidden = 0
        if len(shown) < self.rails.columns or self.rails.undrawn(rail):
            hidden = sum(self.rails.paths[link.path].column not in shown for link in self.rails.links[rail])
        return [*line, (f"+{hidden} " if hidden else " ", "dim")]

    def _columns_shown(self, width: int) -> Sequence[int]:
        return self._shown or range(self.columns(width))

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
        travelling = self.session.travelling
        if travelling is not None and travelling.consumer_index in nodes:
            return [*stop, ("▲ " if self.rows.forward else "▼ ", "travel")]
        return [*stop, ("✓ ", "good") if state is State.COMPLETE else ("  ", "")]

    def _size(self, index: int, state: State) -> Line:
        if state is State.IDLE or not self.session.pass_.schedule.active[index]:
            return [("no path" if state is State.IDLE else "", "dim")]
        if state is not State.COMPLETE:
            return []
        size = self.session.adjoint_norm(index)
        return [] if size is None else [(scientific(size), "")]

    def _styled(self, cell: Cell, rail: float, place: int, role: str) -> tuple[str, str]:
        """Return a cell as it is drawn in a row of the rails, or half-way between two.

        A lane is broken until something travels it, heavy while it carries an adjoint that is not complete yet.
        """
        if self.rows.forward:
            cell = cell._replace(glyph=upside_down(cell.glyph))
        if cell.carries < 0:
            return cell.glyph, role
        travel = self.travel
        if travel is not None and cell.carries == travel.bottom:
            on_lane = place == 2 * travel.column and travel.top < rail < travel.bottom
            if rail == travel.bottom and place == travel.head and cell.glyph == "─":
                return "◀", "travel"
            if on_lane and rail == self.pulse:
                return "◆", "travel"
            if on_lane or rail == travel.top or (rail == travel.bottom and place <= 2 * travel.column):
                return heavy(cell.glyph), "travel"
        start, end = self.interval(cell.since, cell.carries)
        position = self.session.debugger.position
        if start <= position < end:
            return heavy(cell.glyph), "lit"
        return (faint(cell.glyph) if position < start or end <= start else cell.glyph), "dim"

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
        position = self.session.debugger.position
        if self._travel[0] != position:
            self._travel = position, travel_of(self.rows, self.session.travelling)
        return self._travel[1]
