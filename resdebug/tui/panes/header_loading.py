"""The line on top while a network is read and run; knows no tensors, so that it is there at once."""

from __future__ import annotations

from resdebug.text import visible
from resdebug.tui.lines import Line, fit


def loading_line(name: str, progress: str, width: int) -> Line:
    """Return the header while loading."""
    return [(" resdebug ", "head"), (fit(f" {visible(name, limit=40)}  {progress}", max(width - 10, 0)), "")]
