"""The element under the mouse: the one whose number, or colour, is drawn at that cell."""

from __future__ import annotations

import re

import numpy as np
import pytest

import resdebug
from resdebug.tui.panes.widgets import TensorPane
from resdebug.tui.tensors.grid import grid, layout
from resdebug.tui.tensors.heat import heat, spot
from resdebug.tui.tensors.view import Look, TensorView, plane
from tests.support import GRAPHS
from tests.tui.driving import opened


@pytest.mark.parametrize("shape", [(30, 40), (3, 3), (500,), (7,), ()])
@pytest.mark.parametrize("cursor", [None, (2, 2), (29, 39)])
def test_the_number_drawn_at_a_cell_is_the_elements(shape: tuple[int, ...], cursor: tuple[int, int] | None) -> None:
    array = np.arange(float(np.prod(shape))).reshape(shape)
    place, look = plane(array, TensorView()), Look(60, 8)
    if cursor is not None:
        cursor = min(cursor[0], place.numbers.shape[0] - 1), min(cursor[1], place.numbers.shape[1] - 1)
    lines, _ = grid(place, look, cursor)
    found = layout(place, look, cursor)
    hits = 0
    for y, line in enumerate(lines):
        text = "".join(piece for piece, _ in line)
        for match in re.finditer(r"\d+(?:\.\d+)?", text):
            at = found.spot(place, match.start(), y)
            if at is None:
                assert match.start() < found.label or y < found.heading, text
            else:
                assert (len(at.rows), len(at.columns)) == (1, 1)
                assert float(match[0]) == place.numbers[at.rows[0], at.columns[0]], text
                hits += 1
    assert hits > 0
    assert found.spot(place, 0, len(lines)) is None
    assert found.spot(place, 500, 0) is None


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("shape", [(4, 6), (64, 200), (5, 1)])
def test_cells_of_a_map_cover_every_element_once(shape: tuple[int, int], colour: bool) -> None:
    place, look = plane(np.arange(float(np.prod(shape))).reshape(shape), TensorView()), Look(50, 10, colour)
    lines, _ = heat(place, look, None, None)
    seen = np.zeros(shape, int)
    for y in range(len(lines)):
        for x in range(0, 50, 2):
            at = spot(place, look, x, y)
            if at is not None:
                seen[at.rows.start : at.rows.stop, at.columns.start : at.columns.stop] += 1
    assert (seen == 1).all()
    assert spot(place, look, 0, len(lines)) is None


async def test_the_mouse_tells_all_digits() -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json"))
    adjoint = pass_.adjoint("x")
    assert adjoint is not None
    async with opened(pass_, (140, 44), "resblock.json") as d:
        await d.press("G", "slash", "x", "enter")
        pane = d.app.main.query_one(TensorPane)

        async def told(x: int, y: int) -> str:
            await d.pilot.hover(pane, offset=(x + pane.gutter.left, y + pane.gutter.top))
            await d.pilot.pause()
            return str(pane.tooltip or "")

        number = d.pane("tensor").splitlines()[2].split()[2]
        column = d.pane("tensor").splitlines()[2].index(number)
        assert await told(column, 2) == f"[0,0,1,1] = {adjoint[0, 0, 1, 1].item()!r} float64"
        assert await told(column, 0) == ""
        await d.press("h")
        two = (await told(0, 1)).splitlines()
        assert two == [f"[0,0,{i},0] = {adjoint[0, 0, i, 0].item()!r} float64" for i in (0, 1)]
        await d.press("h")
        assert await told(2, 2) == "", "a histogram has no single elements"
