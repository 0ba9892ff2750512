"""The slope of a function at a point, measured from its values alone: how steep, how sure, and whether there is one.

Central differences at h and h/2 give Richardson's extrapolation, and their difference says how much truncation is
left; rounding is ``ε·|f| / h`` (Press et al. 2007, Numerical Recipes, section 5.7). The one-sided slopes tell a kink:
for a smooth function the gap between them halves with h, at a kink it stays. Where they disagree the step is shortened
until they agree or rounding drowns them. Where the function runs on complex numbers, the complex step
``Im f(x + ih) / h`` is exact but for rounding (Squire and Trapp 1998, SIAM Review 40); it is believed only where it
agrees with the differences.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np

from resdebug.ops.base import Array

EPS: Final = float(np.finfo(np.float64).eps)
FIRST: Final = EPS**0.25
"""The first step, relative to the size of what is moved: Richardson's best lies between ε^(1/5) and ε^(1/3)."""
USUAL: Final = EPS ** (1 / 3)
"""The best step of plain central differences; a kink nearer than this is said to lie inside h."""
SHORTER: Final = 16.0
RUNGS: Final = 5
IMAGINARY: Final = 1e-100
AGREE: Final = 1e-7
"""Up to so much of the slope's own size differences at h and h/2 agree; Richardson's number is finer than that."""
LOPSIDED: Final = 100.0
ROUGH: Final = 1e-6
"""An error estimate beyond this part of the slope calls for the complex step."""
DROWNED: Final = 1e-3
"""Beyond this, differences alone decide nothing."""

Function = Callable[[Any], Array]
"""Returns the outputs when the number moved is put at the given place, real or complex."""


class Method(Enum):
    """How a slope was measured."""

    COMPLEX = "complex step"
    RICHARDSON = "Richardson"


class Doubt(Enum):
    """Why a measured slope decides nothing."""

    NONE = ""
    KINK = "kink"
    ROUNDING = "beneath rounding"
    NOT_FINITE = "not finite"


@dataclass(frozen=True, slots=True)
class Slope:
    """What was measured at one element."""

    value: float
    h: float
    method: Method
    magnitude: float
    """Sum of the sizes of the terms that the slope is a sum of: what rounding is relative to."""
    truncation: float
    """How far the differences at h and h/2 are apart."""
    roundoff: float
    """``ε·|f| / h``, summed over the outputs that changed."""
    left: float
    right: float
    """One-sided slopes at h."""
    doubt: Doubt

    @property
    def error(self) -> float:
        """How far off the value may be by itself."""
        return 0.0 if self.method is Method.COMPLEX else self.truncation / 3 + 4 * self.roundoff


@dataclass(frozen=True, slots=True)
class _Rung:
    h: float
    slope: float
    magnitude: float
    truncation: float
    roundoff: float
    left: float
    right: float
    bend: float
    """How much of the gap between the one-sided slopes does not halve with h: at a kink, all of it."""
    lopsided: float

    @property
    def finite(self) -> bool:
        return math.isfinite(self.slope) and math.isfinite(self.bend)

    def clean(self) -> bool:
        return self.finite and max(self.bend, self.truncation) <= AGREE * self.magnitude + 16 * self.roundoff


class Prober:
    """Measures slopes of ``⟨weights, f⟩`` around a point where ``f`` is ``base``."""

    def __init__(
        self, base: Array, weights: Array, *, complex_first: bool, strict: bool, analytic: bool = True
    ) -> None:
        self.base = np.asarray(base, np.float64)
        self.weights = np.asarray(weights, np.float64)
        self.complex_first = complex_first
        """Whether the complex step is taken at every element, or only where differences leave a doubt."""
        self.strict = strict
        """Whether a kink inside the usual h is a kink, though a shorter step would pass it by."""
        self.analytic = analytic

    def measure(self, f: Function, x: float, scale: float) -> Slope:
        """Return the slope at ``x``; ``scale`` is the size of numbers like it (steps are relative to it)."""
        best: _Rung | None = None
        doubt = Doubt.NOT_FINITE
        last_bend = math.inf
        if self.base.size == 1 and not np.isfinite(self.base).all():
            return _unknown(FIRST * scale)
        with np.errstate(all="ignore"):
            for k in range(RUNGS):
                rung = self._rung(f, x, FIRST * scale / SHORTER**k)
                if rung is None:
                    break
                if not rung.finite:
                    continue
                best = rung
                doubt = Doubt.NONE
                if rung.clean():
                    break
                near = rung.h <= 2 * USUAL * scale
                if rung.bend > 4 * last_bend:
                    # A kink's stays as it is; rounding grows as h shrinks.
                    doubt = Doubt.ROUNDING
                    break
                stays = rung.bend > AGREE * rung.magnitude + 16 * rung.roundoff and rung.bend > last_bend / 4
                doubt = Doubt.KINK if stays or rung.bend > 1e-3 * rung.magnitude else Doubt.ROUNDING
                enough = near if self.strict else k == RUNGS - 1
                if enough and (stays or (self.strict and rung.lopsided > LOPSIDED)):
                    doubt = Doubt.KINK
                    break
                if rung.roundoff > 1e-3 * rung.magnitude:
                    break
                last_bend = rung.bend
            if best is None:
                return _unknown(FIRST * scale)
            return self._told(f, x, best, doubt)

    def _told(self, f: Function, x: float, rung: _Rung, doubt: Doubt) -> Slope:
        unsure = rung.truncation / 3 + 4 * rung.roundoff
        if doubt is Doubt.NONE and rung.magnitude and unsure > DROWNED * rung.magnitude:
            doubt = Doubt.ROUNDING
        value, method, magnitude = rung.slope, Method.RICHARDSON, rung.magnitude
        if self.complex_first or doubt is Doubt.ROUNDING or unsure > ROUGH * rung.magnitude:
            exact = self._complex(f, x)
            if exact is not None:
                trusted = 10 * (rung.truncation + 4 * rung.roundoff) + 1e-9 * rung.magnitude
                if abs(exact[0] - rung.slope) <= trusted:
                    value, magnitude = exact[0], max(exact[1], abs(exact[0]))
                    method = Method.COMPLEX
                    doubt = Doubt.NONE if doubt is Doubt.ROUNDING else doubt
        return Slope(
            value, rung.h, method, magnitude, rung.truncation, rung.roundoff, rung.left, rung.right, doubt
        )  # fmt: skip

    def _rung(self, f: Function, x: float, h: float) -> _Rung | None:
        ends = [x + h, x + h / 2, x - h / 2, x - h]
        steps = [abs(end - x) for end in ends]
        if not all(steps):
            return None
        rises = [self._rise(f(end)) for end in ends]
        right, right2, left2, left = (
            sign * rise[0] / step for sign, rise, step in zip((1, 1, -1, -1), rises, steps, strict=True)
        )
        wide = (rises[0][0] - rises[3][0]) / (steps[0] + steps[3])
        narrow = (rises[1][0] - rises[2][0]) / (steps[1] + steps[2])
        slope = narrow + (narrow - wide) / 3
        changes = abs(right - right2), abs(left - left2)
        roundoff = EPS * max(rises[0][2], rises[3][2]) / steps[0]
        if not any(rise[1] for rise in rises):
            # Nothing moved: there is no slope, or one that all outputs have rounded away.
            sizes = np.abs(self.weights * self.base)
            roundoff = EPS * float(np.sum(sizes, where=np.isfinite(sizes))) / steps[0]
        return _Rung(
            h,
            slope,
            max(rises[0][1], rises[3][1]) / steps[0],
            abs(wide - narrow),
            roundoff,
            left,
            right,
            abs((right - left) - 2 * (right2 - left2)),
            max(changes) / min(changes) if min(changes) else 0.0 if not max(changes) else math.inf,
        )

    def _rise(self, outputs: Array) -> tuple[float, float, float]:
        """Return how far ``⟨weights, f⟩`` rose, the sizes of its terms, and those of the outputs that changed."""
        moved = outputs != self.base
        if self.base.ndim == 0:
            rise = float(self.weights * (outputs - self.base)) if moved else 0.0
            return rise, abs(rise), abs(float(self.weights * self.base)) if moved else 0.0
        weights, base = self.weights[moved], self.base[moved]
        terms = weights * (outputs[moved] - base)
        return float(terms.sum()), float(np.abs(terms).sum()), float(np.abs(weights * base).sum())

    def _complex(self, f: Function, x: float) -> tuple[float, float] | None:
        """Return the slope by the complex step and the sizes of its terms; None where f takes no complex numbers."""
        if not self.analytic:
            return None
        outputs = quiet_complex(f, complex(x, IMAGINARY))
        if outputs is None or outputs.dtype.kind != "c":
            self.analytic = False
            return None
        terms = self.weights * (outputs.imag / IMAGINARY)
        terms = terms[self.weights != 0] if terms.ndim else terms
        total = float(terms.sum())
        return (total, float(np.abs(terms).sum())) if math.isfinite(total) else None


def _unknown(h: float) -> Slope:
    nan = math.nan
    return Slope(nan, h, Method.RICHARDSON, nan, nan, nan, nan, nan, Doubt.NOT_FINITE)


def quiet_complex(f: Function, x: Any) -> Array | None:
    """Return ``f(x)`` for a complex ``x``; None where the function does not take complex numbers.

    Whatever goes wrong then is the function's way to say that it is defined on real numbers only.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.asarray(f(x))
    except Exception:  # noqa: BLE001
        return None
