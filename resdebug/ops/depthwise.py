"""Convolution of every channel by itself: one product per element of the kernel, block by block of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from resdebug.ops.base import Array
from resdebug.ops.layout import BLOCK, channels_first, channels_last, compact, empty_last
from resdebug.ops.lowering import inside, padded, sliding, strips, widened
from resdebug.ops.windows import Axes, Window


def correlate(x: Array, weight: Array, window: Window, counts: Axes) -> Array:
    """Return ``y`` (N, C, *counts) of ``x`` (N, C, ...) and ``weight`` (C, 1, *kernel)."""
    y = empty_last((*x.shape[:2], *counts), np.result_type(x, weight))
    seen = sliding(padded(x, window.padding), window, counts)
    last, elements = channels_last(y), _elements(weight)
    for where in _blocks(x.shape[0], counts, x.shape[1]):
        total, part = last[where], seen[where]
        for t, place in enumerate(np.ndindex(*window.kernel)):
            if t:
                total += part[(..., *place, slice(None))] * elements[t]
            else:
                np.multiply(part[(..., *place, slice(None))], elements[t], out=total)
    return y


def spread(ybar: Array, weight: Array, window: Window, shape: Axes) -> Array:
    """Return the contribution to ``x`` of ``shape``: every place sends its adjoint over its window."""
    margins = window.padding
    wide = np.zeros((shape[0], *widened(shape[2:], margins), shape[1]), np.result_type(ybar, weight))
    seen = sliding(wide, window, ybar.shape[2:], writeable=True)
    last, elements = channels_last(ybar), _elements(weight)
    for where in _blocks(shape[0], ybar.shape[2:], shape[1]):
        part, sent = seen[where], last[where]
        for t, place in enumerate(np.ndindex(*window.kernel)):
            part[(..., *place, slice(None))] += sent * elements[t]
    return compact(channels_first(wide[(slice(None), *inside(shape[2:], margins))]))


def correlate_weight(ybar: Array, x: Array, window: Window, shape: Axes) -> Array:
    """Return the weight's contribution, of ``shape`` (C, 1, *kernel): every window times its adjoint."""
    seen = sliding(padded(x, window.padding), window, ybar.shape[2:])
    last = channels_last(ybar)
    total = np.zeros((math.prod(window.kernel), shape[0]), np.result_type(x, ybar))
    axes = tuple(range(last.ndim - 1))
    for where in _blocks(x.shape[0], ybar.shape[2:], shape[0]):
        part, sent = seen[where], last[where]
        for t, place in enumerate(np.ndindex(*window.kernel)):
            total[t] += (part[(..., *place, slice(None))] * sent).sum(axis=axes)
    return total.T.reshape(shape)


def _elements(weight: Array) -> Array:
    """Return the kernel's elements, each with one number per channel."""
    return np.ascontiguousarray(weight.reshape(weight.shape[0], math.prod(weight.shape[2:])).T)


def _blocks(examples: int, counts: Axes, channels: int) -> Iterator[tuple[slice, slice]]:
    return (strip.where for strip in strips(examples, counts, channels, BLOCK))
