"""Traces that hold a part of a pass, on the same screens: what is not there is said where it would stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual import events
from textual.keys import key_to_character

import resdebug
from resdebug.debugger.commands.table import BUILT_IN
from resdebug.export.registry import export
from resdebug.passes.events import Completed
from resdebug.passes.protocol import Of
from resdebug.passes.recorded import RecordedPass
from resdebug.passes.selection import selection
from resdebug.tui.commands import ONE_PASS
from resdebug.tui.session import Session
from tests.support import GRAPHS
from tests.tui.driving import opened

KINDS = {
    "stats": ("stats", []),
    "adjoints": ("adjoints", []),
    "nodes": ("full", ["conv*", "x"]),
    "some adjoints": ("adjoints", ["relu*"]),
}
ELSEWHERE = {"q", "x", "P", "equals_sign", "f1", "T"}
"""Keys that leave, write files, ask for one, or begin something else."""
OPENING = {"slash", "colon", "question_mark", "ctrl+p", "w", "e", "M", "apostrophe"}
KEYS = [key for command in ONE_PASS for key in command.keys.split(",") if key not in ELSEWHERE]


@pytest.fixture(scope="module")
def live() -> resdebug.Pass:
    return resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json"))


def partial(live: resdebug.Pass, folder: Path, kind: str) -> RecordedPass:
    level, nodes = KINDS[kind]
    export(live, folder / "t.jsonl", selection=selection(level, nodes))
    return resdebug.load_trace(folder / "t.jsonl")


def broken_off(live: resdebug.Pass, folder: Path) -> RecordedPass:
    export(live, folder / "t.jsonl", selection=selection("stats"))
    lines = (folder / "t.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "cut.jsonl").write_bytes(b"".join(lines[:31]))
    return resdebug.load_trace(folder / "cut.jsonl", recover=True)


@pytest.mark.parametrize("kind", ["stats", "nodes", "broken off"])
async def test_every_key(kind: str, live: resdebug.Pass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pass_ = broken_off(live, tmp_path) if kind == "broken off" else partial(live, tmp_path, kind)
    async with opened(pass_, (120, 36), "t.jsonl") as d:
        debugger = d.session.debugger
        for position in (12, len(debugger.timeline)):
            debugger.jump(position)
            d.session.follow()
            for key in [*KEYS, *"vhhhh|DVVyD"]:
                d.app.post_message(events.Key(key, key_to_character(key)))
                if key in OPENING:
                    d.app.post_message(events.Key("escape", None))
            await d.pilot.pause()
            await d.app.workers.wait_for_complete()
            while d.app.screen is not d.app.main:
                await d.press("escape")
            await d.press("escape", "escape")
            assert d.app.is_running
        for view in range(len(d.session.views())):
            d.session.view = view
            d.app.main.refresh_panes()
        await d.pilot.pause()
        assert d.app.is_running


@pytest.mark.parametrize("kind", [*KINDS, "broken off"])
def test_every_command(kind: str, live: resdebug.Pass, tmp_path: Path) -> None:
    pass_ = broken_off(live, tmp_path) if kind == "broken off" else partial(live, tmp_path, kind)
    session = Session(pass_, "t.jsonl")
    for position in (12, 24, len(session.debugger.timeline)):
        for command in BUILT_IN:
            session.debugger.jump(position)
            for argument in (
                "",
                "x",
                "norm(adj(x)) > 1",
                "cos(skip, branch) < 0",
                "x[0,0,1,1]",
                str(tmp_path / "f.json"),
            ):
                if command.name not in {"quit", "export", "save"}:
                    lines = list(session.interpreter.lines(f"{command.name} {argument}"))
                    assert all("\n" not in line for line in lines), command.name
    assert "event" in next(session.interpreter.lines(f"export {tmp_path / 'again.jsonl'}"))
    assert "a recorded pass cannot be changed" in next(session.interpreter.lines(f"save {tmp_path / 'net.json'}"))


async def test_what_is_missing_is_said_where_it_would_stand(live: resdebug.Pass, tmp_path: Path) -> None:
    why = "not in this trace: written with --level stats"
    async with opened(partial(live, tmp_path, "stats"), (120, 36), "t.jsonl") as d:
        await d.press("9", "n")
        assert d.last() == Completed("x")
        assert "--level stats" in d.screen()
        size = live.size_of(Of.ADJOINT, "x")
        ledger = d.pane("ledger")
        assert ledger.count("not in this trace") == 3
        assert why in ledger
        assert re.search(r"1 add +skip .* 7\.40e-1", ledger)
        assert re.search(r"Σ +x̄ +1\.14e0", ledger)
        assert size == pytest.approx(1.14, abs=0.005)
        assert "complete: 2 contributions, not compared with the adjoint" in ledger
        assert "2 contributions were added, not averaged (skip + branch)" in d.pane("narration")
        assert why in d.pane("tensor")
        assert "1.13745" in d.pane("tensor")
        assert f"value and adjoint in full: {why}" in " ".join(d.pane("node").split())
        assert "1.14e0" in d.pane_of_graph()
        for key, told in (("y", f"no numbers to copy: {why}"), ("D", why)):
            await d.press(key)
            assert why.split(":", maxsplit=1)[0] in d.screen(), told
        await d.press("D", "o")
        assert 'this takes the adjoint of "x" in full' in d.pane("console")


async def test_what_is_there_is_shown_as_ever(live: resdebug.Pass, tmp_path: Path) -> None:
    pass_ = partial(live, tmp_path, "nodes")
    async with opened(live, (120, 36), "t.jsonl") as whole, opened(pass_, (120, 36), "t.jsonl") as d:
        for driver in (whole, d):
            await driver.press("9", "n", "v")
        for name in ("ledger", "tensor"):
            assert d.pane(name) == whole.pane(name)
        for driver in (whole, d):
            await driver.press("slash", *"relu1", "enter", "t")
        assert "not in this trace: written with --nodes conv* --nodes x" in d.pane("ledger"), (
            "the sum is said to be missing"
        )
        assert d.pane("narration") == whole.pane("narration")


async def test_a_report_leaves_out_what_it_cannot_tell(live: resdebug.Pass, tmp_path: Path) -> None:
    async with opened(partial(live, tmp_path, "stats"), (120, 60), "t.jsonl") as d:
        await d.press("R")
        await d.app.workers.wait_for_complete()
        await d.press("pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        assert re.search(r'Left out: blocks: this takes the contribution to "x" in full', d.screen())
