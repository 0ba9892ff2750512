"""A plane as aligned numbers; a vector runs on over several lines."""

from __future__ import annotations

import math

from resdebug.ops.base import Array
from resdebug.tui.lines import Line
from resdebug.tui.numbers import Columns
from resdebug.tui.tensors.view import Look, Plane, window

MOST_COLUMNS = 64
_MOST_TRIED = 1000


def grid(place: Plane, look: Look, cursor: tuple[int, int] | None) -> tuple[list[Line], str]:
    """Return the lines, and what they leave out."""
    if place.rows < 0:
        return _vector(place.numbers[0], look, None if cursor is None else cursor[1])
    rows, columns = place.numbers.shape
    heading = cursor is not None and look.height > 3
    shown_rows = min(rows, look.height - heading)
    top = window(rows, shown_rows, cursor[0] if cursor else 0)
    label = max(2, len(str(top + shown_rows - 1)) + 1)
    for shown in range(min(columns, MOST_COLUMNS), 0, -1):
        left = window(columns, shown, cursor[1] if cursor else 0)
        part = place.numbers[top : top + shown_rows, left : left + shown]
        form = Columns([float(x) for x in part.ravel()])
        if label + shown * (form.width + 1) <= look.width or shown == 1:
            break
    lines: list[Line] = []
    if heading:
        lines.append([(" " * label + "".join(f"{j:>{form.width}} " for j in range(left, left + shown)), "dim")])
    for i, row in enumerate(part, start=top):
        numbers = [_number(form, float(x), cursor == (i, j)) for j, x in enumerate(row, start=left)]
        lines.append([(f"{i:>{label - 1}} ", "dim"), *numbers])
    return lines, " ".join(t for t in (form.scale, _clipped(top, shown_rows, rows, left, shown, columns)) if t)


def _clipped(top: int, shown_rows: int, rows: int, left: int, shown: int, columns: int) -> str:
    told = []
    if shown_rows < rows:
        told.append(f"rows {top}–{top + shown_rows - 1} of {rows}")
    if shown < columns:
        told.append(f"columns {left}–{left + shown - 1} of {columns}")
    return ", ".join(told)


def _vector(row: Array, look: Look, cursor: int | None) -> tuple[list[Line], str]:
    """Every line starts with the index of its first element."""
    size = len(row)
    label = len(str(size - 1)) + 2 if size > 1 else 1
    start = window(size, min(size, _MOST_TRIED), cursor or 0)
    form = Columns([float(x) for x in row[start : start + _MOST_TRIED]])
    per_line = max(1, (look.width - label) // (form.width + 1))
    lines_in_all = -(-size // per_line)
    shown = min(lines_in_all, look.height)
    first = window(lines_in_all, shown, (cursor or 0) // per_line)
    lines: list[Line] = []
    for at in range(first * per_line, min((first + shown) * per_line, size), per_line):
        numbers = [_number(form, float(x), cursor == at + k) for k, x in enumerate(row[at : at + per_line])]
        lines.append([(f"{at:>{label - 1}} " if label > 1 else " ", "dim"), *numbers])
    end = min((first + shown) * per_line, size)
    clipped = f"elements {first * per_line}–{end - 1} of {size}" if shown < lines_in_all else ""
    return lines, " ".join(t for t in (form.scale, clipped) if t)


def _number(form: Columns, x: float, pointed: bool) -> tuple[str, str]:
    if pointed:
        return form(x) + "◂", "cursor"
    role = "bad" if not math.isfinite(x) else "dim" if x == 0 else "negative" if x < 0 else "positive"
    return form(x) + " ", role
