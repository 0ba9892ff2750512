"""What works on every row by itself, in single precision: softmax, normalisation over the last axis.

Functions return None where the library has no way.
"""

from __future__ import annotations

import math
from ctypes import c_float, c_int, c_uint
from typing import Final

import numpy as np

from resdebug.ops.base import Array
from resdebug.ops.onednn import plans
from resdebug.ops.onednn.plans import Maker, all_finite, chunks, fit, or_all, planned

ENOUGH: Final = 1 << 10
"""Fewer elements are done before the library is called."""

MANY: Final = 1024
"""Over more rows than this, sums are put together in double precision."""

_ACCURATE: Final = 0x30000
_SCALED: Final = 2 | 4


def softmax(x: Array) -> Array | None:
    """Return the probabilities over the last axis; None also where a row has no finite maximum."""
    plan = planned(_Softmax, *_form(x), divided=True) if _worth(x) else None
    if plan is None:
        return None
    y = np.empty(x.shape, x.dtype)
    plan.run(np.ascontiguousarray(x), y)
    # The library loses what is wrong with a row in all but some of its places.
    return y if all_finite(y) else None


def softmax_sent(ybar: Array, y: Array) -> Array | None:
    """Return ``y ⊙ (ȳ − Σ ȳ ⊙ y)``, by rows."""
    plan = planned(_Softmax, *_form(y), divided=True) if _worth(ybar, y) else None
    if plan is None:
        return None
    sent = np.empty(y.shape, y.dtype)
    plan.back(np.ascontiguousarray(y), np.ascontiguousarray(ybar), sent)
    return sent


def normalised(
    x: Array, tail: int, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array] | None:
    """Return ``x̂ ⊙ weight + bias``, and mean and biased variance of each row of ``tail`` elements."""
    plan = planned(_LayerNorm, x.size // tail, tail, eps) if _worth(x) else None
    if plan is None:
        return None
    y, (mean, variance) = np.empty(x.shape, x.dtype), np.empty((2, x.size // tail), x.dtype)
    plan.run(np.ascontiguousarray(x), y, mean, variance, or_all(weight, tail, 1), or_all(bias, tail, 0))
    return y, mean, variance


def sent(
    ybar: Array, x: Array, mean: Array, variance: Array, weight: Array | None, eps: float
) -> tuple[Array, Array, Array] | None:
    """Return the contribution to ``x``, and ``Σ ȳ ⊙ x̂`` and ``Σ ȳ`` over rows."""
    tail = x.size // mean.size
    if not _worth(x, ybar):
        return None
    result, parts = np.empty(x.shape, x.dtype), []
    shape, affine = (mean.size, tail), (or_all(weight, tail, 1), or_all(None, tail, 0))
    given = np.ascontiguousarray(x).reshape(shape), np.ascontiguousarray(ybar).reshape(shape), mean, variance
    for part in chunks(mean.size, MANY):
        plan = planned(_LayerNorm, part.stop - part.start, tail, eps)
        if plan is None:
            return None
        sums = np.empty((2, tail), x.dtype)
        own = given if part.stop == mean.size + part.start else [a[part] for a in given]
        plan.back(*own, *affine, result.reshape(shape)[part], sums[0], sums[1])
        parts.append(sums)
    weighed, plain = parts[0] if len(parts) == 1 else np.add.reduce(parts, axis=0, dtype=np.float64).astype(x.dtype)
    return result, weighed, plain


def _worth(*operands: Array) -> bool:
    return operands[0].size >= ENOUGH and fit(*operands)


def _form(x: Array) -> tuple[int, int]:
    return math.prod(x.shape[:-1]), x.shape[-1]


class _Softmax:
    """Softmax of so many rows of so many elements, and the way back."""

    def __init__(self, maker: Maker, count: int, length: int) -> None:
        of, rows = maker.library, maker.rows((count, length))
        accurate, along = c_int(_ACCURATE), c_int(1)
        name = "dnnl_softmax_{}_primitive_desc_create"
        kind = c_int(plans.TRAINING)
        forward = of.made(name.format("forward"), of.engine, kind, accurate, rows, rows, along, None)
        back = of.made(name.format("backward"), of.engine, accurate, rows, rows, rows, along, forward, None)
        self.run = maker.call(forward, (plans.SRC, rows), (plans.DST, rows))
        self.back = maker.call(back, (plans.DST, rows), (plans.DIFF_DST, rows), (plans.DIFF_SRC, rows))


class _LayerNorm:
    """The normalisation of so many rows of so many elements, and the way back."""

    def __init__(self, maker: Maker, count: int, length: int, eps: float) -> None:
        of, rows = maker.library, maker.rows((count, length))
        each, vector = maker.rows((count,)), maker.rows((length,))
        name = "dnnl_layer_normalization_{}_primitive_desc_create"
        how = c_float(eps), c_uint(_SCALED)
        forward = of.made(name.format("forward"), of.engine, c_int(plans.TRAINING), rows, rows, each, *how, None)
        kind = c_int(plans.BACKWARD)
        back = of.made(name.format("backward"), of.engine, kind, rows, rows, rows, each, *how, forward, None)
        statistics = (plans.MEAN, each), (plans.VARIANCE, each)
        affine = (plans.SCALE, vector), (plans.SHIFT, vector)
        self.run = maker.call(forward, (plans.SRC, rows), (plans.DST, rows), *statistics, *affine)
        results = (plans.DIFF_SRC, rows), (plans.DIFF_SCALE, vector), (plans.DIFF_SHIFT, vector)
        self.back = maker.call(back, (plans.SRC, rows), (plans.DIFF_DST, rows), *statistics, *affine, *results)
