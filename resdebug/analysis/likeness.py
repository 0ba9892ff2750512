"""Two tensors that should be equal: what the difference looks like."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from resdebug.ops.base import Array

_BITS: Final = {"float64": "i8", "float32": "i4"}
_EPSILON: Final = {"float64": 2.0**-52, "float32": 2.0**-23}


class Likeness(NamedTuple):
    """A mistake that would explain a difference: a stable word, and a sentence."""

    kind: str
    says: str


def ulps(a: float, b: float, dtype: str) -> int | None:
    """Return how many numbers of a type lie from one to the other; None where one is not finite, or no float."""
    if dtype not in _BITS or not (math.isfinite(a) and math.isfinite(b)):
        return None
    x, y = (int(np.array(v, dtype).view(_BITS[dtype])) for v in (a, b))
    most = 1 << (8 * np.dtype(dtype).itemsize - 1)
    x, y = (v if v >= 0 else -(v + most) for v in (x, y))
    return abs(x - y)


def likeness(first: Array, second: Array, tolerance: float) -> tuple[Likeness, ...]:
    """Return what the difference of two tensors looks like, likeliest first."""
    with np.errstate(all="ignore"):
        return tuple(_looks(first, second, tolerance))


def _looks(first: Array, second: Array, tolerance: float) -> Iterator[Likeness]:
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.shape != y.shape:
        yield from _other_shape(x, y, tolerance)
        return
    nan = np.isnan(x) != np.isnan(y)
    if nan.any():
        which = "second" if np.isnan(y[nan]).any() else "first"
        yield Likeness("NaN", f"the {which} has NaN in {int(nan.sum())} of {x.size} places where the other has numbers")
        return
    if (np.isinf(x) != np.isinf(y)).any():
        yield Likeness("overflow", "one of the two is infinite where the other is not")
        return
    keep = np.isfinite(x) & np.isfinite(y)
    if not x[keep].any() or not y[keep].any():
        which = "first" if not x[keep].any() else "second"
        yield Likeness("zero", f"the {which} is zero everywhere: nothing arrives, or it was cut off")
        return
    if not keep.all():
        return
    yield from _multiple(x, y, tolerance)
    yield from _turned(x, y, tolerance)
    yield from _masked(x, y, tolerance)
    yield from _rounded(first, second, x, y)


def _near(x: Array, y: Array, tolerance: float) -> bool:
    return bool(np.linalg.norm(x - y) <= max(tolerance, 1e-12) * 4 * np.linalg.norm(x))


def _multiple(x: Array, y: Array, tolerance: float) -> Iterator[Likeness]:
    flat, other = x.ravel(), y.ravel()
    factor = float(flat @ other / (flat @ flat))
    if not math.isfinite(factor) or factor == 0 or not _near(x * factor, y, tolerance):
        return
    if x.size == 1 and not _is_simple(factor):
        return
    if abs(factor + 1) < 1e-6:
        yield Likeness("sign", "the sign is turned")
    elif abs(factor - 2) < 1e-6 or abs(factor - 0.5) < 1e-6:
        word = "twice" if factor > 1 else "half of"
        yield Likeness("factor 2", f"the second is {word} the first: a 2 of a square, or something counted twice")
    elif abs(factor - 1) > 1e-6:
        count = factor if factor > 1 else 1 / factor
        whole = round(count)
        if whole > 2 and abs(count - whole) < 1e-5 * whole:
            side = "summed where the first is a mean" if factor > 1 else "a mean where the first is summed"
            yield Likeness("mean or sum", f"the second is {factor:.6g} times the first: {side}, over {whole}")
        else:
            yield Likeness("factor", f"the second is {factor:.6g} times the first everywhere")


def _is_simple(factor: float) -> bool:
    """Whether one number alone may be called a multiple of the other."""
    size = abs(factor) if abs(factor) > 1 else 1 / abs(factor)
    return abs(size - round(size)) < 1e-9 * size and round(size) <= 1 << 20


def _turned(x: Array, y: Array, tolerance: float) -> Iterator[Likeness]:
    if x.ndim >= 2 and x.shape[-1] == x.shape[-2] > 1 and _near(np.swapaxes(x, -1, -2), y, tolerance):
        yield Likeness("transposed", "the last two axes are exchanged: a missing transpose")
    if x.ndim >= 2 and x.shape[0] == x.shape[1] > 1 and x.ndim > 2 and _near(np.swapaxes(x, 0, 1), y, tolerance):
        yield Likeness("transposed", "the first two axes are exchanged")
    if x.ndim > 2 and _near(x[..., ::-1, ::-1], y, tolerance):
        yield Likeness("flipped", "the kernel is flipped: correlation and convolution")


def _masked(x: Array, y: Array, tolerance: float) -> Iterator[Likeness]:
    differ = np.abs(x - y) > max(tolerance, 1e-12) * np.maximum(np.abs(x), np.abs(y))
    if not differ.any() or differ.all():
        return
    if not x[differ].any():
        yield Likeness(
            "mask omitted", "they differ only where the first is 0: a mask (of a ReLU, of dropout) is omitted"
        )
    elif not y[differ].any():
        yield Likeness("masked", "they differ only where the second is 0: a mask too much, or another one")


def _rounded(first: Array, second: Array, x: Array, y: Array) -> Iterator[Likeness]:
    narrow = min(first.dtype.name, second.dtype.name, key=lambda name: 9 if name not in _EPSILON else -_EPSILON[name])
    error = float(np.linalg.norm(x - y) / np.linalg.norm(x))
    if first.dtype != second.dtype:
        if narrow in _EPSILON and error < 64 * _EPSILON[narrow]:
            yield Likeness("precision", f"no more than the rounding of {narrow}: one pass is {first.dtype.name}, the "
                           f"other {second.dtype.name}")  # fmt: skip
        return
    if first.dtype.name == "float64" and error < 1e-4 and _is_single(y) and not _is_single(x):
        yield Likeness("precision", "the second was rounded to float32 on its way")
    elif first.dtype.name in _EPSILON and error < 1e4 * _EPSILON[first.dtype.name]:
        yield Likeness("rounding", "small as rounding that has grown on its way: sums in another order")


def _is_single(x: Array) -> bool:
    return bool((x.astype(np.float32).astype(np.float64) == x).all())


def _other_shape(x: Array, y: Array, tolerance: float) -> Iterator[Likeness]:
    if (
        x.ndim >= 2
        and y.shape == (*x.shape[:-2], x.shape[-1], x.shape[-2])
        and _near(np.swapaxes(x, -1, -2), y, tolerance)
    ):
        yield Likeness("transposed", "the last two axes are exchanged: a missing transpose")
    elif x.size == y.size:
        yield Likeness("shape", f"shape {list(x.shape)}, and {list(y.shape)}: as many numbers, reshaped")
    elif 0 < y.size < x.size or 0 < x.size < y.size:
        yield Likeness(
            "shape", f"shape {list(x.shape)}, and {list(y.shape)}: a sum over an axis too much or too little"
        )
