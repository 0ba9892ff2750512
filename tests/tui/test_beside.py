"""Two passes side by side go in step, by the names of their nodes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from textual import events
from textual.keys import key_to_character
from textual.widgets import Input

import resdebug
from resdebug.analysis.divergence.renames import Renames
from resdebug.analysis.divergence.walk import Walk
from resdebug.passes.events import Completed, Contributed, Evaluated
from resdebug.passes.protocol import Pass
from resdebug.tui.app import DebuggerApp, Opposite, Report
from resdebug.tui.commands import TWO_PASSES
from resdebug.tui.lines import Line
from resdebug.tui.pane import Pane
from resdebug.tui.screens.beside import BesideScreen
from resdebug.tui.session import Session
from tests.support import GRAPHS, Builder, block
from tests.tui.driving import Driver, loaded, opened


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
        await d.press("tab")
        assert "Ledger of conv1" in d.screen()
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
        assert "the two passes are the same: 16 values, 15 contributions, 16 adjoints" in d.screen()
        await d.press("d")
        assert "there is none" in d.screen()
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


@asynccontextmanager
async def opposed(
    first: Builder, second: Builder, size: tuple[int, int] = (120, 36), *maps: tuple[str, str]
) -> AsyncIterator[tuple[Driver, BesideScreen]]:
    """The app as ``resdebug diff --screen`` opens it, compared to the end."""

    def load(pass_: Pass, _report: Report) -> Walk:
        walk = Walk(pass_, second.run(), renames=Renames(maps))
        walk.go_on(everything=False)
        return walk

    app = DebuggerApp(lambda _report: first.run(), "ours.json", opposite=Opposite("theirs.json", load, "theirs.json"))
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        await loaded(app, pilot)
        await app.workers.wait_for_complete()
        await pilot.pause(0.05)
        assert isinstance(app.screen, BesideScreen)
        yield Driver(app, pilot), app.screen


NAMES = {"conv1": "body.c1", "conv2": "body.c2"}


def other(factor: float) -> Builder:
    """The same block under other names, its second kernel larger by a factor at one element."""
    b = block(NAMES)
    kernel = np.array(b.graph.nodes["W2"]["value"])
    kernel[1, 0, 2, 1] *= factor
    b.graph.nodes["W2"]["value"] = kernel
    return b


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 36), (200, 60)])
async def test_it_opens_where_the_two_part_first(size: tuple[int, int]) -> None:
    ours = block()
    kernel = np.asarray(ours.graph.nodes["W2"]["value"])
    async with opposed(ours, other(1.5), size, ("conv*", "body.c*")) as (d, screen):
        left, right = screen.pair.left, screen.pair.right
        assert left.debugger.last == right.debugger.last == Evaluated("W2")
        told = d.screen()
        assert re.search(r"the first divergence of 35|≠ 1 of 35", told), (
            "6 values, all of the reverse pass but the seed"
        )
        assert 'value of "W2" at [1, 0, 2, 1]' in told
        assert repr(float(kernel[1, 0, 2, 1])) in told
        assert repr(float(kernel[1, 0, 2, 1] * 1.5)) in told
        assert "relative error" in told
        assert "looks like other numbers" in told
        events = [found.event for found in screen.pair.walk.result.divergences]
        assert events == sorted(events)
        await d.press("a")
        assert left.debugger.position == events[1]
        assert (left.selected, right.selected) == ("conv2", "body.c2")
        assert '"conv2" ("body.c2" in B)' in d.screen()
        await d.press("2", "a", "A")
        assert left.debugger.position == events[2]
        await d.press("4", "d")
        assert left.debugger.position == events[3]
        await d.press("G", "a")
        assert "no divergence after this" in d.screen()
        await d.press("d", "A")
        assert "no divergence before this" in d.screen()
        assert left.debugger.position == events[0]
        await d.press("N")
        assert "the same up to here" in d.screen()
        await d.press("question_mark")
        assert "Two passes side by side" in d.screen()
        assert "First divergence" in "\n".join(text for line in _help(d) for text, _ in line)
        await d.press("escape", "q")
    assert d.app.return_code == 0
    assert d.app.walk is not None
    assert not d.app.walk.result.same


def _help(d: Driver) -> list[Line]:
    return list(d.app.screen.query_one("#help", Pane).lines)


async def test_the_element_that_differs_is_pointed_at_in_both_tensors() -> None:
    async with opposed(block(), other(1.5), (120, 36), ("conv*", "body.c*")) as (d, screen):
        await d.press("tab", "tab")
        kernel = np.asarray(block().graph.nodes["W2"]["value"])
        for factor in (1.0, 1.5):
            assert f"[1,0,2,1] = {float(kernel[1, 0, 2, 1] * factor)!r} float64" in d.screen()
        await d.press("a")
        assert screen.pair.right.shown_view() == screen.pair.left.shown_view() == 0


async def test_two_that_agree_say_so_and_what_is_not_there_is_told() -> None:
    async with opposed(block(), block(), (80, 24)) as (d, _):
        assert "the two passes are the same" in d.screen()
        await d.press("escape")
        assert d.app.screen is d.app.main
        await d.press("equals_sign")
        assert d.app.screen.query_one(Input).value == "theirs.json"
        await d.press("escape", "q")
    assert d.app.walk is not None
    assert d.app.walk.result.same
    async with opposed(block(), block(NAMES), (80, 24)) as (d, screen):
        assert "only in A: 2 nodes: conv1, conv2" in d.screen()
        assert "only in B: 2 nodes: body.c1, body.c2" in d.screen()
        graph = d.app.screen.query_one("#graph-right", Pane)
        rows = screen.pair.right.rows
        y = rows.row_of[screen.pair.right.network["body.c2"].index]
        await d.pilot.click(graph, offset=(12, 1 + y))
        assert screen.pair.right.selected == "body.c2"
        assert "body.c2 is only in B" in d.screen()
        y = rows.row_of[screen.pair.right.network["relu1"].index]
        await d.pilot.click(graph, offset=(12, 1 + y))
        assert screen.pair.left.selected == screen.pair.right.selected == "relu1"


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_every_key_beside(size: tuple[int, int]) -> None:
    keys = [key for command in TWO_PASSES for key in command.keys.split(",") if key not in {"q", "P", "T"}]
    async with opposed(block(), other(1.5), size, ("conv*", "body.c*")) as (d, screen):
        for _ in range(2):
            for key in keys:
                d.app.post_message(events.Key(key, key_to_character(key)))
                if key in {"slash", "question_mark", "ctrl+p"}:
                    d.app.post_message(events.Key("escape", None))
                if key == "escape":
                    await d.pilot.pause()
                    d.app.main.show_beside(screen.pair)
                    await d.pilot.pause()
            await d.pilot.pause()
        assert d.app.is_running
        debugger = screen.pair.left.debugger
        assert 0 <= debugger.position <= len(debugger.timeline)
