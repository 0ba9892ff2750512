"""Convolution as matrix products, in memory with the channels last.

The windows of some output places are copied side by side into a matrix, strip by strip so that it stays in a core's own
cache; one product with the weight gives those places (Chellapilla et al. 2006, High performance convolutional neural
networks for document processing). A row of the kernel is one piece of memory, so the copy is cheap. Where there are
fewer places than output channels, laying out the weight anew would cost more than the windows; these are then copied in
the weight's own order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from operator import mul
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.ops.layout import STRIP, channels_first, channels_last, compact, empty_last, rows
from resdebug.ops.memo import Memo
from resdebug.ops.onednn import matmul
from resdebug.ops.onednn.plans import works
from resdebug.ops.windows import Axes, Margins, Window

PIECE: Final = 196
"""Fewer places make a product slow."""

SHARED: Final = 1 << 23
"""Multiplications from which a product is shared between threads."""

PLANES: Final = 1 << 20
"""Elements of unfolded windows at a time where they are added up plane by plane: long lines are worth more there."""

FEW: Final = 4
"""Fewer channels than this are added up plane by plane: as rows they would be too short."""

_PACKED: Final[Memo[Array]] = Memo()
_TURNED: Final[Memo[Array]] = Memo()


class Strip(NamedTuple):
    """Output places that are done at a time: ``where`` indexes (N, places...), ``rows`` the flat list of places."""

    where: tuple[slice, slice]
    rows: slice


def _rows(count: int) -> list[Strip]:
    """Cut places that need no unfolding into some strips of at least ``PIECE``."""
    size = max(PIECE, -(-count // 4))
    return [Strip((slice(None), slice(None)), slice(i, min(i + size, count))) for i in range(0, count, size)]


def strips(examples: int, counts: Axes, width: int, fill: int = STRIP) -> Iterator[Strip]:
    """Cut the output places into strips of whole rows whose windows of ``width`` elements ``fill`` about so many."""
    row = math.prod(counts[1:])
    lines = max(1, fill // max(1, row * width))
    if lines >= counts[0]:
        together = max(1, lines // max(1, counts[0]))
        for n in range(0, examples, together):
            m = min(n + together, examples)
            yield Strip((slice(n, m), slice(None)), slice(n * counts[0] * row, m * counts[0] * row))
        return
    # Strips of equal height: a thin last one would waste a product.
    height = -(-counts[0] // -(-counts[0] // lines))
    for n in range(examples):
        for h in range(0, counts[0], height):
            end = min(h + height, counts[0])
            yield Strip((slice(n, n + 1), slice(h, end)), slice((n * counts[0] + h) * row, (n * counts[0] + end) * row))


def padded(x: NDArray[Any], margins: Margins) -> NDArray[Any]:
    """Return ``x`` (N, C, ...) with its margins of zeros as (N, ..., C) in one piece; itself where that is so."""
    last = channels_last(x)
    if not any(map(any, margins)):
        return np.ascontiguousarray(last)
    result = np.zeros((x.shape[0], *widened(x.shape[2:], margins), x.shape[1]), x.dtype)
    result[(slice(None), *inside(x.shape[2:], margins))] = last
    return result


def sliding(x: NDArray[Any], window: Window, counts: Axes, *, writeable: bool = False) -> NDArray[Any]:
    """Return the windows of a padded ``x`` (N, ..., C) as (N, *counts, *kernel, C), a view."""
    strides = x.strides[1:-1]
    return as_strided(
        x,
        (x.shape[0], *counts, *window.kernel, x.shape[-1]),
        (x.strides[0], *map(mul, strides, window.stride), *map(mul, strides, window.dilation), x.strides[-1]),
        writeable=writeable,
    )


class Lowered:
    """One group of channels: ``x`` unfolded strip by strip, in the order of memory or in that of the weight."""

    def __init__(self, x: Array, window: Window, counts: Axes, *, as_weight: bool = False) -> None:
        """``x`` is padded (N, ..., C); ``as_weight`` puts channels before the kernel's elements."""
        self.view = sliding(x, window, counts)
        self.counts = counts
        self.size = math.prod(window.kernel)
        self.width = self.size * x.shape[-1]
        self.as_weight = as_weight
        direct = self.size == 1 and x.flags.c_contiguous and x.shape[1:-1] == counts
        self.matrix = x.reshape(-1, x.shape[-1]) if direct else None
        self.strips = _rows(len(self.matrix)) if self.matrix is not None else list(strips(len(x), counts, self.width))

    def unfolded(self, some: Iterable[Strip]) -> Iterator[tuple[slice, Array]]:
        """Yield the places of some strips, and their windows as a matrix (places, width) that the next overwrites."""
        if self.matrix is not None:
            yield from ((places, self.matrix[places]) for _, places in some)
            return
        buffer = np.empty(0, self.view.dtype)
        for where, places in some:
            part = self.view[where]
            if buffer.size < part.size:
                buffer = np.empty(part.size, self.view.dtype)
            columns = buffer[: part.size]
            if self.as_weight:
                self._by_elements(part, columns)
            else:
                columns.reshape(part.shape)[...] = part
            yield places, columns.reshape(-1, self.width)

    def _by_elements(self, part: Array, columns: Array) -> None:
        axes = len(self.counts)
        target = columns.reshape(*part.shape[: 1 + axes], part.shape[-1], self.size)
        kernel = part.shape[1 + axes : -1]
        for t, element in enumerate(np.ndindex(*kernel)):
            target[..., t] = part[(..., *element, slice(None))]


def correlate(x: Array, weight: Array, window: Window, groups: int, counts: Axes) -> Array:
    """Return ``y`` (N, out, *counts) of ``x`` (N, C, ...) and ``weight`` (out, C / groups, *kernel)."""
    few = x.shape[0] * math.prod(counts) < weight.shape[0] // groups
    matrix = _as_written(weight) if few else _PACKED.get(packed, weight)
    return _apply(x, matrix, window, groups, counts, as_weight=few)


def _apply(x: Array, matrix: Array, window: Window, groups: int, counts: Axes, *, as_weight: bool = False) -> Array:
    """Multiply windows by a ``matrix`` (width, out)."""
    y = empty_last((x.shape[0], matrix.shape[1], *counts), np.result_type(x, matrix))
    flat = rows(y)
    wide = padded(x, window.padding)
    for ins, outs in _groups(groups, x.shape[1], matrix.shape[1]):
        lowered = Lowered(wide[..., ins], window, counts, as_weight=as_weight)
        _multiply(lowered, matrix[:, outs], flat[:, outs])
    return y


def _multiply(lowered: Lowered, matrix: Array, y: Array) -> None:
    """Write windows times ``matrix`` to ``y`` (places, out), by strips, or by output channels where there is one strip.

    Who does which part is open, what the parts are is not: so the bits do not depend on it.
    """

    if works(y.dtype):
        for places, columns in lowered.unfolded(lowered.strips):
            y[places] = matmul.multiplied(columns, matrix)
        return

    def by_strips(some: Sequence[Strip]) -> None:
        for places, columns in lowered.unfolded(some):
            np.matmul(columns, matrix, out=y[places])

    if y.shape[0] * matrix.size < SHARED:
        by_strips(lowered.strips)
        return
    if len(lowered.strips) > 1:
        threads.share(by_strips, lowered.strips)
        return
    ((places, columns),) = lowered.unfolded(lowered.strips)

    def by_channels(some: Sequence[slice]) -> None:
        for outs in some:
            np.matmul(columns, matrix[:, outs], out=y[places, outs])

    half = matrix.shape[1] // 2
    threads.share(by_channels, [slice(half), slice(half, None)])


def correlate_weight(ybar: Array, x: Array, window: Window, groups: int, shape: Axes) -> Array:
    """Return the weight's contribution, of ``shape`` (out, C / groups, *kernel): every window times its adjoint."""
    sent = rows(ybar)
    wide = padded(x, window.padding)
    if groups == 1 and works(wide.dtype):
        return _by_elements(sent, Lowered(wide, window, ybar.shape[2:]), shape)
    result = np.zeros((shape[0], *shape[2:], shape[1]), np.result_type(x, ybar))
    for ins, outs in _groups(groups, x.shape[1], shape[0]):
        total = result[outs].reshape(outs.stop - outs.start, math.prod(shape[1:]))
        lowered = Lowered(wide[..., ins], window, ybar.shape[2:])
        for i, (places, columns) in enumerate(lowered.unfolded(lowered.strips)):
            if i:
                total += np.matmul(sent[places, outs].T, columns)
            else:
                np.matmul(sent[places, outs].T, columns, out=total)
    return channels_first(result)


def _by_elements(sent: Array, lowered: Lowered, shape: Axes) -> Array:
    """The same with the output channels as neighbours, which makes long rows."""
    total: Array | None = None
    for places, columns in lowered.unfolded(lowered.strips):
        part = matmul.multiplied(columns.T, sent[places])
        total = part if total is None else np.add(total, part, out=total)
    if total is None:
        return np.zeros(shape, sent.dtype)
    kernel = len(shape) - 2
    return total.reshape(*shape[2:], shape[1], shape[0]).transpose(kernel + 1, kernel, *range(kernel))


def spread(ybar: Array, weight: Array, window: Window, groups: int, shape: Axes) -> Array:
    """Return the contribution to ``x`` of ``shape`` (N, C, ...): every place sends its adjoint over its window.

    With stride 1 that is a convolution by the mirrored kernel; otherwise what the windows send is added up.
    """
    channels = shape[1] // groups
    if channels < FEW:
        return _by_planes(ybar, weight, window, groups, shape)
    back = mirrored(window, ybar.shape[2:], shape[2:])
    if back is None or math.prod(ybar.shape) // ybar.shape[1] < channels:
        return _by_rows(ybar, weight, window, groups, shape)
    if groups == 1:
        return _apply(ybar, _TURNED.get(_turned, weight), back, groups, shape[2:])
    turned = [_turned(weight[outs]) for _, outs in _groups(groups, shape[1], weight.shape[0])]
    return _apply(ybar, np.concatenate(turned, axis=1), back, groups, shape[2:])


def _groups(groups: int, ins: int, outs: int) -> Iterator[tuple[slice, slice]]:
    """Yield the channels of ``x`` and of ``y`` that belong together."""
    i, o = ins // groups, outs // groups
    return ((slice(g * i, (g + 1) * i), slice(g * o, (g + 1) * o)) for g in range(groups))


def packed(weight: Array) -> Array:
    """Return the weight (out, C, *kernel) as (kernel · C, out), in the order in which memory has the windows."""
    return _laid(weight, (*range(2, weight.ndim), 1, 0))


def _turned(weight: Array) -> Array:
    """Return the mirrored weight as (kernel · out, C)."""
    return _laid(np.flip(weight, tuple(range(2, weight.ndim))), (*range(2, weight.ndim), 0, 1))


def _laid(weight: Array, axes: Axes) -> Array:
    result = np.ascontiguousarray(weight.transpose(axes)).reshape(-1, weight.shape[axes[-1]])
    result.flags.writeable = False
    return result


def _as_written(weight: Array) -> Array:
    """Return the weight (out, C, *kernel) as (C · kernel, out), a view."""
    return weight.reshape(weight.shape[0], math.prod(weight.shape[1:])).T


def mirrored(window: Window, counts: Axes, sizes: Axes) -> Window | None:
    """Return how the mirrored kernel slides over ``ȳ`` with ``counts`` places to give ``sizes``, or None."""
    margins = []
    for n, count, step, reach, (before, _) in zip(
        sizes, counts, window.stride, window.reach, window.padding, strict=True
    ):
        margin = reach - 1 - before, n - count + before
        if step != 1 or min(margin) < 0:
            return None
        margins.append(margin)
    return window._replace(padding=tuple(margins))


def widened(shape: Axes, margins: Margins) -> list[int]:
    """Return sizes with their margins."""
    return [n + before + after for n, (before, after) in zip(shape, margins, strict=True)]


def inside(sizes: Axes, margins: Margins) -> tuple[slice, ...]:
    """Return where what has margins around it lies."""
    return tuple(slice(before, before + n) for n, (before, _) in zip(sizes, margins, strict=True))


def _by_rows(ybar: Array, weight: Array, window: Window, groups: int, shape: Axes) -> Array:
    """What a strip of places sends, added to where their windows lie."""
    margins = window.padding
    wide = np.zeros((shape[0], *widened(shape[2:], margins), shape[1]), np.result_type(ybar, weight))
    counts, size = ybar.shape[2:], math.prod(window.kernel)
    sent = rows(ybar)
    few = sent.shape[0] < shape[1] // groups
    for ins, outs in _groups(groups, shape[1], weight.shape[0]):
        matrix = _as_written(weight[outs]) if few else packed(weight[outs])
        target = sliding(wide[..., ins], window, counts, writeable=True)
        channels = target.shape[-1]
        for where, places in strips(shape[0], counts, size * channels):
            part = target[where]
            form = part.shape[: 1 + len(counts)]
            sending = matmul.multiplied(sent[places, outs], matrix.T).reshape(
                *form, *((channels, size) if few else (size, channels))
            )
            for t, element in enumerate(np.ndindex(*window.kernel)):
                part[(..., *element, slice(None))] += sending[..., t] if few else sending[..., t, :]
    return compact(channels_first(wide[(slice(None), *inside(shape[2:], margins))]))


def _by_planes(ybar: Array, weight: Array, window: Window, groups: int, shape: Axes) -> Array:
    """The same channel by channel where there are few, as in images of three colours."""
    margins = window.padding
    wide = np.zeros((*shape[:2], *widened(shape[2:], margins)), np.result_type(ybar, weight))
    counts, size = ybar.shape[2:], math.prod(window.kernel)
    sent = rows(ybar)
    for ins, outs in _groups(groups, shape[1], weight.shape[0]):
        matrix = _as_written(weight[outs])
        target = sliding(channels_last(wide)[..., ins], window, counts, writeable=True)
        channels = target.shape[-1]
        for where, places in strips(shape[0], counts, size * channels, PLANES):
            part = target[where]
            sending = np.matmul(matrix, sent[places, outs].T).reshape(channels, size, *part.shape[: 1 + len(counts)])
            for t, element in enumerate(np.ndindex(*window.kernel)):
                part[(..., *element, slice(None))] += np.moveaxis(sending[:, t], 0, -1)
    return compact(wide[(slice(None), slice(None), *inside(shape[2:], margins))])
