"""What lies between two passes at one tensor: norms, their ratio, the angle, the largest difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resdebug.analysis.likeness import ulps
from resdebug.engine.norms import norm
from resdebug.ops.base import Array
from resdebug.passes.summary import cosine


@dataclass(frozen=True, slots=True)
class Between:
    """Two tensors beside each other."""

    first_norm: float
    second_norm: float
    same_shape: bool
    equal: bool
    """Bit for bit."""
    finite: bool
    """Whether all numbers of both are finite; without that, and for tensors of two shapes, there is no more to tell."""
    largest: float | None = None
    """The largest absolute difference of two elements."""
    index: tuple[int, ...] | None = None
    """The element where that is."""
    ulps: int | None = None
    """Numbers of the narrower type from one to the other there."""
    cosine: float | None = None
    """Of the angle between the two; None where one of them is zero."""

    @property
    def ratio(self) -> float | None:
        """The first norm over the second, None where that is zero."""
        return self.first_norm / self.second_norm if self.second_norm else None


def between(first: Array, second: Array) -> Between:
    """Return what lies between two tensors."""
    norms = norm(first), norm(second)
    if first.shape != second.shape:
        return Between(*norms, same_shape=False, equal=False, finite=bool(np.isfinite(norms).all()))
    equal = first.dtype == second.dtype and first.tobytes() == second.tobytes()
    with np.errstate(all="ignore"):
        x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
        gap = np.abs(x - y)
        if not np.isfinite(gap).all():
            return Between(*norms, same_shape=True, equal=equal, finite=False)
        if not gap.size:
            return Between(*norms, same_shape=True, equal=equal, finite=True)
        at = tuple(int(i) for i in np.unravel_index(int(np.argmax(gap)), gap.shape))
    dtype = min((first.dtype, second.dtype), key=lambda d: d.itemsize).name
    steps = ulps(float(x[at]), float(y[at]), dtype)
    return Between(*norms, True, equal, True, float(gap[at]), at, steps, cosine(first, second))
