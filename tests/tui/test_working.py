"""What takes long is done aside, tells how far it is, and can be ended; searching and the palette."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style
from textual.command import CommandPalette
from textual.widgets import OptionList

import resdebug
from resdebug.errors import BadInput, Fault
from resdebug.passes.events import Completed
from resdebug.tui import palette
from resdebug.tui.actions import commanding, files
from resdebug.tui.commands import ONE_PASS
from resdebug.tui.pane import Pane
from resdebug.tui.screens.check import CheckScreen
from resdebug.tui.screens.working import WorkingScreen
from resdebug.tui.session import Session
from tests.support import GRAPHS, block, two_path
from tests.tui.driving import Driver, opened


def words(d: Driver) -> str:
    """The text of the window on top."""
    lines = [line for pane in d.app.screen.query("#outcome").results(Pane) for line in pane.lines]
    return "\n".join("".join(piece for piece, _ in line) for line in lines)


async def test_a_network_is_checked_from_the_app() -> None:
    async with opened(block().run(), (120, 36)) as d:
        await d.press("i")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        assert words(d).startswith("pass: ")
        assert "complex step" in words(d)
        assert "esc closes" in d.screen()
        await d.press("i")
        assert d.app.screen is d.app.main


async def test_a_wrong_rule_fails_the_check() -> None:
    async with opened(two_path().run(rule="mean"), (120, 36)) as d:
        await d.press("i")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        assert words(d).startswith("FAIL: ")
        assert "it is how contributions accumulate, first in a" in words(d)


class Slow(WorkingScreen):
    """Work that goes on until it is ended."""

    title_ = "Slow"
    ended: threading.Event

    def work(self) -> None:
        done = 0
        try:
            while True:
                self.report("digging", done, 100_000)
                done += 1
                self.ended.wait(0.01)
        finally:
            self.ended.set()


async def test_long_work_tells_how_far_it_is_and_ends_when_nobody_waits() -> None:
    async with opened(two_path().run(), (80, 24)) as d:
        slow = Slow()
        slow.ended = threading.Event()
        d.app.push_screen(slow)
        await d.until(lambda: "digging" in words(d))
        assert "of 100000" in words(d)
        assert "esc cancels" in d.screen()
        await d.press("escape")
        assert slow.ended.wait(5)
        assert d.app.screen is d.app.main
        assert d.app.is_running


class Failing(WorkingScreen):
    def work(self) -> None:
        raise BadInput(Fault("S001", "there is not enough memory", "give --memory 8G"))


async def test_what_is_wrong_with_the_work_is_told_with_what_to_do() -> None:
    async with opened(two_path().run(), (80, 24)) as d:
        d.app.push_screen(Failing())
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        assert "S001: there is not enough memory" in words(d)
        assert "give --memory 8G" in words(d)


@contextmanager
def gate(monkeypatch: pytest.MonkeyPatch, where: Any, name: str) -> Iterator[threading.Event]:
    """Hold up a function until the event is set."""
    event, inner = threading.Event(), getattr(where, name)

    def held(*arguments: Any, **settings: Any) -> Any:
        event.wait(10)
        return inner(*arguments, **settings)

    monkeypatch.setattr(where, name, held)
    try:
        yield event
    finally:
        event.set()


async def test_a_command_on_a_large_network_does_not_stop_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "is_large", True)
    with gate(monkeypatch, commanding, "execute") as go:
        async with opened(block().run(), (120, 36)) as d:
            position = d.session.debugger.position
            await d.burst("colon", *"finish", "enter")
            assert d.app.main.busy
            await d.pilot.pause(0.05)
            assert "finish …" in d.pane("footer")
            await d.burst("n", "G", "z")
            await d.click(20, 6)
            await d.click(100, 34)
            assert d.session.debugger.position == position
            await d.burst("question_mark", "escape")
            go.set()
            await d.app.workers.wait_for_complete()
            await d.pilot.pause()
            assert not d.app.main.busy
            assert d.session.debugger.position > position
            assert ": finish" in d.pane("console")
            assert "quit" in d.pane("footer")


async def test_loading_a_pass_beside_this_one_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started = threading.Event()

    def endless(path: Path, report: Callable[[str, int, int], None]) -> Session:
        started.set()
        for done in range(100_000):
            report("forward", done, 100_000)
            threading.Event().wait(0.01)
        raise AssertionError("nobody ended it")

    monkeypatch.setattr(files, "_opened", endless)
    async with opened(two_path().run(), (120, 36)) as d:
        d.app.main.compare_with("some.json")
        await d.until(started.is_set)
        await d.until(lambda: "some.json: forward" in d.pane("footer"))
        assert "esc cancels" in d.pane("footer")
        await d.burst("n")
        assert d.last() == Completed("d"), "the screen goes on meanwhile"
        await d.press("escape")
        assert "not loaded" in d.pane("footer")
        await d.app.workers.wait_for_complete([w for w in d.app.workers if w.is_running])
        assert d.app.screen is d.app.main


async def test_before_and_after_an_edit_stand_side_by_side() -> None:
    async with opened(resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json")), (120, 36)) as d:
        await d.burst("colon", *"set", "space", *"x", "space", "equals_sign", "space", "2", "enter", "escape", "E")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        assert type(d.app.screen).__name__ == "BesideScreen"


def styles(d: Driver, row: int) -> list[tuple[str, Style]]:
    pane = d.app.main.query_one("#graph", Pane)
    return [(s.text, s.style or Style()) for s in pane.render_line(row)]


async def test_a_search_shows_its_matches_while_it_is_typed() -> None:
    async with opened(resdebug.differentiate(resdebug.load(GRAPHS / "digits_resnet.json")), (120, 36)) as d:
        await d.press("slash")
        assert "type a part of a name" in d.pane("footer")
        await d.press(*"relu")
        assert "1 of 5: block2.relu2" in d.pane("footer")
        lit = [row for row in range(24) if any(style.underline for _, style in styles(d, row))]
        names = [d.pane_of_graph().splitlines()[row] for row in lit]
        assert len(names) == 5
        assert all("relu" in name for name in names)
        await d.press("down", "down")
        assert "3 of 5: block1.relu2" in d.pane("footer")
        assert d.session.selected == "block1.relu2"
        await d.press("up", *"x")
        assert "nothing of that name" in d.pane("footer")
        await d.press("escape")
        assert d.session.selected == "loss"
        assert "quit" in d.pane("footer")
        assert not d.session.matched
        await d.press("slash", *"relu", "enter", "full_stop")
        assert len(d.session.matched) == 5, "what was found stays marked"
        await d.press("escape")
        assert not d.session.matched


async def offered(d: Driver, query: str) -> list[str]:
    told: list[str] = []
    await d.burst("ctrl+p", *query)
    for _ in range(200):
        before = told
        await d.pilot.pause(0.05)
        options = d.app.screen.query_one(OptionList)
        told = [str(options.get_option_at_index(k).prompt).splitlines()[0] for k in range(options.option_count)]
        if told and told == before:
            break
    await d.burst("escape")
    return told


async def test_the_palette_has_our_commands_and_every_node() -> None:
    async with opened(block().run(), (120, 36)) as d:
        everything = await offered(d, "")
        assert everything == [f"{c.name} ({c.keys_text})" for c in ONE_PASS], "and nothing of Textual's own"
        assert (await offered(d, "conv"))[:2] == ["Select conv2", "Select conv1"]
        assert (await offered(d, "step"))[0].startswith("Step one node")
        assert (await offered(d, "W1"))[0] == "Select W1", "nodes that have no row of their own too"
        assert any(told.startswith("Lock the scale") for told in await offered(d, "steps show change"))


async def test_the_palette_in_ascii() -> None:
    async with opened(block().run(), (80, 24), plain=True) as d:
        await d.burst("ctrl+p", *"step")
        await d.until(lambda: "Step one node" in d.screen())
        assert isinstance(d.app.screen, CommandPalette)
        assert d.screen().isascii()


def test_likeness_is_surest_by_name() -> None:
    like = palette._likeness
    order = [
        like("step", "Step", "", 0),
        like("step", "Step one node", "", 0),
        like("one", "Step one node", "", 0),
        like("adjoint", "Step one node", "to the next adjoint", 0),
        like("sn", "Step one node", "", 5),
        like("zzz", "Step", "", 0),
    ]
    assert order == sorted(order, reverse=True)
    assert len(set(order)) == len(order)


async def test_a_check_of_a_trace_judges_its_own_adjoints(tmp_path: Path) -> None:
    from resdebug.export.registry import export

    export(block().run(), tmp_path / "t.jsonl")
    async with opened(resdebug.load_trace(tmp_path / "t.jsonl"), (120, 36)) as d:
        await d.press("i")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        assert isinstance(d.app.screen, CheckScreen)
        assert "the adjoints of the trace" in words(d)
        assert words(d).startswith("pass: ")
