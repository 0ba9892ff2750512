"""The tensor pane: value, adjoint or a contribution of the selected node, as numbers or as a heat map."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from resdebug.network.types import shape_text
from resdebug.ops.base import Array
from resdebug.text import visible
from resdebug.tui.lines import Line, cut
from resdebug.tui.numbers import Columns, scientific
from resdebug.tui.session import Session

_NEGATIVE, _POSITIVE = (86, 180, 233), (230, 159, 0)
_DENSITY = " .:-=+*#@"


class Look(NamedTuple):
    """How to draw: the size in cells, whether colours can be used, and whether the background is dark."""

    width: int
    height: int
    colour: bool = True
    dark: bool = True


def tensor_title(session: Session) -> str:
    """Return the pane's title."""
    return f"Tensor of {visible(session.selected, limit=30)} {shape_text(session.node.shape)}"


def tensor_lines(session: Session, look: Look) -> list[Line]:
    """Return the chosen view: a line that names the views, then the numbers or the heat map of one slice."""
    views = session.views()
    chosen = session.shown_view()
    tabs: Line = []
    for k, view in enumerate(views):
        label = visible(view.label, limit=40)
        tabs += [(f"[{label}]", "accent") if k == chosen else (f" {label} ", "dim")]
    hidden = 0
    while hidden < chosen and sum(len(text) for text, _ in tabs[hidden:]) + 2 * bool(hidden) > look.width:
        hidden += 1
    lines = [cut([("… ", "dim"), *tabs[hidden:]] if hidden else tabs, look.width)]
    array = views[chosen].array
    if array is None:
        return [*lines, [(missing(session, chosen), "dim")]]
    if not array.size:
        return [*lines, [("no elements", "dim")]]
    matrix, where = _slice(array, session.slice)
    note = f"slice {where}{'  [ ] others' if slices(array) > 1 else ''}" if where else ""
    draw = _heat if session.heat else _grid
    body, legend = draw(matrix, look._replace(height=look.height - 2))
    return [*lines, *body, [(f"{note}{'  ' if note and legend else ''}{legend}", "dim")]]


def missing(session: Session, view: int) -> str:
    """Say why there is nothing to see yet."""
    if session.network[session.selected].index not in session.pass_.schedule.order:
        return "not part of the pass"
    if view and session.pass_.adjoint(session.selected) is None:
        return "no adjoint here"
    return "not there yet at this moment of the pass"


def slices(array: Array) -> int:
    """Return how many two-dimensional slices an array has."""
    return max(1, math.prod(array.shape[:-2]))


def _slice(array: Array, k: int) -> tuple[Array, str]:
    """Return the k-th slice over the last two axes, and which one it is; vectors become one row."""
    if array.ndim < 2:
        return array.reshape(1, -1), ""
    k %= slices(array)
    if array.ndim == 2:
        return array, ""
    index = np.unravel_index(k, array.shape[:-2])
    return array[index], f"[{','.join(str(int(i)) for i in index)},:,:]"


def _grid(matrix: Array, look: Look) -> tuple[list[Line], str]:
    rows, columns = matrix.shape
    label = len(str(rows - 1)) + 2 if rows > 1 else 1
    if rows == 1:
        return _vector(matrix[0], look)
    shown_rows = min(rows, look.height)
    for shown in range(min(columns, 64), 0, -1):
        part = matrix[:shown_rows, :shown]
        form = Columns([float(x) for x in part.ravel()])
        if label + shown * (form.width + 1) <= look.width or shown == 1:
            break
    lines: list[Line] = []
    for i, row in enumerate(part):
        lines.append([(f"{i:>{label - 1}} ", "dim"), *[_number(form, float(x)) for x in row]])
    clipped = (
        f"rows {shown_rows} of {rows}, columns {shown} of {columns}" if shown_rows < rows or shown < columns else ""
    )
    return lines, f"{form.scale}  {clipped}".strip()


def _vector(row: Array, look: Look) -> tuple[list[Line], str]:
    """A vector runs on over several lines, each with the index it starts at."""
    shown = row[:1000]
    form = Columns([float(x) for x in shown])
    label = len(str(len(row) - 1)) + 2 if len(row) > 1 else 1
    per_line = max(1, (look.width - label) // (form.width + 1))
    count = min(len(shown), per_line * look.height)
    lines: list[Line] = []
    for start in range(0, count, per_line):
        numbers = [_number(form, float(x)) for x in shown[start : min(start + per_line, count)]]
        lines.append([(f"{start:>{label - 1}} " if label > 1 else " ", "dim"), *numbers])
    return lines, f"{form.scale}  {f'{count} of {len(row)}' if count < len(row) else ''}".strip()


def _number(form: Columns, x: float) -> tuple[str, str]:
    role = "bad" if not math.isfinite(x) else "dim" if x == 0 else "negative" if x < 0 else "positive"
    return form(x) + " ", role


def _heat(matrix: Array, look: Look) -> tuple[list[Line], str]:
    values = np.asarray(matrix, dtype=np.float64)
    per_cell = 2 if look.colour else 1
    reduced, ratio = _reduce(values, look.height * per_cell, look.width // per_cell)
    finite = np.abs(reduced[np.isfinite(reduced)])
    top = float(finite.max()) if finite.size else 0.0
    note = f"each cell is the largest of {ratio[0]}×{ratio[1]}" if max(ratio) > 1 else ""
    ends = ("blue", "orange") if look.colour else ("−", "+")
    legend = f"{ends[0]} −{scientific(top, 2)} … 0 … {scientific(top, 2)} {ends[1]}"
    draw = _coloured if look.colour else _characters
    return draw(reduced, top, look), f"{legend}  {note}".strip()


def _reduce(values: Array, most_rows: int, most_columns: int) -> tuple[Array, tuple[int, int]]:
    """Reduce to the pane's size: of each block the element of largest magnitude; NaN wins."""
    steps = (max(1, -(-values.shape[0] // most_rows)), max(1, -(-values.shape[1] // max(1, most_columns))))
    if steps == (1, 1):
        return values, steps
    edges = [[*range(0, n, step), n] for n, step in zip(values.shape, steps, strict=True)]
    result = np.zeros((len(edges[0]) - 1, len(edges[1]) - 1))
    for i, (top, bottom) in enumerate(pairwise(edges[0])):
        for j, (left, right) in enumerate(pairwise(edges[1])):
            block = values[top:bottom, left:right].ravel()
            result[i, j] = np.nan if np.isnan(block).any() else block[int(np.argmax(np.abs(block)))]
    return result, steps


def _coloured(values: Array, top: float, look: Look) -> list[Line]:
    """Two rows a line: the upper is the foreground of ▀, the lower its background; two cells wide."""
    lines: list[Line] = []
    for i in range(0, len(values), 2):
        line: Line = []
        for j in range(values.shape[1]):
            upper = float(values[i, j])
            lower = float(values[i + 1, j]) if i + 1 < len(values) else None
            if math.isnan(upper) or (lower is not None and math.isnan(lower)):
                line.append(("N?", "bad"))
            elif math.isinf(upper) or (lower is not None and math.isinf(lower)):
                line.append(("∞!", "bad"))
            elif lower is None:
                line.append(("▀▀", _hex(_colour(upper, top, look.dark))))
            else:
                line.append(("▀▀", f"{_hex(_colour(upper, top, look.dark))} on {_hex(_colour(lower, top, look.dark))}"))
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


def _characters(values: Array, top: float, _look: Look) -> list[Line]:
    """Without colour: a sign and a density for every element."""
    lines: list[Line] = []
    for row in values:
        text = ""
        for x in row:
            if not math.isfinite(x):
                text += "N?" if math.isnan(x) else "∞!"
                continue
            share = math.sqrt(min(1.0, abs(x) / top)) if top > 0 else 0.0
            text += ("+" if x > 0 else "-" if x < 0 else " ") + _DENSITY[round(share * (len(_DENSITY) - 1))]
        lines.append([(text, "")])
    return lines
