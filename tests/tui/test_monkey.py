"""Thousands of random keys on every graph: nothing breaks, and time stays within its ends."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from textual import events
from textual.keys import key_to_character

import resdebug
from resdebug.tui.app import DebuggerApp
from resdebug.tui.commands import COMMANDS
from tests.support import GRAPHS
from tests.tui.driving import opened

LEFT_OUT = {"q", "x", "P", "equals_sign"}
"""Leaving, which the palette and the command line may do too and are kept from, and what writes or reads files."""
BOUND = sorted({key for command in COMMANDS for key in command.keys.split(",")} - LEFT_OUT)
KEYS = [*BOUND, *"0123456789", "escape"]
PRESSES = 1200


@pytest.mark.parametrize("graph", sorted(path.stem for path in GRAPHS.glob("*.json")))
async def test_random_keys(graph: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    leave = DebuggerApp.exit

    def stay(app: DebuggerApp, result: None = None, return_code: int = 0, message: None = None) -> None:
        if return_code:
            leave(app, result, return_code, message)

    monkeypatch.setattr(DebuggerApp, "exit", stay)
    rng = random.Random(graph)
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / f"{graph}.json"))
    async with opened(pass_, rng.choice([(120, 36), (80, 24), (50, 15)]), f"{graph}.json") as d:
        for _ in range(PRESSES // 25):
            for key in rng.choices(KEYS, k=25):
                d.app.post_message(events.Key(key, key_to_character(key)))
            await d.pilot.pause()
            assert d.app.is_running, d.app._exception
            debugger = d.session.debugger
            assert 0 <= debugger.position <= len(debugger.timeline)
            assert d.session.selected in d.session.network
        while d.app.screen is not d.app.main:
            await d.press("escape")
        await d.press("escape", "escape", "G")
        assert d.session.debugger.position == len(d.session.debugger.timeline)
    assert list(tmp_path.iterdir()) == []
