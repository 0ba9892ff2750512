"""A plane as a heat map: blue below zero, orange above, on a signed-root scale that is symmetrical about zero."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from resdebug.ops.base import Array
from resdebug.tui.lines import Line
from resdebug.tui.numbers import scientific
from resdebug.tui.tensors.view import Look, Plane, Spot

_NEGATIVE, _POSITIVE = (86, 180, 233), (230, 159, 0)
_DENSITY = " .:-=+*#@"


def spot(place: Plane, look: Look, x: int, y: int) -> Spot | None:
    """Return the elements at a cell of the map: two rows of them where colours are used, more where it is reduced."""
    rows, columns = place.numbers.shape
    per_cell = 2 if look.colour else 1
    down, across = _steps((rows, columns), max(1, look.height) * per_cell, max(1, look.width // 2))
    first, last = y * per_cell * down, min((y + 1) * per_cell * down, rows)
    left, right = x // 2 * across, min((x // 2 + 1) * across, columns)
    return Spot(range(first, last), range(left, right)) if 0 <= first < last and 0 <= left < right else None


def heat(place: Plane, look: Look, cursor: tuple[int, int] | None, scale: float | None) -> tuple[list[Line], str]:
    """Return the lines, and the legend; what is larger than the pane is reduced, and said."""
    numbers = np.asarray(place.numbers, dtype=np.float64)
    per_cell = 2 if look.colour else 1
    reduced, ratio = _reduce(numbers, max(1, look.height) * per_cell, max(1, look.width // 2))
    finite = np.abs(reduced[np.isfinite(reduced)])
    top = scale if scale is not None else float(finite.max()) if finite.size else 0.0
    ends = ("blue", "orange") if look.colour else ("−", "+")
    legend = f"{ends[0]} −{scientific(top, 2)} … 0 … {scientific(top, 2)} {ends[1]}"
    if scale is not None:
        legend += " locked"
        if finite.size and float(finite.max()) > top:
            legend += f", up to {scientific(float(finite.max()), 2)} clipped"
    if max(ratio) > 1:
        legend += f"; a cell is the largest of {ratio[0]}×{ratio[1]}"
    draw = _coloured if look.colour else _characters
    pointed = None if cursor is None else (cursor[0] // ratio[0], cursor[1] // ratio[1])
    return draw(reduced, top, look, pointed), legend


def _reduce(values: Array, most_rows: int, most_columns: int) -> tuple[Array, tuple[int, int]]:
    """Reduce to the pane's size: of each block the element of largest magnitude; NaN wins."""
    steps = _steps(values.shape, most_rows, most_columns)
    if steps == (1, 1):
        return values, steps
    edges = [[*range(0, n, step), n] for n, step in zip(values.shape, steps, strict=True)]
    result = np.zeros((len(edges[0]) - 1, len(edges[1]) - 1))
    for i, (top, bottom) in enumerate(pairwise(edges[0])):
        for j, (left, right) in enumerate(pairwise(edges[1])):
            block = values[top:bottom, left:right].ravel()
            result[i, j] = np.nan if np.isnan(block).any() else block[int(np.argmax(np.abs(block)))]
    return result, steps


def _steps(shape: tuple[int, ...], most_rows: int, most_columns: int) -> tuple[int, int]:
    """Return how many rows and columns of elements go into one."""
    return max(1, -(-shape[0] // most_rows)), max(1, -(-shape[1] // max(1, most_columns)))


def _coloured(values: Array, top: float, look: Look, pointed: tuple[int, int] | None) -> list[Line]:
    """Two rows a line: the upper is the foreground of ▀, the lower its background; two cells wide."""
    lines: list[Line] = []
    for i in range(0, len(values), 2):
        line: Line = []
        for j in range(values.shape[1]):
            upper = float(values[i, j])
            lower = float(values[i + 1, j]) if i + 1 < len(values) else None
            mark = "▀▀" if pointed not in {(i, j), (i + 1, j)} else "▀◂" if pointed == (i, j) else "▄◂"
            if math.isnan(upper) or (lower is not None and math.isnan(lower)):
                line.append(("N?", "bad"))
            elif math.isinf(upper) or (lower is not None and math.isinf(lower)):
                line.append(("∞!", "bad"))
            elif mark != "▀▀":
                line.append((mark, "cursor"))
            elif lower is None:
                line.append((mark, _hex(_colour(upper, top, look.dark))))
            else:
                line.append((mark, f"{_hex(_colour(upper, top, look.dark))} on {_hex(_colour(lower, top, look.dark))}"))
        lines.append(line)
    return lines


def _colour(x: float, top: float, dark: bool) -> tuple[int, int, int]:
    """Return the colour of a number on a signed-root scale, diverging from a centre that is near the background."""
    share = math.sqrt(min(1.0, abs(x) / top)) if top > 0 else 0.0
    centre = (24, 26, 30) if dark else (246, 246, 246)
    end = _POSITIVE if x > 0 else _NEGATIVE
    red, green, blue = (round(c + (e - c) * share) for c, e in zip(centre, end, strict=True))
    return red, green, blue


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _characters(values: Array, top: float, _look: Look, pointed: tuple[int, int] | None) -> list[Line]:
    """Without colour: a sign and a density for every element."""
    lines: list[Line] = []
    for i, row in enumerate(values):
        line: Line = []
        for j, x in enumerate(row):
            if not math.isfinite(x):
                text = "N?" if math.isnan(x) else "∞!"
            else:
                share = math.sqrt(min(1.0, abs(x) / top)) if top > 0 else 0.0
                text = ("+" if x > 0 else "-" if x < 0 else " ") + _DENSITY[round(share * (len(_DENSITY) - 1))]
            line.append((text[0] + "◂", "cursor") if pointed == (i, j) else (text, ""))
        lines.append(line)
    return lines
