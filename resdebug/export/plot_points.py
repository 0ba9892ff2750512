"""What a plot shows of its points: those that its axes can hold, and not more than can be told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from resdebug.analysis.report.structure import Curve, Series

MOST: Final = 400
"""Points of one line that a picture can show apart."""


@dataclass(frozen=True, slots=True)
class Drawable:
    """The lines as they are drawn, and what has to be said about what is not."""

    series: tuple[Series, ...]
    notes: tuple[str, ...]


def drawable(curve: Curve) -> Drawable:
    """Leave out what the axes cannot hold, and all but every n-th point of very long lines; say so."""
    unshown = thinned = 0
    kept: list[Series] = []
    for series in curve.series:
        good = [
            k
            for k, y in enumerate(series.ys)
            if math.isfinite(y) and math.isfinite(series.xs[k]) and (y > 0 or not curve.kind.log)
        ]
        unshown += len(series.ys) - len(good)
        if len(good) > MOST:
            step = -(-len(good) // MOST)
            thinned = max(thinned, step)
            last = good[-1]
            good = good[::step]
            good += [last] if good[-1] != last else []
        places = tuple(series.places[k] for k in good) if series.places else ()
        xs, ys = tuple(series.xs[k] for k in good), tuple(series.ys[k] for k in good)
        kept.append(replace(series, xs=xs, ys=ys, places=places))
    notes = []
    if unshown:
        kind = "zero, negative or not finite" if curve.kind.log else "not finite"
        notes.append(f"not drawn, being {kind}: {unshown}")
    if thinned:
        notes.append(f"drawn: one point in {thinned}")
    return Drawable(tuple(series for series in kept if series.xs), tuple(notes))


def written(number: float | None, digits: int = 4) -> str:
    """Write a number for people: four digits, and a dash where there is none."""
    if number is None:
        return "–"
    if isinstance(number, int):
        return f"{number:,}"
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    return f"{number:.{digits}g}".replace("-", "−")


def axis_title(title: str, unit: str) -> str:
    """Write what an axis or a column shows, with its unit where it has one."""
    return title if unit == "1" or unit in title.split() else f"{title} ({unit})"


def ticks(low: float, high: float, most: int = 6, *, whole: bool = False) -> list[float]:
    """Return round numbers from ``low`` to ``high``: 1, 2 or 5 times a power of ten apart, at least 1 if ``whole``."""
    if not high > low:
        return [low]
    rough = max((high - low) / max(1, most - 1), 1.0 if whole else 0.0)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def decades(low: float, high: float, most: int = 6) -> list[float]:
    """Return powers of ten around ``low`` to ``high``, both positive, evenly apart and at least two."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    if last == first:
        last += 1
    step = -(-(last - first) // (most - 1))
    return [10.0**k for k in range(first, last + step, step)]


def span(numbers: list[float]) -> tuple[float, float]:
    """Return the least and the greatest, moved apart where they are one."""
    low, high = min(numbers), max(numbers)
    if low == high:
        room = abs(low) / 2 or 0.5
        return low - room, high + room
    return low, high


def tick_text(number: float) -> str:
    """Write a tick: ``0.5``, ``200``, ``1e−5``."""
    return f"{number:.6g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", "−")
