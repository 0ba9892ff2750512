"""The contribution to images of a few colours by a strided convolution, as one convolution of the adjoint.

Places of ``x`` that lie a stride apart receive through the same elements of the kernel. So each of these phases is a
convolution of ``ȳ`` by every other element, mirrored, and all of them are channels of one (Shi et al. 2016, arXiv
1609.07009). Kernels of one length are made with zeros, which infinity times zero would show: then there is no result.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from resdebug.ops.base import Array
from resdebug.ops.layout import channels_first, channels_last, compact
from resdebug.ops.memo import Memo
from resdebug.ops.windows import Axes, Margins, Window

_KERNELS: Final[Memo[Array]] = Memo()


class Axis(NamedTuple):
    """One axis of places: how many elements each phase has of the kernel, and where its places are."""

    taps: int
    places: int
    """Of a phase."""
    skipped: int
    """Places before the first one of ``x``."""
    padding: tuple[int, int]


def axes_of(window: Window, counts: Axes, sizes: Axes) -> list[Axis] | None:
    """Return the axes of ``x`` with ``sizes`` for ``ȳ`` with ``counts``; None where padding would be negative."""
    found = []
    for n, count, kernel, step, (before, _) in zip(
        sizes, counts, window.kernel, window.stride, window.padding, strict=True
    ):
        taps, first = -(-kernel // step), before // step
        places = (n - 1 + before) // step - first + 1
        start = taps - 1 - first
        end = places + taps - 1 - count - start
        if min(start, end) < 0:
            return None
        found.append(Axis(taps, places, before - first * step, (start, end)))
    return found


def window_of(axes: list[Axis]) -> Window:
    """Return how the kernel of all phases slides over ``ȳ``."""
    ones = (1,) * len(axes)
    margins: Margins = tuple(axis.padding for axis in axes)
    return Window(tuple(axis.taps for axis in axes), ones, margins, ones)


def kernel_of(weight: Array, stride: Axes) -> Array:
    """Return the weight (out, C, *kernel) as that of all phases, (∏ stride · C, out, *taps)."""
    return _KERNELS.get(lambda w: _phased(w, stride), weight, of=stride)


def _phased(weight: Array, stride: Axes) -> Array:
    outs, ins, *kernel = weight.shape
    taps = [-(-k // s) for k, s in zip(kernel, stride, strict=True)]
    whole = np.zeros((outs, ins, *(t * s for t, s in zip(taps, stride, strict=True))), weight.dtype)
    whole[(slice(None), slice(None), *map(slice, kernel))] = weight
    split = whole.reshape(outs, ins, *(n for pair in zip(taps, stride, strict=True) for n in pair))
    number = len(kernel)
    elements, phases = range(2, 2 + 2 * number, 2), range(3, 3 + 2 * number, 2)
    turned = np.flip(split, tuple(elements)).transpose(*phases, 1, 0, *elements)
    made = np.ascontiguousarray(turned).reshape(math.prod(stride) * ins, outs, *taps)
    made.flags.writeable = False
    return made


def put_together(phases: Array, axes: list[Axis], stride: Axes, shape: Axes) -> Array:
    """Return ``x`` of ``shape`` (N, C, …) from (N, ∏ stride · C, *places)."""
    number = len(axes)
    split = channels_last(phases).reshape(shape[0], *(axis.places for axis in axes), *stride, shape[1])
    order = [k for pair in zip(range(1, 1 + number), range(1 + number, 1 + 2 * number), strict=True) for k in pair]
    whole = split.transpose(0, *order, 1 + 2 * number)
    sizes = [axis.places * s for axis, s in zip(axes, stride, strict=True)]
    whole = whole.reshape(shape[0], *sizes, shape[1])
    inside = [slice(axis.skipped, axis.skipped + n) for axis, n in zip(axes, shape[2:], strict=True)]
    return compact(channels_first(whole[(slice(None), *inside)]))
