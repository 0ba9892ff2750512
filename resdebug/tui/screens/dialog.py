"""What windows above the debugger have in common: they close once, however often the key was pressed."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import ModalScreen

from resdebug.tui.pane import Pane

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """A window above the debugger's screen."""

    def action_leave(self) -> None:
        """Close without a result."""
        self.leave(None)

    def leave(self, result: Result | None) -> None:
        """Close, unless another key press in the same moment did already."""
        if self.is_current:
            self.dismiss(result)


class ReadingDialog(Dialog[None]):
    """A window with text that scrolls."""

    BINDINGS = [  # noqa: RUF012 - declared so by Screen
        ("escape,q", "leave", "Close"),
        ("down,j", "scroll(1)", "Down"),
        ("up,k", "scroll(-1)", "Up"),
        ("pagedown,space", "scroll(20)", "Page down"),
        ("pageup", "scroll(-20)", "Page up"),
    ]

    def on_resize(self) -> None:
        """Fit the text into the width."""
        self.call_after_refresh(self.write)

    def write(self) -> None:
        """Write the lines."""
        raise NotImplementedError

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        for pane in self.query(Pane):
            pane.scroll_lines(rows)
