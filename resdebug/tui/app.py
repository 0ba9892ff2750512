"""The Textual app: themes, the screen, loading in the background, leaving in good order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.app import App
from textual.command import CommandPalette
from textual.screen import Screen
from textual.worker import Worker, WorkerCancelled, WorkerState, get_current_worker

from resdebug.errors import Fault, ResdebugError
from resdebug.estimate import Estimate
from resdebug.tui import textual_insides
from resdebug.tui.commands import Command
from resdebug.tui.idle import Idle
from resdebug.tui.memory import remembered
from resdebug.tui.palette import Commands, Palette
from resdebug.tui.screens.main import LAYOUT, MainScreen
from resdebug.tui.settings import THEME_NAMES, Settings, read_settings
from resdebug.tui.styles import THEMES

if TYPE_CHECKING:
    from resdebug.analysis.divergence.walk import Walk
    from resdebug.network.model import Network
    from resdebug.passes.protocol import Pass
    from resdebug.tui.pair import Pair
    from resdebug.tui.session import Session

Report = Callable[[str, int, int], None]
Loader = Callable[[Report], "Pass"]
_REPORT_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Opposite:
    """Another pass to compare with: what it is called, and what loads it and walks to the first divergence."""

    name: str
    load: Callable[[Pass, Report], Walk]
    file: str = ""


LARGE = 5000
"""Nodes from which on skips and branches are told apart while the person looks already."""
MANY_NUMBERS = 2_000_000
"""So many elements take longer to compute than a person wants to wait for a picture."""
MOST_FAULTS = 3


class DebuggerApp(App[None]):
    """Shows its frame first and runs ``load`` in a thread; ``failure`` holds what went wrong, if anything did."""

    TITLE = "resdebug"
    CSS = LAYOUT
    COMMANDS = {Commands}  # noqa: RUF012 - declared so by App
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        load: Loader,
        name: str,
        *,
        ascii_only: bool = False,
        theme: str = "dark",
        settings: Settings | None = None,
        tour: bool = False,
        beside: str | None = None,
        resume: Callable[[], str] | None = None,
        source: Path | None = None,
        opposite: Opposite | None = None,
    ) -> None:
        super().__init__()
        self._opposite = opposite
        self.walk: Walk | None = None
        """What was found of the opposite, once it has been walked to the first divergence."""
        self.settings = settings or Settings()
        self._tour = tour
        self._main: MainScreen | None = None
        self._beside = beside
        self._resume = resume
        self._source = source
        self._load = load
        self._shown_name = name
        self._ascii_only = ascii_only
        self._reported = 0.0
        self._estimate = Estimate()
        self._idle = Idle()
        self.failure: ResdebugError | None = None
        self.crash: BaseException | None = None
        for each in THEMES:
            self.register_theme(each)
        self._first_theme = f"resdebug-{theme}"
        if self.settings.reduced_motion:
            self.animation_level = "none"
        if self.settings.keys:
            self.set_keymap(dict(self.settings.keys))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the panes' own colours to themes that do not know them."""
        return THEMES[0 if self.current_theme.dark else 1].variables

    def keys_of(self, command: Command) -> str:
        """Return a command's keys as people write them, the person's own where they chose some."""
        return self.settings.keys.get(command.id, "").replace(",", " ") or command.keys_text

    def get_default_screen(self) -> Screen[None]:
        """The debugger's screen is the only one that is always there."""
        screen = MainScreen(
            self._shown_name, ascii_only=self._ascii_only, keys_of=self.keys_of, speed=self.settings.speed or 2.0
        )
        screen.wants_tour = self._tour
        self._main = screen
        return screen

    def action_command_palette(self) -> None:
        """Show the command palette."""
        textual_insides.mend_page_keys()
        if self.use_command_palette and not isinstance(self.screen, CommandPalette):
            self.push_screen(Palette(ascii_only=self._ascii_only))

    def on_load(self) -> None:
        """Put on the theme before anything is drawn."""
        self.theme = self._first_theme

    def on_mount(self) -> None:
        """Start loading."""
        if not self.is_headless:
            textual_insides.handle_signals(self)
        # Imports in another thread would hold up the first picture.
        self.main.call_after_refresh(self._start_loading)

    def on_unmount(self) -> None:
        """Leave nothing behind."""
        self._idle.end()

    async def on_event(self, event: events.Event) -> None:
        """Take whatever comes; what can wait does so while the person types."""
        await super().on_event(event)
        if isinstance(event, events.InputEvent):
            self._idle.put_off()

    async def _start_loading(self) -> None:
        if not await self.main.furnish():
            return
        self.run_worker(self._session, thread=True, name="load", exit_on_error=False)

    @property
    def left(self) -> Session | None:
        """What was looked at last, after the app has ended."""
        return self._main.session if self._main is not None else None

    @property
    def main(self) -> MainScreen:
        """The debugger's screen."""
        return next(screen for screen in self.screen_stack if isinstance(screen, MainScreen))

    def _session(self) -> Session | Pair:
        """Load and prepare, in a thread: numpy is first imported here, after the first frame."""
        pass_ = self._load(self._report)
        from resdebug.passes.coming import ComingPass
        from resdebug.tui.session import Session

        early = None
        if isinstance(pass_, ComingPass):
            coming = pass_
            if self._resume is None and self._opposite is None and _takes_long(coming.network):
                early = Session(coming, self._shown_name)
                early.files.source = self._source
                early.prepare(self._report)
                self.call_from_thread(self.main.start, early)
            pass_ = coming.run(self._report)
        session = Session(pass_, self._shown_name) if early is None else early.over(pass_)
        session.files.source = self._source
        session.prepare(self._report)
        if self._resume is not None:
            session.resume(self._resume())
        if self._opposite is None:
            return session
        from resdebug.tui.pair import Pair

        walk = self._opposite.load(pass_, self._report)
        other = Session(walk.b, self._opposite.name)
        other.prepare(self._report)
        self.walk = walk
        return Pair(session, other, walk)

    def _report(self, what: str, done: int, total: int) -> None:
        if get_current_worker().is_cancelled:
            raise WorkerCancelled("the person has left")
        now = time.monotonic()
        if now - self._reported > _REPORT_EVERY:
            self._reported = now
            self.call_from_thread(self.main.tell_loading, self._estimate.tell(what, done, total, now))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Take over what was loaded, or leave with what went wrong."""
        if event.worker.name != "load":
            return
        if event.state is WorkerState.SUCCESS:
            loaded = event.worker.result
            if loaded is not None:
                pair = loaded if self._opposite is not None else None
                session = loaded.left if pair is not None else loaded
                if self.main.session is not None:
                    session.look_like(self.main.session)
                self.main.start(session)
                self._idle.begin()
                if len(session.network) > LARGE:
                    # Else the first fork that is looked at would wait for all of them.
                    self.run_worker(session.routes.find, thread=True, name="routes", exit_on_error=False)
                if session.resumed:
                    self.main.tell(session.resumed, timeout=6)
                self.main.compare_with(self._beside)
                if pair is not None:
                    self._show_opposite(pair)
                self._tell_warnings(session.network.warnings)
                for fault in self.settings.faults[:MOST_FAULTS]:
                    self.notify(fault, title="settings", severity="warning", timeout=8, markup=False)
        elif event.state is WorkerState.ERROR:
            error = event.worker.error
            if isinstance(error, ResdebugError):
                self.failure = error
                self.exit(return_code=error.exit_code)
            elif isinstance(error, Exception):
                self._handle_exception(error)

    def _show_opposite(self, pair: Pair) -> None:
        """Show both passes where they part first; where they do not, at the end."""
        found = pair.walk.result.first
        if found is not None:
            pair.go_to(found)
        else:
            pair.left.debugger.jump(len(pair.left.debugger.timeline))
            pair.left.follow()
        self.main.compared_last = self._opposite.file if self._opposite is not None else ""
        self.main.show_beside(pair, leaves_app=True)

    def _tell_warnings(self, warnings: tuple[Fault, ...]) -> None:
        for warning in warnings[:3]:
            self.notify(warning.what, title=f"warning {warning.code}", severity="warning", timeout=8, markup=False)

    def _fatal_error(self) -> None:
        """Leave on a bug of ours: keep the exception for the command, which writes it to a file."""
        self.crash = self._exception
        self._return_code = textual_insides.OUR_BUG
        self._close_messages_no_wait()


def _takes_long(network: Network) -> bool:
    """Whether to show the network before it has been run. A large one of scalars is sooner run than laid out."""
    return len(network) <= LARGE and sum(node.type.size for node in network.nodes if not node.is_leaf) >= MANY_NUMBERS


def run(
    load: Loader,
    name: str,
    *,
    ascii_only: bool = False,
    theme: str | None = None,
    mouse: bool = True,
    tour: bool = False,
    beside: str | None = None,
    resume: Callable[[], str] | None = None,
    source: Path | None = None,
    opposite: Opposite | None = None,
) -> DebuggerApp:
    """Run the app in the terminal until the person leaves; returns it, with ``failure`` or ``crash`` set if any.

    ``beside`` is another file to look at in step, ``opposite`` one to compare with from the start; ``resume`` gives
    what the session to go on with is kept under. What is not said here comes from the person's settings, a theme also
    from the last time.
    """
    textual_insides.accept_any_bytes()
    settings = read_settings()
    before = remembered().get("theme")
    chosen = theme or settings.theme or (before if before in THEME_NAMES else "dark")
    app = DebuggerApp(
        load,
        name,
        ascii_only=ascii_only or bool(settings.ascii),
        theme=chosen,
        settings=settings,
        tour=tour,
        beside=beside,
        resume=resume,
        source=source,
        opposite=opposite,
    )
    app.run(mouse=mouse and settings.mouse is not False)
    return app
