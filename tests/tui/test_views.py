"""What the panes can be made to show: pictures of tensors, neighbours, playing, themes, sizes, copies."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import resdebug
from resdebug.tui.app import DebuggerApp
from resdebug.tui.panes.timeline import moment
from resdebug.tui.session import Session
from resdebug.tui.settings import Settings
from resdebug.tui.tensors.figures import figures
from resdebug.tui.tensors.grid import grid
from resdebug.tui.tensors.heat import heat
from resdebug.tui.tensors.histogram import histogram
from resdebug.tui.tensors.image import image, is_image
from resdebug.tui.tensors.view import Look, TensorView, plane
from tests.support import GRAPHS, Builder, block
from tests.tui.driving import Driver, loaded, opened

RNG = np.random.default_rng(3)


def text(lines: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(piece for piece, _ in line) for line in lines]


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5)])
def test_every_element_can_be_shown_as_numpy_has_it(shape: tuple[int, ...]) -> None:
    array = RNG.normal(size=shape)
    seen = set()
    for axes in range(6):
        for k in range(plane(array, TensorView(axes=axes)).of):
            place = plane(array, TensorView(axes=axes, slice=k))
            assert place.numbers.base is not None, "a view, not a copy"
            for i in range(place.numbers.shape[0]):
                for j in range(place.numbers.shape[1]):
                    index = place.index(i, j)
                    assert array[index] == place.numbers[i, j]
                    seen.add((axes, index))
    assert len(seen) >= array.size


def test_the_window_follows_the_element() -> None:
    array = np.arange(10_000.0).reshape(100, 100)
    lines, clipped = grid(plane(array, TensorView()), Look(60, 8), (70, 42))
    assert "7042◂" in "".join(text(lines))
    assert "of 100" in clipped
    assert text(lines)[0].split()[0].isdigit(), "columns are numbered"
    long = np.arange(5_000.0)
    lines, clipped = grid(plane(long, TensorView()), Look(60, 5), (0, 4_321))
    assert "4321◂" in "".join(text(lines))
    assert "of 5000" in clipped


def test_a_histogram_counts_every_finite_element() -> None:
    array = np.array([0.0, 0.0, 1.0, 2.0, 3.0, np.nan, np.inf])
    lines, told = histogram(array, Look(60, 4))
    assert sum(int(line.split()[-1]) for line in text(lines)) == 5
    assert told == "7 elements, 2 of them zero; 2 not finite"
    assert text(histogram(np.full(4, 2.5), Look(60, 4))[0]) == ["all finite elements are 2.50e0"]


def test_figures_say_where_the_extremes_are() -> None:
    array = np.array([[1.0, -7.0], [np.nan, 5.0]])
    told = " ".join(" ".join(text(figures(array, Look(60, 20))[0])).split())
    for figure in ("minimum −7 at [0,1]", "maximum 5 at [1,1]", "NaN 1", "infinite 0", "zeros 0 (0 %)"):
        assert figure in told


def test_images() -> None:
    assert is_image((2, 3, 8, 8))
    assert not is_image((2, 4, 8, 8))
    assert not is_image((3, 8, 8))
    lines, told = image(RNG.uniform(size=(2, 3, 8, 8)), Look(40, 10), 1)
    assert len(lines) == 4
    assert len(lines[0]) == 8
    assert told.startswith("image 2 of 2")
    lines, told = image(RNG.uniform(size=(1, 1, 64, 64)), Look(40, 8), 0)
    assert "mean of 4×4" in told
    plain, _ = image(np.eye(6).reshape(1, 1, 6, 6), Look(40, 8, colour=False), 0)
    assert text(plain)[0] == "@     "


def test_a_locked_scale_says_what_it_clips() -> None:
    place = plane(np.array([[1.0, -4.0]]), TensorView())
    assert "4.0e0 orange" in heat(place, Look(20, 4), None, None)[1]
    told = heat(place, Look(20, 4), None, 2.0)[1]
    assert "locked" in told
    assert "up to 4.0e0 clipped" in told


async def test_keys_of_the_tensor_pane() -> None:
    async with opened(block().run(), (120, 36)) as d:
        await d.press("G", "slash", "x", "enter")
        await d.press("J", "J", "L")
        assert d.session.tensor_view.cursor == (1, 1)
        adjoint = d.session.pass_.adjoint("x")
        assert adjoint is not None
        assert f"[0,0,1,1] = {adjoint[0, 0, 1, 1].item()!r}" in d.pane("tensor")
        await d.press("right_curly_bracket")
        assert "slice 1 of 3: [0,:,0,:]" in d.pane("tensor")
        await d.press("vertical_line")
        assert "[value]" in d.pane("tensor")
        assert "[adjoint]" in d.pane("tensor")
        await d.press("vertical_line", "h", "backslash", "n")
        assert "locked" in d.pane("tensor")
        await d.press("h")
        assert f"{d.session.node.type.size} elements" in d.pane("tensor")


async def test_neighbours_are_followed_and_left_again() -> None:
    async with opened(block().run(), (120, 36)) as d:
        await d.press("slash", *"conv1", "enter")
        assert [link.name for link in d.session.links()] == ["x", "W1", "bn1"]
        await d.press("l", "l", "enter")
        assert d.session.selected == "bn1"
        await d.press("enter")
        assert d.session.selected == "conv1"
        await d.press("backspace", "backspace")
        assert d.session.selected == "conv1"
        await d.press("backspace")
        assert "no neighbour" in d.screen()
        pane = d.app.main.query_one("#node")
        row = next(y for y, line in enumerate(d.pane("node").splitlines()) if line.startswith("inputs"))
        await d.pilot.click(pane, offset=(d.pane("node").splitlines()[row].index("W1") + 1, row + 1))
        await d.pilot.pause()
        assert d.session.selected == "W1"


async def test_playing_steps_on_to_the_end_and_stops() -> None:
    async with opened(block().run(), (120, 36)) as d:
        await d.press("plus", "plus", "plus", "plus", "plus", "space")
        end = len(d.session.debugger.timeline)
        await d.until(lambda: d.session.debugger.position == end)
        await d.press("space")
        await d.pilot.pause(0.1)
        await d.press("space")
        here = d.session.debugger.position
        await d.pilot.pause(0.2)
        assert d.session.debugger.position == here


async def test_reduced_motion_does_not_play() -> None:
    app = DebuggerApp(lambda _report: block().run(), "t.json", settings=Settings(reduced_motion=True))
    async with app.run_test(size=(100, 30)) as pilot:
        await loaded(app, pilot)
        d = Driver(app, pilot)
        await d.press("space")
        assert "motion is reduced" in d.screen()


async def test_a_pane_may_have_the_whole_screen() -> None:
    async with opened(block().run(), (120, 36)) as d:
        await d.press("tab", "m")
        assert "Ledger" not in d.screen()
        assert "Tensor" in d.screen()
        await d.press("m")
        assert "Ledger" in d.screen()
        before = d.app.main.query_one("#graph").outer_size.width
        await d.press("greater_than_sign")
        await d.pilot.pause()
        assert d.app.main.query_one("#graph").outer_size.width == before + 4


async def test_themes_in_turn() -> None:
    async with opened(block().run(), (120, 36)) as d:
        seen = []
        for _ in range(4):
            await d.press("T")
            seen.append(d.app.theme)
        assert seen == ["resdebug-light", "resdebug-contrast", "resdebug-mono", "resdebug-dark"]


async def test_copies_read_back() -> None:
    async with opened(block().run(), (120, 36)) as d:
        await d.press("G", "slash", "x", "enter", "y")
        adjoint = d.session.pass_.adjoint("x")
        assert adjoint is not None
        rows = [[float(cell) for cell in row] for row in csv.reader(io.StringIO(d.app.clipboard))]
        assert np.array_equal(rows, adjoint[0, 0])
        await d.press("ctrl+y")
        assert d.app.clipboard.startswith("array([[")
        inside = d.app.clipboard.removeprefix("array(").removesuffix(")")
        numbers = [float(x) for x in inside.replace("[", " ").replace("]", " ").split(",") if x.strip()]
        assert np.array_equal(np.reshape(numbers, (3, 3)), adjoint[0, 0])
        await d.press("Y")
        assert "\\bar{x} = " in d.app.clipboard
        assert "{+}=" not in d.app.clipboard


async def test_a_picture_of_the_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(block().run(), (100, 30), "odd/na me.json") as d:
        await d.press("P", "P")
        assert sorted(p.name for p in tmp_path.iterdir()) == ["na_me-1.svg", "na_me.svg"]
        assert "Ledger" in (tmp_path / "na_me.svg").read_text(encoding="utf-8")


async def test_dragging_along_the_timeline() -> None:
    async with opened(block().run(), (120, 36)) as d:
        pane = d.app.main.query_one("#timeline")
        await d.pilot.mouse_down(pane, offset=(30, 0))
        await d.pilot.pause()
        first = d.session.debugger.position
        await d.pilot.hover(pane, offset=(90, 0))
        await d.pilot.pause()
        assert d.session.debugger.position > first
        await d.pilot.mouse_up(pane, offset=(90, 0))
        here = d.session.debugger.position
        await d.pilot.hover(pane, offset=(20, 0))
        await d.pilot.pause()
        assert d.session.debugger.position == here


async def test_a_row_under_the_mouse_is_told_in_full() -> None:
    async with opened(
        block(names={"bn1": "a_name_that_is_far_too_long_for_the_pane_that_it_stands_in"}).run(), (80, 24)
    ) as d:
        graph = d.app.main.query_one("#graph")
        row = next(y for y, line in enumerate(d.pane_of_graph().splitlines()) if "a_name_that" in line)
        await d.press("G")
        await d.pilot.hover(graph, offset=(5, row + 1))
        told = str(graph.tooltip)
        assert told.startswith("a_name_that_is_far_too_long_for_the_pane_that_it_stands_in: batch_norm (1,2,3,3)")
        assert "in b1, adjoint of norm " in told


def test_a_moment_is_told() -> None:
    session = Session(resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json")), "resblock")
    timeline = session.debugger.timeline
    at = timeline.after_completion(session.network["bn2"].index)
    assert at is not None
    assert moment(session, at) == f"event {at}: completed bn2, norm 7.40e-1 in block1"
    assert moment(session, 1).startswith("event 1: evaluated ")


async def test_hostile_names_in_the_new_views() -> None:
    b = Builder("loss", "hostile")
    name = "\x1b[31m[@click=app.quit]x[/]\u202e"
    b.leaf(name, RNG.normal(size=(1, 3, 4, 4)), block="\x1b]0;t\x07.inner")
    b.add("y", "tanh", {"x": name}, block="\x1b]0;t\x07.inner")
    b.add("z", "tanh", {"x": "y"}, block="\x1b]0;t\x07.inner")
    b.add("loss", "sum", {"x": "z"})
    async with opened(b.run(), (120, 36), name="\x1b[2Jn") as d:
        for keys in (
            "G",
            "h",
            "h",
            "h",
            "h",
            "z",
            "m",
            "m",
            "y",
            "Y",
            "l",
            "enter",
            "question_mark",
            "escape",
            "r",
            "F1",
        ):
            await d.press(keys.lower() if keys == "F1" else keys)
            assert "\x1b" not in d.screen()
            assert "\u202e" not in d.screen()
