"""Commands that choose a node: moving, searching, clicking."""

from __future__ import annotations

from textual import events, on
from textual.widgets import Input

from resdebug.text import visible
from resdebug.tui.actions.commanding import CommandActions
from resdebug.tui.actions.files import FileActions
from resdebug.tui.actions.touring import TourActions
from resdebug.tui.panes.graph_widget import GraphPane
from resdebug.tui.panes.widgets import FooterPane, HeaderPane, NodePane

MOST_COUNT = 1_000_000


class SearchLine(Input):
    """The line that a name is typed into; what follows enter is a command already, however quickly it comes."""

    async def action_submit(self) -> None:
        """Keep what was found, at once."""
        screen = self.screen
        if isinstance(screen, SelectActions):
            screen.search_done(self.value)


class SelectActions(TourActions, CommandActions, FileActions):
    """The selection moves, time does not."""

    found: list[str]
    before_search: str = ""

    def action_move(self, rows: int) -> None:
        """Move the selection; while a search is typed, to another match."""
        if self.query_one("#search").display:
            self.action_found(rows)
            self.tell_matches()
            return
        self.needed.move_selection(rows * (self.count() or 1))
        self.refresh_panes()

    def action_follow(self) -> None:
        """Let the selection follow time again; out of a search, go back to where it began."""
        session = self.needed
        session.count, session.matched = "", frozenset()
        if self.query_one("#search").display:
            self.close_search()
            self.query_one(FooterPane).show_keys()
            session.select(self.before_search)
            self.refresh_panes()
        elif self.cancel_opening():
            pass
        elif self.query("#console") and self.query_one("#console").display:
            self.close_command()
        elif self.tour is not None:
            self.end_tour()
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
        self.found = []
        self.tell_matches()

    @on(Input.Changed, "#search")
    def search_as_typed(self, event: Input.Changed) -> None:
        """Select the first match at or below the cursor while the person types."""
        if event.input.display:
            self.search(event.value)
            self.tell_matches()

    def tell_matches(self) -> None:
        """Tell how many nodes match so far, and which of them is selected."""
        session = self.needed
        told = "nothing of that name" if self.query_one("#search", Input).value else "type a part of a name"
        if self.found:
            at = self.found.index(session.selected) + 1 if session.selected in self.found else 0
            told = f"{at} of {len(self.found)}: {visible(session.selected, limit=40)} · ↓ ↑ next and previous"
        self.tell(f"{told} · enter keeps it · esc goes back", timeout=600)

    def search(self, pattern: str) -> None:
        """Select the node of this name, else the first match at or below the cursor, else where the search began."""
        session = self.needed
        self.found = session.matches(pattern)
        session.matched = frozenset(session.network[name].index for name in self.found)
        rows = session.rows.row_of
        here = session.current_row
        ahead = [name for name in self.found if rows[session.network[name].index] >= here]
        if self.before_search not in session.network:
            self.before_search = session.selected  # a tour has begun or ended meanwhile
        exact = [pattern] if pattern in self.found else []
        session.select((exact or ahead or self.found or [self.before_search])[0])
        self.refresh_panes()

    def search_done(self, pattern: str) -> None:
        """Close the search line and keep the matches."""
        self.search(pattern)
        self.close_search()
        told = f"{len(self.found)} found; , and . go through them" if self.found else "nothing found"
        self.tell(told)

    def close_search(self) -> None:
        """Close the search line."""
        line = self.query_one("#search", Input)
        line.display = False
        self.set_focus(None)

    def action_found(self, step: int) -> None:
        """Select the next or the previous match, in the order of the rows."""
        session = self.needed
        if not self.found:
            return
        here = self.found.index(session.selected) if session.selected in self.found else None
        if here is None:
            rows = session.rows.row_of
            row = rows[session.node.index]
            above = sum(rows[session.network[name].index] < row for name in self.found)
            here = above - 1 if step > 0 else above
        session.select(self.found[(here + step) % len(self.found)])
        self.refresh_panes()

    @on(GraphPane.Selected)
    def row_clicked(self, message: GraphPane.Selected) -> None:
        """Select the row that was clicked."""
        session = self.needed
        if self.busy:
            return
        session.select(session.network.nodes[session.rows.nodes[message.row]].name)
        if message.fold:
            session.fold()
        self.refresh_panes()

    def action_link(self, step: int) -> None:
        """Point at another neighbour of the selected node."""
        self.needed.point_at_link(step * (self.count() or 1))
        self.refresh_panes()

    def action_follow_link(self) -> None:
        """Select the neighbour that is pointed at."""
        if not self.needed.follow_link():
            self.tell("this node has no neighbours")
        self.refresh_panes()

    def action_return(self) -> None:
        """Select the node that the last neighbour was followed from."""
        if not self.needed.return_from_link():
            self.tell("no neighbour was followed yet")
        self.refresh_panes()

    @on(NodePane.NameClicked)
    def name_clicked(self, message: NodePane.NameClicked) -> None:
        """Select the neighbour that was clicked."""
        session = self.needed
        name = next((link.name for link in session.links() if visible(link.name, limit=24) == message.name), None)
        if name is not None and session.follow_link(name):
            self.refresh_panes()

    def on_key(self, event: events.Key) -> None:
        """Digits before a key are a count; a slash opens the search at once, so that what follows belongs to it."""
        session = self.session
        if session is None or self.busy:
            return
        search = self.query_one("#search", Input)
        if event.character == "/" and self.focused is None:
            self.action_search()
            event.stop()
            return
        if search.display and event.is_printable and event.character is not None:
            search.insert_text_at_cursor(event.character)
            event.stop()
            return
        if self.focused is not None or event.character is None:
            return
        if event.character.isdecimal() and event.character.isascii() and (session.count or event.character != "0"):
            session.count = str(min(int(session.count + event.character), MOST_COUNT))
            self.query_one(HeaderPane).update_from(session)
            event.stop()

    def action_fold(self) -> None:
        """Fold or unfold the block of the selection."""
        self.tell(self.needed.fold(self.count() or 1), timeout=2)
        self.refresh_panes()

    def action_fold_all(self) -> None:
        """Fold all blocks, at the next level, or unfold them."""
        self.tell(self.needed.fold_all(), timeout=2)
        self.refresh_panes()

    def action_order(self) -> None:
        """Draw the graph in the order of the other pass."""
        self.needed.forward_order = not self.needed.forward_order
        self.refresh_panes()
