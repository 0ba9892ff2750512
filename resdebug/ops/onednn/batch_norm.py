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
from resdebug.ops.layout import empty_last, rows
from resdebug.ops.onednn import plans
from resdebug.ops.onednn.library import Handle, Missing
from resdebug.ops.onednn.plans import Maker, aside, chunks, fit, or_all, planned

WHOLE: Final = 256
"""Over so many places sums are taken one number after the other."""

BLOCK: Final = 1 << 17
"""Elements that are looked at at a time, so that they stay in a core's own cache."""

SHARED: Final = 1 << 18
"""Elements from which statistics are taken by several threads."""

LONG: Final = 1 << 14
"""Sums of products with an adjoint, which hardly drift, may run over so many, as then one call is all there is."""

PIECE: Final = 4096
"""Of more places so many are added up at a time."""

_SCALED: Final = 2 | 4
_GIVEN: Final = 1
"""Flags: scale and shift; mean and variance are given."""


def normalised(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array] | None:
    """Return ``y``, and mean and biased variance per channel, of ``x`` (N, C, …)."""
    if not fit(x):
        return None
    flat, channels = rows(x), x.shape[1]
    scale, shift = or_all(weight, channels, 1), or_all(bias, channels, 0)
    y = empty_last(x.shape, x.dtype)
    if len(flat) <= WHOLE:
        plan = planned(_Training, len(flat), channels, eps)
        if plan is None:
            return None
        mean, variance = plan(flat, y, scale, shift)
        return y, mean, variance
    found = _moments(flat, eps)
    plan_given = planned(_Given, len(flat), channels, eps, divided=True)
    if found is None or plan_given is None:
        return None
    mean, variance = found
    plan_given(flat, y, mean, variance, scale, shift)
    return y, mean, variance


def moments(x: Array, eps: float) -> tuple[Array, Array] | None:
    """Return mean and biased variance per channel, to the bit those of ``normalised``."""
    return _moments(rows(x), eps) if fit(x) else None


def _moments(flat: Array, eps: float) -> tuple[Array, Array] | None:
    """Return the same of places as rows."""
    channels = flat.shape[1]
    parts, share = _parts(len(flat), channels)
    found: list[Array] = [flat] * len(parts)

    def work(some: Sequence[int]) -> None:
        for k in some:
            places, times = parts[k]
            # Neighbouring places stand for channels of their own: the sum of each is short.
            block, width = flat[places], times * channels
            plan = planned(_Training, block.size // width, width, eps)
            if plan is None:
                raise Missing
            ones, zeros = or_all(None, width, 1), or_all(None, width, 0)
            found[k] = plan(block, aside(block.size), ones, zeros).reshape(2, times, channels)

    try:
        threads.share(work, range(len(parts))) if flat.size >= SHARED else work(range(len(parts)))
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
    return whole.astype(np.float32), (share @ means).astype(np.float32)


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
    places, channels = x.size // x.shape[1], x.shape[1]
    plan = planned(_Backward, places, channels, eps) if places <= LONG and fit(x, ybar) else None
    if plan is None:
        return None
    result = empty_last(x.shape, x.dtype)
    return result, *plan(rows(x), rows(ybar), mean, variance, or_all(weight, channels, 1), result)


def sums(ybar: Array, x: Array, mean: Array, variance: Array, eps: float) -> tuple[Array, Array] | None:
    """Return ``Σ ȳ ⊙ x̂`` and ``Σ ȳ`` per channel, to the bit those of ``sent``."""
    if not fit(x, ybar):
        return None
    flat, adjoint, channels = rows(x), rows(ybar), x.shape[1]
    total, scale = np.zeros((2, channels)), or_all(None, channels, 1)
    for part in chunks(len(flat), LONG if len(flat) <= LONG else min(PIECE, max(WHOLE, BLOCK // channels))):
        places = part.stop - part.start
        plan = planned(_Backward, places, channels, eps)
        if plan is None:
            return None
        total += plan(flat[part], adjoint[part], mean, variance, scale, aside(places * channels))
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
