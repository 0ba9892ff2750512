"""Where is a VJP wrong? One random direction through all elements tells whether; halving it tells where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from resdebug.analysis.slopes import EPS, IMAGINARY, quiet_complex
from resdebug.ops.base import Array

STEP: Final = EPS ** (1 / 3)

Outputs = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Directions:
    """Compares ``⟨sent, v⟩`` with ``⟨ȳ, J v⟩`` along directions v from ``x``; J is the Jacobian of ``outputs``."""

    outputs: Outputs
    x: Array
    ybar: Array
    sent: Array
    analytic: bool
    """Whether outputs may be asked for complex numbers."""
    bar: float
    """Up to so much, relative to the terms of both sums, the two agree."""
    floor: float = 0.0
    """How far off each element of ``sent`` may be by itself."""
    scale: float = 1.0
    """The size of numbers like ``x``, for the step of differences."""

    def suspect(self, rng: np.random.Generator) -> int | None:
        """Return the flat index of an element where ``sent`` looks wrong; None where nothing does.

        One random direction through all elements is enough to notice, and halving it to find the place. This only says
        where to look closely: at kinks an element may be suspected without reason.
        """
        direction = rng.standard_normal(self.x.size)
        with np.errstate(all="ignore"):
            gap, size = self._gap(direction)
            noise = self.bar * size + self.floor * float(np.abs(direction).sum())
            if not abs(gap) > noise:
                return None
            left, right = 0, self.x.size
            while right - left > 1:
                middle = (left + right) // 2
                part = np.zeros(self.x.size)
                part[left:middle] = direction[left:middle]
                first, _ = self._gap(part)
                left, right, gap = (
                    (left, middle, first) if abs(first) >= abs(gap - first) else (middle, right, gap - first)
                )
        return left

    def _gap(self, direction: Array) -> tuple[float, float]:
        """Return how far the two sides are apart, and the sizes of the terms they are sums of."""
        along = direction.reshape(self.x.shape)
        expected = self.sent * along
        moved = quiet_complex(self.outputs, self.x + 1j * IMAGINARY * along) if self.analytic else None
        if moved is not None and moved.dtype.kind == "c":
            change = moved.imag / IMAGINARY
        else:
            h = STEP * self.scale
            above, below = self.outputs(self.x + h * along), self.outputs(self.x - h * along)
            change = np.subtract(above, below, out=np.zeros(above.shape), where=above != below) / (2 * h)
        terms = self.ybar * change
        return float(terms.sum()) - float(expected.sum()), float(np.abs(terms).sum() + np.abs(expected).sum())
