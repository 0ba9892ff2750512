"""A dialog that asks for one line of text."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Label

from resdebug.tui.screens.dialog import Dialog


class AskScreen(Dialog[str]):
    """Returns what was typed, or None when the person went back."""

    CSS = """
    AskScreen { align: center middle; }
    AskScreen > Vertical {
        width: 90%; max-width: 84; height: auto; padding: 1 2; background: $surface; border: round $accent;
    }
    AskScreen.-ascii > Vertical, AskScreen.-ascii Input { border: ascii $accent; }
    AskScreen Label { width: 100%; color: $rd-dim; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Cancel")]

    def __init__(self, question: str, hint: str = "", suggestion: str = "", *, ascii_only: bool = False) -> None:
        super().__init__(classes="-ascii" if ascii_only else "")
        self.question = question
        self.hint = hint
        self.suggestion = suggestion

    def compose(self) -> ComposeResult:
        """A question, a line, what the keys do."""
        with Vertical():
            yield Label(Content(self.question))
            yield Input(self.suggestion, id="answer", select_on_focus=False)
            yield Label(Content(self.hint or "enter takes it · esc goes back"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the line; an empty one is no answer."""
        if event.value.strip():
            self.leave(event.value.strip())
