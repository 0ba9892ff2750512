"""Every derivative of the network against finite differences, as ``resdebug check`` prints it, in a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import BindingType

from resdebug.tui.lines import Line, wrap
from resdebug.tui.screens.working import WorkingScreen

if TYPE_CHECKING:
    from resdebug.analysis.verdicts import GradientCheck
    from resdebug.passes.protocol import Pass


class CheckScreen(WorkingScreen):
    """Checks in the background, and shows the verdicts, the conclusion first."""

    BINDINGS: ClassVar[list[BindingType]] = [("i", "leave", "Close")]
    title_ = "Derivatives against finite differences"

    def __init__(self, pass_: Pass, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.pass_ = pass_
        self.found: GradientCheck | None = None

    def work(self) -> None:
        """Check; of a trace its own adjoints."""
        from resdebug.analysis.gradient_check import check_gradients

        pass_ = self.pass_
        self.found = check_gradients(
            pass_.network,
            target=pass_.target,
            rule=pass_.rule,
            recorded=None if pass_.live else pass_,
            report=self.report,
        )

    def outcome(self, width: int) -> list[Line]:
        """Return the verdicts as lines."""
        if self.found is None:
            return []
        from resdebug.export.check_text import check_lines, conclusion

        first = "good" if self.found.passed else "bad"
        lines: list[Line] = [[(text, first)] for line in conclusion(self.found) for text in wrap(line, width)]
        for line in ["", *check_lines(self.found)]:
            role = "bad" if line.startswith("  FAIL") else "strong" if line and not line.startswith(" ") else ""
            texts = wrap(line, width, indent="    ") if cell_len(line) > width else [line]
            lines += [[(text, role)] for text in texts]
        return lines
