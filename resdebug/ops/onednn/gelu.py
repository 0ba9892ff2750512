"""GELU in single precision.

The library's Φ is good to 10⁻⁷, which is nothing where Φ itself is smaller: left of ``TAIL`` the caller's formula
is used, as for infinities.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import c_float, c_int
from typing import Final

import numpy as np
from numpy.typing import NDArray

from resdebug.ops.base import Array
from resdebug.ops.layout import flat
from resdebug.ops.memo import Memo
from resdebug.ops.onednn import plans
from resdebug.ops.onednn.plans import Maker, all_finite, fit, planned

ENOUGH: Final = 1 << 12
"""Fewer elements are done before the library is called."""

TAIL: Final = np.float32(-1.5)
LARGE: Final = np.float32(1e30)

FEW: Final = 32
"""If no more than one in so many is computed by the formula, their places are kept for the way back."""

_NONE: Final = np.empty(0, np.intp)

_OUTSIDE: Final[Memo[NDArray[np.intp]]] = Memo()

_BY_ERF: Final = 0x31


def gelu(x: Array, exact: Callable[[Array], Array]) -> Array | None:
    """Return ``x Φ(x)``; None where the library has no way."""
    plan = planned(_Gelu, x.size, divided=True) if x.size >= ENOUGH and fit(x) else None
    y = np.empty_like(x)
    views = flat(x, y)
    if plan is None or views is None:
        return None
    plan.run(*views)
    outside = _outside(views[0])
    if outside.size <= x.size // FEW:
        _OUTSIDE.keep(outside, x)
    if outside.size:
        views[1][outside] = exact(views[0][outside])
    return y


def slope(ybar: Array, x: Array, exact: Callable[[Array, Array], Array]) -> Array | None:
    """Return ``ȳ`` times the derivative at ``x``; None where the library has no way."""
    plan = planned(_Gelu, x.size, divided=True) if x.size >= ENOUGH and fit(x, ybar) else None
    sent = np.empty_like(x)
    views = flat(x, ybar, sent)
    if plan is None or views is None:
        return None
    plan.back(*views)
    outside = _OUTSIDE.found(x)
    outside = _outside(views[0]) if outside is None else outside
    if outside.size:
        views[2][outside] = exact(views[1][outside], views[0][outside])
    return sent


def _outside(x: Array) -> NDArray[np.intp]:
    outside = x < TAIL
    if not all_finite(x):  # nor are the squares of what is large
        outside |= x > LARGE
    return np.flatnonzero(outside) if outside.any() else _NONE


class _Gelu:
    """So many numbers, and the way back."""

    def __init__(self, maker: Maker, count: int) -> None:
        of, line = maker.library, maker.rows((count,))
        name = "dnnl_eltwise_{}_primitive_desc_create"
        kind, zero = c_int(_BY_ERF), c_float(0)
        forward = of.made(name.format("forward"), of.engine, c_int(plans.TRAINING), kind, line, line, zero, zero, None)
        back = of.made(name.format("backward"), of.engine, kind, line, line, line, zero, zero, forward, None)
        self.run = maker.call(forward, (plans.SRC, line), (plans.DST, line))
        self.back = maker.call(back, (plans.SRC, line), (plans.DIFF_DST, line), (plans.DIFF_SRC, line))
