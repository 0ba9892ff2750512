"""Batch normalisation by the batch's own statistics, in single precision, with the channels last in memory.

The library adds up all places of a channel in single precision one after the other, which over many places loses
digits. So statistics are taken of some places at a time, and put together in double precision (Chan, Golub and LeVeque
1983, The American Statistician 37). Functions return None where the
library has no way.
"""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_float, c_int, c_uint
from functools import lru_cache
from typing import Final

import numpy as np

from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.ops.layout import compact, empty_last, rows
from resdebug.ops.onednn import plans
from resdebug.ops.onednn.library import Handle, Missing
from resdebug.ops.onednn.plans import Maker, chunks, fit, or_all, planned

WHOLE: Final = 256
"""Over so many places sums are taken one number after the other."""

BLOCK: Final = 1 << 17
"""Elements that are looked at at a time, so that they stay in a core's own cache."""

SHARED: Final = 1 << 18
"""Elements from which statistics are taken by several threads."""

LONG: Final = 1 << 14
"""Sums of products with an adjoint, which do not drift, may run over so many."""

_SCALED: Final = 2 | 4
_GIVEN: Final = 1
"""Flags: scale and shift; mean and variance are given."""


def normalised(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array] | None:
    """Return ``y``, and mean and biased variance per channel, of ``x`` (N, C, …)."""
    if not fit(x):
        return None
    places, channels = x.size // x.shape[1], x.shape[1]
    scale, shift = or_all(weight, channels, 1), or_all(bias, channels, 0)
    flat, y = rows(compact(x)), empty_last(x.shape, x.dtype)
    if places <= WHOLE:
        plan = planned(_Training, places, channels, eps)
        if plan is None:
            return None
        mean, variance = plan(flat, rows(y), scale, shift)
        return y, mean, variance
    found = moments(x, eps)
    plan_given = planned(_Given, places, channels, eps, divided=True)
    if found is None or plan_given is None:
        return None
    mean, variance = found
    plan_given(flat, rows(y), mean, variance, scale, shift)
    return y, mean, variance


def moments(x: Array, eps: float) -> tuple[Array, Array] | None:
    """Return mean and biased variance per channel, to the bit those of ``normalised``."""
    if not fit(x):
        return None
    flat, channels = rows(compact(x)), x.shape[1]
    parts, share = _parts(len(flat), channels)
    found: list[Array] = [flat] * len(parts)

    def work(some: Sequence[int]) -> None:
        for k in some:
            places, times = parts[k]
            # Neighbouring places stand for channels of their own: the sum of each is short.
            block = flat[places].reshape(-1, times * channels)
            plan = planned(_Training, len(block), times * channels, eps)
            if plan is None:
                raise Missing
            ones, zeros = (or_all(None, times * channels, number) for number in (1, 0))
            found[k] = plan(block, np.empty_like(block), ones, zeros).reshape(2, times, channels)

    try:
        threads.share(work, range(len(parts))) if x.size >= SHARED else work(range(len(parts)))
    except Missing:
        return None
    both = found[0] if len(parts) == 1 else np.concatenate(found, axis=1)
    if both.shape[1] == 1:
        return both[0, 0], both[1, 0]
    means, variances = both.astype(np.float64)
    whole = share @ means
    means -= whole
    means *= means
    means += variances
    return whole.astype(x.dtype), (share @ means).astype(x.dtype)


@lru_cache(maxsize=256)
def _parts(count: int, channels: int) -> tuple[tuple[tuple[slice, int], ...], Array]:
    """Return places to look at together, and how many neighbours of them stand for channels of their own.

    With it, how much of the whole each of these is.
    """
    parts = []
    for part in chunks(count, max(WHOLE, BLOCK // channels)):
        times = -(-(part.stop - part.start) // WHOLE)
        rest = (part.stop - part.start) % times
        parts += [(slice(part.start, part.stop - rest), times), *[(slice(part.stop - rest, part.stop), 1)] * bool(rest)]
    share = np.concatenate([np.full(times, (p.stop - p.start) / times / count) for p, times in parts])
    return tuple(parts), share


def sent(
    ybar: Array, x: Array, mean: Array, variance: Array, weight: Array | None, eps: float
) -> tuple[Array, Array, Array] | None:
    """Return the contribution to ``x``, and ``Σ ȳ ⊙ x̂`` and ``Σ ȳ`` per channel; None also for many places."""
    channels, scale = x.shape[1], or_all(weight, x.shape[1], 1)
    flat, adjoint, result = rows(compact(x)), rows(compact(ybar)), empty_last(x.shape, x.dtype)
    plan = planned(_Backward, len(flat), channels, eps) if len(flat) <= LONG and fit(x, ybar) else None
    return None if plan is None else (result, *plan(flat, adjoint, mean, variance, scale, rows(result)))


def sums(ybar: Array, x: Array, mean: Array, variance: Array, eps: float) -> tuple[Array, Array] | None:
    """Return ``Σ ȳ ⊙ x̂`` and ``Σ ȳ`` per channel, to the bit those of ``sent``."""
    if not fit(x, ybar):
        return None
    flat, adjoint, channels = rows(compact(x)), rows(compact(ybar)), x.shape[1]
    total = np.zeros((2, channels))
    aside = np.empty((min(len(flat), LONG), channels), x.dtype)
    for part in chunks(len(flat), LONG):
        plan = planned(_Backward, part.stop - part.start, channels, eps)
        if plan is None:
            return None
        total += plan(flat[part], adjoint[part], mean, variance, or_all(None, channels, 1), aside)
    weighed, plain = total.astype(x.dtype)
    return weighed, plain


class _Norm:
    """The normalisation of ``places`` rows of ``channels``."""

    def __init__(self, maker: Maker, places: int, channels: int, eps: float) -> None:
        self.channels, self.maker = channels, maker
        # Places as one axis of an image: the loops for images are the quick ones.
        self.tensor, self.vector = maker.channels_last((1, channels, places, 1)), maker.rows((channels,))
        self.eps = c_float(eps)
        self.prepare()

    def prepare(self) -> None:
        """Make the primitive."""
        raise NotImplementedError

    def described(self, kind: int, flags: int) -> Handle:
        of = self.maker.library
        name = "dnnl_batch_normalization_forward_primitive_desc_create"
        return of.made(name, of.engine, c_int(kind), self.tensor, self.tensor, self.eps, c_uint(flags), None)

    def vectors(self, *arguments: int) -> list[tuple[int, Handle]]:
        return [(argument, self.vector) for argument in arguments]


class _Training(_Norm):
    """By its own statistics."""

    def prepare(self) -> None:
        tensors = (plans.SRC, self.tensor), (plans.DST, self.tensor)
        vectors = self.vectors(plans.MEAN, plans.VARIANCE, plans.SCALE, plans.SHIFT)
        self.run = self.maker.call(self.described(plans.TRAINING, _SCALED), *tensors, *vectors)

    def __call__(self, x: Array, y: Array, scale: Array, shift: Array) -> Array:
        found = np.empty((2, self.channels), np.float32)
        self.run(x, y, found[0], found[1], scale, shift)
        return found


class _Given(_Norm):
    """By given ones."""

    def prepare(self) -> None:
        tensors = (plans.SRC, self.tensor), (plans.DST, self.tensor)
        vectors = self.vectors(plans.MEAN, plans.VARIANCE, plans.SCALE, plans.SHIFT)
        self.run = self.maker.call(self.described(plans.INFERENCE, _SCALED | _GIVEN), *tensors, *vectors)

    def __call__(self, x: Array, y: Array, mean: Array, variance: Array, scale: Array, shift: Array) -> None:
        self.run(x, y, mean, variance, scale, shift)


class _Backward(_Norm):
    """Back through a normalisation by its own statistics."""

    def prepare(self) -> None:
        of, tensor = self.maker.library, self.tensor
        described = of.made(
            "dnnl_batch_normalization_backward_primitive_desc_create",
            *(of.engine, c_int(plans.BACKWARD), tensor, tensor, tensor, self.eps, c_uint(_SCALED)),
            *(self.described(plans.TRAINING, _SCALED), None),
        )
        given = (plans.SRC, tensor), (plans.DIFF_DST, tensor), *self.vectors(plans.MEAN, plans.VARIANCE, plans.SCALE)
        sums = self.vectors(plans.DIFF_SCALE, plans.DIFF_SHIFT)
        self.run = self.maker.call(described, *given, (plans.DIFF_SRC, tensor), *sums)

    def __call__(self, x: Array, ybar: Array, mean: Array, variance: Array, scale: Array, sent: Array) -> Array:
        sums = np.empty((2, self.channels), np.float32)
        self.run(x, ybar, mean, variance, scale, sent, sums[0], sums[1])
        return sums
