"""A window for long work: done in a thread, with progress; esc ends it; what comes of it scrolls."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.worker import Worker, WorkerCancelled, WorkerState, get_current_worker

from resdebug.errors import ResdebugError
from resdebug.estimate import Estimate
from resdebug.tui.lines import Line, wrap
from resdebug.tui.numbers import bar
from resdebug.tui.pane import Pane
from resdebug.tui.screens.dialog import ReadingDialog

_TELL_EVERY = 0.1


class WorkingScreen(ReadingDialog):
    """Works in the background, and shows how far it is, then the outcome; what is wrong with the input is told."""

    DEFAULT_CSS = """
    WorkingScreen { align: center middle; }
    WorkingScreen > Pane { width: 96%; max-width: 124; height: 94%; background: $surface; border: round $accent; }
    WorkingScreen.-ascii > Pane { border: ascii $accent; }
    """
    title_: ClassVar[str] = ""
    """What the window is called."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(classes="-ascii" if ascii_only else "")
        self.ascii_only = ascii_only
        self.progress: tuple[str, float] = "working …", 0.0
        self.done = False
        self.failure: ResdebugError | None = None
        self._estimate = Estimate()
        self._told = 0.0

    def compose(self) -> ComposeResult:
        """One pane."""
        yield Pane(id="outcome", ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        """Begin."""
        self.run_worker(self._work, thread=True, exit_on_error=False)

    def work(self) -> None:
        """Do what is to be done, in a thread; ``report`` tells how far it is, and ends it when the window is closed."""
        raise NotImplementedError

    def outcome(self, width: int) -> list[Line]:
        """Return what came of it."""
        raise NotImplementedError

    def _work(self) -> None:
        try:
            self.work()
        except ResdebugError as error:
            self.failure = error
        self.done = True
        self.app.call_from_thread(self.write)

    def report(self, what: str, done: int, total: int) -> None:
        """Tell how far the work is. Raises WorkerCancelled when nobody waits for it any more."""
        if get_current_worker().is_cancelled:
            raise WorkerCancelled("closed")
        now = time.monotonic()
        if now - self._told > _TELL_EVERY:
            self._told = now
            self.progress = self._estimate.tell(what, done, total, now), done / max(total, 1)
            self.app.call_from_thread(self.write)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Let a bug of ours end the app in good order, as any other does."""
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.app._handle_exception(event.worker.error)

    def write(self) -> None:
        """Write the outcome, or how far it is."""
        for pane in self.query(Pane):
            pane.show(self.lines(pane.inner_width), f"{self.title_} · esc {'closes' if self.done else 'cancels'}")

    def lines(self, width: int) -> list[Line]:
        """Return the outcome, or why there is none, or how far the work is."""
        if self.failure is not None:
            told: list[Line] = []
            for fault in self.failure.faults:
                told += [[(text, "bad")] for text in wrap(f"{fault.code}: {fault.what}", width, indent="  ")]
                told += [[(text, "")] for text in wrap(f"  {fault.hint}", width, indent="  ") if fault.hint]
            return told
        if self.done:
            return self.outcome(width)
        what, share = self.progress
        return [[(what, "strong")], [(bar(share, min(40, width)), "accent")], [("esc ends it", "dim")]]
