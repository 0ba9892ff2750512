"""What the panes look like: lanes, folded blocks, names, formulas, sums, signs in ASCII, legends."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from rich.cells import cell_len

import resdebug
from resdebug.passes.live import LivePass
from resdebug.tui.app import DebuggerApp
from resdebug.tui.ascii import ascii_line, to_ascii
from resdebug.tui.lines import shorten, text
from resdebug.tui.numbers import level
from resdebug.tui.panes import pulse
from resdebug.tui.panes.graph import GraphDrawing
from resdebug.tui.panes.graph_widget import GraphPane
from resdebug.tui.panes.ledger import ledger_lines
from resdebug.tui.panes.minimap import MiniMap
from resdebug.tui.panes.node import node_lines
from resdebug.tui.panes.timeline import Profile, timeline_lines
from resdebug.tui.session import Session
from resdebug.tui.settings import Settings
from tests.support import GRAPHS, Builder, block, residual_chain, two_path
from tests.tui.driving import Driver, loaded, opened


def graph(name: str) -> LivePass:
    return resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json"))


def drawn(session: Session, width: int = 45) -> list[str]:
    drawing = GraphDrawing(session)
    drawing.look_at(0, len(session.rows), width)
    return [text(drawing.row(row, width)) for row in range(len(session.rows))]


def test_a_lane_is_broken_before_heavy_while_and_whole_after_it_carries_something() -> None:
    session = Session(graph("resblock"), "r")

    def lanes() -> list[str]:
        return [row[6:9] for row in drawn(session)[2:9]]

    assert lanes() == ["┄╮ ", " ┊ ", " ┊ ", " ┊ ", " ┊ ", " ┊ ", "┄╯ "]
    session.debugger.step("node", 3)
    session.debugger.step("edge", 2)
    assert lanes() == ["━┓ ", " ┃ ", " ┃ ", " ┃ ", " ┃ ", " ┃ ", "◀┛ "]
    session.debugger.step("node", 1)
    assert lanes()[-1] == "━┛ ", "nothing has just arrived"
    session.debugger.step("node", 5)
    assert lanes() == ["─╮ ", " │ ", " │ ", " │ ", " │ ", " │ ", "─╯ "]


@pytest.mark.parametrize("plain", [False, True])
def test_every_state_has_a_sign_of_its_own(plain: bool) -> None:
    """Without colours: waiting, partly arrived, complete, time, sender, stop, and the three states of a lane."""
    session = Session(graph("resblock"), "r")
    session.debugger.step("node", 3)
    session.debugger.step("edge", 2)
    session.debugger.toggle_breakpoint("conv1")
    rows = [to_ascii(row) if plain else row for row in drawn(session)]
    after = Session(graph("resblock"), "r")
    after.debugger.jump(len(after.debugger.timeline))
    done = to_ascii(drawn(after)[4]) if plain else drawn(after)[4]
    before = to_ascii(drawn(Session(graph("resblock"), "r"))[4]) if plain else drawn(Session(graph("resblock"), "r"))[4]
    nodes = {rows[4][5], rows[3][5], rows[0][5], rows[2][5]}
    marks = {rows[0][3], rows[2][3], rows[8][3], rows[7][2], rows[4][3]}
    lanes = {before[7], rows[4][7], done[7]}
    assert (len(nodes), len(marks), len(lanes)) == (4, 5, 3), (nodes, marks, lanes)


async def test_what_is_sent_is_seen_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "PACE", 1000.0)
    async with opened(graph("resblock"), (120, 36)) as d:
        await d.burst("3", "n", "s", "s")
        pane = d.app.main.query_one("#graph", GraphPane)
        seen = []
        while pane.pulse is not None and pane.pulse.running:
            seen.append([y for y in range(9) if pane.render_line(y).text[7] == "◆"])
            pane.pulse._advance()
        assert seen == [[3], [4], [5], [6], [7]]
        assert "◆" not in "".join(pane.render_line(y).text[:12] for y in range(9))
        await d.burst("S")
        assert pane.pulse is not None
        assert not pane.pulse.running, "going back sends nothing"
        await d.burst("s", "n")
        assert not pane.pulse.running, "what comes next ends it"


async def test_reduced_motion_sends_nothing_on_its_way() -> None:
    app = DebuggerApp(lambda _report: graph("resblock"), "t.json", settings=Settings(reduced_motion=True))
    async with app.run_test(size=(120, 36)) as pilot:
        await loaded(app, pilot)
        d = Driver(app, pilot)
        await d.burst("3", "n", "s", "s")
        assert app.main.query_one("#graph", GraphPane).pulse is None
        assert "▼ ⊕━┓" in d.pane_of_graph()
        assert "◐◀┛" in d.pane_of_graph()


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (52, r"  7 ops +skip \d+ % \d\.\d\de\S+→\d\.\d\de\S+"),
        (41, r"  7 +skip \d+% \d\.\de\S+→\d\.\de\S+"),
        (35, r"  7 +\d+% \d\.\de\S+→\d\.\de\S+"),
        (30, r" 7 +\d+% \de\S+→\de\S+"),
    ],
)
def test_a_folded_block_tells_all_in_its_row(width: int, told: str) -> None:
    session = Session(graph("digits_resnet"), "d")
    session.fold_all()
    session.debugger.jump(len(session.debugger.timeline))
    row = next(row for row in drawn(session, width) if "▸  block1" in row)
    assert re.search(rf"▸  block1{told}$", row), row
    assert len(row) == width
    unit = session.rows.unit(session.rows.row_of[session.network["block1.add"].index])
    folded = session.folded_block(unit)
    entering, leaving = (
        session.adjoint_norm(session.network["block1.relu2"].index),
        session.adjoint_norm(session.network["stem.relu"].index),
    )
    assert folded.norms == (entering, leaving)
    parts = session.parts("stem.relu")
    skip = next(part for part in parts if part.route is not None and part.route.way.value == "skip")
    assert folded.skip_share == pytest.approx(skip.share, rel=1e-12)


def wide() -> LivePass:
    """Twenty inputs that all wait for one node at the bottom: more lanes than are drawn."""
    b = Builder("loss")
    for k in range(20):
        b.leaf(f"x{k}", float(k + 1))
        b.add(f"e{k}", "tanh", {"x": f"x{k}"})
    before = "e0"
    for k in range(1, 20):
        b.add(f"s{k}", "mul", {"a": before, "b": f"e{k}"})
        before = f"s{k}"
    for k in range(20):
        b.add(f"t{k}", "mul", {"a": before, "b": f"e{k}"})
        before = f"t{k}"
    b.add("loss", "sum", {"x": before})
    return b.run()


def test_of_many_lanes_those_of_the_rows_in_view_are_drawn() -> None:
    session = Session(wide(), "w")
    drawing = GraphDrawing(session)
    assert session.rows.rails.columns > drawing.columns(45)
    end = len(session.rows)
    for top in (0, end // 2, end - 10):
        drawing.look_at(top, top + 10, 45)
        assert not drawing.look_at(top, top + 10, 45), "lanes keep their places"
        for row in range(top, top + 10):
            line = text(drawing.row(row, 45))
            assert re.search("[○◎⊕●◉◐]", line), "every row shows its node's state"
            assert cell_len(line) == 45
    assert any("+" in text(drawing.row(row, 45)) for row in range(end)), "what is left out is counted"


@pytest.mark.parametrize(
    ("name", "cells", "short"),
    [
        ("block4.attention.k_split", 24, "block4.attention.k_split"),
        ("block4.attention.k_split", 20, "…attention.k_split"),
        ("block4.attention.k_split", 10, "…k_split"),
        ("block4.attention.k_split", 6, "block…"),
        ("no_dots_in_this_name", 8, "no_dots…"),
        ("名前.名前", 6, "…名前"),
    ],
)
def test_names_lose_their_beginnings_first(name: str, cells: int, short: str) -> None:
    assert shorten(name, cells) == short
    assert cell_len(short) <= cells


def test_the_formula_with_shapes_with_numbers_and_where_the_node_stands() -> None:
    session = Session(graph("digits_resnet"), "d")
    session.debugger.jump(len(session.debugger.timeline))
    session.select("block2.conv2")
    lines = [text(line) for line in node_lines(session, 70)]
    assert lines[0] == "block2.conv2 = conv(block2.relu1, block2.conv2.weight)"
    assert lines[1] == "shapes  (1,32,4,4) = conv((1,32,4,4), (32,32,3,3))"
    told = " ".join(" ".join(lines).split())
    assert re.search(r"block operator 6 of 9 in block2; its gradient \S+ → \S+, \d+ % by the skip", told)
    assert "set to stride 1 · padding 1 · dilation 1 · groups 1" in told
    session.select("block2.bn2")
    narrow = [text(line) for line in node_lines(session, 44)]
    assert narrow[0] == "bn2 = x̂ ⊙ bn2.weight + bn2.bias, x̂ = (conv2"
    small = Session(two_path().run(), "t")
    small.debugger.jump(len(small.debugger.timeline))
    small.select("c")
    assert [text(line) for line in node_lines(small, 60)][1] == "numbers 7 = 4 + 3", "shapes of numbers tell nothing"


def test_a_sum_is_written_as_by_hand() -> None:
    b = Builder("loss")
    b.leaf("x", [1.5, -20.25, 300.0])
    b.leaf("w", [2.0, 0.5, -1.0])
    b.add("y", "mul", {"a": "x", "b": "w"})
    b.add("z", "mul", {"a": "x", "b": "x"})
    b.add("s", "add", {"a": "y", "b": "z"})
    b.add("loss", "sum", {"x": "s"})
    session = Session(b.run(), "s")
    session.debugger.jump(len(session.debugger.timeline))
    session.select("x")
    lines = [text(line).split("‖")[0].split("cos")[0].rstrip() for line in ledger_lines(session, 72)]
    numbers = [line for line in lines if re.search(r"\d\.\d\d  ", line)]
    assert numbers[0].startswith("      2.00    0.50   −1.00")
    assert numbers[1].startswith("  +   1.50  −20.25  300.00")
    assert numbers[2].startswith("  +   1.50  −20.25  300.00")
    assert numbers[-1].startswith("      5.00  −40.00  599.00")
    assert {line.index(".") for line in numbers} == {7}, "points stand one under the other"


def test_ascii_lines_are_as_wide_as_they_were() -> None:
    line = [("x̄ = add̄ [skip] + convᵀ(conv1̄, W1)", "sum"), ("      ", ""), ("7.40e−1  51 %", "dim")]
    written = ascii_line(line)
    assert text(written) == "x' = add' [skip] + convT(conv1', W1)   7.40e-1  51 %"
    assert cell_len(text(written)) == cell_len(text(line))
    assert text(ascii_line([("  ā", ""), ("  b", "")])) == "  a' b", "what stands before an adjoint stays"


def test_the_map_has_an_edge_where_its_lines_are_not_rows() -> None:
    session = Session(residual_chain(12).run(), "c")
    whole, part = MiniMap(session, len(session.rows)), MiniMap(session, 8)
    assert text(whole.cell(0, here=False, stop=False, seen=True))[0] == " "
    assert text(part.cell(0, here=False, stop=False, seen=True))[0] == "▕"
    assert sum(whole.forks) == 12
    assert not any(part.forks), "a fork in every line tells nothing"
    assert text(whole.cell(2, here=False, stop=True, seen=True))[1] == "■"


def test_a_tall_timeline_names_blocks() -> None:
    session = Session(graph("digits_resnet"), "d")
    lines = [text(line) for line in timeline_lines(session, Profile(session, 180), 5)]
    assert len(lines) == 5
    assert lines[-1].split() == ["block2", "block1", "stem"]
    assert all(cell_len(line) <= 180 for line in lines)
    ruler = lines[3]
    at = lines[-1].index("block2")
    assert ruler[at] in "━╌▲◆"
    heights = [sum(line[k] != " " for line in lines[:3]) for k in range(ruler.index("▲"), 180)]
    assert max(heights) == 3
    assert min(h for h in heights if h) == 1


def test_bars_of_several_lines() -> None:
    assert [level(0.5, 0, 1, line, 2) for line in range(2)] == ["▁", "█"]
    assert [level(1, 0, 1, line, 2) for line in range(2)] == ["█", "█"]
    assert [level(0, 0, 1, line, 2) for line in range(2)] == [" ", "▁"]
    assert level(0, 0, 1) == "▁"


async def test_the_signs_are_explained_where_there_is_room() -> None:
    async with opened(block().run(), (120, 36)) as d:
        assert "◎ ◉ fork: used more than once" in d.screen()
        await d.pilot.resize_terminal(120, 24)
        await d.pilot.pause()
        assert "used more than once" not in d.screen()


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (20, 5)])
async def test_nothing_works_while_nobody_does_anything(size: tuple[int, int]) -> None:
    async with opened(block().run(), size) as d:
        await d.pilot.pause(0.2)
        before = time.process_time()
        await d.pilot.pause(0.4)
        assert time.process_time() - before < 0.1


async def test_below_60_by_16_it_says_what_is_needed() -> None:
    async with opened(block().run(), (59, 20)) as d:
        assert "60×16 cells show more panes" in d.screen()
        await d.pilot.resize_terminal(100, 30)
        await d.press("k")
        d.app.main.tell("something else", 0.01)
        await d.pilot.pause(0.1)
        assert "60×16" not in d.screen()
        await d.pilot.resize_terminal(100, 15)
        await d.pilot.pause()
        await d.pilot.pause()
        assert "60×16 cells show more panes" in d.screen()


def test_statistics_tell_what_matters_first_where_not_all_fits() -> None:
    b = Builder("s")
    b.leaf("x", np.array([[0.0, 2.0, 0.0, -1.5]]))
    b.add("r", "sqrt", {"x": "x"})
    b.add("s", "sum", {"x": "r"})
    session = Session(b.run(), "n")
    session.select("r")
    value = next(text(line) for line in node_lines(session, 46) if text(line).startswith("value"))
    assert "NaN 1" in value
    assert cell_len(value) <= 46
