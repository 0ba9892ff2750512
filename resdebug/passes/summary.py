"""A tensor in a few numbers, and two tensors compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from resdebug.engine.norms import norm
from resdebug.ops.base import Array

_PIECE: Final = 1 << 14
"""Elements that the caches hold, read and written."""


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
    flat = _doubles(array)
    finite, nans, infinities = _finite(flat)
    some = finite.size > 0
    with np.errstate(all="ignore"):
        mean = finite.mean(keepdims=True) if some else np.zeros(1)
        return Summary(
            size=flat.size,
            norm=norm(flat),
            minimum=float(np.min(finite)) if some else 0.0,
            maximum=float(np.max(finite)) if some else 0.0,
            mean=float(mean[0]),
            deviation=float(finite.std(mean=mean)) if some else 0.0,
            zeros=int(flat.size - np.count_nonzero(flat)),
            nans=nans,
            infinities=infinities,
        )


def _finite(flat: Array) -> tuple[Array, int, int]:
    """Return the finite elements, and how many are NaN and infinite."""
    with np.errstate(all="ignore"):
        # A NaN or an infinity anywhere shows in a sum; a sum that overflows is looked into as well.
        if np.isfinite(flat.sum()):
            return flat, 0, 0
    finite = flat[np.isfinite(flat)]
    nans = int(np.isnan(flat).sum())
    return finite, nans, flat.size - finite.size - nans


def cosine(a: Array, b: Array) -> float | None:
    """Return the cosine of the angle between two tensors of one shape; None where one of them is zero."""
    lengths = norm(a), norm(b)
    if 0.0 in lengths or not np.isfinite(lengths).all():
        return None
    return float(np.clip((_doubles(a) / lengths[0]) @ (_doubles(b) / lengths[1]), -1.0, 1.0))


def _doubles(array: Array) -> Array:
    """Return all elements in float64, one after the other in the order of the indices, however memory is laid out.

    Channels-last memory is gone through in pieces that the caches hold: at once it takes five times as long.
    """
    if array.ndim < 4 or array.flags.c_contiguous:
        return np.asarray(array, dtype=np.float64).ravel()
    made = np.empty(array.shape, np.float64)
    rows = max(1, _PIECE * array.shape[-2] * len(array) // max(array.size, 1))
    for part, into in zip(array, made, strict=True):
        for k in range(0, array.shape[-2], rows):
            into[..., k : k + rows, :] = part[..., k : k + rows, :]
    return made.ravel()
