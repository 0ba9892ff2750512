"""The debugger's screen: panes, keys, and what they do to the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from resdebug.tui.commands import COMMANDS, Command
from resdebug.tui.pane import Pane
from resdebug.tui.panes.widgets import (
    FooterPane,
    GraphPane,
    HeaderPane,
    LedgerPane,
    NarrationPane,
    NodePane,
    SessionPane,
    TensorPane,
    TimelinePane,
)

if TYPE_CHECKING:
    from resdebug.tui.session import Session

PANES = ("graph", "node", "ledger", "tensor")
MOST_COUNT = 1_000_000
LAYOUT = """
MainScreen { layout: vertical; background: $background; }
#header, #footer, #narration { height: 1; background: $panel; }
#narration { height: 2; background: $background; }
#timeline { height: 2; background: $background; }
#body { height: 1fr; }
#graph { width: 46; }
#side { width: 1fr; }
#node { height: 9; }
#ledger { height: 1fr; }
#tensor { height: 9; }
.-ascii Pane { border: ascii $rd-border; scrollbar-size-vertical: 0; }
.-ascii Pane.-active { border: ascii $accent; }
.-ascii Pane.-bare { border: none; }
#search { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
#small { display: none; }
.-tall #timeline { height: 2; }
.-roomy #tensor { height: 16; }
.-roomy #node { height: 11; }
.-broad #graph { width: 64; }
.-medium #graph { width: 36; }
.-medium #side > Pane { display: none; height: 1fr; }
.-medium #side > Pane.-shown { display: block; }
.-narrow #graph, .-narrow #side > Pane { display: none; width: 1fr; height: 1fr; }
.-narrow #graph.-active, .-narrow #side > Pane.-active { display: block; }
.-narrow #side.-idle { display: none; }
.-short #timeline { display: none; }
.-tiny #body, .-tiny #narration, .-tiny #timeline, .-tiny #header, .-tiny #footer { display: none; }
.-flat #body, .-flat #narration, .-flat #timeline, .-flat #header, .-flat #footer { display: none; }
.-tiny #small, .-flat #small { display: block; }
"""
"""The app's style sheet: a screen that is there from the start gets no style sheet of its own from Textual."""


def bindings(commands: tuple[Command, ...]) -> list[BindingType]:
    """Return the key bindings of all commands."""
    return [Binding(key, c.action, c.name, show=False) for c in commands for key in c.keys.split(",")]


class MainScreen(Screen[None]):
    """Everything but dialogs happens here; while ``session`` is None the network is still being loaded."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Screen
        (0, "-tiny"),
        (30, "-narrow"),
        (72, "-medium"),
        (104, "-wide"),
        (160, "-broad"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Screen
        (0, "-flat"),
        (10, "-short"),
        (20, "-tall"),
        (42, "-roomy"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = bindings(COMMANDS)
    AUTO_FOCUS = ""

    def __init__(self, name: str, *, ascii_only: bool = False) -> None:
        super().__init__(classes="-ascii" if ascii_only else "")
        self.shown_name = name
        self.ascii_only = ascii_only
        self.session: Session | None = None
        self.active = "ledger"
        self.found: list[str] = []
        self.before_search = ""

    def compose(self) -> ComposeResult:
        """Lay out the panes."""
        plain = self.ascii_only
        yield HeaderPane(id="header", bare=True, ascii_only=plain)
        yield NarrationPane(id="narration", bare=True, ascii_only=plain)
        with Horizontal(id="body"):
            yield GraphPane(id="graph", ascii_only=plain)
            with Vertical(id="side"):
                yield NodePane(id="node", ascii_only=plain)
                yield LedgerPane(id="ledger", ascii_only=plain)
                yield TensorPane(id="tensor", ascii_only=plain)
        yield TimelinePane(id="timeline", bare=True, ascii_only=plain)
        yield Input(placeholder="name, part of a name, glob* or operator; enter keeps, esc drops", id="search")
        yield FooterPane(id="footer", bare=True, ascii_only=plain)
        yield Static(Content("resdebug needs at least 30×10 cells"), id="small")

    def on_mount(self) -> None:
        """Show at once that something is coming."""
        self.activate(self.active)
        self.tell_loading("loading …")

    def tell_loading(self, progress: str) -> None:
        """Show how far the loading is."""
        if self.session is None:
            self.query_one(HeaderPane).tell_loading(self.shown_name, progress)

    def on_resize(self) -> None:
        """Write the header anew."""
        if self.session is None:
            self.call_after_refresh(self.tell_loading, "loading …")
        else:
            self.call_after_refresh(self.refresh_panes)
        # The terminal may have lost what panes of the same size as before believe to be there.
        self.call_after_refresh(self.refresh)

    def start(self, session: Session) -> None:
        """Take over a session that has been loaded."""
        self.session = session
        self.refresh_panes()

    def refresh_panes(self) -> None:
        """Let every pane show the session as it is now."""
        if self.session is not None:
            self.session.count = ""
            for pane in self.query(SessionPane):
                pane.update_from(self.session)

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """While loading only leaving and help work."""
        known = {command.action.partition("(")[0] for command in COMMANDS}
        return self.session is not None or action not in known or action in {"quit", "help"}

    def on_key(self, event: events.Key) -> None:
        """Digits before a key are a count; a slash opens the search at once, so that what follows belongs to it."""
        search = self.query_one("#search", Input)
        if event.character == "/" and self.session is not None and self.focused is None:
            self.action_search()
            event.stop()
            return
        if search.display and event.is_printable and event.character is not None:
            search.insert_text_at_cursor(event.character)
            event.stop()
            return
        session = self.session
        if session is None or self.focused is not None or event.character is None:
            return
        if event.character.isdecimal() and event.character.isascii() and (session.count or event.character != "0"):
            session.count = str(min(int(session.count + event.character), MOST_COUNT))
            self.query_one(HeaderPane).update_from(session)
            event.stop()

    def count(self) -> int | None:
        """Return the count that was typed, and forget it."""
        session = self.needed
        typed, session.count = session.count, ""
        return int(typed) if typed else None

    @property
    def needed(self) -> Session:
        """The session; commands run only when there is one."""
        return cast("Session", self.session)

    def moved(self) -> None:
        """Time has moved: the selection follows."""
        self.needed.follow()
        self.refresh_panes()

    def action_step(self, granularity: str) -> None:
        """Step forward."""
        self.needed.debugger.step(granularity, self.count() or 1)
        self.moved()

    def action_back(self, granularity: str) -> None:
        """Step back."""
        self.needed.debugger.back(granularity, self.count() or 1)
        self.moved()

    def action_resume(self, reverse: bool) -> None:
        """Continue to a stop."""
        debugger = self.needed.debugger
        for _ in range(min(self.count() or 1, len(debugger.timeline))):
            if debugger.resume(reverse=reverse) is None:
                kind = "stop" if debugger.breakpoints else "fork"
                where = "start" if reverse else "end"
                self.app.notify(f"no further {kind}: this is the {where} of the pass", timeout=3, markup=False)
                break
        self.moved()

    def action_jump_start(self) -> None:
        """Go to the start, or to the event whose number was typed."""
        self.needed.debugger.jump(self.count() or 0)
        self.moved()

    def action_jump_end(self) -> None:
        """Go to the end, or to the event whose number was typed."""
        debugger = self.needed.debugger
        debugger.jump(self.count() or len(debugger.timeline))
        self.moved()

    def action_to_selection(self) -> None:
        """Run to where the selected node's adjoint is complete."""
        session = self.needed
        session.count = ""
        name = session.selected
        session.debugger.to_node(name)
        self.moved()
        session.select(name)
        self.refresh_panes()

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

    def action_view(self, step: int) -> None:
        """Show another tensor of the node."""
        session = self.needed
        session.view = (session.shown_view() + step) % len(session.views())
        self.refresh_panes()

    def action_heat(self) -> None:
        """Switch between numbers and heat map."""
        self.needed.heat = not self.needed.heat
        self.refresh_panes()

    def action_slice(self, step: int) -> None:
        """Show another slice."""
        self.needed.slice += step
        self.refresh_panes()

    def action_leaves(self) -> None:
        """Show or tuck away parameters."""
        self.needed.show_leaves = not self.needed.show_leaves
        self.refresh_panes()

    def action_pane(self, step: int) -> None:
        """Make another pane the active one."""
        self.activate(PANES[(PANES.index(self.active) + step) % len(PANES)])
        self.call_after_refresh(self.refresh_panes)

    def activate(self, name: str) -> None:
        """Mark a pane as active: it scrolls, and on narrow screens it is the one that shows."""
        self.active = name
        for other in PANES:
            pane = self.query_one(f"#{other}", Pane)
            pane.set_class(other == name, "-active")
            if name != "graph":
                pane.set_class(other == name, "-shown")
        self.query_one("#side").set_class(name == "graph", "-idle")

    def action_scroll(self, pages: int) -> None:
        """Scroll the active pane by pages; in the graph that moves the selection."""
        pane = self.query_one(f"#{self.active}", Pane)
        if self.active == "graph":
            self.action_move(pages * max(1, pane.inner_height - 1))
        else:
            pane.scroll_relative(y=pages * max(1, pane.inner_height - 1), animate=False)

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

    def action_export(self) -> None:
        """Ask where to write the trace."""
        from resdebug.tui.screens.export import ExportScreen

        stem = self.shown_name.rsplit("/", 1)[-1].removesuffix(".json").removesuffix(".jsonl")
        dialog = ExportScreen(self.needed.pass_, f"{stem}.trace.jsonl")
        dialog.set_class(self.ascii_only, "-ascii")
        self.app.push_screen(dialog, self.exported)

    def exported(self, told: str | None) -> None:
        """Say what was written."""
        if told is not None:
            self.app.notify(told, timeout=6, markup=False)

    def action_help(self) -> None:
        """Show the help."""
        from resdebug.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(ascii_only=self.ascii_only))

    def action_palette(self) -> None:
        """Show the command palette."""
        self.app.action_command_palette()

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit()

    @on(GraphPane.Selected)
    def row_clicked(self, message: GraphPane.Selected) -> None:
        """Select the row that was clicked."""
        session = self.needed
        session.select(session.network.nodes[session.rows.nodes[message.row]].name)
        self.refresh_panes()

    @on(TimelinePane.Clicked)
    def moment_clicked(self, message: TimelinePane.Clicked) -> None:
        """Jump to the moment that was clicked."""
        self.needed.debugger.jump(message.position)
        self.moved()
