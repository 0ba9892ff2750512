"""What the library has been told to do, remembered by each thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np

from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.ops.onednn.library import Call, Handle, Library, Missing, library
from resdebug.ops.windows import Axes

T = TypeVar("T")

KEPT: Final = 512
"""Plans that a thread remembers."""

ASIDE: Final = 1 << 17
"""Elements a thread keeps to write what nobody wants: new memory would have to come into its cache first."""

SRC, DST, WEIGHTS = 1, 17, 33
MEAN, VARIANCE, SCALE, SHIFT = 49, 50, 51, 52
WORKSPACE = 64
DIFF_SRC, DIFF_DST, DIFF_WEIGHTS = 129, 145, 161
DIFF_SCALE, DIFF_SHIFT = 255, 256
"""Indices of arguments in dnnl.h."""

TRAINING: Final = 64
INFERENCE: Final = 96
BACKWARD: Final = 128
"""Kinds of propagation there; backward is that of all operands."""


class Maker:
    """The library as plans are made with it, for one thread."""

    def __init__(self, of: Library, stream: Handle) -> None:
        self.library, self.stream = of, stream

    def call(self, description: Handle, *operands: tuple[int, Handle]) -> Call:
        """Return a primitive, ready to be run on arrays. Raises Missing where it would be slow."""
        return Call(self.library, self.stream, self.library.primitive(description), *operands)

    def copy(self, source: Handle, target: Handle) -> Call:
        """Return the copy from one layout to another."""
        return Call(self.library, self.stream, self.library.reorder(source, target), (SRC, source), (DST, target))

    def rows(self, shape: Axes) -> Handle:
        """Describe a tensor in the order of its axes."""
        return self.library.laid(shape, first(shape))

    def channels_last(self, shape: Axes) -> Handle:
        """Describe a tensor (N, C, …) with the channels last."""
        return self.library.laid(shape, last(shape))


class _Own(threading.local):
    """What belongs to one thread: a call holds the places it works on."""

    def __init__(self) -> None:
        self.plans: dict[tuple[Any, ...], Any] = {}
        self.maker: Maker | None = None
        self.aside: Array | None = None
        self.threads = 0

    def limit(self, of: Library, count: int) -> None:
        """Let the library work with so many threads, until a pass is over: others may use the same ones."""
        before = of.limited(count)
        if not self.threads:
            threads.when_left(lambda: self.release(of, before))
        self.threads = count

    def release(self, of: Library, before: int) -> None:
        """Give the library its threads back."""
        of.limited(before)
        self.threads = 0


_own: Final = _Own()


_SINGLE: Final = np.dtype(np.float32)


def works(dtype: np.dtype[Any]) -> bool:
    """Whether the library is there for such numbers."""
    return dtype == _SINGLE and library() is not None


def fit(*operands: Array) -> bool:
    """Whether the library may be asked: it is there, and no operand is empty."""
    for array in operands:
        if array.dtype != _SINGLE or not array.size:
            return False
    return library() is not None


def all_finite(x: Array) -> bool:
    """Whether all elements are finite; may also say no where their squares add up to more than there are numbers."""
    line = x.ravel(order="K")
    return bool(np.isfinite(line.dot(line)))


def aside(count: int) -> Array:
    """Return ``count`` elements of memory for what nobody wants; the next call may return the same."""
    if count > ASIDE:
        return np.empty(count, np.float32)
    if _own.aside is None:
        _own.aside = np.empty(ASIDE, np.float32)
    return _own.aside[:count]


def chunks(count: int, size: int) -> Iterator[slice]:
    """Yield slices of nearly one length, none longer than ``size``."""
    pieces = -(-count // size)
    bounds = [i * count // pieces for i in range(pieces + 1)]
    return map(slice, bounds[:-1], bounds[1:])


def or_all(vector: Array | None, length: int, number: int) -> Array:
    """Return ``vector`` in one piece, or where there is none one of the same number everywhere."""
    return _constant(length, number) if vector is None else np.ascontiguousarray(vector)


@lru_cache(maxsize=64)
def _constant(length: int, number: int) -> Array:
    return np.full(length, number, np.float32)


def planned(kind: Callable[..., T], *key: Any, divided: bool = False) -> T | None:
    """Return ``kind(maker, *key)``, made once by each thread; None where the library has no quick way."""
    of = ready(divided=divided)
    if of is None:
        return None
    plans, count = _own.plans, _own.threads
    try:
        found: T | None = plans[kind, count, key]
    except KeyError:
        if len(plans) >= KEPT:
            plans.clear()
        found = plans[kind, count, key] = _made(of, kind, key)
    return found


def ready(*, divided: bool = False) -> Library | None:
    """Return the library, if it is there.

    It runs on this thread alone unless the work may be ``divided``, which is for what comes out the same to the bit
    whoever does which part.
    """
    of = library()
    if of is not None:
        count = threads.free() if divided else 1
        if _own.threads != count:
            _own.limit(of, count)
    return of


def _made(of: Library, kind: Callable[..., T], key: tuple[Any, ...]) -> T | None:
    try:
        if _own.maker is None:
            _own.maker = Maker(of, of.stream())
        return kind(_own.maker, *key)
    except Missing:
        return None


def first(shape: Sequence[int]) -> list[int]:
    """Return the strides, in elements, of a tensor in the order of its axes."""
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


def last(shape: Axes) -> list[int]:
    """Return the strides, in elements, of a tensor (N, C, …) with the channels last."""
    _, channels, *places = shape
    return [math.prod(shape[1:]), 1, *(channels * n for n in first(places))]
