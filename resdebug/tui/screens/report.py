"""The report on a pass, as ``resdebug report`` prints it, in a window that scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from resdebug.tui.lines import Line
from resdebug.tui.screens.working import WorkingScreen

if TYPE_CHECKING:
    from resdebug.analysis.report.structure import Report
    from resdebug.passes.protocol import Pass


class ReportScreen(WorkingScreen):
    """Works the report out in the background, and shows it."""

    BINDINGS: ClassVar[list[BindingType]] = [("R", "leave", "Close")]
    title_ = "Report"

    def __init__(self, pass_: Pass, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.pass_ = pass_
        self.made: Report | None = None

    def work(self) -> None:
        """Make the report."""
        from resdebug.analysis.report.registry import make_report
        from resdebug.analysis.report.structure import Settings

        self.made = make_report(self.pass_, Settings(), self.report)

    def outcome(self, width: int) -> list[Line]:
        """Return the report as lines."""
        if self.made is None:
            return []
        from resdebug.export.report_text import Look, as_text

        text = "\n".join(as_text(self.made, Look(width, False, 12))).splitlines()
        return [[(line, "strong" if line and not line.startswith(" ") else "")] for line in text]
