"""Two passes side by side go in step, by the names of their nodes."""

from __future__ import annotations

import resdebug
from resdebug.passes.events import Completed, Contributed
from resdebug.tui.screens.beside import BesideScreen
from resdebug.tui.session import Session
from tests.support import GRAPHS
from tests.tui.driving import Driver, opened


async def beside(d: Driver, other: str) -> BesideScreen:
    d.app.main.compare_with(str(GRAPHS / other))
    await d.app.workers.wait_for_complete()
    await d.pilot.pause(0.1)
    screen = d.app.screen
    assert isinstance(screen, BesideScreen)
    return screen


async def test_in_step_by_name() -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / "residual20.json"))
    async with opened(pass_, (120, 36), "residual20.json") as d:
        screen = await beside(d, "plain20.json")
        left, right = d.session, screen.other
        await d.press("n", "n")
        assert left.debugger.last == right.debugger.last == Completed("relu20")
        await d.press("n")
        assert left.debugger.last == Completed("add10")
        assert right.debugger.last == Completed("relu20"), "plain20 has no additions"
        assert "has no node of this name" in d.screen()
        await d.press("slash", *"conv1", "enter", "t")
        assert right.debugger.last == Completed("conv1")
        ratio = float(resdebug_norm(left, "conv1") / resdebug_norm(right, "conv1"))
        assert ratio > 1e3, "the vanished gradient"
        told = d.screen().replace(" ", "")
        assert f"ratio{ratio:.2e}".replace("e+0", "e") in told
        await d.press("S")
        event = left.debugger.last
        assert isinstance(event, Contributed)
        await d.press("g")
        assert right.debugger.position == 0
        await d.press("1", "2", "n", "N")
        assert left.debugger.position == 11
        await d.press("escape")
        assert d.app.screen is d.app.main
        assert "Ledger" in d.screen()


def resdebug_norm(session: Session, node: str) -> float:
    adjoint = session.pass_.adjoint(node)
    assert adjoint is not None
    return float((adjoint.astype("float64") ** 2).sum() ** 0.5)


async def test_the_same_pass_is_equal_and_a_bad_file_is_told() -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json"))
    async with opened(pass_, (120, 36), "resblock.json") as d:
        d.app.main.compare_with("/nowhere/at_all.json")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause(0.1)
        assert d.app.screen is d.app.main
        assert "at_all.json" in d.screen()
        await beside(d, "resblock.json")
        await d.press("G")
        assert d.screen().count("equal bit for bit") == 2
        await d.press("q")
        assert d.app.screen is d.app.main


async def test_the_file_is_asked_for() -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / "two_path.json"))
    async with opened(pass_, (80, 24), "two_path.json") as d:
        await d.press("equals_sign")
        assert "beside this one" in d.screen()
        await d.press("enter")
        await d.press("escape")
        assert d.app.screen is d.app.main
