"""Driving the app in tests: open it on a pass, press keys, read the screen as text."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual import events
from textual.keys import _character_to_key, key_to_character
from textual.pilot import Pilot

from resdebug.passes.events import Event
from resdebug.passes.protocol import Pass
from resdebug.tui.app import DebuggerApp
from resdebug.tui.pane import Pane
from resdebug.tui.panes.graph_widget import GraphPane
from resdebug.tui.session import Session

SIZES = [(50, 15), (80, 24), (120, 36), (200, 60)]


class Driver:
    """The app under test."""

    def __init__(self, app: DebuggerApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def session(self) -> Session:
        session = self.app.main.session
        assert session is not None
        return session

    def last(self) -> Event | None:
        """The event that happened last."""
        return self.session.debugger.last

    async def press(self, *keys: str) -> None:
        """Press keys as a person does, and wait until all is drawn and nothing moves."""
        await self.burst(*keys)
        await self.calm()

    async def burst(self, *keys: str) -> None:
        """Press keys one after the other, each as soon as the last was taken, and wait once, at the end."""
        for key in keys:
            name = key if len(key) > 1 or key.isalnum() else _character_to_key(key)
            self.app.post_message(events.Key(name, key if len(key) == 1 else key_to_character(key)))
            await self.pilot._wait_for_screen()
        await self.pilot.pause()

    async def click(self, x: int, y: int) -> None:
        """Click on a cell of the screen, and wait once."""
        for kind in (events.MouseDown, events.MouseUp, events.Click):
            self.app.screen._forward_event(kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y))
        await self.pilot.pause()

    async def until(self, what: Callable[[], object], seconds: float = 20) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, self.screen()
            await self.pilot.pause(0.02)

    async def calm(self) -> None:
        """Wait until nothing moves: a contribution that was sent is seen on its way."""
        while any(pane.pulse is not None and pane.pulse.running for pane in self.app.screen.query(GraphPane)):
            await self.pilot.pause(0.02)

    def screen(self) -> str:
        """The whole screen as plain text."""
        height = self.app.size.height
        strips = self.app.screen._compositor.render_strips()
        lines = ["".join(segment.text for segment in strip) for strip in strips]
        assert len(lines) == height
        return "\n".join(line.rstrip() for line in lines)

    def pane_of_graph(self) -> str:
        """The rows of the graph pane that are in view."""
        pane = self.app.main.query_one("#graph", Pane)
        assert isinstance(pane, GraphPane)
        shown = min(pane.size.height, pane.count - pane.top)
        return "\n".join(pane.render_line(y).text.rstrip() for y in range(shown))

    def pane(self, name: str) -> str:
        """The lines of a pane as plain text, also those scrolled out of sight."""
        pane = self.app.main.query_one(f"#{name}", Pane)
        return "\n".join("".join(text for text, _ in line) for line in pane.lines)


async def loaded(app: DebuggerApp, pilot: Pilot[None]) -> None:
    """Wait until the app has loaded what it opens; loading begins only after the first picture."""
    for _ in range(3000):
        if app.main.session is not None or app.failure is not None or not app.is_running:
            break
        await pilot.pause(0.01)
    await pilot.pause()


@asynccontextmanager
async def opened(
    source: Pass | Callable[[], Pass],
    size: tuple[int, int] = (120, 36),
    name: str = "test.json",
    *,
    plain: bool = False,
) -> AsyncIterator[Driver]:
    """Open the app on a pass, notifications and tooltips on, and wait until it is drawn."""
    app = DebuggerApp(lambda _report: source if isinstance(source, Pass) else source(), name, ascii_only=plain)
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        await loaded(app, pilot)
        yield Driver(app, pilot)
