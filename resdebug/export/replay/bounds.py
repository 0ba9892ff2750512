"""How much a page holds: small tensors in full, larger ones as maps, so that it stays a few megabytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from resdebug.errors import Fault, UsageError
from resdebug.network.model import Node
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Level, Selection
from resdebug.text import plural, visible

MOST_EVENTS: Final = 500_000
"""Passes of more events are not written: a browser would take long to open the page."""
MOST_FORMULAS: Final = 5000
"""Nodes whose formulas are written out."""
WRITTEN: Final = 64
"""Tensors of up to so many elements stand in the page as text, larger ones as base64 of their bytes."""

_NUMBERS: Final = 8 << 20
_MAPS: Final = 3 << 20
_FULL: Final = (65536, 16384, 4096, 1024, 256, 64, 16, 1)
_CELLS: Final = (4096, 1024, 256, 0)
_PATTERNS: Final = 4
_A_NUMBER: Final = 20
_A_RECORD: Final = 24
_A_SUMMARY: Final = 130


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a page holds of the tensors that were asked for in full."""

    full: int
    """Up to so many elements: every number."""
    cells: int
    """Above: a map of at most so many cells; 0 is statistics only."""
    largest: int
    """Elements of the largest tensor that was asked for in full."""
    formulas: int
    """Nodes whose formulas are written out, the chosen ones first."""
    tensor_bytes: int
    """About how many bytes the tensors take in the page."""

    def notes(self, pass_: Pass, selection: Selection) -> list[str]:
        """Return in sentences what the page leaves out."""
        told = []
        if selection.level is not Level.FULL:
            what = "adjoints only" if selection.level is Level.ADJOINTS else "no tensor"
            told.append(f"written at the level {selection.level.value}: numbers of {what}, statistics of the rest")
        if selection.nodes:
            patterns = ", ".join(visible(pattern, limit=40) for pattern in selection.nodes[:_PATTERNS])
            more = f" and {len(selection.nodes) - _PATTERNS} more" if len(selection.nodes) > _PATTERNS else ""
            told.append(f"numbers only of nodes chosen by {patterns}{more}; statistics of the others")
        if self.largest > self.full:
            shown = (
                f"as down-sampled maps of at most {self.cells:,} cells, with exact statistics"
                if self.cells
                else "as exact statistics"
            )
            told.append(f"tensors of more than {plural_numbers(self.full)} are here {shown}")
        if self.formulas < len(pass_.network.nodes):
            told.append(f"formulas are written out for {self.formulas:,} of {len(pass_.network.nodes):,} nodes")
        return told


def plural_numbers(count: int) -> str:
    """Return ``1 number``, ``4,096 numbers``."""
    return plural(count, "number") if count < 1000 else f"{count:,} numbers"


def check(pass_: Pass) -> None:
    """Raise UsageError for a pass that no page can hold."""
    if len(pass_.events) > MOST_EVENTS:
        what = f"a page holds up to {MOST_EVENTS:,} events, and this pass has {len(pass_.events):,}"
        raise UsageError(Fault("X007", what, "a .jsonl trace has no such limit, and resdebug opens it"))


def choose(pass_: Pass, selection: Selection) -> Bounds:
    """Choose the largest bounds that keep the page within its budget. Raises UsageError for a pass too long."""
    check(pass_)
    sizes, summaries = _wanted(pass_, selection)
    full = next((f for f in _FULL if _numbers(sizes, f) <= _NUMBERS), _FULL[-1])
    cells = next((c for c in _CELLS if _maps(sizes, full, c) <= _MAPS), _CELLS[-1])
    nodes = len(pass_.network.nodes)
    return Bounds(
        full, cells, max((size for size, _ in sizes), default=0), min(nodes, MOST_FORMULAS),
        round(_numbers(sizes, full) + _maps(sizes, full, cells) + summaries * _A_SUMMARY),
    )  # fmt: skip


def _wanted(pass_: Pass, selection: Selection) -> tuple[Counter[tuple[int, int]], int]:
    """Count the distinct tensors that are wanted in full, by elements and bytes of each, and those as statistics."""
    wanted: Counter[tuple[int, int]] = Counter()
    summaries = 0
    for i in pass_.schedule.order:
        node, arriving = pass_.network.nodes[i], len(pass_.schedule.arrivals[i])
        # A single contribution is the adjoint; of several, the first and last sums are known tensors too.
        values = 1 + (2 * arriving - 2 if arriving > 1 else 0)
        adjoints = int(pass_.schedule.active[i])
        for count, full in ((values, selection.value(node.name)), (adjoints, selection.adjoint(node.name))):
            if full:
                wanted[node.type.size, _bytes(node)] += count
            else:
                summaries += count
    return wanted, summaries


def _bytes(node: Node) -> int:
    size = node.type.size
    if size == 1:
        return _A_NUMBER
    binary = size > WRITTEN and node.type.is_float
    return _A_RECORD + (node.type.nbytes * 4 // 3 if binary else size * _A_NUMBER)


def _numbers(sizes: Counter[tuple[int, int]], full: int) -> int:
    return sum(count * room for (size, room), count in sizes.items() if size <= full)


def _maps(sizes: Counter[tuple[int, int]], full: int, cells: int) -> int:
    return sum(count * (_A_SUMMARY + min(size, cells) * 4 // 3) for (size, _), count in sizes.items() if size > full)
