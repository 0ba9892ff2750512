"""A plane as aligned numbers; a vector runs on over several lines."""

from __future__ import annotations

import math
from dataclasses import dataclass

from resdebug.ops.base import Array
from resdebug.tui.lines import Line
from resdebug.tui.numbers import Columns
from resdebug.tui.tensors.view import Look, Plane, Spot, window

MOST_COLUMNS = 64
_MOST_TRIED = 1000


@dataclass(frozen=True, slots=True)
class Layout:
    """Which numbers of a plane are shown, and where; a vector runs on over lines of ``shown`` numbers."""

    top: int
    """First row; of a vector, the first line."""
    lines: int
    left: int
    shown: int
    """Numbers on a line."""
    label: int
    """Cells before the first number."""
    heading: int
    form: Columns

    def spot(self, place: Plane, x: int, y: int) -> Spot | None:
        """Return the element at a cell of the drawing."""
        at = (x - self.label) // (self.form.width + 1)
        line = y - self.heading
        if x < self.label or not (0 <= line < self.lines and 0 <= at < self.shown):
            return None
        row, column = self.top + line, self.left + at
        if place.rows < 0:
            row, column = 0, row * self.shown + at
        rows, columns = place.numbers.shape
        return Spot(range(row, row + 1), range(column, column + 1)) if row < rows and column < columns else None


def layout(place: Plane, look: Look, cursor: tuple[int, int] | None) -> Layout:
    """Return what is shown of a plane, so that the element pointed at is seen."""
    if place.rows < 0:
        return _of_vector(place.numbers[0], look, cursor[1] if cursor else 0)
    rows, columns = place.numbers.shape
    heading = cursor is not None and look.height > 3
    shown_rows = min(rows, look.height - heading)
    top = window(rows, shown_rows, cursor[0] if cursor else 0)
    label = max(2, len(str(top + shown_rows - 1)) + 1)
    # Every number takes at least a cell, and one before it.
    for shown in range(max(1, min(columns, MOST_COLUMNS, (look.width - label) // 2)), 0, -1):
        left = window(columns, shown, cursor[1] if cursor else 0)
        form = Columns(place.numbers[top : top + shown_rows, left : left + shown].astype(float).ravel().tolist())
        if label + shown * (form.least + 1) > look.width and shown > 1:
            continue
        if label + shown * (form.width + 1) <= look.width or shown == 1:
            break
    return Layout(top, shown_rows, left, shown, label, int(heading), form)


def _of_vector(row: Array, look: Look, cursor: int) -> Layout:
    size = len(row)
    label = len(str(size - 1)) + 2 if size > 1 else 1
    start = window(size, min(size, _MOST_TRIED), cursor)
    form = Columns([float(x) for x in row[start : start + _MOST_TRIED]])
    per_line = max(1, (look.width - label) // (form.width + 1))
    in_all = -(-size // per_line)
    shown = min(in_all, look.height)
    return Layout(window(in_all, shown, cursor // per_line), shown, 0, per_line, label, 0, form)


def grid(place: Plane, look: Look, cursor: tuple[int, int] | None) -> tuple[list[Line], str]:
    """Return the lines, and what they leave out."""
    found = layout(place, look, cursor)
    if place.rows < 0:
        return _vector(place.numbers[0], found, None if cursor is None else cursor[1])
    form, label, top, left, shown = found.form, found.label, found.top, found.left, found.shown
    lines: list[Line] = []
    if found.heading:
        lines.append([(" " * label + "".join(f"{j:>{form.width}} " for j in range(left, left + shown)), "dim")])
    part = place.numbers[top : top + found.lines, left : left + shown]
    for i, row in enumerate(part, start=top):
        numbers = [_number(form, float(x), cursor == (i, j)) for j, x in enumerate(row, start=left)]
        lines.append([(f"{i:>{label - 1}} ", "dim"), *numbers])
    rows, columns = place.numbers.shape
    return lines, " ".join(t for t in (form.scale, _clipped(top, found.lines, rows, left, shown, columns)) if t)


def _clipped(top: int, shown_rows: int, rows: int, left: int, shown: int, columns: int) -> str:
    told = []
    if shown_rows < rows:
        told.append(f"rows {top}–{top + shown_rows - 1} of {rows}")
    if shown < columns:
        told.append(f"columns {left}–{left + shown - 1} of {columns}")
    return ", ".join(told)


def _vector(row: Array, found: Layout, cursor: int | None) -> tuple[list[Line], str]:
    """Every line starts with the index of its first element."""
    size, form, label, per_line = len(row), found.form, found.label, found.shown
    start, end = found.top * per_line, min((found.top + found.lines) * per_line, size)
    lines: list[Line] = []
    for at in range(start, end, per_line):
        numbers = [_number(form, float(x), cursor == at + k) for k, x in enumerate(row[at : at + per_line])]
        lines.append([(f"{at:>{label - 1}} " if label > 1 else " ", "dim"), *numbers])
    clipped = f"elements {start}–{end - 1} of {size}" if end - start < size else ""
    return lines, " ".join(t for t in (form.scale, clipped) if t)


def _number(form: Columns, x: float, pointed: bool) -> tuple[str, str]:
    if pointed:
        return form(x) + "◂", "cursor"
    role = "bad" if not math.isfinite(x) else "dim" if x == 0 else "negative" if x < 0 else "positive"
    return form(x) + " ", role
