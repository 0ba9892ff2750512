"""Tensors as the page holds them: a number, all numbers, a down-sampled map, or statistics; equal ones once."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from resdebug.export.looking import statistics
from resdebug.export.replay.bounds import WRITTEN, Bounds
from resdebug.ops.base import Array
from resdebug.passes.encoding import little_endian, numbers
from resdebug.passes.trace import Statistics

NONE: Final = -1
"""In place of a tensor that is not there."""
_STEPS: Final = 126
"""A map's cell is ``sign(x) · 126 · √(|x| / top)`` in eight bits; ±127 is ±∞, −128 is NaN."""
_PLANE: Final = 256
"""Cells of a plane at least, before fewer planes are shown."""


class Pool:
    """The tensors of a page by number; equal ones, to the last bit, share one."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.records: list[Any] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def put(self, array: Array, *, full: bool) -> int:
        """Return the number of a tensor, which is written in full as far as the bounds allow, else as statistics."""
        if not full:
            return self.told(statistics(array))
        if array.size <= 1:
            key: tuple[Any, ...] = (array.shape, array.dtype.str, array.tobytes())
        else:
            key = (array.shape, array.dtype.str, hashlib.blake2b(little_endian(array), digest_size=16).digest())
        return self._once(key, lambda: self._record(array))

    def told(self, known: Statistics | None) -> int:
        """Return the number of a tensor of which there are only statistics, ``NONE`` without any."""
        if known is None:
            return NONE
        record = _summary(known)
        return self._once((record["norm"], *record["stats"]), lambda: record)

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> int:
        if key not in self._known:
            self._known[key] = len(self.records)
            self.records.append(make())
        return self._known[key]

    def _record(self, array: Array) -> Any:
        if array.size == 1:
            return numbers(array.reshape(()))
        told = statistics(array)
        if array.size > self.bounds.full:
            return _summary(told) | ({"map": _map(array, self.bounds.cells)} if self.bounds.cells else {})
        if array.size > WRITTEN and array.dtype.kind == "f":
            return {"norm": told.norm, "bytes": _text(little_endian(array))}
        return {"norm": told.norm, "data": numbers(array.reshape(-1))}


def _summary(told: Statistics) -> dict[str, Any]:
    rest = [told.minimum, told.maximum, told.mean, told.deviation, told.zeros, told.nans, told.infinities]
    return {"norm": told.norm, "stats": rest}


def _map(array: Array, most: int) -> dict[str, Any]:
    """Return the first planes of the last two axes, each reduced: a cell is the element of largest magnitude."""
    planes = _planes(array)
    count, rows, columns = planes.shape
    shown = min(count, max(1, most // min(rows * columns, _PLANE)))
    steps = _steps(rows, columns, max(1, most // shown))
    reduced = _reduced(np.asarray(planes[:shown], np.float64), steps)
    finite = np.abs(planes[np.isfinite(planes)])
    top = float(finite.max()) if finite.size else 0.0
    return {
        "size": list(reduced.shape), "of": [count, rows, columns], "steps": list(steps), "top": top,
        "cells": _text(little_endian(_quantised(reduced, top))),
    }  # fmt: skip


def _planes(array: Array) -> Array:
    if array.ndim < 2:
        return array.reshape(1, 1, -1)
    return array.reshape(math.prod(array.shape[:-2]), *array.shape[-2:])


def _steps(rows: int, columns: int, most: int) -> tuple[int, int]:
    """Return by how much rows and columns are reduced for a plane to have at most so many cells."""
    down, across = 1, 1
    while -(-rows // down) * -(-columns // across) > most:
        if -(-rows // down) >= -(-columns // across):
            down += max(1, down // 8)
        else:
            across += max(1, across // 8)
    return down, across


def _reduced(planes: Array, steps: tuple[int, int]) -> Array:
    count, rows, columns = planes.shape
    down, across = steps
    high, wide = -(-rows // down), -(-columns // across)
    padded = np.zeros((count, high * down, wide * across))
    padded[:, :rows, :columns] = planes
    blocks = padded.reshape(count, high, down, wide, across).transpose(0, 1, 3, 2, 4).reshape(count, high, wide, -1)
    size = np.where(np.isnan(blocks), np.inf, np.abs(blocks))
    chosen = np.take_along_axis(blocks, size.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    return np.where(np.isnan(blocks).any(axis=-1), np.nan, chosen)


def _quantised(cells: Array, top: float) -> Array:
    with np.errstate(all="ignore"):
        share = np.sqrt(np.abs(cells) / top) if top > 0 else np.zeros_like(cells)
    steps = np.where(cells == 0, 0, np.clip(np.round(_STEPS * np.nan_to_num(np.minimum(share, 1))), 1, _STEPS))
    result = np.where(np.isinf(cells), _STEPS + 1, steps) * np.where(cells < 0, -1, 1)
    return np.where(np.isnan(cells), -128, result).astype(np.int8)


def _text(data: memoryview) -> str:
    return base64.b64encode(data).decode()
