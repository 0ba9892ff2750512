"""Commands that open dialogs, write files, and leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.worker import Worker, WorkerCancelled, get_current_worker

from resdebug.errors import ResdebugError
from resdebug.estimate import Estimate
from resdebug.text import visible
from resdebug.tui.actions.acting import Acting

if TYPE_CHECKING:
    from resdebug.tui.pair import Pair
    from resdebug.tui.session import Session

Report = Callable[[str, int, int], None]
TELL_EVERY: Final = 0.1


class FileActions(Acting):
    """Export, help, palette, leaving."""

    compared_last: str = ""
    """The file that was beside this one last."""
    opening: Worker[None] | None = None
    """What loads another pass."""

    def action_export(self) -> None:
        """Ask where to write the trace."""
        from resdebug.export.names import slug
        from resdebug.tui.screens.export import ExportScreen

        stem = self.shown_name.rsplit("/", 1)[-1].removesuffix(".json").removesuffix(".jsonl")
        session = self.needed
        suggestion = f"{slug(stem) if stem else 'pass'}.trace.jsonl"
        dialog = ExportScreen(session.pass_, suggestion, session.files.source, ascii_only=self.ascii_only)
        self.app.push_screen(dialog, self.exported)

    def exported(self, told: str | None) -> None:
        """Say what was written."""
        if told is not None:
            self.tell(told, timeout=6)

    def action_copy(self, form: str) -> None:
        """Put numbers or a formula onto the terminal's clipboard."""
        from resdebug.tui.copying import formula, numbers

        text, told = formula(self.needed) if form == "latex" else numbers(self.needed, form)
        if text:
            self.app.copy_to_clipboard(text)
        self.tell(told)

    def action_picture(self) -> None:
        """Save the screen as SVG beside the person's other files, under a name that is free."""
        from resdebug.export.names import slug
        from resdebug.export.writing import whole_file

        stem = slug(self.shown_name.rsplit("/", 1)[-1].partition(".")[0][:60])
        path = next(p for k in count() if not (p := Path(f"{stem}{f'-{k}' if k else ''}.svg")).exists())
        try:
            picture = self.app.export_screenshot(title=f"resdebug {visible(self.shown_name, limit=60)}")
            with whole_file(path) as stream:
                stream.write(picture.encode("utf-8", "replace"))
        except ResdebugError as error:
            self.tell(f"no picture: {error.faults[0].what}", timeout=6)
        else:
            self.tell(f"the screen is in {visible(str(path))}", timeout=6)

    def action_compare(self) -> None:
        """Ask for another network or trace, and show it beside this one."""
        from resdebug.tui.screens.ask import AskScreen

        question = "Which network or trace is to stand beside this one, in step?"
        dialog = AskScreen(question, suggestion=self.compared_last, ascii_only=self.ascii_only)
        self.app.push_screen(dialog, self.compare_with)

    def action_before_after(self) -> None:
        """Show the pass before the last edit beside this one."""
        before = self.needed.before_edit()
        if before is None:
            self.tell("nothing was changed yet: e edits")
            return
        self._open_aside(before.name, lambda _report: before)

    def compare_with(self, name: str | None) -> None:
        """Load another pass and show it beside this one."""
        if name is not None:
            self.compared_last = name
            self._open_aside(Path(name).name, partial(_opened, Path(name).expanduser()))

    def _open_aside(self, name: str, load: Callable[[Report], Session]) -> None:
        """Get another session in a thread, with progress, and show it beside this one."""
        self.tell(f"loading {visible(name, limit=60)} … · esc cancels", timeout=600)
        self.opening = self.run_worker(
            partial(self._load_aside, visible(name, limit=40), load), thread=True, exit_on_error=True
        )

    def _load_aside(self, name: str, load: Callable[[Report], Session]) -> None:
        estimate, told = Estimate(), 0.0
        worker = get_current_worker()

        def report(what: str, done: int, total: int) -> None:
            nonlocal told
            if worker.is_cancelled:
                raise WorkerCancelled("not wanted any more")
            now = time.monotonic()
            if now - told > TELL_EVERY:
                told = now
                progress = f"{name}: {estimate.tell(what, done, total, now)} · esc cancels"
                self.app.call_from_thread(self.tell, progress, 600)

        try:
            other = load(report)
        except ResdebugError as error:
            fault = error.faults[0]
            self.app.call_from_thread(self.tell, f"{name}: {fault.what}; {fault.hint}", 8)
            return
        other.prepare(report)
        pair = _side_by_side(self.needed, other)
        self.app.call_from_thread(self.show_beside, pair)

    def cancel_opening(self) -> bool:
        """End the loading of another pass; returns whether there was one."""
        worker, self.opening = self.opening, None
        if worker is None or worker.is_finished:
            return False
        worker.cancel()
        self.tell("not loaded")
        return True

    def show_beside(self, pair: Pair, *, leaves_app: bool = False) -> None:
        """Show two passes side by side, in step; with ``leaves_app`` quitting there ends the app."""
        from resdebug.tui.screens.beside import BesideScreen

        self.tell("", 0.01)
        beside = BesideScreen(pair, ascii_only=self.ascii_only, keys_of=self.keys_of, leaves_app=leaves_app)
        self.app.push_screen(beside, lambda _none: self.refresh_panes())

    def action_help(self) -> None:
        """Show the help."""
        from resdebug.tui.commands import ONE_PASS
        from resdebug.tui.screens.help import BESIDE, HelpScreen

        pane = self.active if self.commands is ONE_PASS else BESIDE
        self.app.push_screen(HelpScreen(pane, self.keys_of, self.commands, ascii_only=self.ascii_only))

    def action_palette(self) -> None:
        """Show the command palette."""
        self.app.action_command_palette()

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit()


def _opened(path: Path, report: Report) -> Session:
    from resdebug.api import open_pass
    from resdebug.tui.session import Session

    return Session(open_pass(path, report=report), path.name)


def _side_by_side(left: Session, right: Session) -> Pair:
    """Return two sessions in step; what differs is looked for while the person looks."""
    from resdebug.analysis.divergence.walk import Walk
    from resdebug.tui.pair import Pair

    return Pair(left, right, Walk(left.pass_, right.pass_))
