"""Whole screens with their colours, in every theme; ``RESDEBUG_GOLDENS=write`` in the environment renews them.

A file shows the same screen once for each theme. Under the text every cell has the letter of its style, and the
letters are listed with their colours, so that a change can be read in a diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from string import ascii_letters, digits

import pytest
from rich.style import Style

import resdebug
from resdebug.tui.panes.widgets import FooterPane
from tests.support import GRAPHS
from tests.tui.driving import Driver, opened

GOLDENS = Path(__file__).parent / "goldens"
THEMES = ("dark", "light", "contrast", "mono")
SIZES = ((80, 24), (100, 30), (120, 36), (200, 60))
USUAL = (100, 30)
MOMENTS = {
    "fork": ("resblock", ["3", "n", "s", "s"]),
    "heat": ("digits_resnet", ["G", "slash", "x", "enter", "h"]),
    "folded": ("residual20", ["Z", "5", "n", "b"]),
}


def painted(driver: Driver) -> list[str]:
    """Return the letters of all cells, and what they stand for."""
    letters: dict[str, str] = {}
    rows = []
    for strip in driver.app.screen._compositor.render_strips():
        row = ""
        for segment in strip:
            told = style(segment.style or Style())
            letter = letters.setdefault(told, (ascii_letters + digits)[len(letters) % 62])
            row += letter * segment.cell_length
        rows.append(row)
    return [*rows, *(f"{letter} = {told}" for told, letter in letters.items())]


def style(of: Style) -> str:
    colours = [c.get_truecolor().hex if c is not None else "default" for c in (of.color, of.bgcolor)]
    marks = [word for word in ("bold", "dim", "italic", "underline", "reverse", "strike") if getattr(of, word)]
    return " ".join([f"{colours[0]} on {colours[1]}", *marks])


LOOKED_AT = [(moment, size) for moment in MOMENTS for size in SIZES if size == USUAL or moment == "fork"]
"""The fork in all sizes, the others in the one that just has room for all panes."""


@pytest.mark.parametrize(("moment", "size"), LOOKED_AT, ids=[f"{m}-{w}x{h}" for m, (w, h) in LOOKED_AT])
async def test_every_theme(moment: str, size: tuple[int, int]) -> None:
    graph, keys = MOMENTS[moment]
    seen: list[str] = []
    async with opened(resdebug.differentiate(resdebug.load(GRAPHS / f"{graph}.json")), size, f"{graph}.json") as d:
        await d.press(*keys)
        for theme in THEMES:
            d.app.theme = f"resdebug-{theme}"
            await d.pilot.pause()
            d.app.main.query_one(FooterPane).show_keys()
            await d.pilot.pause(0.05)
            seen += [f"# {theme}", *painted(d), ""]
        seen = [*d.screen().splitlines(), "", *seen]
    golden = GOLDENS / f"colours_{moment}_{size[0]}x{size[1]}.txt"
    told = "\n".join(seen) + "\n"
    if os.environ.get("RESDEBUG_GOLDENS") == "write":
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")
