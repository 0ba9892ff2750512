"""The screen at every size, with every kind of name, on every kind of pass."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

import resdebug
from resdebug.errors import BadInput, Fault
from resdebug.export.registry import export
from resdebug.tui.app import DebuggerApp
from resdebug.tui.lines import ROLES
from resdebug.tui.pane import Pane
from tests.support import Builder, block, residual_chain, two_path
from tests.tui.driving import SIZES, opened

HOSTILE = [
    "[red]x[/]",
    "[@click=app.quit]x[/]",
    "[$primary @click=app.quit]x",
    "[/]",
    "\\[b]",
    "\x1b[31mred\x1b[0m",
    "\x1b]52;c;aGVsbG8=\x07",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x00\x7f\r\n\t",
    "\u202eevil\u2066",
    "\u200bzero\ufeff",
    "{x}{0}{}%s",
    "a" * 5000,
    "名前" * 40,
    "x\u0301" * 50,
]


@pytest.mark.parametrize("size", [*SIZES, (60, 16), (104, 30), (30, 10)])
async def test_every_line_fits_and_the_sum_is_told(size: tuple[int, int]) -> None:
    async with opened(block(projection=True).run(), size=size) as d:
        await d.press("slash", "x", "enter", "t")
        screen = d.screen()
        lines = screen.splitlines()
        assert len(lines) <= size[1]
        assert all(cell_len(line) <= size[0] for line in lines)
        ledger = d.pane("ledger")
        assert "skip" in ledger
        assert "branch" in ledger
        assert "added" in ledger.replace("\n", " ")
        if size[0] >= 50:
            assert "Ledger" in screen


@pytest.mark.parametrize("size", [(29, 20), (80, 9), (20, 5), (1, 1)])
async def test_too_small_a_terminal_says_what_it_needs_and_recovers(size: tuple[int, int]) -> None:
    async with opened(block().run(), size=size) as d:
        await d.press("n", "s", "tab", "v")
        if size[0] >= 20:
            assert "at least 30×10" in d.screen().replace("\n", " ")
        await d.pilot.resize_terminal(80, 24)
        await d.pilot.pause()
        await d.pilot.pause()
        assert "Ledger of" in d.screen() or "Tensor of" in d.screen()


async def test_many_resizes() -> None:
    rng = random.Random(3)
    async with opened(residual_chain(6).run()) as d:
        for _ in range(30):
            await d.pilot.resize_terminal(rng.randint(1, 150), rng.randint(1, 50))
            await d.press("n")
        await d.pilot.resize_terminal(120, 36)
        await d.pilot.pause()
        await d.pilot.pause()
        assert "Reverse pass" in d.screen()


@pytest.mark.parametrize("first", range(0, len(HOSTILE), 8))
async def test_hostile_names_are_text_in_every_pane(first: int) -> None:
    names = ["x", "conv1", "bn1", "relu1", "conv2", "bn2", "add", "relu2"]
    hostile = dict(zip(names, HOSTILE[first : first + 8], strict=True))
    async with opened(block(hostile).run(), name=HOSTILE[first] + ".json") as d:
        await d.pilot.press("p", "b")
        for size in ((50, 15), (80, 24), (120, 36)):
            await d.pilot.resize_terminal(*size)
            await d.burst("g", "2", "2", "n", "tab")
            for _ in names:
                await d.burst("n", "v")
                screen = d.screen()
                assert all(c == "\n" or c.isprintable() for c in screen)
                assert all(cell_len(line) <= size[0] for line in screen.splitlines())
        for name in hostile.values():
            d.session.select(name)
            d.app.main.refresh_panes()
            for x, y in ((8, 8), (20, 8), (60, 5), (60, 16), (70, 17), (60, 28)):
                await d.click(x, y)
        await d.press("slash", "e", "enter", "colon")
        await d.pilot.press(*"x")
        await d.pilot.pause(0.3)
        assert all(c == "\n" or c.isprintable() for c in d.screen())
        await d.press("escape", "x")
        assert d.app.return_code is None, "something that was a name has acted"


async def test_a_recorded_pass_looks_like_the_live_one(tmp_path: Path) -> None:
    live = block(projection=True).run()
    export(live, tmp_path / "t.jsonl")
    keys = ["n", "n", "n", "s", "s", "N", "j", "j", "v", "t", "h", "p", "G"]
    screens: list[list[str]] = []
    for source in (live, resdebug.load_trace(tmp_path / "t.jsonl")):
        seen = []
        async with opened(source) as d:
            for key in keys:
                await d.press(key)
                seen.append(d.screen().replace(" (recorded)", "").split("\n", 1)[1])
        screens.append(seen)
    assert screens[0] == screens[1]


async def test_a_wrong_rule_is_shouted() -> None:
    async with opened(two_path().run(rule="mean")) as d:
        await d.press("n", "n", "n")
        assert "RULE MEAN: wrong on purpose" in d.screen()
        assert "wrong on purpose, they are to be added" in " ".join(d.pane("ledger").split())
        assert "not averaged" not in d.screen()


async def test_nan_and_infinity_are_shown_not_hidden() -> None:
    b = Builder("s")
    b.leaf("x", np.array([[-1.0, 0.0, 4.0], [1.0, 1.0, 1.0]]))
    b.add("r", "sqrt", {"x": "x"})
    b.add("l", "log", {"x": "r"})
    b.add("s", "sum", {"x": "l"})
    async with opened(b.run()) as d:
        await d.press("G")
        assert "NaN" in d.pane("tensor")
        assert "NaN 1" in d.pane("node")
        await d.press("h")
        assert "N?" in d.pane("tensor")
        assert "!" in d.pane("timeline")


async def test_constants_labels_and_bystanders_say_why_they_have_no_adjoint() -> None:
    b = Builder("loss")
    b.leaf("x", [[1.0, 2.0]])
    b.leaf("label", [1], "constant", dtype="int64")
    b.leaf("c", [[1.0, 2.0]], "constant")
    b.add("y", "mul", {"a": "x", "b": "c"})
    b.add("aside", "exp", {"x": "x"})
    b.add("loss", "cross_entropy", {"x": "y", "target": "label"})
    async with opened(b.run()) as d:
        for name, told in {
            "label": "a constant is not differentiated by",
            "c": "a constant is not differentiated by",
            "aside": "loss does not depend on it",
        }.items():
            d.session.select(name)
            d.app.main.refresh_panes()
            await d.pilot.pause()
            assert told in d.pane("ledger").replace("\n", " ")
        assert "no path" in d.pane_of_graph()


async def test_ascii_has_nothing_else() -> None:
    async with opened(block().run(), plain=True) as d:
        for _ in range(10):
            await d.press("s")
        await d.press("h", "p", "question_mark")
        assert d.screen().isascii()
        await d.press("escape")
        assert d.screen().isascii()


async def test_no_colour_tells_states_and_signs_by_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(block().run()) as d:
        await d.press("n", "n", "s", "h")
        graph = d.pane_of_graph()
        assert all(mark in graph for mark in "✓▶●○")
        tensor = d.pane("tensor")
        assert "▀" not in tensor
        assert "+" in tensor
        assert "-" in tensor


async def test_themes_leave_every_role_readable() -> None:
    """Also in the selected row, whose background is another."""
    async with opened(block().run()) as d:
        pane = d.app.main.query_one("#ledger", Pane)
        for theme in ("dark", "light", "contrast", "mono"):
            d.app.theme = f"resdebug-{theme}"
            await d.pilot.pause()
            selected = pane.look("selected").bgcolor
            for role in ("", *ROLES):
                style = pane.look(role)
                assert style.color is not None
                assert style.bgcolor is not None
                text, under = style.color.get_truecolor(), style.bgcolor.get_truecolor()
                assert _contrast(text, under) >= 4.5, (theme, role)
                if role not in {"head", "link", "selected"}:
                    assert selected is not None
                    assert _contrast(text, selected.get_truecolor()) >= 4.3, (theme, role)


def _contrast(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    """Contrast ratio of WCAG 2.1."""

    def luminance(colour: tuple[int, int, int]) -> float:
        channels = [c / 255 for c in colour]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


async def test_bad_input_ends_the_app_with_its_exit_code() -> None:
    def fail(_report: object) -> resdebug.LivePass:
        raise BadInput(Fault("G021", "edge 3 names unknown node"))

    app = DebuggerApp(fail, "bad.json")
    async with app.run_test() as pilot:
        for _ in range(1000):
            if app.failure is not None:
                break
            await pilot.pause(0.02)
    assert app.return_code == 65
    assert app.failure is not None
    assert app.failure.faults[0].code == "G021"
