"""Two passes side by side, in step: what moves one moves the other to the same event, found by the nodes' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from resdebug.tui.actions.files import FileActions
from resdebug.tui.actions.selecting import SelectActions
from resdebug.tui.actions.travel import TravelActions
from resdebug.tui.actions.viewing import ViewActions
from resdebug.tui.commands import COMMANDS, KeysOf, bindings, written
from resdebug.tui.panes.graph_widget import GraphPane
from resdebug.tui.panes.timeline_widget import TimelinePane
from resdebug.tui.panes.widgets import BetweenPane, FooterPane, HeaderPane, LedgerPane, SessionPane

if TYPE_CHECKING:
    from resdebug.tui.session import Session

_LEFT_OUT = frozenset(
    ("pane", "maximise", "widen", "scroll", "export", "view", "mode", "slice", "axes", "point", "beside", "lock_scale",
     "copy", "tour", "compare", "link", "follow_link", "return", "command", "origin", "why_zero", "watch", "edit",
     "run_command", "bookmark", "back_to", "before_after", "duel", "report")
)  # fmt: skip
"""What only makes sense with one pass."""


class BesideScreen(TravelActions, SelectActions, ViewActions, FileActions):
    """The pass on the left leads; the one on the right follows as far as it has the same nodes."""

    CSS = """
    BesideScreen { layout: vertical; background: $background; }
    BesideScreen #pair { height: 1fr; }
    BesideScreen #pair > Vertical { width: 1fr; }
    BesideScreen GraphPane { height: 1fr; }
    BesideScreen LedgerPane { height: 12; }
    BesideScreen BetweenPane { height: 3; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(COMMANDS)
    AUTO_FOCUS = ""

    def __init__(self, left: Session, right: Session, *, ascii_only: bool = False, keys_of: KeysOf = written) -> None:
        super().__init__(classes="-ascii" if ascii_only else "")
        self.session = left
        self.other = right
        self.shown_name = left.name
        self.ascii_only = ascii_only
        self.keys_of = keys_of
        self.found = []
        self.active = "graph"

    def compose(self) -> ComposeResult:
        """Lay out the panes."""
        plain = self.ascii_only
        yield HeaderPane(id="header", bare=True, ascii_only=plain)
        with Horizontal(id="pair"):
            for side in ("left", "right"):
                with Vertical():
                    graph = GraphPane(id=f"graph-{side}", ascii_only=plain)
                    graph.named = True
                    yield graph
                    yield LedgerPane(id=f"ledger-{side}", ascii_only=plain)
        yield BetweenPane(id="between", bare=True, ascii_only=plain)
        yield TimelinePane(id="timeline", bare=True, ascii_only=plain)
        yield Input(placeholder="name, part of a name, glob* or operator", select_on_focus=False, id="search")
        footer = FooterPane(id="footer", bare=True, ascii_only=plain)
        footer.keys_of = self.keys_of
        yield footer

    def on_mount(self) -> None:
        """Begin where the left pass is."""
        self.call_after_refresh(self.refresh_panes)

    def on_resize(self) -> None:
        """Everything depends on the width."""
        self.call_after_refresh(self.refresh_panes)

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Leave out what needs panes that are not here."""
        return action not in _LEFT_OUT

    def refresh_panes(self) -> None:
        """Bring the right pass to the same event, and show both."""
        left = self.needed
        left.count = ""
        self.other.accompany(left)
        for pane in self.query(SessionPane):
            pane.update_from(self.other if (pane.id or "").endswith("-right") else left)
        self.query_one(BetweenPane).compare(left, self.other)

    def action_follow(self) -> None:
        """Close a search, else go back to one pass."""
        if self.query_one("#search").display:
            super().action_follow()
        else:
            self.action_quit()

    def action_quit(self) -> None:
        """Go back to one pass."""
        if self.is_current:
            self.dismiss()
