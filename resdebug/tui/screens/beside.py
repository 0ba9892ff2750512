"""Two passes side by side, in step: what moves one moves the other to the same event, found by the nodes' names.

While the person looks, the two are compared to the end in the background.
"""

from __future__ import annotations

import time
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static
from textual.worker import WorkerCancelled, get_current_worker

from resdebug.text import visible
from resdebug.tui.actions.files import FileActions
from resdebug.tui.actions.selecting import SearchLine, SelectActions
from resdebug.tui.actions.travel import TravelActions
from resdebug.tui.actions.viewing import ViewActions
from resdebug.tui.commands import ONE_PASS, TWO_PASSES, KeysOf, bindings, written
from resdebug.tui.pair import Pair
from resdebug.tui.pane import Pane
from resdebug.tui.panes.graph_widget import GraphPane
from resdebug.tui.panes.timeline_widget import TimelinePane
from resdebug.tui.panes.widgets import (
    BetweenPane,
    DivergencePane,
    FooterPane,
    HeaderPane,
    LedgerPane,
    SessionPane,
    TensorPane,
)

_SIDES = ("left", "right")
_KINDS = ("graph", "ledger", "tensor")
_EVERY = 0.2
"""Seconds from one look at how far the comparison is to the next."""
_LEFT_OUT = frozenset(command.action.partition("(")[0] for command in ONE_PASS if command not in TWO_PASSES)


class BesideScreen(TravelActions, SelectActions, ViewActions, FileActions):
    """The pass on the left leads; the one on the right follows as far as it has the same nodes."""

    CSS = """
    BesideScreen { layout: vertical; background: $background; overflow: hidden; }
    BesideScreen #pair { height: 1fr; }
    BesideScreen #pair > Vertical { width: 1fr; }
    BesideScreen #pair Pane { height: 1fr; }
    BesideScreen LedgerPane, BesideScreen TensorPane { display: none; }
    BesideScreen DivergencePane { height: 4; background: $background; }
    BesideScreen BetweenPane { height: 2; background: $panel; }
    BesideScreen.-tall #pair LedgerPane, BesideScreen.-tall #pair TensorPane { height: 10; }
    BesideScreen.-tall .-shown { display: block; }
    BesideScreen.-roomy LedgerPane, BesideScreen.-roomy TensorPane { display: block; }
    BesideScreen.-roomy #pair LedgerPane { height: 11; }
    BesideScreen.-roomy #pair TensorPane { height: 12; }
    BesideScreen.-roomy DivergencePane { height: 6; }
    BesideScreen.-low #timeline, BesideScreen.-short #timeline { display: none; }
    BesideScreen.-low #pair Pane, BesideScreen.-short #pair Pane { display: none; }
    BesideScreen.-low #pair Pane.-active, BesideScreen.-short #pair Pane.-active { display: block; }
    BesideScreen.-short DivergencePane { height: 3; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-usual")]  # noqa: RUF012 - declared so by Screen
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Screen
        (0, "-flat"),
        (12, "-short"),
        (18, "-low"),
        (30, "-tall"),
        (46, "-roomy"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = bindings(TWO_PASSES)
    AUTO_FOCUS = ""
    commands = TWO_PASSES

    def __init__(
        self, pair: Pair, *, ascii_only: bool = False, keys_of: KeysOf = written, leaves_app: bool = False
    ) -> None:
        """``leaves_app``: the app was opened for this comparison, and ``q`` ends it."""
        super().__init__(classes="-ascii" if ascii_only else "")
        self.pair = pair
        self.session = pair.left
        self.other = pair.right
        self.shown_name = pair.left.name
        self.ascii_only = ascii_only
        self.keys_of = keys_of
        self.leaves_app = leaves_app
        self.found = []
        self.active = "graph"
        self._looked = 0.0

    def compose(self) -> ComposeResult:
        """Lay out the panes."""
        plain = self.ascii_only
        header = HeaderPane(id="header", bare=True, ascii_only=plain)
        header.beside = self.other.name
        yield header
        yield DivergencePane(id="divergence", bare=True, ascii_only=plain)
        with Horizontal(id="pair"):
            for side in _SIDES:
                with Vertical():
                    graph = GraphPane(id=f"graph-{side}", ascii_only=plain)
                    graph.named = "A" if side == "left" else "B"
                    yield graph
                    yield LedgerPane(id=f"ledger-{side}", ascii_only=plain)
                    yield TensorPane(id=f"tensor-{side}", ascii_only=plain)
        yield BetweenPane(id="between", bare=True, ascii_only=plain)
        yield TimelinePane(id="timeline", bare=True, ascii_only=plain)
        yield SearchLine(placeholder="name, part of a name, glob* or operator", select_on_focus=False, id="search")
        footer = FooterPane(id="footer", bare=True, ascii_only=plain)
        footer.keys_of, footer.commands = self.keys_of, self.commands
        yield footer
        yield Static(Content("two passes need at least 40×12 cells"), id="small")

    def on_mount(self) -> None:
        """Begin where the left pass is, and go on comparing."""
        self.activate(self.active)
        self.call_after_refresh(self.refresh_panes)
        if not self.pair.walk.finished:
            self.run_worker(self._compare, thread=True, name="compare", exit_on_error=True)

    def on_unmount(self) -> None:
        """Leave the left session without marks."""
        self.pair.unmark()

    def on_resize(self) -> None:
        """Everything depends on the width."""
        self.call_after_refresh(self.refresh_panes)

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Leave out what needs one pass alone."""
        return action not in _LEFT_OUT

    def _compare(self) -> None:
        worker = get_current_worker()

        def report(_what: str, _done: int, _total: int) -> None:
            if worker.is_cancelled:
                raise WorkerCancelled("left")
            now = time.monotonic()
            if now - self._looked > _EVERY:
                self._looked = now
                self.call_later(self.tell_divergences)

        self.pair.walk.go_on(report)
        self.call_later(self.refresh_panes)

    def tell_divergences(self) -> None:
        """Show what is found by now."""
        if self.is_attached:
            self.query_one(DivergencePane).tell(self.pair)

    def refresh_panes(self) -> None:
        """Bring the right pass to the same event, and show both."""
        if not self.is_attached:
            return
        left = self.needed
        left.count = ""
        self.pair.follow()
        self.pair.mark()
        self._show_lower()
        for pane in self.query(SessionPane):
            pane.update_from(self.other if (pane.id or "").endswith("-right") else left)
        self.query_one(BetweenPane).compare(self.pair)
        self.tell_divergences()

    def action_first_divergence(self) -> None:
        """Go to the first divergence; with a count to the one of that number."""
        count = self.count() or 1
        found = self.pair.walk.result.divergences
        if len(found) >= count:
            self.pair.go_to(found[count - 1])
        else:
            self.tell(self._none_more("there is none" if not found else f"there are {len(found)}"))
        self.refresh_panes()

    def action_divergence(self, step: int) -> None:
        """Go to the next divergence in the order of the pass, or back to the one before."""
        walk, debugger = self.pair.walk, self.needed.debugger
        for _ in range(self.count() or 1):
            found = walk.after(debugger.position) if step > 0 else walk.before(debugger.position)
            if found is None:
                where = "no divergence after this" if step > 0 else "no divergence before this"
                self.tell(self._none_more(where) if step > 0 else where)
                break
            self.pair.go_to(found)
        self.refresh_panes()

    def _none_more(self, told: str) -> str:
        walk = self.pair.walk
        if walk.finished:
            return told
        return f"{told} so far: {walk.done} of {walk.total} events are compared"

    def activate(self, name: str) -> None:
        """Mark a pair of panes as active: they scroll, and on low screens only they show."""
        self.active = name
        for kind in _KINDS:
            for side in _SIDES:
                self.query_one(f"#{kind}-{side}", Pane).set_class(kind == name, "-active")
        self._show_lower()

    def _show_lower(self) -> None:
        """Show under the graphs what is active, else what there is to see: in the forward pass ledgers are empty."""
        lower = self.active
        if lower == "graph":
            lower = "tensor" if self.needed.debugger.in_forward_pass else "ledger"
        for kind in _KINDS[1:]:
            for side in _SIDES:
                self.query_one(f"#{kind}-{side}", Pane).set_class(kind == lower, "-shown")

    def action_pane(self, step: int) -> None:
        """Make another pair of panes the active one."""
        self.activate(_KINDS[(_KINDS.index(self.active) + step) % len(_KINDS)])
        self.call_after_refresh(self.refresh_panes)

    def action_scroll(self, pages: int) -> None:
        """Scroll the active panes by pages; in the graph that moves the selection."""
        left, right = (self.query_one(f"#{self.active}-{side}", Pane) for side in _SIDES)
        lines = pages * max(1, left.inner_height - 1)
        if self.active == "graph":
            self.needed.move_selection(lines * (self.count() or 1))
            self.refresh_panes()
        else:
            left.scroll_lines(lines)
            right.scroll_lines(lines)

    def action_fold(self) -> None:
        """Fold or unfold the block of the selection, on both sides."""
        level = self.count() or 1
        self.tell(self.needed.fold(level), timeout=2)
        if self.pair.counterpart is not None:
            self.other.fold(level)
        self.refresh_panes()

    def action_fold_all(self) -> None:
        """Fold all blocks at the next level, or unfold them, on both sides."""
        self.tell(self.needed.fold_all(), timeout=2)
        self.other.fold_all()
        self.refresh_panes()

    @on(GraphPane.Selected)
    def row_clicked(self, message: GraphPane.Selected) -> None:
        """Select the row that was clicked, on either side."""
        session = message.session
        name = session.network.nodes[session.rows.nodes[message.row]].name
        here = name if session is self.session else self.pair.walk.pairing.here(name)
        if here is None or here not in self.needed.network:
            self.other.select(name)
            self.tell(f"{visible(name, limit=40)} is only in B")
        else:
            self.needed.select(here)
        if message.fold:
            self.action_fold()
        else:
            self.refresh_panes()

    def action_follow(self) -> None:
        """Close a search, else go to the left pass alone."""
        if self.query_one("#search").display:
            super().action_follow()
        elif self.is_current:
            self.dismiss()

    def action_quit(self) -> None:
        """Leave, or go back to one pass where that was looked at before."""
        if self.leaves_app:
            self.app.exit()
        elif self.is_current:
            self.dismiss()
