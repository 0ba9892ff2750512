"""The question whether a file may be replaced."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label

from resdebug.tui.screens.dialog import Dialog


class ReplaceScreen(Dialog[bool]):
    """Returns True only when the person said yes."""

    CSS = """
    ReplaceScreen { align: center middle; }
    ReplaceScreen > Vertical {
        width: 80%; max-width: 70; height: auto; padding: 1 2; background: $surface; border: round $error;
    }
    ReplaceScreen.-ascii > Vertical { border: ascii $error; }
    ReplaceScreen Label { width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "replace", "Replace"),
        ("n,escape,q", "leave", "Keep"),
    ]

    def __init__(self, question: str, *, ascii_only: bool = False) -> None:
        super().__init__(classes="-ascii" if ascii_only else "")
        self.question = question

    def compose(self) -> ComposeResult:
        """The question, and the answers there are."""
        with Vertical():
            yield Label(Content(self.question))
            yield Label(Content("y replaces · n or esc keeps it"))

    def action_replace(self) -> None:
        """Say yes."""
        self.leave(True)
