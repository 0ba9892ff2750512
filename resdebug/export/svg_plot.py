"""Plots as SVG: no script, no style of their own; the page's style sheet colours them by class."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from typing import Final

from resdebug.analysis.report.structure import Curve
from resdebug.export.plot_points import axis_title, decades, drawable, span, tick_text, ticks, written
from resdebug.text import visible

WIDTH: Final = 720
HEIGHT: Final = 300
LEFT, RIGHT, TOP, BOTTOM = 70, 14, 14, 46
COLOURS: Final = 6
"""Classes ``s0`` to ``s5`` of the style sheet; lines differ by their marks too."""
MARKED: Final = 80
"""Points of a line up to which each has a mark and a tip."""

Place = Callable[[float], float]


def plot(curve: Curve) -> str:
    """Return a ``figure`` with the plot, its legend, and what it does not show."""
    shown = drawable(curve)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in shown.notes)
    if not shown.series:
        about = escape(curve.kind.about)
        return f"<figure><figcaption>{about}</figcaption><p>Nothing that can be drawn.</p>{notes}</figure>"
    x_low, x_high = span([x for series in shown.series for x in series.xs])
    y_low, y_high = span([y for series in shown.series for y in series.ys])
    y_marks = decades(y_low, y_high) if curve.kind.log else ticks(y_low, y_high)
    y_low, y_high = min(y_low, y_marks[0]), max(y_high, y_marks[-1])
    across = _scale(x_low, x_high, LEFT, WIDTH - RIGHT, log=False)
    upright = _scale(y_low, y_high, HEIGHT - BOTTOM, TOP, log=curve.kind.log)
    parts = [*_frame(curve, ticks(x_low, x_high, 8, whole=curve.kind.x.whole), y_marks, across, upright)]
    for k, series in enumerate(shown.series):
        points = [(across(x), upright(y)) for x, y in zip(series.xs, series.ys, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line s{k % COLOURS}" points="{path}"/>')
        if len(points) <= MARKED:
            for (x, y), at, value, place in zip(
                points, series.xs, series.ys, series.places or ("",) * len(points), strict=True
            ):
                tip = f"{visible(place, limit=80)}: {written(value)}" if place else f"{written(at)}: {written(value)}"
                parts.append(f'<g class="s{k % COLOURS}">{_mark(k, x, y)}<title>{escape(tip)}</title></g>')
    title = escape(f"{axis_title(curve.kind.y.title, curve.kind.y.unit)}")
    legend = ""
    if len(shown.series) > 1:
        entries = "".join(
            f'<li><svg class="key" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">'
            f'<g class="s{k % COLOURS}">{_mark(k, 6, 6)}</g></svg> {escape(visible(series.name, limit=80))}</li>'
            for k, series in enumerate(shown.series)
        )
        legend = f'<ul class="legend">{entries}</ul>'
    return (
        f"<figure><figcaption>{escape(curve.kind.about)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{title}</title>{"".join(parts)}</svg>'
        f"{legend}{notes}</figure>"
    )


def _scale(low: float, high: float, start: float, end: float, *, log: bool) -> Place:
    of = math.log10 if log else float
    first, last = of(low), of(high)
    return lambda number: start + (of(number) - first) / (last - first) * (end - start)


def _frame(curve: Curve, x_marks: list[float], y_marks: list[float], across: Place, upright: Place) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}" fill="none"/>']
    for mark in y_marks:
        y = upright(mark)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(tick_text(mark))}</text>')
    for mark in x_marks:
        x = across(mark)
        parts.append(f'<path class="axis" d="M{x:.1f} {bottom}v5"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{escape(tick_text(mark))}</text>')
    x_title = escape(axis_title(curve.kind.x.title, curve.kind.x.unit))
    y_title = escape(axis_title(curve.kind.y.title, curve.kind.y.unit))
    middle = (LEFT + right) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{x_title}</text>')
    half = (TOP + bottom) / 2
    parts.append(f'<text x="14" y="{half}" text-anchor="middle" transform="rotate(-90 14 {half})">{y_title}</text>')
    return parts


def _mark(k: int, x: float, y: float) -> str:
    shape = k % 4
    if shape == 0:
        return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>'
    if shape == 1:
        return f'<rect class="ring" x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>'
    if shape == 2:
        return f'<path class="dot" d="M{x:.1f} {y - 4:.1f}l4 7h-8z"/>'
    return f'<path class="ring" d="M{x - 3:.1f} {y - 3:.1f}l6 6m0-6l-6 6"/>'
