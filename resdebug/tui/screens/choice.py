"""One of a few words, chosen with the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static


class Choice(Static):
    """Shows the word that is chosen between two arrows, and what it means after it; left and right choose another."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; color: $foreground; text-wrap: nowrap; text-overflow: ellipsis; }
    Choice:focus { background: $accent 30%; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("left", "choose(-1)", "Previous"),
        ("right,space", "choose(1)", "Next"),
    ]
    can_focus = True

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

        @property
        def control(self) -> Choice:
            """The choice that it was made in."""
            return self.choice

    def __init__(self, words: Sequence[str], chosen: str, *, id: str, ascii_only: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self.words = tuple(words)
        self.chosen = chosen
        self.about = ""
        self.ascii_only = ascii_only

    def offer(self, words: Sequence[str], chosen: str, about: str = "") -> None:
        """Offer other words; tells nobody."""
        self.words, self.chosen, self.about = tuple(words), chosen, about
        self.write()

    def on_mount(self) -> None:
        """Show what is chosen."""
        self.write()

    def write(self) -> None:
        """Show the chosen word; arrows where there are others."""
        left, right = ("<", ">") if self.ascii_only else ("‹", "›")
        word = f"  {self.chosen}  "
        if len(self.words) > 1:
            at = self.words.index(self.chosen) + 1 if self.chosen in self.words else 0
            word = f"{left} {self.chosen} {right} {at}/{len(self.words)}"
        self.update(Content(f"{word}  {self.about}".rstrip()))

    def action_choose(self, step: int) -> None:
        """Choose the next word, or the one before."""
        if len(self.words) > 1:
            at = self.words.index(self.chosen) if self.chosen in self.words else 0
            self.chosen = self.words[(at + step) % len(self.words)]
            self.write()
            self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        """The left arrow goes back, anything else on."""
        self.focus()
        self.action_choose(-1 if event.x < 2 else 1)
