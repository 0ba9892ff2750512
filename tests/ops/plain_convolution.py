"""Convolution by its definition, element of the kernel by element: what the fast ways are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from resdebug.ops.windows import Window
from tests.ops.draws import Array


def at(places: tuple[Any, ...]) -> Any:
    """Return an index into the last axes."""
    return (..., *places)


def _elements(window: Window, counts: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Yield each element of the kernel, and where the windows have it in the padded input."""
    for element in np.ndindex(*window.kernel):
        starts = [i * d for i, d in zip(element, window.dilation, strict=True)]
        yield (
            element,
            tuple(
                slice(start, start + s * (n - 1) + 1, s)
                for start, s, n in zip(starts, window.stride, counts, strict=True)
            ),
        )


def _padded(x: Array, window: Window) -> Array:
    return np.pad(x, [(0, 0), (0, 0), *window.padding])


def _grouped(array: Array, groups: int, axis: int) -> Array:
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def forward(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """Return ``y[n, o, p] = Σ x[n, c, p·stride + k·dilation] · weight[o, c, k]`` over c of o's group and all k."""
    counts = window.output(*x.shape[2:])
    padded = _grouped(_padded(x, window), groups, 1)
    kernels = _grouped(weight, groups, 0)
    y = np.zeros((len(x), groups, weight.shape[0] // groups, *counts))
    for element, places in _elements(window, counts):
        y += np.einsum("ngc...,goc->ngo...", padded[at(places)], kernels[at(element)])
    return y.reshape(len(x), weight.shape[0], *counts)


def to_x(ybar: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """Return what every place sends to the elements that it saw."""
    wide = _padded(np.zeros(shape), window)
    result = _grouped(wide, groups, 1)
    kernels, sent = _grouped(weight, groups, 0), _grouped(ybar, groups, 1)
    for element, places in _elements(window, ybar.shape[2:]):
        result[at(places)] += np.einsum("ngo...,goc->ngc...", sent, kernels[at(element)])
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(shape[2:], window.padding, strict=True))
    sent_back: Array = result.reshape(wide.shape)[at(inside)]
    return sent_back


def to_weight(ybar: Array, x: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """Return for each element of the kernel what it met times what came back."""
    padded, sent = _grouped(_padded(x, window), groups, 1), _grouped(ybar, groups, 1)
    result = np.zeros((groups, shape[0] // groups, *shape[1:]))
    for element, places in _elements(window, ybar.shape[2:]):
        seen = padded[at(places)]
        result[at(element)] = np.einsum(
            "ngop,ngcp->goc", sent.reshape(*sent.shape[:3], -1), seen.reshape(*seen.shape[:3], -1)
        )
    return result.reshape(shape)
