"""The command line of the app: the commands of ``resdebug run``, with history, completion, watches and stops."""

from __future__ import annotations

import numpy as np

import resdebug
from resdebug.debugger.state import content_key, save
from resdebug.passes.events import Completed
from resdebug.tui.actions.commanding import CommandLine
from resdebug.tui.app import DebuggerApp
from tests.support import GRAPHS, residual_chain
from tests.tui.driving import Driver, loaded, opened


async def give(d: Driver, line: str) -> None:
    await d.press("colon")
    d.app.main.query_one(CommandLine).value = line
    await d.press("enter")
    await d.pilot.pause()


async def test_commands_move_the_app() -> None:
    async with opened(resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json")), (120, 36)) as d:
        await give(d, "break norm(adj) < 0.4")
        await give(d, "continue")
        assert d.last() == Completed("conv2")
        assert d.session.selected == "conv2"
        assert "stop 1" in d.pane("console")
        assert "stops 1" in d.screen()
        await d.press("escape")
        assert "Commands" not in d.screen()
        rows = {line.split()[0]: line for line in d.pane_of_graph().splitlines() if line.strip()}
        assert "■" in rows["8"], "conv1, where the condition holds too"
        await d.press("c")
        assert d.last() == Completed("conv1")
        await d.press("C")
        assert d.last() == Completed("conv2")


async def test_faults_are_told_and_nothing_happens() -> None:
    async with opened(residual_chain(3).run(), (100, 30)) as d:
        position = d.session.debugger.position
        await give(d, "brek fork")
        assert 'did you mean "break"' in d.pane("console")
        await give(d, "break norm(adjoint) <")
        assert "error[C01" in d.pane("console")
        assert d.session.debugger.position == position
        assert len(d.session.debugger.stops) == 0


async def test_history_and_completion() -> None:
    async with opened(residual_chain(3).run(), (100, 30)) as d:
        await give(d, "next 2")
        await give(d, "where")
        await d.press("up", "up")
        line = d.app.main.query_one(CommandLine)
        assert line.value == "next 2"
        await d.press("down", "down")
        assert line.value == ""
        await d.press(*"ledg", "tab")
        assert line.value == "ledger"
        line.value = "ledger x"
        await d.press("tab")
        assert line.value == "ledger x0"
        await d.press("tab")
        assert line.value == "ledger x1"
        await d.press("escape", "escape")
        assert not line.display


async def test_watches_stand_by_and_follow() -> None:
    async with opened(residual_chain(3).run(), (100, 30)) as d:
        assert not d.app.main.query_one("#watches").display
        await give(d, "watch norm(adj)")
        await d.press("escape", "n", "n", "n")
        assert "norm(adj)" in d.pane("watches")
        assert "→" in d.pane("watches")
        assert "1.5" in d.pane("watches")
        await give(d, "unwatch")
        await d.press("escape")
        assert not d.app.main.query_one("#watches").display


async def test_keys_begin_commands() -> None:
    async with opened(residual_chain(3).run(), (100, 30)) as d:
        for key, beginning in (("w", "watch "), ("M", "bookmark "), ("apostrophe", "back-to ")):
            await d.press(key)
            assert d.app.main.query_one(CommandLine).value == beginning
            await d.press("escape", "escape")
        await d.press("3", "n", "M", *"here", "enter", "escape", "G", "apostrophe", *"here", "enter", "escape")
        assert d.session.debugger.position == d.session.debugger.bookmarks["here"]


async def test_leaving_and_coming_back() -> None:
    pass_ = residual_chain(6).run()
    key = content_key(b"a file", "", "sum")
    async with opened(pass_, (100, 30)) as d:
        await give(d, "break x3")
        await give(d, "watch fanout")
        await d.press("escape", "4", "n", "Z")
        left = d.app.left
        assert left is not None
        save(left.debugger, key, sorted(left.folded))
        position, folded = left.debugger.position, left.folded
        assert folded
    app = DebuggerApp(lambda _report: pass_, "again", resume=lambda: key)
    async with app.run_test(size=(100, 30)) as pilot:
        await loaded(app, pilot)
        d = Driver(app, pilot)
        assert d.session.debugger.position == position
        assert d.session.folded == folded
        assert d.session.debugger.breakpoints == {"x3"}
        assert "where you left" in d.screen()
        assert "fanout" in d.pane("watches")
    fresh = DebuggerApp(lambda _report: pass_, "fresh", resume=lambda: content_key(b"another", "", "sum"))
    async with fresh.run_test(size=(100, 30)) as pilot:
        await loaded(fresh, pilot)
        assert "no session of this file" in Driver(fresh, pilot).screen()


async def test_an_edit_and_its_undoing() -> None:
    """x_{l+1} = x_l + ½ x_l three times: with x0 = 3 the target is 3 · 1.5³ = 10.125, and the adjoints stay."""
    async with opened(residual_chain(3).run(), (140, 40)) as d:
        await d.press("G")
        before = d.session.pass_
        await give(d, "set x0 = 3")
        value = d.session.pass_.value("x3")
        assert value is not None
        assert float(value) == 10.125
        await d.press("escape")
        assert "10.12" in d.screen()
        await d.press("E")
        assert "before: " in d.screen()
        assert "equal bit for bit" in d.screen()
        await d.press("escape", "u")
        assert d.session.pass_ is before
        await d.press("escape", "U")
        value = d.session.pass_.value("x3")
        assert value is not None
        assert float(value) == 10.125
        await d.press("escape", "slash", *"f1", "enter", "e")
        assert d.app.main.query_one(CommandLine).value == "set f1 "


async def test_where_from_and_why_zero() -> None:
    async with opened(residual_chain(3).run(), (140, 40)) as d:
        await d.press("G", "slash", *"x0", "enter", "o")
        assert "seed" in d.pane("console")
        assert "x3" in d.pane("console")
        await d.press("O")
        assert 'the adjoint of "x0" is not zero' in d.pane("console")


async def test_where_the_largest_or_the_pointed_element_comes_from() -> None:
    async with opened(resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json")), (140, 40)) as d:
        await d.press("G", "slash", "x", "enter", "o")
        adjoint = d.session.pass_.adjoint("x")
        assert adjoint is not None
        at = ",".join(str(int(k)) for k in np.unravel_index(int(np.abs(adjoint).argmax()), adjoint.shape))
        assert f"where-from x[{at}]" in d.pane("console")
        assert "seed" in d.pane("console")
        await d.press("escape", "J", "J", "o")
        assert "where-from x[0,0,1,0]" in d.pane("console")


async def test_every_rule_beside_the_others() -> None:
    """At x0 one contribution is 2.25 (the skip's), the other 1.125: their sum 3.375, their mean 1.6875."""
    async with opened(residual_chain(3).run(), (140, 40)) as d:
        await d.press("G", "slash", *"x0", "enter", "D")
        rows = d.pane("ledger").replace("−", "-")
        for rule, number in (("sum", "3.375"), ("mean", "1.6875"), ("drop skip", "1.125"), ("drop branch", "2.25")):
            entry = rows[rows.index(f" {rule} ") :].removeprefix(f" {rule} ").splitlines()[0]
            assert abs(float(entry.split()[0]) - float(number)) < 1e-3, rule
        assert rows.count("✗") == 6
        assert rows.count("✓") == 1
        await d.press("g")
        assert "Not all contributions have arrived" in d.pane("ledger")
        await d.press("D", "G")
        assert "✓ complete" in d.pane("ledger")


async def test_the_report_in_the_app() -> None:
    async with opened(resdebug.differentiate(resdebug.load(GRAPHS / "plain20.json")), (120, 36)) as d:
        await d.press("R")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause(0.1)
        assert "overview" in d.screen()
        assert "vanish" in d.screen()
        await d.press("j", "space", "escape")
        assert d.app.screen is d.app.main


async def test_help_has_the_condition_language() -> None:
    from resdebug.debugger.conditions.functions import FUNCTIONS
    from resdebug.debugger.conditions.words import WORDS
    from resdebug.tui.screens.help import help_lines

    text = "\n".join("".join(piece for piece, _ in line) for line in help_lines(90, "ledger"))
    assert "norm(adj) < 1e-7" in text
    assert all(f"  {word} " in text for word in WORDS)
    assert all(f"{name}(" in text for name in FUNCTIONS)
    async with opened(residual_chain(3).run(), (140, 40)) as d:
        await give(d, "help conditions")
        assert "skip_share" in d.pane("console")
