"""The comparison of somebody's gradients with ours as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resdebug.analysis.comparison import Compared, Comparison, State
from resdebug.analysis.diagnosis import Explanation
from resdebug.export.check_text import at, both
from resdebug.network.types import shape_text
from resdebug.text import plural, visible

MOST_ROWS: Final = 40
MOST_PLACES: Final = 10
MOST_WAYS: Final = 3


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Yield the lines of a report."""
    name, target = visible(found.network.name, limit=60), visible(found.target, limit=60)
    yield f"{name}: target {target}; your numbers have the precision of {found.precision}, ours float64"
    rows = list(found.rows)
    hidden = 0
    if len(rows) > MOST_ROWS:
        wrong = [row for row in rows if row.state is not State.RIGHT]
        hidden = max(0, len(wrong) - MOST_ROWS)
        rows = wrong[:MOST_ROWS]
    yield from _table(rows)
    if hidden:
        yield f"  … and {hidden} more that are not right"
    yield ""
    yield from _conclusion(found)


def _table(rows: list[Compared]) -> Iterator[str]:
    headings = ("", "node", "operator", "shape", "yours", "ours", "worst at", "off by", "")
    cells = [headings, *map(_cells, rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(headings))]
    for row in cells if rows else []:
        yield "  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()


def _cells(row: Compared) -> tuple[str, ...]:
    node = visible(row.node, limit=40)
    if row.given_as != row.node:
        node += f" (as {visible(row.given_as, limit=40)})"
    start = (row.state.value, node, row.op, shape_text(row.shape))
    if row.state is State.SHAPE:
        return (*start, shape_text(row.given_shape), "", "", "", row.remark)
    if row.yours != row.yours and row.ours != row.ours:
        return (*start, "", "", "", "", row.remark)
    yours, ours = both(row.yours, row.ours, differ=row.state is State.WRONG)
    return (*start, yours, ours, at(row.index), f"{row.error:.1e}", row.remark)


def _conclusion(found: Comparison) -> Iterator[str]:
    count = {state: sum(row.state is state for row in found.rows) for state in State}
    if found.right:
        yield f"right: {_all(len(found.rows))}{_rest(found)}"
        return
    if count[State.FORGOTTEN]:
        yield f"not filled in: {count[State.FORGOTTEN]} of {len(found.rows)}, still NaN as in the template"
    if count[State.NO_ADJOINT]:
        yield f"given, though it takes no adjoint: {count[State.NO_ADJOINT]} of {len(found.rows)}"
    first = found.first_wrong
    if first is None:
        return
    yield f"WRONG: {count[State.WRONG] + count[State.SHAPE]} of {plural(len(found.rows), 'gradient')}{_rest(found)}"
    yield f"first in reverse order: {_first(first)}"
    yield from _diagnosis(found)


def _all(count: int) -> str:
    return "the gradient agrees" if count == 1 else f"all {count} gradients agree"


def _rest(found: Comparison) -> str:
    missing = len(found.not_given)
    return f"; {plural(missing, 'input or parameter', 'inputs and parameters')} not given" if missing else ""


def _first(row: Compared) -> str:
    name = visible(row.node, limit=60)
    if row.state is State.SHAPE:
        told = f"{name} has shape {shape_text(row.given_shape)} in place of {shape_text(row.shape)}"
    else:
        yours, ours = both(row.yours, row.ours, differ=True)
        told = f"{name} at {at(row.index)}: yours {yours}, ours {ours}"
    return f"{told} ({row.remark})" if row.remark else told


def _diagnosis(found: Comparison) -> Iterator[str]:
    shapes = [row for row in found.rows if row.state is State.SHAPE and row.remark]
    for row in shapes[:MOST_PLACES]:
        yield f"diagnosis: {visible(row.node, limit=60)}: {row.remark}"
    if not any(row.state is State.WRONG for row in found.rows):
        return
    if not found.explanations:
        yield "no diagnosis: none of the usual mistakes, alone or together, reproduces all of these numbers"
        return
    for k, explanation in enumerate(found.explanations[:MOST_WAYS]):
        yield from _explained(explanation, "diagnosis" if k == 0 else "or the same numbers from this")
    if len(found.explanations) > MOST_WAYS:
        yield f"… and {len(found.explanations) - MOST_WAYS} more that make the same numbers"


def _explained(explanation: Explanation, word: str) -> Iterator[str]:
    yield f"{word}: {explanation.sentence}"
    if word == "diagnosis":
        yield "  with that, our reverse pass reproduces all of your numbers to rounding"
    for mistake in explanation.mistakes:
        places = [c for c in explanation.candidates if c.mistake is mistake]
        if len(places) > 1:
            names = ", ".join(visible(c.node, limit=40) for c in places[:MOST_PLACES])
            more = f", … ({len(places)} in all)" if len(places) > MOST_PLACES else ""
            yield f"  places: {names}{more}"
        yield f"  instead: {mistake.remedy}"
