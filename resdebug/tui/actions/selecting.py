"""Commands that choose a node: moving, searching, clicking."""

from __future__ import annotations

from textual import on
from textual.widgets import Input

from resdebug.tui.actions.acting import Acting
from resdebug.tui.panes.widgets import GraphPane


class SelectActions(Acting):
    """The selection moves, time does not."""

    found: list[str]
    before_search: str = ""

    def action_move(self, rows: int) -> None:
        """Move the selection."""
        self.needed.move_selection(rows * (self.count() or 1))
        self.refresh_panes()

    def action_follow(self) -> None:
        """Let the selection follow time again; out of a search, go back to where it began."""
        session = self.needed
        session.count = ""
        if self.query_one("#search").display:
            self.close_search()
            session.select(self.before_search)
            self.refresh_panes()
        else:
            self.moved()

    def action_breakpoint(self) -> None:
        """Set or remove a stop."""
        self.needed.debugger.toggle_breakpoint(self.needed.selected)
        self.refresh_panes()

    def action_search(self) -> None:
        """Open the search line."""
        self.before_search = self.needed.selected
        line = self.query_one("#search", Input)
        line.value = ""
        line.display = True
        self.set_focus(line)

    @on(Input.Changed, "#search")
    def search_as_typed(self, event: Input.Changed) -> None:
        """Select the first match at or below the selection while the person types."""
        session = self.needed
        self.found = session.matches(event.value)
        rows = session.rows.row_of
        here = session.current_row
        ahead = [name for name in self.found if rows[session.network[name].index] >= here]
        if self.found:
            session.select((ahead or self.found)[0])
            self.refresh_panes()
        event.input.border_subtitle = f"{len(self.found)} found"

    @on(Input.Submitted, "#search")
    def search_done(self, event: Input.Submitted) -> None:
        """Close the search line and keep the matches."""
        self.close_search()
        told = f"{len(self.found)} found; , and . go through them" if self.found else "nothing found"
        self.app.notify(told, timeout=3, markup=False)
        event.stop()

    def close_search(self) -> None:
        """Close the search line."""
        line = self.query_one("#search", Input)
        line.display = False
        self.set_focus(None)

    def action_found(self, step: int) -> None:
        """Select the next or the previous match."""
        session = self.needed
        if not self.found:
            return
        rows = session.rows.row_of
        here = rows[session.node.index]
        places = sorted(rows[session.network[name].index] for name in self.found)
        beyond = [row for row in places if (row > here if step > 0 else row < here)]
        row = (beyond or places)[0 if step > 0 else -1]
        session.move_selection(row - here)
        self.refresh_panes()

    @on(GraphPane.Selected)
    def row_clicked(self, message: GraphPane.Selected) -> None:
        """Select the row that was clicked."""
        session = self.needed
        session.select(session.network.nodes[session.rows.nodes[message.row]].name)
        self.refresh_panes()
