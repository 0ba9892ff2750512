"""Plots in the terminal, drawn by plotext."""

from __future__ import annotations

import math
from typing import Final

from resdebug.analysis.report.structure import Curve
from resdebug.export.plot_points import axis_title, decades, drawable, span, tick_text, ticks
from resdebug.text import visible

MARKERS: Final = ("●", "○", "×", "+", "◆", "□", "▲", "▽")
"""Lines are told apart without colour."""

HEIGHT: Final = 15


def plot(curve: Curve, width: int, *, colour: bool, height: int = HEIGHT) -> list[str]:
    """Return the lines of a plot ``width`` columns wide, and below it which line is which and what is not drawn."""
    import plotext

    shown = drawable(curve)
    if not shown.series:
        return ["(nothing that can be drawn)", *(f"({note})" for note in shown.notes)]
    figure = plotext.figure
    figure.clear()
    plotext.terminal.limit(False, False)
    figure.theme("simple" if colour else "colorless")
    figure.plot_size(width, height)
    heights = [[math.log10(y) if curve.kind.log else y for y in series.ys] for series in shown.series]
    for k, (series, ys) in enumerate(zip(shown.series, heights, strict=True)):
        figure.draw(figure.signal(list(series.xs), ys, marker=MARKERS[k % len(MARKERS)]))
    low, high = span([x for series in shown.series for x in series.xs])
    marks = ticks(low, high, 8, whole=curve.kind.x.whole)
    figure.ruler("x").lim(low, high).ticks(marks, [tick_text(mark) for mark in marks])
    low, high = span([y for series in shown.series for y in series.ys])
    marks = decades(low, high) if curve.kind.log else ticks(low, high, 5)
    places = [math.log10(mark) for mark in marks] if curve.kind.log else marks
    reach = [places[0], places[-1], *(y for ys in heights for y in ys)]
    figure.ruler("y").lim(min(reach), max(reach)).ticks(places, [tick_text(mark) for mark in marks])
    figure.label(axis_title(curve.kind.x.title, curve.kind.x.unit), "x")
    figure.title(axis_title(curve.kind.y.title, curve.kind.y.unit) + (", logarithmic" if curve.kind.log else ""))
    text: str = figure.build().string(colorless=not colour)
    figure.clear()
    lines = [line.rstrip() for line in text.rstrip("\n").split("\n")]
    if len(shown.series) > 1:
        names = [visible(series.name, limit=max(8, width - 4)) for series in shown.series]
        lines += [f"  {MARKERS[k % len(MARKERS)]} {name}" for k, name in enumerate(names)]
    return lines + [f"  ({note})" for note in shown.notes]
