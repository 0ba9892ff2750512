"""How arrays lie in memory. Shapes stay (N, C, …); places before channels, channels last, is what fast loops want."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from resdebug.ops.base import Array

BLOCK: Final = 1 << 15
"""Elements that a chain of elementwise steps takes at a time, so that they stay in a core's own cache."""

STRIP: Final = 1 << 18
"""Elements of unfolded windows at a time."""

WIDE: Final = 2048
"""Rows are joined until they are about so long: a loop over short rows is slow."""

_LAST: Final = {n: (0, *range(2, n), 1) for n in range(3, 65)}
_FIRST: Final = {n: (0, n - 1, *range(1, n - 1)) for n in range(3, 65)}


def channels_last(x: NDArray[Any]) -> NDArray[Any]:
    """Return the view (N, …, C) of ``x`` (N, C, …)."""
    return x.transpose(_LAST[x.ndim]) if x.ndim > 2 else x


def channels_first(x: NDArray[Any]) -> NDArray[Any]:
    """Return the view (N, C, …) of ``x`` (N, …, C)."""
    return x.transpose(_FIRST[x.ndim]) if x.ndim > 2 else x


def empty_last(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array of ``shape`` (N, C, …), its numbers not set, whose memory has the channels last."""
    return channels_first(np.empty((shape[0], *shape[2:], shape[1]), dtype))


def compact(x: Array) -> Array:
    """Return ``x`` (N, C, …) in one piece of memory with the channels last; itself where it is so."""
    return channels_first(np.ascontiguousarray(channels_last(x)))


def rows(x: Array) -> Array:
    """Return ``x`` (N, C, …) as a matrix (places, C) in one piece: a view where its memory has the channels last."""
    last = channels_last(x)
    if not last.flags.c_contiguous:
        last = np.ascontiguousarray(last)
    return last.reshape(last.size // max(x.shape[1], 1), x.shape[1])


def flat(x: NDArray[Any], *others: NDArray[Any]) -> tuple[NDArray[Any], ...] | None:
    """Return views of one axis in the order of memory of ``x``; None unless ``x`` lies in one piece.

    Others of its shape that lie differently are copied.
    """
    order = None
    if not x.flags.c_contiguous:
        order = _LAST.get(x.ndim, ())
        if not order or not x.transpose(order).flags.c_contiguous:
            order = tuple(sorted(range(x.ndim), key=lambda axis: -x.strides[axis]))
            if not x.transpose(order).flags.c_contiguous:
                return None
    views = []
    for array in (x, *others):
        laid = array if order is None else array.transpose(order)
        views.append((laid if laid.flags.c_contiguous else np.ascontiguousarray(laid)).reshape(-1))
    return tuple(views)


def blocks(size: int, length: int = BLOCK) -> Iterator[slice]:
    """Yield slices of at most ``length`` that cover ``size``."""
    return (slice(start, min(start + length, size)) for start in range(0, size, length))


def joined(places: int, channels: int) -> int:
    """Return how many rows of so many channels to join, a divisor of ``places``, to come near ``WIDE`` elements."""
    count = 1
    while places and places % (2 * count) == 0 and 2 * count * channels <= WIDE:
        count *= 2
    return count
