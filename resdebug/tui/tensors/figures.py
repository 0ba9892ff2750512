"""A tensor in figures, and where its extremes are."""

from __future__ import annotations

import numpy as np

from resdebug.ops.base import Array
from resdebug.passes.summary import Summary, summarise
from resdebug.tui.lines import Line
from resdebug.tui.numbers import percent, plain
from resdebug.tui.tensors.view import Look

_QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)


def figures(array: Array, look: Look) -> tuple[list[Line], str]:
    """Return one line a figure, in two columns where there is room."""
    told = summarise(array)
    flat = np.asarray(array, dtype=np.float64).ravel()
    finite = np.where(np.isfinite(flat), flat, np.nan)
    some = bool(np.isfinite(flat).any())
    rows = _rows(
        told, _at(array, finite, np.nanargmin) if some else "", _at(array, finite, np.nanargmax) if some else ""
    )
    rows.insert(6, ("negative", percent(float((flat < 0).sum()) / max(told.size, 1))))
    if some:
        values = np.nanquantile(finite, _QUANTILES).tolist()
        rows += [(f"{100 * q:.0f} % below", plain(v, 4)) for q, v in zip(_QUANTILES, values, strict=True)]
    return _table(rows, told.size, look)


def summary_figures(told: Summary, look: Look) -> tuple[list[Line], str]:
    """Return the same of a tensor of which there are only statistics."""
    return _table(_rows(told), told.size, look)


def _rows(told: Summary, least: str = "", greatest: str = "") -> list[tuple[str, str]]:
    return [
        ("norm", plain(told.norm, 6)),
        ("mean", plain(told.mean, 6)),
        ("deviation", plain(told.deviation, 6)),
        ("minimum", f"{plain(told.minimum, 6)}{least}"),
        ("maximum", f"{plain(told.maximum, 6)}{greatest}"),
        ("zeros", f"{told.zeros} ({percent(told.zeros / max(told.size, 1))})"),
        ("NaN", str(told.nans)),
        ("infinite", str(told.infinities)),
    ]


def _table(rows: list[tuple[str, str]], size: int, look: Look) -> tuple[list[Line], str]:
    columns = 2 if look.width >= 64 and len(rows) > look.height else 1
    per = -(-len(rows) // columns)
    width = look.width // columns
    lines: list[Line] = []
    for k in range(min(per, look.height)):
        line: Line = []
        for name, value in rows[k::per]:
            bad = name in {"NaN", "infinite"} and value != "0"
            line += [(f"{name:<10} ", "dim"), (value.ljust(max(0, width - 11)), "bad" if bad else "")]
        lines.append(line)
    hidden = sum(max(0, len(rows[k * per : (k + 1) * per]) - look.height) for k in range(columns))
    return lines, f"{hidden} more on a taller screen" if hidden else f"{size} elements"


def _at(array: Array, finite: Array, where: object) -> str:
    place = np.unravel_index(int(where(finite)), array.shape)  # type: ignore[operator]
    return f"  at [{','.join(str(int(i)) for i in place)}]" if array.ndim else ""
