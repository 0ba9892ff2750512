"""The whole graph at the side: where the gradient is large or small, forks, stops, the cursor, what is in view."""

from __future__ import annotations

import math
from typing import Final

from resdebug.tui.lines import Line
from resdebug.tui.session import Session

WIDTH: Final = 3
_BARS: Final = "▏▎▍▌▋▊▉█"


class MiniMap:
    """Each line of the pane stands for a stretch of rows; what does not depend on the cursor is worked out once."""

    def __init__(self, session: Session, height: int) -> None:
        self.rows = session.rows
        self.height = min(height, len(self.rows))
        low, high = session.norm_range()
        sizes = [-math.inf] * self.height
        forks = [False] * self.height
        arrivals = session.pass_.schedule.arrivals
        for row, index in enumerate(self.rows.nodes):
            y = self.line(row)
            norm = session.adjoint_norm(index) if self.rows.on_rails(row) else None
            if norm is not None:
                size = math.inf if not math.isfinite(norm) else math.log10(norm) if norm > 0 else low
                sizes[y] = max(sizes[y], size)
            forks[y] |= len(arrivals[index]) > 1
        self.edge = " " if self.height == len(self.rows) else "▕"
        """Between the rows and the map, where its lines are not the rows beside them."""
        self.bars = [_bar(size, low, high) for size in sizes]
        # Where a line stands for many rows there is a fork in most of them, and a mark would tell nothing.
        told = self.height == len(self.rows) or 2 * sum(forks) <= self.height
        self.forks = forks if told else [False] * self.height

    def line(self, row: int) -> int:
        """Return the line that stands for a row."""
        return min(row * self.height // max(len(self.rows), 1), self.height - 1)

    def row(self, line: int) -> int:
        """Return the first row that a line stands for."""
        return -(-line * len(self.rows) // max(self.height, 1))

    def stops(self, session: Session) -> frozenset[int]:
        """Return the lines with a stop."""
        return frozenset(self.line(self.rows.row_of[i]) for i in session.stop_indices)

    def cell(self, line: int, *, here: bool, stop: bool, seen: bool) -> Line:
        """Return a line's cells: the map's edge, a mark, and how large the gradient gets there."""
        if line >= self.height:
            return [(" " * WIDTH, "")]
        mark = ("▶", "now") if here else ("■", "bad") if stop else ("◆", "sum") if self.forks[line] else (" ", "dim")
        return [(self.edge, "dim"), mark, (self.bars[line], "accent" if seen else "dim")]


def _bar(size: float, low: float, high: float) -> str:
    if size == -math.inf:
        return " "
    if size == math.inf:
        return "!"
    share = 1.0 if high <= low else (size - low) / (high - low)
    return _BARS[round(max(0.0, min(1.0, share)) * (len(_BARS) - 1))]
