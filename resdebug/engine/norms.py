"""The Euclidean norm of a tensor, quickly where that is safe, and of the contributions of a pass."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from resdebug.ops.base import Array

Norms = dict[int, float]
"""Euclidean norms of contributions, by the edge's index."""

BLOCK: Final = 1 << 15
"""Elements whose squares are added in single precision; from block to block it is double."""

SINGLE: Final = np.dtype(np.float32)

SAFE: Final = (1e-20, 1e30)
"""Between these a sum of squares in single precision has lost nothing to underflow, and has not overflown."""


def norm(array: Array) -> float:
    """Return the Euclidean norm ``√Σ x²`` of all elements; scaled where squares would overflow or vanish."""
    with np.errstate(all="ignore"):
        return quiet_norm(array)


def quiet_norm(array: Array) -> float:
    """Return the same where floating-point warnings are silenced already."""
    flat = array if array.ndim == 1 else array.ravel(order="K")
    if flat.dtype == SINGLE:
        total = _squares(flat)
        if SAFE[0] < total < SAFE[1]:
            return math.sqrt(total)
    flat = flat.astype(np.float64, copy=False)
    plain = float(np.sqrt(flat @ flat))
    if 1e-140 < plain < 1e140 or not flat.size:
        return plain
    largest = float(np.abs(flat).max())
    if largest == 0 or not np.isfinite(largest):
        return largest
    scaled = flat / largest
    return largest * float(np.sqrt(scaled @ scaled))


def _squares(flat: Array) -> float:
    if flat.size <= BLOCK:
        return float(flat.dot(flat))
    return math.fsum(float(part.dot(part)) for part in map(flat.__getitem__, _blocks(flat.size)))


def _blocks(size: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, size, BLOCK)]


class Noted:
    """The norms of a pass's contributions, taken once of what is handed on: a join sends its adjoint as it is."""

    def __init__(self, norms: Norms) -> None:
        self.norms = norms
        self._known: dict[int, float | None] = {}
        """The norm of a node's adjoint, where it is that of the one contribution that has arrived."""

    def note(self, edge: int, contribution: Array, node: int, ybar: Array) -> None:
        """Note what ``node`` sends, whose adjoint is ``ybar``."""
        whole = contribution is ybar
        known = self._known.get(node)
        if known is None or not (whole or (contribution.base is ybar and contribution.size == ybar.size)):
            known = quiet_norm(contribution)
            if whole:
                self._known[node] = known
        self.norms[edge] = known

    def arrived(self, node: int, edge: int, count: int) -> None:
        """Tell that a contribution has arrived, the ``count``-th at this node."""
        self._known[node] = self.norms[edge] if count == 1 else None
