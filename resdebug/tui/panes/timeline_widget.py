"""The timeline as a widget: a click or a drag jumps, the mouse above it tells what happened there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.message import Message

from resdebug.tui.panes.widgets import SessionPane

if TYPE_CHECKING:
    from resdebug.tui.panes.timeline import Profile
    from resdebug.tui.session import Session


class TimelinePane(SessionPane):
    """Norms along the pass; a click jumps, and so does dragging."""

    class Clicked(Message):
        """The person pointed at a moment of the pass."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

    profile: Profile | None = None
    _for: tuple[int, int, int] = (0, 0, 0)
    _dragged = False

    def draw(self, session: Session) -> None:
        """Write the profile and the ruler."""
        from resdebug.tui.panes.timeline import Profile, timeline_lines

        key = (id(session), session.edition, self.size.width)
        if self.profile is None or self._for != key:
            self.profile, self._for = Profile(session, self.size.width), key
        self.show(timeline_lines(session, self.profile, self.size.height))

    def _position(self, x: int) -> int | None:
        from resdebug.tui.panes.timeline import LABEL

        return self.profile.position(x - LABEL) if self.profile is not None and x >= LABEL else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Jump to the event under the mouse, and follow it until it is let go."""
        position = self._position(event.x)
        if position is not None:
            self._dragged = True
            self.capture_mouse()
            self.post_message(self.Clicked(position))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow a drag; else tell what happened at the moment under the mouse."""
        position = self._position(event.x)
        if position is None or self.session is None:
            self.tooltip = None
        elif self._dragged:
            self.post_message(self.Clicked(position))
        else:
            from resdebug.tui.panes.timeline import moment

            self.tooltip = Text(moment(self.session, position))

    def on_mouse_up(self) -> None:
        """Let go."""
        if self._dragged:
            self._dragged = False
            self.release_mouse()
