"""The command line: the same commands as ``resdebug run``, with history and completion, and keys that type them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import events, on
from textual.widgets import Input

from resdebug.errors import ResdebugError
from resdebug.text import visible
from resdebug.tui.actions.acting import Acting
from resdebug.tui.panes.console_widget import ConsolePane
from resdebug.tui.panes.widgets import FooterPane

if TYPE_CHECKING:
    from resdebug.tui.session import Session


class CommandLine(Input):
    """One line with history (up and down) and completion (tab)."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(
            id=id, select_on_focus=False, placeholder="a command; tab completes, up recalls, help lists them"
        )
        self.history: list[str] = []
        self._recalled = 0
        self._candidates: list[str] = []
        self._completed = ""

    def remember(self, line: str) -> None:
        """Keep a line for the up key."""
        if line and (not self.history or self.history[-1] != line):
            self.history.append(line)
        self._recalled = len(self.history)

    async def _on_key(self, event: events.Key) -> None:
        if event.key in {"up", "down"}:
            self._recall(-1 if event.key == "up" else 1)
        elif event.key == "tab":
            self._complete()
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    def _recall(self, step: int) -> None:
        self._recalled = min(max(self._recalled + step, 0), len(self.history))
        self.value = self.history[self._recalled] if self._recalled < len(self.history) else ""
        self.cursor_position = len(self.value)

    def _complete(self) -> None:
        """Put in the next candidate; the first time, what all of them begin with."""
        screen = self.screen
        if not isinstance(screen, CommandActions) or screen.session is None:
            return
        if self.value != self._completed or not self._candidates:
            self._candidates = screen.session.interpreter.complete(self.value)
            if len(self._candidates) > 1:
                screen.tell("  ".join(visible(line.rpartition(" ")[2], limit=30) for line in self._candidates[:12]), 4)
        if self._candidates:
            self.value = self._candidates[0]
            self._candidates = [*self._candidates[1:], self._candidates[0]]
            self._completed = self.value
            self.cursor_position = len(self.value)


def execute(session: Session, line: str) -> list[tuple[str, str]]:
    """Run a command and return its answer, or what was wrong with it."""
    try:
        return [(text, "") for text in session.interpreter.execute(line).lines]
    except ResdebugError as error:
        return [(text, "bad") for fault in error.faults for text in str(fault).splitlines()]


class CommandActions(Acting):
    """Commands are run on the session's interpreter; what they answer stands in a pane of its own."""

    def action_command(self, beginning: str = "") -> None:
        """Open the command line."""
        line = self.query_one("#command", CommandLine)
        self.show_console()
        line.value = beginning
        line.cursor_position = len(beginning)
        line.display = True
        self.set_focus(line)
        self.call_after_refresh(self.query_one(ConsolePane).write)

    def show_console(self) -> ConsolePane:
        """Make room for answers."""
        console = self.query_one(ConsolePane)
        console.display = True
        self.add_class("-asking")
        return console

    def close_command(self) -> None:
        """Close the command line and its answers."""
        self.query_one("#command").display = False
        self.query_one(ConsolePane).display = False
        self.remove_class("-asking")
        self.set_focus(None)
        self.call_after_refresh(self.refresh_panes)

    @on(Input.Submitted, "#command")
    def command_given(self, event: Input.Submitted) -> None:
        """Run the line; an empty one closes."""
        event.stop()
        line = event.value.strip()
        if not line:
            self.close_command()
            return
        if isinstance(event.input, CommandLine):
            event.input.remember(line)
        event.input.value = ""
        self.run_command(line)

    def run_command(self, line: str) -> None:
        """Run a command, show what it answers, and follow where it led."""
        session, console = self.needed, self.show_console()
        console.add(f": {visible(line, limit=500)}", "strong")
        if session.is_large:
            self.busy = True
            self.tell(f"{visible(line, limit=60)} …", timeout=600)
            self.run_worker(partial(self._execute_aside, session, line), thread=True, exit_on_error=True)
        else:
            position = session.debugger.position
            self.answered(session, position, execute(session, line))

    def _execute_aside(self, session: Session, line: str) -> None:
        position = session.debugger.position
        self.app.call_from_thread(self.answered, session, position, execute(session, line))

    def answered(self, session: Session, position: int, lines: list[tuple[str, str]]) -> None:
        """Show what a command has answered, and follow where it led."""
        console = self.show_console()
        if self.busy:
            self.busy = False
            self.query_one(FooterPane).show_keys()
        for text, role in lines:
            console.add(text, role)
        if session.interpreter.finished:
            self.app.exit()
            return
        self.after_command(session, position)
        self.call_after_refresh(console.write)

    def after_command(self, session: Session, position: int) -> None:
        """Show what the command changed: another pass, another moment, other stops."""
        if session.interpreter.debugger is not session.debugger:
            session = self.session = session.on(session.interpreter.debugger)
        if session.debugger.position != position:
            session.follow()
        self.refresh_panes()

    def action_origin(self) -> None:
        """Ask where the element that is pointed at comes from, or the largest one."""
        self.run_command(f"where-from {self.needed.element()}")

    def action_why_zero(self) -> None:
        """Ask why the selected adjoint is zero."""
        self.run_command(f"whyzero {self.needed.quoted()}")

    def action_duel(self) -> None:
        """Show in the ledger what every rule would give, or the ledger again."""
        self.needed.duelling = not self.needed.duelling
        self.refresh_panes()

    def action_report(self) -> None:
        """Show the report on the pass."""
        from resdebug.tui.screens.report import ReportScreen

        self.app.push_screen(ReportScreen(self.needed.pass_, ascii_only=self.ascii_only))

    def action_check(self) -> None:
        """Check every derivative against finite differences."""
        from resdebug.tui.screens.check import CheckScreen

        self.app.push_screen(CheckScreen(self.needed.pass_, ascii_only=self.ascii_only))

    def action_run_command(self, line: str) -> None:
        """Run a command that a key stands for."""
        self.run_command(line)

    def action_watch(self) -> None:
        """Ask for an expression to watch."""
        self.action_command("watch ")

    def action_edit(self) -> None:
        """Ask for a change of the selected node."""
        self.action_command(f"set {self.needed.quoted()} ")

    def action_bookmark(self) -> None:
        """Ask for a name for this moment."""
        self.action_command("bookmark ")

    def action_back_to(self) -> None:
        """Ask for a bookmark to go to."""
        self.action_command("back-to ")
