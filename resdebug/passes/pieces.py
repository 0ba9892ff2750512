"""A tensor in double precision, a piece at a time: all of it would take more memory than the tensor itself.

Sums over the pieces are added up in the order in which numpy adds up one array (pairwise, Higham 1993, The accuracy of
floating point summation), so they come out the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from resdebug.ops.base import Array

PIECE: Final = 1 << 15
"""Most elements of a piece: caches hold some of them."""

_EIGHT: Final = 8
"""numpy halves an array at a multiple of so many elements."""

_ROWS: Final = 1 << 14
"""Elements that are put in order at a time: caches hold them, read and written."""


def in_order(array: Array) -> Array:
    """Return all elements one after the other in the order of the indices; a view where memory has them so.

    Channels-last memory is gone through in pieces that the caches hold: at once it takes five times as long.
    """
    if array.ndim < 4 or array.flags.c_contiguous:
        return array.ravel()
    made = np.empty(array.shape, array.dtype)
    rows = max(1, _ROWS * array.shape[-2] * len(array) // max(array.size, 1))
    for part, into in zip(array, made, strict=True):
        for k in range(0, array.shape[-2], rows):
            into[..., k : k + rows, :] = part[..., k : k + rows, :]
    return made.ravel()


def pieces(flat: Array) -> Iterator[Array]:
    """Yield the elements of ``flat`` in float64; at least one piece, which may be empty."""
    for part in _cut(0, flat.size):
        yield np.asarray(flat[part], dtype=np.float64)


def added(sums: Iterable[float], size: int) -> float:
    """Return the sum of what was made of each piece of a tensor of ``size`` elements."""
    return _added(iter(sums), size)


def _cut(start: int, size: int) -> Iterator[slice]:
    if size <= PIECE:
        yield slice(start, start + size)
        return
    half = _half(size)
    yield from _cut(start, half)
    yield from _cut(start + half, size - half)


def _added(sums: Iterator[float], size: int) -> float:
    if size <= PIECE:
        return next(sums)
    half = _half(size)
    # Left before right: each takes its own from what is left.
    first = _added(sums, half)
    return first + _added(sums, size - half)


def _half(size: int) -> int:
    return size // 2 - size // 2 % _EIGHT
