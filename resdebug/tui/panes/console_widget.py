"""The command line's answers and the watches, as widgets that take room only when there is something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from resdebug.tui.pane import Pane
from resdebug.tui.panes.widgets import SessionPane

if TYPE_CHECKING:
    from resdebug.tui.session import Session

MOST_WATCHES: Final = 6
LEAST: Final = 3
"""Lines of the answers that there is room for from the start."""
MOST: Final = 14
"""Rows that the answers take at most, border included."""


class ConsolePane(Pane):
    """What was asked and answered; scrolls to its end."""

    def on_mount(self) -> None:
        """Begin with nothing."""
        self.transcript: list[tuple[str, str]] = []

    def add(self, text: str, role: str = "") -> None:
        """Add a line."""
        self.transcript.append((text, role))

    def on_resize(self) -> None:
        """Fit the text into the width."""
        self.write()

    def write(self) -> None:
        """Show the end of the transcript."""
        from resdebug.tui.panes.console import transcript_lines

        lines = transcript_lines(self.transcript, self.inner_width)
        self.styles.height = min(max(len(lines), LEAST) + 2, MOST)
        self.show(lines, "Commands · esc closes")
        if self.move_to(self.count):
            self.refresh()


class WatchPane(SessionPane):
    """Watched expressions before and after the last step; not there while nothing is watched."""

    def update_from(self, session: Session) -> None:
        """Take the room that is needed."""
        self.session = session
        rows = min(len(session.debugger.watches), MOST_WATCHES)
        if self.display != bool(rows):
            self.display = bool(rows)
        if rows:
            self.styles.height = rows
            self.draw(session)

    def draw(self, session: Session) -> None:
        """Write the table."""
        from resdebug.tui.panes.console import watch_lines

        self.show(watch_lines(session, self.inner_width))
