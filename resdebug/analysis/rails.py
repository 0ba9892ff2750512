"""The reverse pass drawn as rails, the way a commit log is: one row a node, target on top, a skip beside the trunk.

Pure layout, no screen. A *path* is a column of the drawing over a range of rows: it carries nodes, and between them
the adjoint that the next node waits for. A node's first operand continues on the node's own path; every other operand
gets a lane, one per fork: later consumers join that lane, which therefore is the running sum. Lanes are given
columns shortest first, so that nested skips do not cross.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from resdebug.network.progress import Report

OFTEN: Final = 1024
"""After so many rows or paths it is told how far the layout is."""
_BUCKET: Final = 64
MOST_LANES: Final = 64
"""Paths that find no column among so many are counted, not drawn."""
UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
_GLYPHS: Final = {
    UP | DOWN: "│", LEFT | RIGHT: "─", UP | LEFT: "╯", UP | RIGHT: "╰", DOWN | LEFT: "╮", DOWN | RIGHT: "╭",
    UP | DOWN | LEFT: "┤", UP | DOWN | RIGHT: "├", DOWN | LEFT | RIGHT: "┬", UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
}  # fmt: skip
_FLIPPED: Final = str.maketrans("╯╰╮╭┬┴", "╮╭╯╰┴┬")
_FAINT: Final = str.maketrans("│─", "┊┄")
_HEAVY: Final = str.maketrans("│─╯╰╮╭┤├┬┴┼", "┃━┛┗┓┏┫┣┳┻╋")


class Stretch(NamedTuple):
    """A piece of a path between two rows: from a consumer down to the node whose adjoint it carries."""

    top: int
    bottom: int


@dataclass(slots=True)
class Path:
    """One column of the drawing, from its first to its last row."""

    top: int
    bottom: int = -1
    column: int = -1
    has_nodes: bool = False
    starts_with_node: bool = False
    stretches: list[Stretch] = field(default_factory=list)


class Link(NamedTuple):
    """A horizontal piece at a row: between the row's node and a path that starts, ends or is joined there."""

    path: int
    ends: int
    """UP where the path comes from above, DOWN where it goes on below, both where it is joined."""
    carries: int
    """The row of the node whose adjoint runs through it."""
    since: int
    """The row of the consumer from which on that is fed."""


class Cell(NamedTuple):
    """A character of the drawing; ``carries`` is the row of the node whose adjoint runs there, −1 for none."""

    glyph: str
    carries: int = -1
    since: int = -1
    """The row of the consumer from which on the lane is fed."""


class Rails:
    """The layout of rows 0 … n−1; ``operands[r]`` are the rows of the operands of row r (all below it)."""

    def __init__(self, operands: Sequence[Sequence[int]], report: Report | None = None) -> None:
        self.rows = len(operands)
        self._report = report
        self.paths: list[Path] = []
        self.path_of: list[int] = [-1] * self.rows
        self.links: list[list[Link]] = [[] for _ in range(self.rows)]
        self._trace(operands)
        self.columns = self._assign()
        self._buckets = self._index()
        self._report = None

    def _trace(self, operands: Sequence[Sequence[int]]) -> None:
        waiting: dict[int, list[tuple[int, int]]] = {}
        for row in range(self.rows):
            self._tell(row, 2 * self.rows)
            arriving = waiting.pop(row, [])
            main = min(arriving)[0] if arriving else self._open(row)
            self.paths[main].starts_with_node |= not arriving
            for path, top in arriving:
                self.paths[path].stretches.append(Stretch(top, row))
                self.paths[path].bottom = row
                if path != main:
                    self.links[row].append(Link(path, UP, row, top))
            self.path_of[row] = main
            self.paths[main].has_nodes = True
            self.paths[main].bottom = row
            rest = sorted(set(operands[row]))
            first, others = (rest[0], rest[1:]) if rest else (None, [])
            for operand in others:
                if operand in waiting:
                    lane = max(waiting[operand], key=lambda item: (not self.paths[item[0]].has_nodes, item[0]))[0]
                    self.links[row].append(Link(lane, UP | DOWN, operand, row))
                else:
                    lane = self._open(row)
                    waiting[operand] = [(lane, row)]
                    self.links[row].append(Link(lane, DOWN, operand, row))
            if first is not None:
                waiting.setdefault(first, []).append((main, row))

    def _tell(self, done: int, of: int) -> None:
        if self._report is not None and not done % OFTEN:
            self._report("drawing", done, of)

    def _open(self, row: int) -> int:
        self.paths.append(Path(row))
        return len(self.paths) - 1

    def _assign(self) -> int:
        """Give every path the leftmost column that is free over its rows, shortest first; the trunk has column 0."""
        taken: list[list[tuple[int, int]]] = []
        order = sorted(range(len(self.paths)), key=lambda i: (i > 0, self.paths[i].bottom - self.paths[i].top, i))
        for done, i in enumerate(order):
            self._tell(done + len(order), 2 * len(order))
            path = self.paths[i]
            start = 0 if i == 0 or not self.paths[0].top <= path.bottom <= self.paths[0].bottom else 1
            # Right under another path's last node a first node would read as its input.
            top = path.top - 1 if path.starts_with_node else path.top
            path.column = next(
                (c for c in range(start, len(taken)) if _free(taken[c], top, path.bottom)),
                len(taken) if len(taken) < MOST_LANES else -1,
            )
            if path.column == len(taken):
                taken.append([])
            if path.column >= 0:
                insort(taken[path.column], (top, path.bottom))
        return len(taken)

    def _index(self) -> list[list[tuple[int, Stretch]]]:
        """Per group of rows, the stretches that run through it, with their columns."""
        buckets: list[list[tuple[int, Stretch]]] = [[] for _ in range(self.rows // _BUCKET + 1)]
        for path in self.paths:
            if path.column < 0:
                continue
            for stretch in path.stretches:
                for b in range(stretch.top // _BUCKET, stretch.bottom // _BUCKET + 1):
                    buckets[b].append((path.column, stretch))
        return buckets

    def column(self, row: int) -> int:
        """Return the column of a row's node, −1 when it is not drawn."""
        return self.paths[self.path_of[row]].column

    def undrawn(self, row: int) -> int:
        """Return how many of the row's own links lead to paths that are not drawn."""
        return sum(self.paths[link.path].column < 0 for link in self.links[row])

    def draw(self, row: int, glyph: str, most: int = MOST_LANES) -> list[Cell]:
        """Return the cells of a row, two a column, the node shown as ``glyph``; columns from ``most`` on are cut."""
        columns = min(self.columns, most)
        cells = [Cell(" ")] * (2 * columns)
        here = self.column(row)
        for column, stretch in self._buckets[row // _BUCKET]:
            if column < columns and stretch.top < row < stretch.bottom:
                cells[2 * column] = Cell("│", stretch.bottom, stretch.top)
        if here >= 0:
            self._draw_links(row, here, cells)
            if here < columns:
                cells[2 * here] = Cell(glyph)
        return cells

    def draw_under(self, row: int, most: int = MOST_LANES) -> list[Cell]:
        """Return the cells between a row and the next: only what runs through."""
        cells = [Cell(" ")] * (2 * min(self.columns, most))
        for column, stretch in self._buckets[row // _BUCKET]:
            if 2 * column < len(cells) and stretch.top <= row < stretch.bottom:
                cells[2 * column] = Cell("│", stretch.bottom, stretch.top)
        return cells

    def _draw_links(self, row: int, here: int, cells: list[Cell]) -> None:
        ends: dict[int, Link] = {}
        for link in self.links[row]:
            column = self.paths[link.path].column
            if column >= 0:
                ends[column] = link
        for side, toward in ((1, LEFT), (-1, RIGHT)):
            reached = [c for c in ends if (c - here) * side > 0]
            if not reached:
                continue
            far = max(reached, key=lambda c: (c - here) * side)
            carries, since = ends[far].carries, ends[far].since
            for at in range(2 * here + side, 2 * far, side):
                if at >= len(cells) or (at % 2 == 0 and cells[at].glyph == "│" and at // 2 not in ends):
                    continue
                cells[at] = Cell("─", carries, since)
            for column in reached:
                if 2 * column < len(cells):
                    link = ends[column]
                    arms = link.ends | toward | (0 if column == far else (RIGHT if side > 0 else LEFT))
                    cells[2 * column] = Cell(_GLYPHS[arms], link.carries, link.since)


def _free(taken: list[tuple[int, int]], top: int, bottom: int) -> bool:
    at = bisect_left(taken, (top, -1))
    if at < len(taken) and taken[at][0] <= bottom:
        return False
    return at == 0 or taken[at - 1][1] < top


def heavy(glyph: str) -> str:
    """Return the bold form of a line, for a lane that carries an adjoint."""
    return glyph.translate(_HEAVY)


def faint(glyph: str) -> str:
    """Return the broken form of a line, for a lane that nothing has travelled yet."""
    return glyph.translate(_FAINT)


def upside_down(glyph: str) -> str:
    """Return a line as it is in a drawing whose rows run the other way."""
    return glyph.translate(_FLIPPED)


def as_text(rails: Rails, glyphs: Sequence[str]) -> list[str]:
    """Return the whole drawing as lines of text."""
    return ["".join(cell.glyph for cell in rails.draw(row, glyphs[row])).rstrip() for row in range(rails.rows)]


def arms(glyph: str) -> list[tuple[int, int]]:
    """Return the directions, right and up positive, in which a line of the drawing leaves the middle of its cell."""
    ways = {UP: (0, 1), DOWN: (0, -1), LEFT: (-1, 0), RIGHT: (1, 0)}
    known = next((mask for mask, written in _GLYPHS.items() if written == glyph), 0)
    return [way for bit, way in ways.items() if known & bit]
