"""Where is a VJP wrong? One random direction through all elements tells whether; halving it tells where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from resdebug.analysis.slopes import EPS, IMAGINARY, quiet_complex
from resdebug.ops.base import Array

BAR: Final = 1e-12
LAX: Final = 1e-8
"""The same by differences."""
STEP: Final = EPS ** (1 / 3)

Outputs = Callable[[Array], Array]


def suspect(
    outputs: Outputs, x: Array, ybar: Array, sent: Array, rng: np.random.Generator, *, analytic: bool = True
) -> int | None:
    """Return the flat index of an element where the contribution ``sent`` looks wrong; None where nothing does.

    ``⟨sent, v⟩`` must be ``⟨ȳ, J v⟩`` for every direction v. This only says where to look closely: at kinks, and where
    numbers are not finite, it may suspect an element without reason.
    """
    direction = rng.standard_normal(x.shape)
    with np.errstate(all="ignore"):
        gap = _gap(outputs, x, ybar, sent, direction, analytic)
        if gap is None or gap <= (BAR if analytic else LAX):
            return None
        left, right = 0, x.size
        while right - left > 1:
            middle = (left + right) // 2
            first, second = (
                _gap(outputs, x, ybar, sent, _only(direction, *part), analytic) or 0.0
                for part in ((left, middle), (middle, right))
            )
            left, right = (left, middle) if first >= second else (middle, right)
    return left


def _only(direction: Array, start: int, stop: int) -> Array:
    part = np.zeros(direction.size)
    part[start:stop] = direction.ravel()[start:stop]
    return part.reshape(direction.shape)


def _gap(outputs: Outputs, x: Array, ybar: Array, sent: Array, direction: Array, analytic: bool) -> float | None:
    """Return how far the two sides are apart, relative to the terms they are sums of."""
    expected = sent * direction
    moved = quiet_complex(outputs, x + 1j * IMAGINARY * direction) if analytic else None
    if moved is not None and moved.dtype.kind == "c":
        change = moved.imag / IMAGINARY
    else:
        above, below = outputs(x + STEP * direction), outputs(x - STEP * direction)
        change = np.subtract(above, below, out=np.zeros(above.shape), where=above != below) / (2 * STEP)
    terms = ybar * change
    size = float(np.abs(terms).sum() + np.abs(expected).sum())
    difference = abs(float(terms.sum()) - float(expected.sum()))
    if not np.isfinite(difference) or not np.isfinite(size):
        return None
    return difference / size if size else 0.0
