"""Masks as bit patterns: a loop without branches, some ten times as fast as ``np.where`` on signs drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.ops.layout import blocks, flat

ENOUGH: Final = 1 << 19
"""With fewer elements a second thread is not worth waking."""

BLOCK: Final = 1 << 17
"""Elements at a time: what is written goes to memory either way, and only the mask, a byte each, is read again."""

SMALL: Final = 1 << 9
"""So few elements are not worth the trouble."""

_BITS: Final[dict[np.dtype[Any], type[np.signedinteger[Any]]]] = {
    np.dtype(np.float32): np.int32,
    np.dtype(np.float64): np.int64,
}


def _share(work: Callable[[Sequence[slice]], None], size: int) -> None:
    parts = list(blocks(size, BLOCK))
    threads.share(work, parts) if size >= ENOUGH else work(parts)


def rectified(x: Array) -> Array:
    """Return ``max(x, 0)``; NaN stays NaN."""
    zero = x.dtype.type(0)
    if x.size < ENOUGH:
        return np.maximum(x, zero)
    y = np.empty_like(x)
    views = flat(x, y)
    if views is None:
        return np.maximum(x, zero)

    def work(some: Iterable[slice]) -> None:
        for b in some:
            np.maximum(views[0][b], zero, out=views[1][b])

    _share(work, x.size)
    return y


def unless_at_most_zero(x: Array, ybar: Array) -> Array:
    """Return ``ȳ`` where ``x`` is positive or NaN, 0 elsewhere, whatever ``ȳ`` is there."""
    zero = x.dtype.type(0)
    if x.size < SMALL:
        return np.where(x <= 0, ybar.dtype.type(0), ybar)
    known = x.dtype == ybar.dtype and x.dtype in _BITS
    if known and x.size <= BLOCK and x.strides == ybar.strides:
        return where(~(x <= zero), ybar)
    result = np.empty_like(x, dtype=ybar.dtype)
    views = flat(x, ybar, result) if known else None
    if views is None:
        return np.where(x <= 0, ybar.dtype.type(0), ybar)
    bits = _BITS[x.dtype]

    def work(some: Iterable[slice]) -> None:
        mask = np.empty(min(x.size, BLOCK), bool)
        for b in some:
            stopped = np.less_equal(views[0][b], zero, out=mask[: b.stop - b.start]).view(np.int8)
            # 1 where it stops becomes 0, 0 where it passes becomes -1, which is all ones.
            passed = np.subtract(stopped, 1, out=stopped)
            np.bitwise_and(views[1][b].view(bits), passed, out=views[2][b].view(bits))

    _share(work, x.size)
    return result


def where(mask: NDArray[np.bool_], ybar: Array) -> Array:
    """Return ``ȳ`` where ``mask`` holds, 0 elsewhere, whatever ``ȳ`` is there."""
    bits = _BITS.get(ybar.dtype)
    if bits is None:
        return np.where(mask, ybar, 0)
    result: Array = np.bitwise_and(ybar.view(bits), np.negative(mask.view(np.int8)))
    return result.view(ybar.dtype)


@lru_cache(maxsize=16)
def _below(rows: int, columns: int, diagonal: int, dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return all ones at and below a diagonal, and the bits of −∞ above it."""
    row, column = np.ogrid[:rows, :columns]
    seen = column - row <= diagonal
    ones = np.where(seen, _BITS[dtype](-1), _BITS[dtype](0))
    hidden = np.where(seen, dtype.type(0), dtype.type(-np.inf))
    return ones, hidden.view(_BITS[dtype])


def at_or_below(x: Array, diagonal: int, *, hidden: bool) -> Array:
    """Return ``x`` at and below a diagonal of its last two axes; above it 0, or −∞ where that is ``hidden``."""
    bits = _BITS.get(x.dtype)
    if bits is None:
        row, column = np.ogrid[: x.shape[-2], : x.shape[-1]]
        return np.where(column - row <= diagonal, x, x.dtype.type(-np.inf if hidden else 0))
    ones, lowest = _below(*x.shape[-2:], diagonal, x.dtype)
    result: NDArray[Any] = np.bitwise_and(np.ascontiguousarray(x).view(bits), ones)
    if hidden:
        np.bitwise_or(result, lowest, out=result)
    return result.view(x.dtype)
