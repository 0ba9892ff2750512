"""The export dialog: what it says before it writes, and what it writes then."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import IO

import pytest
from textual.widgets import Input, Label

import resdebug
from resdebug.export import json_lines
from resdebug.export.registry import FORMATS, Progress, Request
from resdebug.passes.protocol import Of, Pass
from resdebug.tui.screens import export as export_screen
from resdebug.tui.screens.choice import Choice
from resdebug.tui.screens.export import ExportScreen
from tests.support import block
from tests.tui.driving import Driver, opened


async def dialog(d: Driver) -> ExportScreen:
    await d.press("x")
    await settled(d)
    screen = d.app.screen
    assert isinstance(screen, ExportScreen)
    return screen


async def settled(d: Driver) -> None:
    await d.pilot.pause(0.03)
    await d.app.workers.wait_for_complete()
    await d.pilot.pause()


def shown(screen: ExportScreen, name: str) -> str:
    label = screen.query_one(f"#{name}", Label)
    return str(label.render()) if label.display else ""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export_screen, "_PAUSE", 0.01)
    return tmp_path


async def test_every_format_tells_what_it_would_write(here: Path) -> None:
    async with opened(block().run(), (80, 24)) as d:
        screen = await dialog(d)
        assert screen.query_one("#format", Choice).words == tuple(FORMATS)
        assert "asciicast" in FORMATS
        await d.press("tab")
        for name, format_ in list(FORMATS.items())[1:]:
            await d.press("right")
            await settled(d)
            assert screen.format is format_, name
            assert screen.query_one("#path", Input).value == f"test.trace{format_.suffix}"
            assert shown(screen, "problem") == ""
            assert shown(screen, "size")
            assert shown(screen, "content")
            assert str(here / f"test.trace{format_.suffix}") in shown(screen, "place")
            assert "esc goes back" in d.screen()
        assert list(here.iterdir()) == []


async def test_a_session_is_recorded_from_within_one(here: Path) -> None:
    """It is the pass from its seed, whatever the person does meanwhile, and the app goes on as it was."""
    async with opened(block().run(), (100, 30)) as d:
        await d.press("n", "n")
        before = d.screen()
        screen = await dialog(d)
        screen.query_one("#path", Input).value = "s.cast"
        await d.pilot.pause(0.05)
        await settled(d)
        assert "15 steps, node by node, on 100×30: 17 s" in shown(screen, "content")
        await d.press("enter")
        await settled(d)
        assert d.screen().split("\n")[:-1] == before.split("\n")[:-1]
        await d.press("N")
        assert d.session.debugger.position < 20
    lines = [json.loads(line) for line in (here / "s.cast").read_text(encoding="utf-8").splitlines()]
    assert sum(line[1] == "m" for line in lines[1:]) == 15
    assert [p.name for p in here.iterdir()] == ["s.cast"]


async def test_level_and_nodes_are_chosen_in_it(here: Path) -> None:
    async with opened(block().run(), (80, 24)) as d:
        screen = await dialog(d)
        assert "every value, contribution and adjoint" in shown(screen, "content")
        await d.press("tab", "tab", "left", "tab")
        await d.press(*"conv* 'x'")
        await d.until(lambda: "3 tensors with all their numbers" in shown(screen, "content"))
        before = screen.preview
        assert before is not None
        assert before.size is not None
        await d.press("enter")
        await settled(d)
        trace = here / "test.trace.jsonl"
        assert trace.stat().st_size == pytest.approx(before.size.bytes, rel=0.2)
        recorded = resdebug.load_trace(trace)
        assert [n.name for n in recorded.network.nodes if recorded.holds(Of.ADJOINT, n.name)] == ["x", "conv1", "conv2"]


async def test_faults_stay_in_the_dialog(here: Path) -> None:
    (here / "folder").mkdir()
    async with opened(block().run(), (80, 24)) as d:
        screen = await dialog(d)
        path, nodes = screen.query_one("#path", Input), screen.query_one("#nodes", Input)
        for name, pattern, told in (
            ("t.jsonl", "konv*", "no node matches"),
            ("t.jsonl", "'", "No closing quotation"),
            ("t.md", "conv*", "not written at the level"),
            ("no/t.jsonl", "", "there is no folder"),
            ("folder", "", "is a directory"),
            ("", "", "the file has no name yet"),
        ):
            path.value, nodes.value = name, pattern
            await settled(d)
            assert told in shown(screen, "problem")
            assert shown(screen, "size") == ""
            await d.press("enter")
            await settled(d)
            assert d.app.screen is screen
        assert sorted(p.name for p in here.iterdir()) == ["folder"]
        path.value = "t.csv"
        await settled(d)
        assert screen.format.name == "csv"
        assert shown(screen, "problem") == ""


async def test_long_work_is_shown_and_can_be_given_up(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, go_on = threading.Event(), threading.Event()
    real = json_lines.write

    def slow(pass_: Pass, stream: IO[bytes], progress: Progress, request: Request | None = None) -> None:
        def tell(done: int, total: int) -> None:
            if done == 5:
                written.set()
                go_on.wait(5)
            progress(done, total)

        real(pass_, stream, tell, request)

    monkeypatch.setattr(json_lines, "write", slow)
    async with opened(block().run(), (80, 24)) as d:
        screen = await dialog(d)
        await d.press("enter")
        while not written.is_set():
            await d.pilot.pause(0.01)
        assert shown(screen, "problem")
        await d.press("escape")
        assert "given up: nothing was written" in d.screen()
        go_on.set()
        await settled(d)
        assert d.app.screen is screen
        assert list(here.iterdir()) == []
        written.clear()
        await d.press("enter")
        await settled(d)
        assert not isinstance(d.app.screen, ExportScreen)
        assert "Wrote test.trace.jsonl" in d.screen()
