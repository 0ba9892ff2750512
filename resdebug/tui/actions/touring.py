"""The guided tour: beginning it, following it, ending it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resdebug.tui.actions.acting import Acting
from resdebug.tui.panes.widgets import TourPane

if TYPE_CHECKING:
    from resdebug.tui.session import Session
    from resdebug.tui.tour import Tour


class TourActions(Acting):
    """A tour runs on a network of its own; afterwards everything is as it was."""

    tour: Tour | None = None
    wants_tour: bool = False
    """Whether the tour begins as soon as its network is there."""
    _before: tuple[Session, str] | None = None

    def action_tour(self) -> None:
        """Begin the tour, on its own network, or end it."""
        if self.tour is not None:
            self.end_tour()
            return
        self.tell("loading the network of the tour …")
        self.run_worker(self._load_tour, thread=True, exit_on_error=True)

    def _load_tour(self) -> None:
        from resdebug.api import open_pass
        from resdebug.tui.session import Session
        from resdebug.tui.tour import NETWORK, network_path

        session = Session(open_pass(network_path()), NETWORK)
        session.prepare(lambda *_: None)
        self.app.call_from_thread(self._tour_loaded, session)

    def _tour_loaded(self, session: Session) -> None:
        self._before = self.needed, self.shown_name
        self.session = session
        self.begin_tour()

    def begin_tour(self) -> None:
        """Show the first step."""
        from resdebug.tui.tour import Tour

        self.tour = Tour()
        self.query_one(TourPane).tell(self.tour)
        self.call_after_refresh(self.refresh_panes)

    def follow_tour(self) -> None:
        """Go on in the tour when the person has done what it asked for."""
        if self.tour is not None and self.session is not None and self.tour.look(self.session):
            self.query_one(TourPane).tell(self.tour)
            self.call_after_refresh(self.refresh_panes)

    def end_tour(self) -> None:
        """Take the tour away, and bring back what was there before."""
        self.tour = None
        self.query_one(TourPane).tell(None)
        if self._before is not None:
            self.session, self.shown_name = self._before
            self._before = None
        self.call_after_refresh(self.refresh_panes)
