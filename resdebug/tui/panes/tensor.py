"""The tensor pane: value, adjoint or a contribution of the selected node, drawn in one of several ways."""

from __future__ import annotations

from resdebug.network.types import shape_text
from resdebug.ops.base import Array
from resdebug.text import visible
from resdebug.tui.lines import Line, cut, fit, wrap
from resdebug.tui.lines import width as measure
from resdebug.tui.parts import View
from resdebug.tui.session import Session
from resdebug.tui.tensors.figures import figures, summary_figures
from resdebug.tui.tensors.grid import grid, layout
from resdebug.tui.tensors.heat import heat
from resdebug.tui.tensors.heat import spot as heat_spot
from resdebug.tui.tensors.histogram import histogram
from resdebug.tui.tensors.image import image
from resdebug.tui.tensors.view import Look, Mode, Plane, TensorView, clamped, largest, plane

LEAST_BESIDE = 48
"""Two tensors stand side by side in panes of at least this width."""
MOST_TOLD = 2
"""Elements in one cell that are told each."""


def tensor_title(session: Session) -> str:
    """Return the pane's title."""
    return f"Tensor of {visible(session.selected, limit=30)} {shape_text(session.node.shape)}"


def tensor_subtitle(session: Session) -> str:
    """Return the ways to draw it, the chosen one in brackets."""
    modes = session.modes()
    chosen = session.shown_mode()
    return " ".join(f"[{m.value}]" if m is chosen else m.value for m in modes)


def tensor_lines(session: Session, look: Look) -> list[Line]:
    """Return the chosen view: a line that names the views, then the tensor, then what is left out and pointed at."""
    views = session.views()
    chosen = session.shown_view()
    if session.tensor_view.beside and look.width >= LEAST_BESIDE and chosen:
        return _beside(session, views[0], views[chosen], look)
    tabs: Line = []
    for k, view in enumerate(views):
        label = visible(view.label, limit=40)
        tabs += [(f"[{label}]", "accent") if k == chosen else (f" {label} ", "dim")]
    hidden = 0
    while hidden < chosen and sum(len(text) for text, _ in tabs[hidden:]) + 2 * bool(hidden) > look.width:
        hidden += 1
    head = cut([("… ", "dim"), *tabs[hidden:]] if hidden else tabs, look.width)
    return [head, *_drawn(session, views[chosen], chosen, look._replace(height=look.height - 1))]


def _beside(session: Session, left: View, right: View, look: Look) -> list[Line]:
    half = look._replace(width=(look.width - 3) // 2, height=look.height - 1)
    columns = [_drawn(session, view, k, half) for k, view in enumerate((left, right))]
    titles = [fit(f"[{visible(view.label, limit=40)}]", half.width) for view in (left, right)]
    lines: list[Line] = [[(titles[0], "accent"), (" │ ", "dim"), (titles[1], "accent")]]
    for k in range(max(map(len, columns))):
        first, second = (column[k] if k < len(column) else [] for column in columns)
        pad = (" " * (half.width - measure(cut(first, half.width))), "")
        lines.append([*cut(first, half.width), pad, (" │ ", "dim"), *cut(second, half.width)])
    return lines


def _drawn(session: Session, view: View, number: int, look: Look) -> list[Line]:
    array, settings = view.array, session.tensor_view
    if array is None:
        return _absent(view, look) if view.absent else [[(missing(session, number), "dim")]]
    if not array.size:
        return [[("no elements", "dim")]]
    mode = session.shown_mode()
    if mode is Mode.STATISTICS:
        body, note = figures(array, look._replace(height=look.height - 1))
        return [*body, *_notes([note], look)]
    if mode is Mode.HISTOGRAM:
        body, note = histogram(array, look._replace(height=look.height - 1))
        return [*body, *_notes([note], look)]
    if mode is Mode.IMAGE:
        body, note = image(array, look._replace(height=look.height - 1), settings.slice)
        return [*body, *_notes([note], look)]
    place = plane(array, settings)
    body, lines, _ = _fitted(place, look, settings, mode, array.dtype.name)
    return [*body, *lines]


def _fitted(
    place: Plane, look: Look, settings: TensorView, mode: Mode, dtype: str
) -> tuple[list[Line], list[Line], int]:
    """Return the drawing, the notes under it, and how many lines were left for the drawing."""
    cursor = clamped(place, settings.cursor) if settings.cursor is not None else None
    notes = [_element(place, cursor, dtype)] if cursor is not None else []
    if place.where:
        number = settings.slice % place.of + 1
        notes.append(
            f"slice {number} of {place.of}: [{place.where}], keys [ ]" if place.of > 1 else f"slice [{place.where}]"
        )
    rows = max(1, look.height - 1)
    for _ in range(2):
        body, note = _plane(place, look._replace(height=rows), cursor, settings, mode)
        lines = _notes([*notes, note], look)
        if rows <= max(1, look.height - len(lines)):
            break
        rows = max(1, look.height - len(lines))
    return body, lines, rows


def told_element(session: Session, look: Look, x: int, y: int) -> str:
    """Return all digits of the element at a cell of the pane, and its place; of several in one cell, the largest."""
    views, chosen = session.views(), session.shown_view()
    if session.tensor_view.beside and look.width >= LEAST_BESIDE and chosen:
        half = (look.width - 3) // 2
        chosen, x = (0, x) if x < half else (chosen, x - half - 3)
        look = look._replace(width=half)
    array, mode = views[chosen].array, session.shown_mode()
    look = look._replace(height=look.height - 1)
    if array is None or not array.size or mode not in {Mode.NUMBERS, Mode.HEAT} or x < 0 or y < 1:
        return ""
    place, settings = plane(array, session.tensor_view), session.tensor_view
    body, _, rows = _fitted(place, look, settings, mode, array.dtype.name)
    if y - 1 >= len(body):
        return ""
    look = look._replace(height=rows)
    cursor = clamped(place, settings.cursor) if settings.cursor is not None else None
    spot = heat_spot(place, look, x, y - 1) if mode is Mode.HEAT else layout(place, look, cursor).spot(place, x, y - 1)
    if spot is None:
        return ""
    several = len(spot.rows) * len(spot.columns)
    if several <= MOST_TOLD:
        return "\n".join(_element(place, (i, j), array.dtype.name) for i in spot.rows for j in spot.columns)
    part = place.numbers[spot.rows.start : spot.rows.stop, spot.columns.start : spot.columns.stop]
    row, column = (int(k) for k in largest(part))
    found = _element(place, (spot.rows.start + row, spot.columns.start + column), array.dtype.name)
    return f"{found}\nthe largest of {len(spot.rows)}×{len(spot.columns)} elements here"


def _plane(
    place: Plane, look: Look, cursor: tuple[int, int] | None, settings: TensorView, mode: Mode
) -> tuple[list[Line], str]:
    if mode is Mode.HEAT:
        return heat(place, look, cursor, settings.scale)
    return grid(place, look, cursor)


def _notes(notes: list[str], look: Look) -> list[Line]:
    """Return what has to be said about the drawing, on as many lines as it takes."""
    told = "  ".join(note for note in notes if note)
    return [[(text, "dim")] for text in wrap(told, look.width, most=3)] if told else []


def _element(place: Plane, cursor: tuple[int, int], dtype: str) -> str:
    """Tell an element in full precision, with its place."""
    index = ",".join(str(i) for i in place.index(*cursor))
    return f"[{index}] = {place.numbers[cursor].item()!r} {dtype}"


def _absent(view: View, look: Look) -> list[Line]:
    """Say why there are no numbers, and what there is in their place."""
    lines: list[Line] = [[(text, "strong")] for text in wrap(view.absent, look.width)]
    if view.summary is None:
        return [*lines, [("nor are there statistics of it", "dim")]]
    body, note = summary_figures(view.summary, look._replace(height=max(1, look.height - len(lines) - 1)))
    return [*lines, *body, *_notes([f"statistics are: {note}"], look)]


def missing(session: Session, view: int) -> str:
    """Say why there is nothing to see yet."""
    if session.network[session.selected].index not in session.pass_.schedule.order:
        return "not part of the pass"
    if view and session.pass_.adjoint(session.selected) is None:
        return "no adjoint here"
    return "not there yet at this moment of the pass"


def shown_numbers(session: Session) -> tuple[Array, str] | None:
    """Return the numbers that are looked at, and what they are, for copying; None where there are none."""
    view = session.views()[session.shown_view()]
    if view.array is None:
        return None
    place = plane(view.array, session.tensor_view)
    return place.numbers, f"{view.label} of {session.selected}" + (f" [{place.where}]" if place.where else "")
