"""Every key of the debugger screen, on the model and on the screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

import resdebug
from resdebug.passes.events import Completed, Contributed, Seeded
from resdebug.tui.app import DebuggerApp
from resdebug.tui.commands import COMMANDS, ONE_PASS
from resdebug.tui.pane import Pane
from resdebug.tui.screens.export import ExportScreen
from resdebug.tui.screens.help import HelpScreen
from resdebug.tui.screens.replace import ReplaceScreen
from tests.support import block, residual_chain, two_path
from tests.tui.driving import Driver, opened


async def test_opens_at_the_seed_and_says_so() -> None:
    async with opened(two_path().run()) as d:
        assert d.last() == Seeded("d")
        assert "d̄ = ∂d/∂d = 1" in d.screen()


async def test_n_and_capital_n_move_one_node() -> None:
    async with opened(two_path().run()) as d:
        await d.press("n", "n", "n")
        assert d.last() == Completed("a")
        assert d.session.selected == "a"
        await d.press("N")
        assert d.last() == Completed("c")
        await d.press("right", "left")
        assert d.last() == Completed("c")


async def test_the_ledger_at_the_fork_adds_by_hand() -> None:
    async with opened(two_path().run()) as d:
        await d.press("s")
        assert "so far, 1 of 2" in d.pane("ledger")
        await d.press("n", "n")
        ledger = d.pane("ledger")
        sums = [line.split("‖")[0].rstrip() for line in ledger.splitlines()]
        assert "     7.0  = 1 ⊙ 7" in sums
        assert "  +  4.0" in [line.split("cos")[0].rstrip() for line in sums]
        assert "    11.0    7.0 + 4.0 = 11.0" in sums
        assert "2 added, not averaged; equal to the adjoint" in ledger
        assert "numbers ā = 7 + 4 = 11" in d.pane("node")


async def test_s_shows_skip_and_branch_arriving_one_after_the_other() -> None:
    async with opened(block().run()) as d:
        while d.last() != Completed("add"):
            await d.press("n")
        await d.press("s", "s")
        last = d.last()
        assert isinstance(last, Contributed)
        assert (last.edge.consumer, last.edge.source) == ("add", "x")
        ledger = d.pane("ledger")
        assert "▶ 1 add          skip" in ledger
        assert "conv1 (branch) … still to come" in ledger
        assert "the adjoint passes" in d.pane("narration")
        await d.press("S")
        assert "skip" not in d.pane("ledger")


async def test_counts() -> None:
    async with opened(residual_chain(8).run()) as d:
        await d.press("1", "0", "n")
        ten = d.session.debugger.position
        await d.press("g", "G", "5", "N", "escape")
        d.session.debugger.jump(d.session.debugger.timeline.seeded)
        for _ in range(10):
            await d.press("n")
        assert d.session.debugger.position == ten
        await d.press("7", "g")
        assert d.session.debugger.position == 7
        await d.press("3", "escape", "n")
        assert d.session.debugger.position == 8


async def test_block_steps_ends_and_continue() -> None:
    async with opened(residual_chain(3).run()) as d:
        await d.press("f")
        assert d.session.network[_consumer(d.last())].block == "block2"
        await d.press("F")
        assert isinstance(d.last(), Seeded)
        await d.press("c")
        assert d.last() == Completed("x2")
        await d.press("c", "C")
        assert d.last() == Completed("x2")
        await d.press("g")
        assert d.session.debugger.position == 0
        await d.press("G")
        assert d.session.debugger.position == len(d.session.debugger.timeline)


def _consumer(event: object) -> str:
    assert isinstance(event, Contributed)
    return event.edge.consumer


async def test_selection_moves_without_time_and_time_can_run_to_it() -> None:
    async with opened(block().run()) as d:
        position = d.session.debugger.position
        await d.press("j", "j", "down", "k")
        assert d.session.selected == "add"
        assert d.session.debugger.position == position
        await d.press("t")
        assert d.last() == Completed("add")
        await d.press("j", "escape")
        assert d.session.selected == "add"


async def test_stops() -> None:
    async with opened(block().run()) as d:
        await d.press("4", "j", "b")
        assert d.session.debugger.breakpoints == {"conv2"}
        assert "■" in d.screen()
        await d.press("c")
        assert d.last() == Completed("conv2")
        await d.press("b")
        assert not d.session.debugger.breakpoints


async def test_search_finds_names_globs_and_operators() -> None:
    async with opened(block().run()) as d:
        await d.press("slash", *"conv1", "enter")
        assert d.session.selected == "conv1"
        await d.press("slash", *"conv2d", "enter")
        assert d.session.selected == "conv2"
        await d.press("full_stop")
        assert d.session.selected == "conv1"
        await d.press("full_stop")
        assert d.session.selected == "conv2"
        await d.press("comma")
        assert d.session.selected == "conv1"
        await d.press("slash", *"*elu1", "enter", "n")
        assert d.last() == Completed("loss")


async def test_what_is_typed_ahead_of_the_search_line_belongs_to_it() -> None:
    async with opened(block().run()) as d:
        for character in "/conv2x":
            d.app.post_message(events.Key("slash" if character == "/" else character, character))
        await d.pilot.pause()
        assert d.app.main.query_one("#search", Input).value == "conv2x"
        await d.press("backspace", "enter")
        assert d.session.selected == "conv2"
        assert d.app.screen is d.app.main, "x did not open the export dialog"


async def test_escape_leaves_the_search_as_it_was() -> None:
    async with opened(block().run()) as d:
        await d.press("slash", *"conv1", "escape")
        assert d.session.selected == "loss"
        assert not d.app.main.query_one("#search").display
        await d.press("n")
        assert d.last() == Completed("loss")


async def test_tensor_views_heat_and_slices() -> None:
    async with opened(block().run()) as d:
        await d.press("G", "slash", "x", "enter")
        await d.press("v")
        assert "[part 1 from add]" in d.pane("tensor")
        await d.press("V", "V")
        assert "[value]" in d.pane("tensor")
        assert "[0,0,:,:]" in d.pane("tensor")
        await d.press("right_square_bracket")
        assert "[0,1,:,:]" in d.pane("tensor")
        await d.press("left_square_bracket")
        assert "[0,0,:,:]" in d.pane("tensor")
        await d.press("h")
        assert "▀" in d.pane("tensor")


async def test_parameters_can_be_shown() -> None:
    async with opened(block().run()) as d:
        assert "W1" not in d.pane_of_graph()
        await d.press("p")
        assert "↳ W1" in d.pane_of_graph()
        await d.press("p")
        assert "↳ W1" not in d.pane_of_graph()


async def test_a_parameter_in_turn_is_named_beside_its_consumer() -> None:
    async with opened(block().run()) as d:
        await d.press("G")
        focus = d.session.debugger.focus()
        assert d.session.network[focus].op == "parameter"
        assert f"◂ {focus}" in d.pane_of_graph()


async def test_tab_goes_round_the_panes() -> None:
    async with opened(block().run(), size=(80, 24)) as d:
        assert d.app.main.query_one("#ledger").display
        assert not d.app.main.query_one("#tensor").display
        await d.press("tab")
        assert d.app.main.query_one("#tensor").display
        assert "Tensor of loss" in d.screen()
        await d.press("shift+tab", "shift+tab")
        assert d.app.main.query_one("#node").display
        assert not d.app.main.query_one("#ledger").display


async def test_export_writes_a_trace_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    live = block().run()
    async with opened(live) as d:
        await d.press("x", "enter")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        recorded = resdebug.load_trace(tmp_path / "test.trace.jsonl")
        assert recorded.events[:] == live.events[:]
        first = (tmp_path / "test.trace.jsonl").read_bytes()
        await d.press("x", "enter")
        assert isinstance(d.app.screen, ReplaceScreen)
        assert "exists already" in d.screen()
        await d.press("n")
        assert isinstance(d.app.screen, ExportScreen)
        assert (tmp_path / "test.trace.jsonl").read_bytes() == first
        await d.press("enter")
        await d.until(lambda: isinstance(d.app.screen, ReplaceScreen))
        await d.press("y")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        assert not isinstance(d.app.screen, ExportScreen)
        await d.press("x")
        await d.press("ctrl+o")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        assert not isinstance(d.app.screen, ExportScreen)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["test.trace.jsonl"]


async def test_export_to_nowhere_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(two_path().run()) as d:
        await d.press("x")
        await d.press(*["backspace"] * 30, *"no/where.jsonl", "enter")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        assert "there is no folder" in d.screen()
        await d.press("escape")
        assert not isinstance(d.app.screen, ExportScreen)
        assert list(tmp_path.iterdir()) == []


async def test_help_has_the_four_answers_and_every_key() -> None:
    async with opened(two_path().run()) as d:
        await d.press("question_mark")
        assert isinstance(d.app.screen, HelpScreen)
        pane = d.app.screen.query_one("#help")
        lines = "\n".join("".join(text for text, _ in line) for line in pane.lines)  # type: ignore[attr-defined]
        assert "averaged" in lines
        for command in ONE_PASS:
            assert command.name in lines
            assert command.keys_text in lines
        await d.press("escape")
        assert not isinstance(d.app.screen, HelpScreen)


async def test_palette_offers_commands_and_nodes() -> None:
    async with opened(block().run()) as d:
        await d.burst("ctrl+p", *"relu1")
        await d.until(lambda: "Select relu1" in d.screen())
        await d.press("enter")
        await d.until(lambda: d.session.selected == "relu1")


async def test_mouse_selects_rows_jumps_in_time_and_presses_keys() -> None:
    async with opened(block().run()) as d:
        await d.pilot.click("#graph", offset=(12, 3))
        assert d.session.selected == "add"
        await d.pilot.click("#timeline", offset=(119, 0))
        assert d.session.debugger.position > len(d.session.debugger.timeline) * 0.9
        position = d.session.debugger.position
        footer = d.pane("footer")
        await d.pilot.click("#footer", offset=(footer.index("N ← back") + 1, 0))
        assert d.session.debugger.position < position


async def test_quit() -> None:
    async with opened(two_path().run()) as d:
        await d.press("q")
    assert d.app.return_code == 0


async def test_keys_while_loading_do_nothing() -> None:
    app_keys = [
        key for command in COMMANDS for key in command.keys.split(",") if command.action not in {"quit", "help"}
    ]
    gate = threading.Event()

    def slow(_report: object) -> resdebug.LivePass:
        gate.wait(10)
        return two_path().run()

    app = DebuggerApp(slow, "slow.json")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press(*app_keys)
        await pilot.press("5")
        assert app.main.session is None
        gate.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.main.session is not None


async def test_leaving_while_a_pass_runs_ends_it_at_the_next_node() -> None:
    ended = threading.Event()

    def endless(report: Callable[[str, int, int], None]) -> resdebug.LivePass:
        try:
            for done in range(100_000):
                report("forward", done, 100_000)
                time.sleep(0.01)
        finally:
            ended.set()
        return two_path().run()

    app = DebuggerApp(endless, "endless.json")
    async with app.run_test(size=(120, 36)) as pilot:
        d = Driver(app, pilot)
        await d.until(lambda: "forward" in str(app.main.query_one("#header", Pane).lines))
        await pilot.press("q")
    assert ended.wait(5)
    assert app.return_code == 0
