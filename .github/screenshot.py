"""Make the README's picture from the app itself: ``python .github/screenshot.py [FILE.svg]``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import resdebug
from resdebug.tui.app import DebuggerApp

ROOT = Path(__file__).parents[1]
GRAPH = ROOT / "graphs" / "resblock.json"
KEYS = ["n"] * 9


async def picture() -> str:
    """Step through the residual block to its fork and return the screen as SVG."""
    app = DebuggerApp(lambda _report: resdebug.differentiate(resdebug.load(GRAPH)), GRAPH.name)
    async with app.run_test(size=(120, 36)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press(*KEYS)
        await pilot.pause(0.5)
        return app.export_screenshot(title="resdebug graphs/resblock.json")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".github" / "screenshot.svg"
    target.write_text(asyncio.run(picture()), encoding="utf-8")
