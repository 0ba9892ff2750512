"""Two tensors that should be equal: where they differ most, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from resdebug.analysis.likeness import Likeness, likeness, ulps
from resdebug.ops.base import Array
from resdebug.passes.summary import Summary

TOLERANCES: Final = {"float64": 1e-9, "float32": 1e-4}
"""Relative error up to which two tensors are the same, by the narrower of their types."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies between two tensors that are not the same."""

    index: tuple[int, ...] | None
    """The element that is furthest off; this and its numbers are None where the shapes differ."""
    first: float | None
    second: float | None
    ulps: int | None
    relative: float
    weight: float
    elements: int
    differing: int
    looks: tuple[Likeness, ...]


def measured(first: Array, second: Array, tolerance: float | None, floor: float) -> Gap | float:
    """Return the gap between two tensors; where they are the same within ``tolerance``, their largest relative error.

    An error is relative to the larger of the element's size and its tensor's root mean square. Without ``tolerance``
    that of the narrower type counts; an absolute difference up to ``floor`` is none.
    """
    if first.shape == second.shape and first.dtype == second.dtype and _equal(first, second):
        return 0.0
    dtype = min((first.dtype, second.dtype), key=lambda d: d.itemsize if d.kind == "f" else 9)
    if tolerance is None:
        tolerance = TOLERANCES.get(dtype.name, 0.0)
    if first.shape != second.shape:
        return Gap(
            None, None, None, None, float("inf"), float("inf"), first.size, first.size,
            likeness(first, second, tolerance),
        )  # fmt: skip
    x, y = first.astype(np.float64), second.astype(np.float64)
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    if same.all():
        return 0.0
    finite = np.isfinite(x)
    typical = float(np.sqrt(np.mean(np.square(x[finite])))) if finite.any() else 0.0
    scale = np.maximum(np.maximum(np.abs(x), np.abs(y)), typical)
    gap = np.abs(x - y)
    error = np.where(same, 0.0, np.divide(gap, scale, out=np.full(x.shape, np.inf), where=scale > 0))
    error = np.where(np.isnan(error), np.inf, error)
    differ = (error > tolerance) & ~(gap <= floor)
    if not differ.any():
        return float(np.where(gap <= floor, 0.0, error).max())
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.where(differ, error, -1))), x.shape))
    length = float(np.linalg.norm(x))
    away = float(np.linalg.norm(x - y))
    weight = away / length if length > 0 and np.isfinite(away) else float("inf")
    return Gap(
        index, float(x[index]), float(y[index]), ulps(float(x[index]), float(y[index]), dtype.name),
        float(error[index]), weight, first.size, int(np.count_nonzero(differ)),
        likeness(first, second, max(tolerance, 1e-12)),
    )  # fmt: skip


def _equal(first: Array, second: Array) -> bool:
    return bool((first == second).all()) if first.ndim else bool(first.item() == second.item())


def by_statistics(first: Summary, second: Summary, dtype: str, tolerance: float | None, floor: float) -> Gap | float:
    """Do the same of two tensors of which there are only statistics: norm, extremes, counts.

    The error of a norm is relative to the larger one, that of an extreme to the larger of it and the root mean square.
    """
    if tolerance is None:
        tolerance = TOLERANCES.get(dtype, 0.0)
    size = max(first.size, 1)
    counts = {
        what: (getattr(first, what), getattr(second, what))
        for what in ("size", "zeros", "nans", "infinities")
        if getattr(first, what) != getattr(second, what)
    }
    worst, told = 0.0, [f"{a} and {b} {_COUNTED[what]}" for what, (a, b) in counts.items() if what != "zeros"]
    typical = first.norm / math.sqrt(size)
    pairs = (("norm", first.norm, second.norm, 0.0, floor * math.sqrt(size)),
             ("minimum", first.minimum, second.minimum, typical, floor),
             ("maximum", first.maximum, second.maximum, typical, floor))  # fmt: skip
    for what, a, b, scale, least in pairs:
        if a == b or abs(a - b) <= least or (math.isnan(a) and math.isnan(b)):
            continue
        error = abs(a - b) / max(abs(a), abs(b), scale)
        error = error if math.isfinite(error) else math.inf
        worst = max(worst, error)
        if error > tolerance:
            told.append(f"{what} {a:.6g} and {b:.6g}")
    if not told:
        return worst
    weight = abs(first.norm - second.norm) / first.norm if first.norm else math.inf
    look = Likeness("statistics", f"compared by statistics alone: {', '.join(told)}")
    return Gap(None, None, None, None, worst, weight, first.size, 0, (look,))


_COUNTED: Final = {"size": "elements", "nans": "NaN", "infinities": "infinite"}
