"""The debugger's screen: panes, keys, and what they do to the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from resdebug.tui.actions.commanding import CommandLine
from resdebug.tui.actions.files import FileActions
from resdebug.tui.actions.selecting import SearchLine, SelectActions
from resdebug.tui.actions.travel import TravelActions
from resdebug.tui.actions.viewing import LEAST_WIDTH, ViewActions
from resdebug.tui.commands import COMMANDS, ONE_PASS, WITHOUT_NUMBERS, KeysOf, bindings, written
from resdebug.tui.memory import remembered
from resdebug.tui.panes.console_widget import ConsolePane, WatchPane
from resdebug.tui.panes.graph_widget import GraphPane
from resdebug.tui.panes.timeline_widget import TimelinePane
from resdebug.tui.panes.widgets import (
    FooterPane,
    HeaderPane,
    LedgerPane,
    NarrationPane,
    NodePane,
    TensorPane,
    TourPane,
)

if TYPE_CHECKING:
    from resdebug.tui.session import Session

FULL_WIDTH, FULL_HEIGHT = 60, 16
"""Below this size there is room for one pane only."""
_TOO_SMALL = f"resdebug needs at least 30×10 cells, {FULL_WIDTH}×{FULL_HEIGHT} for all panes"
LAYOUT = """
MainScreen { layout: vertical; background: $background; overflow: hidden; }
#header, #footer, #narration { height: 1; background: $panel; }
#narration { height: 2; background: $background; }
#timeline { height: 2; background: $background; }
#body { height: 1fr; }
#graph { width: 40; }
#side { width: 1fr; }
#node { height: 7; }
#ledger { height: 1fr; }
#tensor { height: 6; }
.-ascii Pane { border: ascii $rd-border; }
.-ascii Pane.-active { border: ascii $accent; }
.-ascii Pane.-bare { border: none; }
#console { display: none; height: 5; }
.-asking #tensor { display: none; }
#watches { display: none; height: 1; background: $panel; }
#command { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
#tour { display: none; background: $panel; }
#search { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
#small { display: none; height: 1fr; overflow: hidden; }
.-roomy #node { height: 10; }
.-roomy #tensor { height: 9; }
.-roomier #node { height: 12; }
.-roomier #ledger { height: 1fr; }
.-roomier #tensor { height: 1fr; }
.-roomier #timeline { height: 5; }
.-usual #graph { width: 49; }
.-broader #graph { width: 54; }
.-broad #graph { width: 66; }
.-medium #graph { width: 40; }
.-medium #side > Pane { display: none; height: 1fr; }
.-medium #side > Pane.-shown { display: block; }
.-narrow #graph, .-narrow #side > Pane { display: none; width: 1fr; height: 1fr; }
.-narrow #graph.-active, .-narrow #side > Pane.-active { display: block; }
.-narrow #side.-idle { display: none; }
.-maximised #graph, .-maximised #side > Pane { display: none; width: 1fr; height: 1fr; }
.-maximised #graph.-active, .-maximised #side > Pane.-active { display: block; }
.-maximised #side.-idle { display: none; }
.-tall #node { display: none; }
.-tall #node.-shown { display: block; }
.-short #timeline { display: none; }
.-short #side > Pane { display: none; height: 1fr; }
.-short #side > Pane.-shown { display: block; }
.-tiny #body, .-tiny #narration, .-tiny #timeline, .-tiny #header, .-tiny #footer { display: none; }
.-flat #body, .-flat #narration, .-flat #timeline, .-flat #header, .-flat #footer { display: none; }
.-tiny #small, .-flat #small { display: block; }
.-tiny #pair, .-flat #pair, .-flat #divergence, .-flat #between { display: none; }
"""
"""The app's style sheet: a screen that is there from the start gets no style sheet of its own from Textual."""


class MainScreen(TravelActions, SelectActions, ViewActions, FileActions):
    """Everything but dialogs happens here; while ``session`` is None the network is still being loaded."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Screen
        (0, "-tiny"),
        (30, "-narrow"),
        (72, "-medium"),
        (98, "-wide"),
        (112, "-usual"),
        (128, "-broader"),
        (160, "-broad"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Screen
        (0, "-flat"),
        (10, "-short"),
        (20, "-tall"),
        (28, "-taller"),
        (34, "-roomy"),
        (44, "-roomier"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = bindings(ONE_PASS)
    AUTO_FOCUS = ""

    def __init__(self, name: str, *, ascii_only: bool = False, keys_of: KeysOf = written, speed: float = 2.0) -> None:
        super().__init__(classes="-ascii" if ascii_only else "")
        self.keys_of = keys_of
        self.speed = speed
        self.shown_name = name
        self.ascii_only = ascii_only
        self.found = []
        self._small = False

    def compose(self) -> ComposeResult:
        """Put up the header: the first picture does not wait for the others."""
        yield HeaderPane(id="header", bare=True, ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        """Show at once that something is coming."""
        self.tell_loading("loading …")

    async def furnish(self) -> bool:
        """Put up all other panes; returns whether they are there."""
        plain = self.ascii_only
        footer = FooterPane(id="footer", bare=True, ascii_only=plain)
        footer.keys_of = self.keys_of
        await self.mount_all([
            NarrationPane(id="narration", bare=True, ascii_only=plain),
            Horizontal(
                GraphPane(id="graph", ascii_only=plain),
                Vertical(
                    NodePane(id="node", ascii_only=plain),
                    LedgerPane(id="ledger", ascii_only=plain),
                    TensorPane(id="tensor", ascii_only=plain),
                    id="side",
                ),
                id="body",
            ),
            ConsolePane(id="console", ascii_only=plain),
            WatchPane(id="watches", bare=True, ascii_only=plain),
            TourPane(id="tour", bare=True, ascii_only=plain),
            TimelinePane(id="timeline", bare=True, ascii_only=plain),
            SearchLine(
                placeholder="name, part of a name, glob* or operator; enter keeps, esc drops",
                select_on_focus=False,
                id="search",
            ),
            CommandLine(id="command"),
            footer,
            Static(Content(_TOO_SMALL), id="small"),
        ])  # fmt: skip
        if not self.query("#graph"):
            return False  # whoever leaves at once takes the panes away while they are put up
        width = remembered().get("graph_width")
        if isinstance(width, int) and LEAST_WIDTH <= width <= self.size.width - 40 and self.size.width >= 98:
            self.query_one("#graph").styles.width = width
        self.activate(self.active)
        return True

    def tell_loading(self, progress: str) -> None:
        """Show how far the loading is, and what there is of the pass."""
        if self.session is None:
            self.query_one(HeaderPane).tell_loading(self.shown_name, progress)
        elif self.coming:
            self.session.renew(progress)
            self.show_session()

    @property
    def coming(self) -> bool:
        """Whether the pass that is shown is still being run."""
        return self.session is not None and not self.session.ready

    def on_resize(self) -> None:
        """Write the header anew."""
        if self.session is None:
            self.call_after_refresh(self.tell_loading, "loading …")
        else:
            self.call_after_refresh(self.refresh_panes)
            self.tell_size()
        # The terminal may have lost what panes of the same size as before believe to be there.
        self.call_after_refresh(self.refresh)

    def tell_size(self) -> None:
        """Where there is no room for the usual panes, say what is needed, whenever that begins."""
        before, self._small = self._small, self.size.width < FULL_WIDTH or self.size.height < FULL_HEIGHT
        if self._small and not before and self.is_current:
            self.tell(f"{FULL_WIDTH}×{FULL_HEIGHT} cells show more panes; tab goes on", timeout=6)

    def start(self, session: Session) -> None:
        """Take over a session that has been loaded, or that is as far as the network's layout."""
        typed = session.count
        self.session = session
        self.refresh_panes()
        session.count = typed
        self.tell_size()
        if self.wants_tour and not self.coming:
            self.wants_tour = False
            self.begin_tour()

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """While loading, and while a command is at work, only leaving and help work.

        As long as the pass is run also what needs no numbers does.
        """
        known = {command.action.partition("(")[0] for command in COMMANDS}
        if self.session is not None and not self.busy and not self.coming:
            return True
        return action not in known or action in {"quit", "help"} or (self.coming and action in WITHOUT_NUMBERS)
