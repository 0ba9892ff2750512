"""The replay draws its graph and its tensors as the debugger's screen does."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.analysis.rails import _GLYPHS, Rails
from resdebug.analysis.rows import Arrangement, Rows
from resdebug.export.registry import FORMATS, note
from resdebug.export.replay.page import _read
from resdebug.export.replay.tensors import _map
from resdebug.passes.routes import Routes
from resdebug.passes.selection import Selection
from resdebug.passes.summary import summarise
from resdebug.tui.folded import FoldedBlock
from tests.export.opened import Opened, adjoint, written
from tests.support import Builder


def rows_of(opened: Opened) -> list[str]:
    read = "(all) => all.map((row) => row.querySelector('.name').textContent)"
    return [str(name) for name in opened.page.eval_on_selector_all(".row", read)]


RAILS = """([code, layouts]) => {
  const Rails = new Function(code + "; return Rails")();
  return layouts.map((operands) => {
    const rails = new Rails(operands);
    const cells = (row) => rails.draw(row).map((cell) => [cell.arms, cell.carries]);
    return operands.map((_, row) => [rails.column(row), rails.undrawn(row), cells(row)]);
  });
}"""


def wired(rng: np.random.Generator, rows: int) -> list[list[int]]:
    """Rows of which each needs the next, and up to two others below."""
    more = [rng.integers(row + 1, rows, 2).tolist() if row + 1 < rows else [] for row in range(rows)]
    return [sorted({*range(row + 1, min(row + 2, rows)), *more[row]}) for row in range(rows)]


def test_rails_are_the_screens(browser: Any) -> None:
    rng = np.random.default_rng(4)
    layouts = [wired(rng, rows) for rows in (1, 2, 9, 40, 150)]
    tab = browser.new_page()
    drawn = tab.evaluate(RAILS, [_read("rails.js"), layouts])
    arms = {glyph: number for number, glyph in _GLYPHS.items()} | {" ": 0, "o": 0}
    for operands, rows in zip(layouts, drawn, strict=True):
        rails = Rails(operands)
        for row, (column, undrawn, cells) in enumerate(rows):
            assert (column, undrawn) == (rails.column(row), rails.undrawn(row))
            assert [[arms[cell.glyph], cell.carries] for cell in rails.draw(row, "o")] == cells
    tab.close()


def test_folding_is_the_screens(browser: Any, tmp_path: Path) -> None:
    pass_ = resdebug.differentiate(resdebug.generate("resnet20", batch=1))
    opened = Opened(browser, written(pass_, tmp_path / "t.replay.html"), viewport={"width": 1400, "height": 3000})
    arrangement = Arrangement(pass_)
    names = [node.name for node in pass_.network.nodes]
    for folded in (arrangement.blocks.innermost, arrangement.blocks.outermost, frozenset[str]()):
        opened.press("Z")
        units = Rows(arrangement, folded=folded).units
        assert rows_of(opened) == [unit.block or names[unit.nodes[0]] for unit in units]
    opened.press("Z", "G")
    read = "(all) => all.map((row) => [row.innerText, [...row.querySelectorAll('data')].map((e) => Number(e.value))])"
    told = opened.page.eval_on_selector_all(".row:has(.fold) .norm", read)
    routes = Routes(pass_)
    norms = {i: summarise(adjoint(pass_, names[i])).norm for i in pass_.schedule.reverse}
    units = [unit for unit in Rows(arrangement, folded=arrangement.blocks.innermost).units if unit.block]
    for unit, (text, numbers) in zip(units, told, strict=True):
        block = FoldedBlock(pass_, routes, norms.get, unit.nodes)
        assert numbers == pytest.approx([norm for norm in block.norms if norm is not None], rel=1e-12)
        assert ("skip" in text) == (block.skip_share is not None)
        if block.skip_share is not None:
            assert f"skip {round(100 * block.skip_share)} %" in text
    opened.press("Z", "Z", "r")
    assert rows_of(opened) == [names[i] for i in Rows(arrangement, forward=True).nodes]
    opened.is_clean()


def test_maps_are_of_the_largest_and_say_so(browser: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(3, 50, 70))
    x[0, 3, 4], x[0, 20, 20], x[0, 40, 60], x[2, 49, 69] = np.nan, np.inf, -np.inf, 9.0
    held = _map(x, 300)
    (count, rows, columns), (down, across) = held["size"], held["steps"]
    assert held["of"] == [3, 50, 70]
    assert count * rows * columns <= 300
    cells = np.frombuffer(base64.b64decode(held["cells"]), np.int8).reshape(count, rows, columns)
    top = held["top"]
    assert top == 9.0
    for k, i, j in np.ndindex(count, rows, columns):
        part = x[k, i * down : (i + 1) * down, j * across : (j + 1) * across].ravel().tolist()
        if any(map(math.isnan, part)):
            assert cells[k, i, j] == -128
        elif any(map(math.isinf, part)):
            assert int(cells[k, i, j]) == math.copysign(127, max(part, key=abs))
        else:
            largest = max(part, key=abs)
            assert int(cells[k, i, j]) == int(math.copysign(round(126 * math.sqrt(abs(largest) / 9)), largest))
    b = Builder("s")
    b.leaf("x", rng.normal(size=(2, 300, 300)))
    b.add("r", "relu", {"x": "x"})
    b.add("s", "sum", {"x": "r"})
    pass_ = b.run()
    wanted = note(pass_, FORMATS["replay"], Selection())
    assert wanted.startswith("tensors of more than 65,536 numbers are here as down-sampled maps of at most 4,096 cells")
    opened = Opened(browser, written(pass_, tmp_path / "t.replay.html"))
    assert wanted in opened.text("notes")
    opened.press("n", "n")
    assert "a cell is the largest of 7×7" in opened.text("tensor-body")
    assert opened.page.locator("#tensor-body canvas.heat").count() == 1
    assert "norm" in opened.page.get_attribute("#tensor-body canvas.heat", "aria-label")
    opened.is_clean()
