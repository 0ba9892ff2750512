"""Sums and scales per channel, block by block in the order of memory, with the channels last.

Rows are joined until they are long: loops over a few channels are slow. Vectors are repeated to the length of a whole
block, as numpy is twice as fast on arrays of one shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from resdebug.ops.base import Array
from resdebug.ops.layout import BLOCK, channels_last, empty_last, joined


class Blocks(NamedTuple):
    """How a tensor (N, C, …) is taken apart: flat blocks of whole rows, each of some ``times`` all channels."""

    size: int
    row: int
    times: int
    block: int

    def __iter__(self) -> Iterator[slice]:  # type: ignore[override]
        return (slice(start, min(start + self.block, self.size)) for start in range(0, self.size, self.block))

    def repeated(self, vector: Array) -> Array:
        """Return one number per channel as often as a block has it."""
        length = min(self.block, self.size)
        result = np.empty((length // max(1, len(vector)), len(vector)), vector.dtype)
        result[...] = vector
        return result.reshape(length)

    def total(self, parts: Iterator[Array], dtype: np.dtype[Any]) -> Array:
        """Return the sum per channel over blocks; from block to block, and row by row, in double precision."""
        double = np.complex128 if dtype.kind == "c" else np.float64
        if self.size <= self.block:
            wide = np.add.reduce(next(parts).reshape(-1, self.row), axis=0) if self.size else np.zeros(self.row)
        else:
            wide = np.zeros(self.row, double)
            for part in parts:
                wide += np.add.reduce(part.reshape(-1, self.row), axis=0)
        result: Array = np.add.reduce(wide.reshape(self.times, self.row // self.times), axis=0, dtype=double)
        return result


def taken_apart(x: Array) -> Blocks:
    """Return the blocks of a tensor (N, C, …)."""
    return _blocks(x.size, x.shape[1])


@lru_cache(maxsize=1024)
def _blocks(size: int, channels: int) -> Blocks:
    times = joined(size // channels, channels) if size else 1
    row = channels * times
    return Blocks(size, row, times, max(1, row * max(1, BLOCK // max(1, row))))


def in_memory(x: Array) -> NDArray[Any]:
    """Return the elements of ``x`` (N, C, …) one after the other, channels last; a view where memory has them so."""
    last = channels_last(x)
    return (last if last.flags.c_contiguous else np.ascontiguousarray(last)).reshape(-1)


def moments(x: Array) -> tuple[Array, Array]:
    """Return mean and biased variance per channel of ``x`` (N, C, …), in two passes."""
    parts, flat = taken_apart(x), in_memory(x)
    count = x.size // max(x.shape[1], 1)
    mean = (parts.total((flat[b] for b in parts), x.dtype) / count).astype(x.dtype)
    centre = parts.repeated(mean)

    def squares() -> Iterator[Array]:
        for b in parts:
            centred = flat[b] - centre[: b.stop - b.start]
            yield np.multiply(centred, centred, out=centred)

    variance = (parts.total(squares(), x.dtype) / count).astype(x.dtype)
    return _shared(mean), _shared(variance)


def affine(x: Array, centre: Array, scale: Array, shift: Array | None) -> Array:
    """Return ``(x − centre) · scale + shift``, each of one number per channel."""
    y = empty_last(x.shape, np.result_type(x, scale, *() if shift is None else (shift,)))
    parts, flat, out = taken_apart(x), in_memory(x), in_memory(y)
    centre, scale = parts.repeated(centre), parts.repeated(scale)
    shift = None if shift is None else parts.repeated(shift)
    for b in parts:
        n, part = b.stop - b.start, out[b]
        np.subtract(flat[b], centre[:n], out=part)
        np.multiply(part, scale[:n], out=part)
        if shift is not None:
            np.add(part, shift[:n], out=part)
    return y


def scaled(x: Array, scale: Array) -> Array:
    """Return ``x · scale``, one number per channel."""
    y = empty_last(x.shape, np.result_type(x, scale))
    parts, flat, out = taken_apart(x), in_memory(x), in_memory(y)
    scale = parts.repeated(scale)
    for b in parts:
        np.multiply(flat[b], scale[: b.stop - b.start], out=out[b])
    return y


def shift(x: Array, by: Array) -> None:
    """Add one number per channel to ``x``, whose memory has the channels last, in place."""
    parts, flat = taken_apart(x), in_memory(x)
    by = parts.repeated(by)
    for b in parts:
        np.add(flat[b], by[: b.stop - b.start], out=flat[b])


def sums(x: Array) -> Array:
    """Return the sum per channel of ``x`` (N, C, …), as (C)."""
    parts, flat = taken_apart(x), in_memory(x)
    return parts.total((flat[b] for b in parts), x.dtype).astype(x.dtype)


def sums_with(ybar: Array, x: Array, centre: Array) -> tuple[Array, Array]:
    """Return ``Σ ȳ`` and ``Σ ȳ ⊙ (x − centre)`` per channel."""
    parts, flat, sent = taken_apart(x), in_memory(x), in_memory(ybar)
    centre = parts.repeated(centre)

    def products() -> Iterator[Array]:
        for b in parts:
            centred = flat[b] - centre[: b.stop - b.start]
            yield np.multiply(centred, sent[b], out=centred)

    plain = parts.total((sent[b] for b in parts), ybar.dtype).astype(ybar.dtype)
    return _shared(plain), _shared(parts.total(products(), ybar.dtype).astype(ybar.dtype))


def combined(ybar: Array, x: Array, scale: Array, centre: Array, slope: Array, end: Array) -> Array:
    """Return ``scale · ȳ + slope · (x − centre) + end``, each of one number per channel."""
    result = empty_last(x.shape, ybar.dtype)
    parts, flat, sent, out = taken_apart(x), in_memory(x), in_memory(ybar), in_memory(result)
    scale, centre, slope, end = map(parts.repeated, (scale, centre, slope, end))
    for b in parts:
        n, part = b.stop - b.start, out[b]
        np.subtract(flat[b], centre[:n], out=part)
        np.multiply(part, slope[:n], out=part)
        np.add(part, end[:n], out=part)
        np.add(part, sent[b] * scale[:n], out=part)
    return result


def _shared(vector: Array) -> Array:
    """Return ``vector`` read-only: several calls will see it."""
    vector.flags.writeable = False
    return vector
