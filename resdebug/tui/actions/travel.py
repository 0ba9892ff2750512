"""Commands that move time."""

from __future__ import annotations

from textual import on
from textual.timer import Timer

from resdebug.tui.actions.acting import Acting
from resdebug.tui.panes.timeline_widget import TimelinePane

SLOWEST, FASTEST = 0.5, 64.0


class TravelActions(Acting):
    """Forward and backward in time."""

    speed: float = 2.0
    """Steps a second while playing."""
    _playing: Timer | None = None

    def action_step(self, granularity: str) -> None:
        """Step forward."""
        self.needed.debugger.step(granularity, self.count() or 1)
        self.moved()

    def action_back(self, granularity: str) -> None:
        """Step back."""
        self.needed.debugger.back(granularity, self.count() or 1)
        self.moved()

    def action_resume(self, reverse: bool) -> None:
        """Continue to a stop."""
        debugger = self.needed.debugger
        for _ in range(min(self.count() or 1, len(debugger.timeline))):
            if debugger.resume(reverse=reverse) is None:
                kind = "stop" if len(debugger.stops) else "fork"
                where = "start" if reverse else "end"
                self.tell(f"no further {kind}: this is the {where} of the pass")
                break
        self.moved()

    def action_jump_start(self) -> None:
        """Go to the start, or to the event whose number was typed."""
        self.needed.debugger.jump(self.count() or 0)
        self.moved()

    def action_jump_end(self) -> None:
        """Go to the end, or to the event whose number was typed."""
        debugger = self.needed.debugger
        debugger.jump(self.count() or len(debugger.timeline))
        self.moved()

    def action_to_selection(self) -> None:
        """Run to where the selected node's adjoint is complete."""
        session = self.needed
        session.count = ""
        name = session.selected
        session.debugger.to_node(name)
        self.moved()
        session.select(name)
        self.refresh_panes()

    def action_play(self) -> None:
        """Step on and on, or stop doing so."""
        if self._playing is not None:
            self.stop_playing()
            return
        if self.app.animation_level == "none":
            self.tell("motion is reduced by the settings: n steps, a count before it steps often")
            return
        session = self.needed
        if session.debugger.position >= len(session.debugger.timeline):
            session.debugger.jump(session.debugger.timeline.seeded)
        self._playing = self.set_interval(1 / self.speed, self._play)
        self.tell(f"playing, {self.speed:g} steps a second; space stops, + and - change the speed")

    def stop_playing(self) -> None:
        """Stop stepping on."""
        if self._playing is not None:
            self._playing.stop()
            self._playing = None

    def _play(self) -> None:
        debugger = self.needed.debugger
        before = debugger.position
        if self.busy:
            return
        if self.app.screen is not self or debugger.step() == before:
            self.stop_playing()
        else:
            self.moved()

    def action_speed(self, factor: float) -> None:
        """Play faster or slower."""
        self.speed = min(max(self.speed * factor, SLOWEST), FASTEST)
        self.tell(f"{self.speed:g} steps a second", timeout=1.5)
        if self._playing is not None:
            self._playing.stop()
            self._playing = self.set_interval(1 / self.speed, self._play)

    @on(TimelinePane.Clicked)
    def moment_clicked(self, message: TimelinePane.Clicked) -> None:
        """Jump to the moment that was clicked."""
        if not self.busy:
            self.needed.debugger.jump(message.position)
            self.moved()
