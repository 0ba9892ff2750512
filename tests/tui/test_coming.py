"""A network is shown before its pass has been run, and its numbers as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

import pytest

import resdebug
from resdebug.network.progress import Report
from resdebug.passes.changed import same_bits
from resdebug.passes.coming import NOT_YET, ComingPass
from resdebug.passes.live import LivePass
from resdebug.passes.protocol import Of
from resdebug.tui import app as app_module
from resdebug.tui.app import DebuggerApp
from tests.support import GRAPHS, block
from tests.tui.driving import Driver, loaded


class Held(ComingPass):
    """A pass whose run waits at some place until it may go on."""

    def __init__(self, network: resdebug.Network, phase: str, at: int) -> None:
        super().__init__(network)
        self.place = phase, at
        self.there, self.go_on = Event(), Event()

    def run(self, report: Report | None = None) -> LivePass:
        def wait(phase: str, done: int, total: int) -> None:
            if report is not None:
                report(phase, done, total)
            if (phase, done) == self.place:
                self.there.set()
                assert self.go_on.wait(60)

        return super().run(wait)


@asynccontextmanager
async def held(phase: str, at: int, name: str = "residual20") -> AsyncIterator[tuple[Driver, Held]]:
    coming = Held(resdebug.load(GRAPHS / f"{name}.json"), phase, at)
    app = DebuggerApp(lambda _: coming, f"{name}.json")
    async with app.run_test(size=(120, 36)) as pilot:
        await loaded(app, pilot)
        while not coming.there.is_set():
            await pilot.pause(0.01)
        try:
            yield Driver(app, pilot), coming
        finally:
            coming.go_on.set()


@pytest.fixture(autouse=True)
def every_network_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "MANY_NUMBERS", 0)
    monkeypatch.setattr(app_module, "_REPORT_EVERY", 0.0)


async def finish(d: Driver, coming: Held) -> None:
    coming.go_on.set()
    for _ in range(2000):
        if d.session.ready:
            break
        await d.pilot.pause(0.01)
    await d.pilot.pause()


async def test_the_graph_is_there_before_the_numbers() -> None:
    async with held("forward", 5) as (d, coming):
        await d.pilot.pause(0.05)
        header = d.screen().split("\n")[0]
        assert "forward 5 of " in header
        assert "loss =" not in header
        before = [line.split()[-1] for line in d.pane_of_graph().splitlines() if line.strip()]
        assert len(before) > 10
        assert "not computed yet" in d.pane("node")
        await d.press("n", "n", "j", "j", "z")
        position, selected = d.session.debugger.position, d.session.selected
        assert "not computed yet" in d.screen()
        await d.press("e", "w", "x", "c")
        assert (d.session.debugger.position, d.app.screen) == (position, d.app.main), "what needs numbers waits"
        await finish(d, coming)
        assert (d.session.debugger.position, d.session.selected) == (position, selected)
        assert "not computed yet" not in d.screen()
        assert "loss =" in d.screen().split("\n")[0]
        await d.press("n")
        assert d.session.debugger.position > position


async def test_numbers_come_as_they_are_computed() -> None:
    async with held("reverse", 4) as (d, coming):
        await d.press("n", "n", "n")
        done = d.session.selected
        later = coming.network.nodes[coming.schedule.reverse[9]].name
        assert coming.network[done].index in coming.schedule.reverse[1:4]
        assert "✓ complete" in d.pane("ledger")
        shown = d.pane("ledger")
        d.session.select(later)
        d.app.main.refresh_panes()
        assert "not computed yet" in d.pane("node")
        await finish(d, coming)
        d.session.select(done)
        d.app.main.refresh_panes()
        assert d.pane("ledger") == shown


async def test_leaving_ends_the_run() -> None:
    async with held("forward", 3) as (d, coming):
        await d.press("q")
        coming.go_on.set()
        assert d.app.return_code == 0


def test_what_there_is_of_a_coming_pass() -> None:
    network = block(projection=True).network()
    coming = Held(network, "reverse", 3)
    for name in (node.name for node in network.nodes):
        if coming.exists(Of.VALUE, name):
            assert coming.lacking(Of.VALUE, name) == NOT_YET
        assert coming.summary(Of.ADJOINT, name) is None
        assert coming.ledger(name) == ()
    seen: list[tuple[bool, ...]] = []

    def look(phase: str, _done: int, _total: int) -> None:
        if phase == "reverse":
            seen.append(tuple(coming.holds(Of.ADJOINT, network.nodes[i].name) for i in coming.schedule.reverse))

    whole = ComingPass.run(coming, look)
    count = len(coming.schedule.reverse)
    # A parameter's gradient may be made aside; all others are there in the order of the visits.
    for done, holds in enumerate(seen, start=1):
        assert not any(holds[done:])
        assert holds[0]
    for i in coming.schedule.reverse:
        name = network.nodes[i].name
        assert same_bits(whole.adjoint(name), coming.adjoint(name))
        for row, expected in zip(coming.ledger(name), whole.ledger(name), strict=True):
            assert row.running.tobytes() == expected.running.tobytes()
    assert len(seen) == count
    plain = resdebug.differentiate(network)
    for node in network.nodes:
        if coming.exists(Of.VALUE, node.name):
            assert same_bits(coming.value(node.name), plain.value(node.name))
