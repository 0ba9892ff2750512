"""What the library has been told to do, remembered by each thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np

from resdebug.ops.base import Array
from resdebug.ops.onednn.library import Call, Handle, Library, Missing, library
from resdebug.ops.windows import Axes

T = TypeVar("T")

KEPT: Final = 512
"""Plans that a thread remembers."""

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
        self.plans: dict[object, Any] = {}
        self.maker: Maker | None = None


_own: Final = _Own()


def works(dtype: np.dtype[Any]) -> bool:
    """Whether the library is there for such numbers."""
    return dtype == np.float32 and library() is not None


def fit(*operands: Array) -> bool:
    """Whether the library may be asked: it is there, and no operand is empty."""
    return all(works(array.dtype) and array.size for array in operands)


def all_finite(x: Array) -> bool:
    """Whether all elements are finite; may also say no where their squares add up to more than there are numbers."""
    line = x.ravel(order="K")
    return bool(np.isfinite(line.dot(line)))


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


def planned(kind: Callable[..., T], *key: Any) -> T | None:
    """Return ``kind(maker, *key)``, made once by each thread; None where the library has no quick way."""
    plans = _own.plans
    try:
        found: T | None = plans[kind, key]
    except KeyError:
        if len(plans) >= KEPT:
            plans.clear()
        found = plans[kind, key] = _made(kind, key)
    return found


def _made(kind: Callable[..., T], key: tuple[Any, ...]) -> T | None:
    of = library()
    if of is None:
        return None
    try:
        if _own.maker is None:
            of.limited(1)
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
