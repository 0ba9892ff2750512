"""What every group of commands may count on: a screen with a session, and panes that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from resdebug.tui.commands import ONE_PASS, Command, KeysOf, written
from resdebug.tui.panes.widgets import FooterPane, SessionPane
from resdebug.tui.textual_insides import paint

if TYPE_CHECKING:
    from resdebug.tui.session import Session


class Acting(Screen[None]):
    """A screen on a session; while ``session`` is None the network is still being loaded."""

    session: Session | None = None
    shown_name: str = ""
    ascii_only: bool = False
    active: str = "ledger"
    """The pane that scrolls, and that help is about."""
    keys_of: KeysOf = staticmethod(written)
    commands: tuple[Command, ...] = ONE_PASS
    """What can be done here."""
    busy: bool = False
    """Whether a command is at work in the background: until it has ended, only leaving and help work."""

    def refresh_panes(self) -> None:
        """Let every pane show the session as it is now."""
        if self.session is not None:
            self.session.count = ""
            self.show_session()
            self.follow_tour()
            self.session.ahead.look()

    def show_session(self) -> None:
        """Draw what the panes show of the session, and paint it at once."""
        panes = list(self.query(SessionPane))
        for pane in panes:
            pane.update_from(self.needed)
        paint(self, panes)

    def follow_tour(self) -> None:
        """Let a tour, if there is one, see what was done."""

    def count(self) -> int | None:
        """Return the count that was typed, and forget it."""
        session = self.needed
        typed, session.count = session.count, ""
        return int(typed) if typed else None

    @property
    def needed(self) -> Session:
        """The session; commands run only when there is one."""
        return cast("Session", self.session)

    def moved(self) -> None:
        """Time has moved: the selection follows."""
        self.needed.follow()
        self.refresh_panes()

    def tell(self, text: str, timeout: float = 3) -> None:
        """Tell the person something at the bottom, for some seconds."""
        self.query_one(FooterPane).tell(text, timeout)
