"""Sums and scales per channel, block by block in the order of memory, with the channels last.

Rows are joined until they are long: loops over a few channels are slow. Vectors are repeated to the length of a whole
block, as numpy is twice as fast on arrays of one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.ops.layout import BLOCK, channels_last, empty_last, joined

T = TypeVar("T")

ENOUGH: Final = 1 << 19
"""With fewer elements a second thread is not worth waking."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """How a tensor (N, C, …) is taken apart: flat blocks of whole rows, each of some ``times`` all channels."""

    size: int
    row: int
    times: int
    block: int

    def __iter__(self) -> Iterator[slice]:
        return (slice(start, min(start + self.block, self.size)) for start in range(0, self.size, self.block))

    def repeated(self, vector: Array) -> Array:
        """Return one number per channel as often as a block has it."""
        length = min(self.block, self.size)
        result = np.empty((length // max(1, len(vector)), len(vector)), vector.dtype)
        result[...] = vector
        return result.reshape(length)

    def total(self, part: Callable[[slice], Array], dtype: np.dtype[Any]) -> Array:
        """Return the sum per channel over what ``part`` makes of each block, which are added in double precision."""
        double = np.complex128 if dtype.kind == "c" else np.float64
        blocks = list(self)
        wide = np.zeros((len(blocks), self.row), dtype)

        def add(some: Iterable[int]) -> None:
            for k in some:
                np.add.reduce(part(blocks[k]).reshape(-1, self.row), axis=0, out=wide[k])

        self.share(add, range(len(blocks)))
        result: Array = np.add.reduce(
            wide.reshape(len(blocks) * self.times, self.row // max(1, self.times)), axis=0, dtype=double
        )
        return result

    def share(self, work: Callable[[Sequence[T]], None], items: Sequence[T]) -> None:
        """Do ``work`` on all items, on several threads where there is enough of it."""
        threads.share(work, items) if self.size >= ENOUGH else work(items)


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
    mean = (parts.total(flat.__getitem__, x.dtype) / count).astype(x.dtype)
    centre = parts.repeated(mean)

    def squares(b: slice) -> Array:
        centred = flat[b] - centre[: b.stop - b.start]
        return np.multiply(centred, centred, out=centred)

    variance = (parts.total(squares, x.dtype) / count).astype(x.dtype)
    return _shared(mean), _shared(variance)


def affine(x: Array, centre: Array, scale: Array, shift: Array | None) -> Array:
    """Return ``(x − centre) · scale + shift``, each of one number per channel."""
    y = empty_last(x.shape, np.result_type(x, scale, *() if shift is None else (shift,)))
    parts, flat, out = taken_apart(x), in_memory(x), in_memory(y)
    centre, scale = parts.repeated(centre), parts.repeated(scale)
    shift = None if shift is None else parts.repeated(shift)

    def work(some: Iterable[slice]) -> None:
        for b in some:
            n, part = b.stop - b.start, out[b]
            np.subtract(flat[b], centre[:n], out=part)
            np.multiply(part, scale[:n], out=part)
            if shift is not None:
                np.add(part, shift[:n], out=part)

    parts.share(work, list(parts))
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
    total: Array = parts.total(flat.__getitem__, x.dtype).astype(x.dtype)
    return total


def sums_with(ybar: Array, x: Array, centre: Array) -> tuple[Array, Array]:
    """Return ``Σ ȳ`` and ``Σ ȳ ⊙ (x − centre)`` per channel."""
    parts, flat, sent = taken_apart(x), in_memory(x), in_memory(ybar)
    centre = parts.repeated(centre)

    def products(b: slice) -> Array:
        centred: Array = flat[b] - centre[: b.stop - b.start]
        centred *= sent[b]
        return centred

    plain = parts.total(sent.__getitem__, ybar.dtype).astype(ybar.dtype)
    return _shared(plain), _shared(parts.total(products, ybar.dtype).astype(ybar.dtype))


def combined(ybar: Array, x: Array, scale: Array, centre: Array, slope: Array, end: Array) -> Array:
    """Return ``scale · ȳ + slope · (x − centre) + end``, each of one number per channel."""
    result = empty_last(x.shape, ybar.dtype)
    parts, flat, sent, out = taken_apart(x), in_memory(x), in_memory(ybar), in_memory(result)
    scale, centre, slope, end = map(parts.repeated, (scale, centre, slope, end))

    def work(some: Iterable[slice]) -> None:
        for b in some:
            n, part = b.stop - b.start, out[b]
            np.subtract(flat[b], centre[:n], out=part)
            np.multiply(part, slope[:n], out=part)
            np.add(part, end[:n], out=part)
            np.add(part, sent[b] * scale[:n], out=part)

    parts.share(work, list(parts))
    return result


def _shared(vector: Array) -> Array:
    """Return ``vector`` read-only: several calls will see it."""
    vector.flags.writeable = False
    return vector
