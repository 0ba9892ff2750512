"""Maxima over windows in single precision, with the channels last in memory.

Functions return None where the library has no way, and for numbers that are not all finite: it loses NaN, and takes
the lowest finite number for −∞.
"""

from __future__ import annotations

from ctypes import c_int
from typing import Final

import numpy as np
from numpy.typing import NDArray

from resdebug.ops.base import Array
from resdebug.ops.layout import compact, empty_last
from resdebug.ops.memo import Memo
from resdebug.ops.onednn import plans
from resdebug.ops.onednn.library import sizes
from resdebug.ops.onednn.plans import Maker, all_finite, fit, planned
from resdebug.ops.windows import Axes, Window

Winners = NDArray[np.uint8]

_MAX: Final = 0x1FF
_ASK_WORKSPACE: Final = 133

_WINNERS: Final[Memo[Winners | None]] = Memo()
"""Which element of each window is the largest: a byte for each."""


def largest(x: Array, window: Window) -> Array | None:
    """Return the maxima (N, C, *places)."""
    found = _apply(x, window)
    if found is None:
        return None
    y, winners = found
    _WINNERS.keep(winners, x, of=window)
    return y


def to_largest(ybar: Array, x: Array, window: Window) -> Array | None:
    """Return the contribution to ``x``: each window's adjoint goes to its first maximum."""
    if not fit(ybar):
        return None
    winners = _WINNERS.get(lambda x: found[1] if (found := _apply(x, window)) else None, x, of=window)
    plan = None if winners is None else planned(_Largest, x.shape, window, divided=True)
    if plan is None or winners is None:
        return None
    sent = empty_last(x.shape, x.dtype)
    plan.back(compact(ybar), winners, sent)
    return sent


def _apply(x: Array, window: Window) -> tuple[Array, Winners] | None:
    plain = not window.ceil_mode and max(window.dilation) == 1
    plan = planned(_Largest, x.shape, window, divided=True) if plain and fit(x) else None
    if plan is None or not all_finite(x):
        return None
    y, winners = empty_last(plan.counts, x.dtype), np.empty(plan.bytes, np.uint8)
    plan.run(compact(x), y, winners)
    return y, winners


class _Largest:
    """The maxima of one shape, and the way back."""

    def __init__(self, maker: Maker, shape: Axes, window: Window) -> None:
        of = maker.library
        self.counts = (*shape[:2], *window.output(*shape[2:]))
        x, y = maker.channels_last(shape), maker.channels_last(self.counts)
        still = sizes([0] * len(window.kernel))
        how = sizes(window.stride), sizes(window.kernel), still, *map(sizes, zip(*window.padding, strict=True))
        name = "dnnl_pooling_{}_primitive_desc_create"
        kind = c_int(_MAX)
        forward = of.made(name.format("forward"), of.engine, c_int(plans.TRAINING), kind, x, y, *how, None)
        back = of.made(name.format("backward"), of.engine, kind, x, y, *how, forward, None)
        winners = of.chosen(forward, _ASK_WORKSPACE)
        self.bytes = of.size(winners)
        self.run = maker.call(forward, (plans.SRC, x), (plans.DST, y), (plans.WORKSPACE, winners))
        self.back = maker.call(back, (plans.DIFF_DST, y), (plans.WORKSPACE, winners), (plans.DIFF_SRC, x))
