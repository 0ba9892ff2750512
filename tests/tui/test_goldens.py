"""Whole screens as plain text, to be read in a diff; ``RESDEBUG_GOLDENS=write`` in the environment renews them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import resdebug
from resdebug.tui.panes.widgets import FooterPane
from tests.support import GRAPHS
from tests.tui.driving import opened

ROUNDING = re.compile(r"[-−]?\d\.\d\de-1[5-9]")
"""What is nothing but rounding, of a sum that is zero, differs from processor to processor."""
MAIN = ("fork", "two_path", "digits", "folded")
GOLDENS = Path(__file__).parent / "goldens"
MOMENTS = {
    "opening": ("resblock", []),
    "fork": ("resblock", ["9", "n"]),
    "skip_arrives": ("resblock", ["3", "n", "s", "s"]),
    "parameters": ("resblock", ["p", "5", "n"]),
    "two_path": ("two_path", ["3", "n"]),
    "projection": ("bottleneck", ["G", "slash", "x", "enter"]),
    "twenty": ("residual20", ["1", "0", "n"]),
    "folded": ("digits_resnet", ["Z", "7", "n"]),
    "histogram": ("digits_resnet", ["9", "n", "h", "h"]),
    "element": ("resblock", ["G", "slash", "x", "enter", "J", "J", "L", "vertical_line"]),
    "rules": ("two_path", ["G", "slash", "a", "enter", "D"]),
    "digits": ("digits_resnet", ["G", "slash", "x", "enter"]),
}


SIZES = [(50, 15), (80, 24), (100, 30), (120, 36), (200, 60)]
LOOKED_AT = [(moment, size) for moment in MOMENTS for size in SIZES if size in {(80, 24), (120, 36)} or moment in MAIN]
"""Every moment in the two usual sizes, the main ones in all."""


@pytest.mark.parametrize(("moment", "size"), LOOKED_AT, ids=[f"{m}-{w}x{h}" for m, (w, h) in LOOKED_AT])
async def test_screen(moment: str, size: tuple[int, int]) -> None:
    graph, keys = MOMENTS[moment]
    async with opened(resdebug.differentiate(resdebug.load(GRAPHS / f"{graph}.json")), size, f"{graph}.json") as d:
        await d.press(*keys)
        # What a command has told for some seconds gives way to the keys.
        d.app.main.query_one(FooterPane).show_keys()
        await d.pilot.pause(0.05)
        screen = ROUNDING.sub(lambda found: "~0".ljust(len(found[0])), d.screen().rstrip("\n") + "\n")
    golden = GOLDENS / f"{moment}_{size[0]}x{size[1]}.txt"
    if os.environ.get("RESDEBUG_GOLDENS") == "write":
        golden.write_text(screen, encoding="utf-8")
    assert screen == golden.read_text(encoding="utf-8")
