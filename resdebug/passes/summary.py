"""A tensor in a few numbers, and two tensors compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from resdebug.engine.norms import norm
from resdebug.ops.base import Array
from resdebug.passes.pieces import added, in_order, pieces

SAFE: Final = (1e-140, 1e140)
"""Between these a norm has lost nothing to squares that vanish or overflow."""


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
    flat = in_order(array)
    with np.errstate(all="ignore"):
        found = [_Part(piece) for piece in pieces(flat)]
        count = sum(part.finite for part in found)
        mean = added((part.sum for part in found), flat.size) / count if count else 0.0
        return Summary(
            size=flat.size,
            norm=_norm(flat, added((part.squares for part in found), flat.size)),
            minimum=min((part.minimum for part in found if part.finite), default=0.0),
            maximum=max((part.maximum for part in found if part.finite), default=0.0),
            mean=mean,
            deviation=math.sqrt(added((_spread(p, mean) for p in pieces(flat)), flat.size) / count) if count else 0.0,
            zeros=sum(part.zeros for part in found),
            nans=sum(part.nans for part in found),
            infinities=flat.size - count - sum(part.nans for part in found),
        )


class _Part:
    """What is asked of one piece of a tensor."""

    __slots__ = ("finite", "maximum", "minimum", "nans", "squares", "sum", "zeros")

    def __init__(self, piece: Array) -> None:
        finite, self.nans = _finite(piece), 0
        if finite.size < piece.size:
            self.nans = int(np.count_nonzero(np.isnan(piece)))
        self.finite = finite.size
        self.sum = float(np.add.reduce(finite))
        self.minimum = float(np.minimum.reduce(finite)) if finite.size else 0.0
        self.maximum = float(np.maximum.reduce(finite)) if finite.size else 0.0
        self.zeros = piece.size - int(np.count_nonzero(piece))
        self.squares = float(piece.dot(piece))


def _finite(piece: Array) -> Array:
    # A NaN or an infinity anywhere shows in a sum; a sum that overflows is looked into as well.
    return piece if math.isfinite(np.add.reduce(piece)) else piece[np.isfinite(piece)]


def _spread(piece: Array, mean: float) -> float:
    off = _finite(piece) - mean
    np.multiply(off, off, out=off)
    return float(np.add.reduce(off))


def _norm(flat: Array, squares: float) -> float:
    plain = math.sqrt(squares)
    if SAFE[0] < plain < SAFE[1] or not flat.size:
        return plain
    largest = float(np.max([np.abs(piece).max() for piece in pieces(flat)]))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(sum(float(part.dot(part)) for part in (piece / largest for piece in pieces(flat))))


def cosine(a: Array, b: Array) -> float | None:
    """Return the cosine of the angle between two tensors of one shape; None where one of them is zero."""
    lengths = norm(a), norm(b)
    if 0.0 in lengths or not np.isfinite(lengths).all():
        return None
    both = zip(pieces(in_order(a)), pieces(in_order(b)), strict=True)
    found = sum(float((x / lengths[0]).dot(y / lengths[1])) for x, y in both)
    return max(-1.0, min(1.0, found))
