"""Sums and scales per channel, block by block in the order of memory, with the channels last.

Rows are joined until they are long, and so are the vectors that meet them: loops over a few channels are slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from resdebug.ops.base import Array
from resdebug.ops.layout import BLOCK, blocks, empty_last, joined, rows


class Rows(NamedTuple):
    """A tensor (N, C, …) as long rows, each of which holds every channel ``times`` times."""

    matrix: Array
    times: int

    def wide(self, vector: Array) -> Array:
        """Repeat one number per channel to the length of a row."""
        return np.tile(vector, self.times)

    def add_up(self, parts: Iterator[Array]) -> Array:
        """Return the sum per channel over blocks of rows, in double precision from block to block."""
        total = np.zeros(self.matrix.shape[1], np.result_type(self.matrix.dtype, np.float64))
        for part in parts:
            total += np.add.reduce(part, axis=0)
        channels = self.matrix.shape[1] // self.times
        result: Array = np.add.reduce(total.reshape(self.times, channels), axis=0)
        return result

    def blocks(self) -> Iterator[slice]:
        """Yield blocks of rows that stay in a core's own cache."""
        return blocks(self.matrix.shape[0], max(1, BLOCK // max(1, self.matrix.shape[1])))


def long_rows(x: Array, times: int | None = None) -> Rows:
    """Return ``x`` (N, C, …) as long rows; a view where its memory has the channels last."""
    matrix = rows(x)
    if times is None:
        times = joined(*matrix.shape)
    return Rows(matrix.reshape(matrix.shape[0] // times, matrix.shape[1] * times), times)


def sums(x: Array) -> Array:
    """Return the sum per channel of ``x`` (N, C, …), as (C) in its own precision."""
    long = long_rows(x)
    return long.add_up(long.matrix[b] for b in long.blocks()).astype(x.dtype)


def moments(x: Array) -> tuple[Array, Array]:
    """Return mean and biased variance per channel of ``x`` (N, C, …), in two passes."""
    long = long_rows(x)
    count = x.size // max(x.shape[1], 1)
    mean = (long.add_up(long.matrix[b] for b in long.blocks()) / count).astype(x.dtype)
    wide = long.wide(mean)

    def squares() -> Iterator[Array]:
        for b in long.blocks():
            centred = long.matrix[b] - wide
            yield np.multiply(centred, centred, out=centred)

    variance = (long.add_up(squares()) / count).astype(x.dtype)
    return _shared(mean), _shared(variance)


def affine(x: Array, centre: Array, scale: Array, shift: Array | None) -> Array:
    """Return ``(x − centre) · scale + shift``, each of one number per channel."""
    y = empty_last(x.shape, np.result_type(x, scale, *() if shift is None else (shift,)))
    long = long_rows(x)
    out = long_rows(y, long.times).matrix
    middle, factor = long.wide(centre), long.wide(scale)
    end = None if shift is None else long.wide(shift)
    for b in long.blocks():
        np.subtract(long.matrix[b], middle, out=out[b])
        np.multiply(out[b], factor, out=out[b])
        if end is not None:
            np.add(out[b], end, out=out[b])
    return y


def scaled(x: Array, scale: Array) -> Array:
    """Return ``x · scale``, one number per channel."""
    y = empty_last(x.shape, np.result_type(x, scale))
    long = long_rows(x)
    out = long_rows(y, long.times).matrix
    factor = long.wide(scale)
    for b in long.blocks():
        np.multiply(long.matrix[b], factor, out=out[b])
    return y


def sums_with(ybar: Array, x: Array, centre: Array) -> tuple[Array, Array]:
    """Return ``Σ ȳ`` and ``Σ ȳ ⊙ (x − centre)`` per channel."""
    long = long_rows(x)
    sent = long_rows(ybar, long.times)
    middle = long.wide(centre)

    def products() -> Iterator[Array]:
        for b in long.blocks():
            centred = long.matrix[b] - middle
            yield np.multiply(centred, sent.matrix[b], out=centred)

    plain = sent.add_up(sent.matrix[b] for b in long.blocks()).astype(ybar.dtype)
    return _shared(plain), _shared(long.add_up(products()).astype(ybar.dtype))


def combined(ybar: Array, x: Array, scale: Array, centre: Array, slope: Array, shift: Array) -> Array:
    """Return ``scale · ȳ + slope · (x − centre) + shift``, each of one number per channel."""
    result = empty_last(x.shape, ybar.dtype)
    long = long_rows(x)
    sent, out = long_rows(ybar, long.times).matrix, long_rows(result, long.times).matrix
    factor, middle, tilt, end = map(long.wide, (scale, centre, slope, shift))
    for b in long.blocks():
        centred = long.matrix[b] - middle
        centred *= tilt
        centred += end
        np.multiply(sent[b], factor, out=out[b])
        out[b] += centred
    return result


def _shared(vector: Array) -> Array:
    """Return ``vector`` read-only: several calls will see it."""
    vector.flags.writeable = False
    return vector
