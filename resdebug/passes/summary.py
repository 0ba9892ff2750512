"""A tensor in a few numbers, and two tensors compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resdebug.engine.norms import norm
from resdebug.ops.base import Array


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics of a tensor; minimum, maximum, mean and deviation are over its finite elements."""

    size: int
    norm: float
    """Euclidean norm of all elements."""
    minimum: float
    maximum: float
    mean: float
    deviation: float
    zeros: int
    nans: int
    infinities: int


def summarise(array: Array) -> Summary:
    """Return the statistics of an array; they are computed in float64."""
    flat = np.asarray(array, dtype=np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    nans = int(np.isnan(flat).sum())
    some = finite.size > 0
    with np.errstate(all="ignore"):
        return Summary(
            size=flat.size,
            norm=norm(flat),
            minimum=float(np.min(finite)) if some else 0.0,
            maximum=float(np.max(finite)) if some else 0.0,
            mean=float(finite.mean()) if some else 0.0,
            deviation=float(finite.std()) if some else 0.0,
            zeros=int(flat.size - np.count_nonzero(flat)),
            nans=nans,
            infinities=flat.size - finite.size - nans,
        )


def cosine(a: Array, b: Array) -> float | None:
    """Return the cosine of the angle between two tensors of one shape; None where one of them is zero."""
    lengths = norm(a), norm(b)
    if 0.0 in lengths or not np.isfinite(lengths).all():
        return None
    left = np.asarray(a, dtype=np.float64).ravel() / lengths[0]
    right = np.asarray(b, dtype=np.float64).ravel() / lengths[1]
    return float(np.clip(left @ right, -1.0, 1.0))
