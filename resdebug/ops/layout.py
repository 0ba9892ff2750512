"""How arrays lie in memory. Shapes stay (N, C, …); places before channels, channels last, is what fast loops want."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from resdebug.ops.base import Array

BLOCK: Final = 1 << 15
"""Elements that a chain of elementwise steps takes at a time, so that they stay in a core's own cache."""

WIDE: Final = 2048
"""Rows are joined until they are about so long: a loop over short rows is slow."""


def channels_last(x: NDArray[Any]) -> NDArray[Any]:
    """Return the view (N, …, C) of ``x`` (N, C, …)."""
    return x.transpose(0, *range(2, x.ndim), 1) if x.ndim > 2 else x


def channels_first(x: NDArray[Any]) -> NDArray[Any]:
    """Return the view (N, C, …) of ``x`` (N, …, C)."""
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1)) if x.ndim > 2 else x


def empty_last(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array of ``shape`` (N, C, …), its numbers not set, whose memory has the channels last."""
    return channels_first(np.empty((shape[0], *shape[2:], shape[1]), dtype))


def rows(x: Array) -> Array:
    """Return ``x`` (N, C, …) as a matrix (places, C) in one piece: a view where its memory has the channels last."""
    last = np.ascontiguousarray(channels_last(x))
    return last.reshape(last.size // max(x.shape[1], 1), x.shape[1])


def unrows(matrix: Array, shape: tuple[int, ...]) -> Array:
    """Return the view (N, C, …) of a matrix (places, C)."""
    return channels_first(matrix.reshape(shape[0], *shape[2:], shape[1]))


def flat(*arrays: NDArray[Any]) -> list[NDArray[Any]] | None:
    """Return views of one axis in the order of memory, or None unless all arrays lie alike and in one piece."""
    first = arrays[0]
    if any(x.shape != first.shape or x.strides != first.strides for x in arrays):
        if not all(x.shape == first.shape and x.flags.c_contiguous for x in arrays):
            return None
        return [x.reshape(-1) for x in arrays]
    if first.flags.c_contiguous:
        return [x.reshape(-1) for x in arrays]
    order = sorted(range(first.ndim), key=lambda axis: -first.strides[axis])
    if not first.transpose(order).flags.c_contiguous:
        return None
    return [x.transpose(order).reshape(-1) for x in arrays]


def blocks(size: int, length: int = BLOCK) -> Iterator[slice]:
    """Yield slices of at most ``length`` that cover ``size``."""
    return (slice(start, min(start + length, size)) for start in range(0, size, length))


def joined(places: int, channels: int) -> int:
    """Return how many rows of so many channels to join, a divisor of ``places``, to come near ``WIDE`` elements."""
    count = 1
    while places and places % (2 * count) == 0 and 2 * count * channels <= WIDE:
        count *= 2
    return count
