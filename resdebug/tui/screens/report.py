"""The report on a pass, as ``resdebug report`` prints it, in a window that scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.worker import WorkerCancelled, get_current_worker

from resdebug.tui.lines import Line
from resdebug.tui.pane import Pane
from resdebug.tui.screens.dialog import ReadingDialog

if TYPE_CHECKING:
    from resdebug.analysis.report.structure import Report
    from resdebug.passes.protocol import Pass


class ReportScreen(ReadingDialog):
    """Works the report out in the background, and shows it."""

    CSS = """
    ReportScreen { align: center middle; }
    ReportScreen > Pane { width: 96%; max-width: 124; height: 94%; background: $surface; border: round $accent; }
    ReportScreen.-ascii > Pane { border: ascii $accent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("R", "leave", "Close")]

    def __init__(self, pass_: Pass, *, ascii_only: bool = False) -> None:
        super().__init__(classes="-ascii" if ascii_only else "")
        self.pass_ = pass_
        self.ascii_only = ascii_only
        self.report: Report | None = None
        self.progress = "working …"

    def compose(self) -> ComposeResult:
        """One pane."""
        yield Pane(id="report", ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        """Begin."""
        self.run_worker(self._work, thread=True, exit_on_error=True)

    def _work(self) -> None:
        from resdebug.analysis.report.registry import make_report
        from resdebug.analysis.report.structure import Settings

        worker = get_current_worker()

        def progress(what: str, done: int, total: int) -> None:
            if worker.is_cancelled:
                raise WorkerCancelled("closed")
            self.progress = f"{what}: {done} of {total}"
            self.app.call_from_thread(self.write)

        self.report = make_report(self.pass_, Settings(), progress)
        self.app.call_from_thread(self.write)

    def write(self) -> None:
        """Write the report, or how far it is."""
        for pane in self.query(Pane):
            pane.show(self.lines(pane.inner_width), "Report · esc closes")

    def lines(self, width: int) -> list[Line]:
        """Return the report as lines."""
        if self.report is None:
            return [[(self.progress, "dim")]]
        from resdebug.export.report_text import Look, as_text

        text = "\n".join(as_text(self.report, Look(width, False, 12))).splitlines()
        return [[(line, "strong" if line and not line.startswith(" ") else "")] for line in text]
