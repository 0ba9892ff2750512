"""Every pane on the whole screen, at every size, on the main graphs; ``RESDEBUG_GOLDENS=write`` renews the files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import resdebug
from resdebug.tui.panes.widgets import FooterPane
from tests.support import GRAPHS
from tests.tui.driving import opened
from tests.tui.test_goldens import GOLDENS, rounded

SIZES = ((50, 15), (80, 24), (100, 30), (120, 36), (200, 60))
PANES = ("graph", "node", "ledger", "tensor")
MOMENTS = {
    "resblock": "9 n",
    "two_path": "3 n",
    "bottleneck": "6 n s",
    "residual20": "1 0 n",
    "digits_resnet": "1 0 n z h",
}
"""The main graphs, each at a moment that shows something of its own."""


@pytest.mark.parametrize("graph", MOMENTS)
async def test_panes(graph: str) -> None:
    written: dict[tuple[int, int], str] = {}
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / f"{graph}.json"))
    async with opened(pass_, SIZES[0], f"{graph}.json") as d:
        await d.press(*MOMENTS[graph].split(), "m")
        for size in SIZES:
            await d.pilot.resize_terminal(*size)
            seen = []
            for pane in PANES:
                while d.app.main.active != pane:
                    await d.burst("tab")
                # What a command has told for some seconds gives way to the keys.
                d.app.main.query_one(FooterPane).show_keys()
                await d.pilot.pause()
                seen.append(f"# {pane}\n{d.screen().rstrip()}\n")
            written[size] = rounded("\n".join(seen))
    for size, screens in written.items():
        golden = GOLDENS / Path(f"panes_{graph}_{size[0]}x{size[1]}.txt")
        if os.environ.get("RESDEBUG_GOLDENS") == "write":
            golden.write_text(screens, encoding="utf-8")
        assert screens == golden.read_text(encoding="utf-8"), size
