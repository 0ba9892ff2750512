"""The graph pane as a widget: scrolling, the map at its side, the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.message import Message
from textual.strip import Strip

from resdebug.text import visible
from resdebug.tui.panes.pulse import Pulse
from resdebug.tui.panes.widgets import SessionPane

if TYPE_CHECKING:
    from resdebug.tui.lines import Line
    from resdebug.tui.panes.graph import GraphDrawing
    from resdebug.tui.panes.minimap import MiniMap
    from resdebug.tui.session import Session


class GraphPane(SessionPane):
    """The graph, with a map of the whole at its right; only the rows in view are drawn."""

    class Selected(Message):
        """The person clicked on a row."""

        def __init__(self, row: int, session: Session, *, fold: bool = False) -> None:
            super().__init__()
            self.row = row
            self.session = session
            self.fold = fold

    named: str = ""
    """Which of two passes it is, where there are two."""
    drawing: GraphDrawing | None = None
    minimap: MiniMap | None = None
    _drawn: tuple[object, ...] = ()
    """Which rows of which session the drawing is of."""
    _mapped: tuple[int, int] = (0, 0)
    _seen: tuple[int, list[tuple[Line, bool]]] = (0, [])
    """The first row in view, and what was drawn from there on."""
    pulse: Pulse | None = None
    """The last contribution on its way, as long as it is."""
    _position: int = -1

    def draw(self, session: Session) -> None:
        """Keep the selected row in view and draw what is seen."""
        from resdebug.tui.panes.graph import GraphDrawing
        from resdebug.tui.panes.minimap import MiniMap

        if self.drawing is None or self._drawn != (session.rows, session):
            self.drawing, self._drawn, self.minimap = GraphDrawing(session), (session.rows, session), None
        if self.minimap is None or self._mapped != (self.inner_height, session.edition):
            self.minimap, self._mapped = MiniMap(session, self.inner_height), (self.inner_height, session.edition)
        stepped, self._position = session.debugger.position == self._position + 1, session.debugger.position
        if self.pulse is not None:
            self.pulse.stop()
        title = "Forward pass" if session.forward_order else "Reverse pass"
        if self.named:
            title = f"{self.named} {visible(session.name, limit=40)} · {title}"
        self.set_title(title, f"{session.current_row + 1}/{len(session.rows)}")
        self._draw_rows(session)
        if stepped and self.app.animation_level != "none":
            self._send(session, self.drawing)

    def _draw_rows(self, session: Session) -> None:
        before = self._seen
        row = session.rows.row_of[session.node.index]
        margin = min(3, self.inner_height // 3)
        self.move_to(max(min(self.top, row - margin), row + margin + 1 - self.inner_height))
        rows = self._visible(session, self.top)
        self._seen = self.top, rows
        if before[0] != self.top or len(before[1]) != len(rows):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before[1], rows, strict=True), start=self.top):
            if old != new:
                self.refresh_row(y)

    def _send(self, session: Session, drawing: GraphDrawing) -> None:
        """Let the contribution that the last step sent be seen on its way."""
        travel = drawing.travel
        if travel is None:
            return
        rows = [session.rows.row_of[session.rows.main[rail]] for rail in range(travel.top + 1, travel.bottom)]
        seen = [row for row in rows if self.top <= row < self.top + len(self._seen[1])]
        if seen:
            self.pulse = Pulse(self, seen, self._show_pulse)

    def _show_pulse(self, row: int | None) -> None:
        drawing, session = self.drawing, self.session
        if drawing is None or session is None:
            return
        drawing.pulse = None if row is None else session.rows.rail_of[session.rows.nodes[row]]
        self._draw_rows(session)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.session.rows) if self.session is not None else 0

    def scroll_lines(self, lines: int) -> None:
        """Scroll, without moving the selection."""
        if self.session is not None and self.move_to(self.top + lines):
            self._seen = self.top, self._visible(self.session, self.top)
            self.refresh()

    def _visible(self, session: Session, top: int) -> list[tuple[Line, bool]]:
        """Return the rows in view, each with its part of the map, and whether it is the selected one."""
        from resdebug.tui.panes.legend import legend
        from resdebug.tui.panes.minimap import WIDTH

        drawing, minimap = self.drawing, self.minimap
        if drawing is None or minimap is None:
            return []
        height, count = self.inner_height, len(session.rows)
        here, stops = minimap.line(session.current_row), minimap.stops(session)
        first, last = minimap.line(top), minimap.line(min(top + height, count) - 1)
        selected = session.rows.row_of[session.node.index]
        width = self.size.width - WIDTH
        drawing.look_at(top, min(top + height, count), width)
        rows = []
        for y, row in enumerate(range(top, min(top + height, count))):
            line = drawing.row(row, width)
            cell = minimap.cell(y, here=y == here, stop=y in stops, seen=first <= y <= last)
            if row == selected:
                # Not by its background alone: few colours may have no other one that is near it.
                line[0] = (line[0][0][:-1] + "›", "now")
            rows.append(([*line, *cell], row == selected))
        return rows if self.named else [*rows, *((line, False) for line in legend(self.size.width, height - len(rows)))]

    def render_line(self, y: int) -> Strip:
        """Return one visible row."""
        top, rows = self._seen
        row = y + self.top - top
        if self.session is None or not 0 <= row < len(rows):
            return Strip.blank(self.size.width, self.look(""))
        line, selected = rows[row]
        return self.strip_of(line, selected=selected)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell all about the row under the mouse, which may have no room for it."""
        if self.session is None:
            return
        from resdebug.tui.panes.graph import told_row

        row = event.get_content_offset_capture(self).y + self.top
        self.tooltip = Text(told_row(self.session, row)) if 0 <= row < len(self.session.rows) else None

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse; a second click folds; on the map, select what is there."""
        from resdebug.tui.panes.minimap import WIDTH

        if self.session is None or self.minimap is None:
            return
        place = event.get_content_offset_capture(self)
        row = place.y + self.top
        if place.x >= self.size.width - WIDTH:
            row = self.minimap.row(place.y)
        if 0 <= row < len(self.session.rows):
            self.post_message(self.Selected(row, self.session, fold=event.chain > 1))
