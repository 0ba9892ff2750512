"""The guided tour: every step is done by the keys that it names, and it leaves everything as it was."""

from __future__ import annotations

import pytest

import resdebug
from resdebug.tui.app import DebuggerApp
from resdebug.tui.tour import STAGES, network_path
from tests.support import two_path
from tests.tui.driving import Driver, loaded, opened

KEYS = ["n", "n", "n", "s", "s", "5 n", "n", "N", "k k k"]
QUESTIONS = ["HOW IS BACKPROP DONE", "HOW DOES IT SKIP LAYERS", "ADDED OR AVERAGED", "FINITE DIFFERENCES"]


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_ten_steps_by_their_keys(size: tuple[int, int]) -> None:
    app = DebuggerApp(lambda _report: resdebug.differentiate(resdebug.load(network_path())), "resblock.json", tour=True)
    read = []
    async with app.run_test(size=size) as pilot:
        await loaded(app, pilot)
        d = Driver(app, pilot)
        for k, keys in enumerate([*KEYS, ""]):
            screen = d.screen()
            assert f"Tour {k + 1}/10" in screen
            assert STAGES[k].press in screen
            words = d.pane("tour")
            assert " ".join(words.split()).endswith(STAGES[k].text[-30:].strip())
            read.append(words)
            await d.press(*keys.split())
            await pilot.pause()
        await d.press("escape")
        assert "Tour" not in d.screen()
    whole = " ".join(" ".join(read).split())
    assert all(question in whole for question in QUESTIONS)
    assert len(STAGES) == 10


async def test_other_keys_do_no_harm_and_the_network_from_before_comes_back() -> None:
    async with opened(two_path().run(), (100, 30), "mine.json") as d:
        await d.press("2", "n")
        position = d.session.debugger.position
        await d.press("f1")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        assert "Tour 1/10" in d.screen()
        assert "relu2" in d.pane_of_graph()
        await d.press("c", "G", "g", "h", "v", "z")
        assert "Tour" in d.screen()
        await d.press("f1")
        await d.pilot.pause()
        assert "Tour" not in d.screen()
        assert d.session.pass_.target == "d"
        assert d.session.debugger.position == position
