"""Tensors as strict JSON says them, bit for bit.

NaN and the infinities, which JSON lacks, are strings: ``"Infinity"``, ``"-Infinity"``, ``"NaN"``, and for a NaN with
other bits than numpy's own ``"NaN:"`` and its bits in hexadecimal.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import numpy as np

from resdebug.network.types import ITEM_BYTES
from resdebug.ops.base import Array
from resdebug.text import visible

_BITS: Final = {"float64": np.uint64, "float32": np.uint32}
_USUAL: Final = {name: int(np.array(np.nan, name).view(bits)) for name, bits in _BITS.items()}
_WORDS: Final = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
_KINDS: Final[dict[str, set[type]]] = {"b": {bool}, "f": {int, float}, "i": {int}, "u": {int}}
_INFINITE: Final = frozenset({math.inf, -math.inf})
_IS_LITTLE: Final = sys.byteorder == "little"
_NAN: Final = re.compile(r"NaN:([0-9a-f]{1,16})")


def numbers(array: Array) -> Any:
    """Return the numbers of ``array``, nested as its axes are, with words for what JSON lacks."""
    if not array.ndim:
        alone = array.item()
        return _word(array[()], type_name(array.dtype)) if alone != alone or alone in _INFINITE else alone
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.tolist()
    odd = ~np.isfinite(array)
    boxed = np.array(array, dtype=object)
    boxed[odd] = [_word(x, array.dtype.name) for x in np.atleast_1d(array)[np.atleast_1d(odd)]]
    return boxed.tolist() if boxed.ndim else boxed.item()


@cache
def type_name(dtype: np.dtype[Any]) -> str:
    """Return how an element type is called; numpy takes its time to say so."""
    return dtype.name


def word(number: float) -> float | str:
    """Return a number as JSON can say it."""
    return number if math.isfinite(number) else _word(np.float64(number), "float64")


def _word(number: Any, dtype: str) -> str:
    if not np.isnan(number):
        return "Infinity" if number > 0 else "-Infinity"
    bits = int(number.view(_BITS[dtype]))
    return "NaN" if bits == _USUAL[dtype] else f"NaN:{bits:0{ITEM_BYTES[dtype] * 2}x}"


def from_numbers(data: Any, shape: tuple[int, ...], dtype: str) -> Array:
    """Return the array that nested numbers describe, read-only.

    Raises ValueError when they are not numbers of this type, or not as many as the shape says.
    """
    if not shape and type(data) is float and dtype == "float64":
        alone = np.array(data)
        alone.flags.writeable = False
        return alone
    if dtype not in ITEM_BYTES:
        raise ValueError(f"unknown element type {visible(dtype, limit=40)!r}")
    flat = _flat(data, shape)
    words = [i for i, item in enumerate(flat) if isinstance(item, str)]
    spelled = [_meant(flat[i], dtype) for i in words]
    for i in words:
        flat[i] = 0.0
    kinds = set(map(type, flat))
    if not kinds <= _KINDS[np.dtype(dtype).kind]:
        kind = sorted(k.__name__ for k in kinds)
        raise ValueError(f"{' and '.join(kind)} where {dtype} belongs")
    with np.errstate(over="raise"):
        try:
            array = np.array(flat, dtype=dtype)
        except FloatingPointError:
            raise ValueError(f"a number is beyond {dtype}") from None
    if words:
        array.view(_BITS[dtype])[words] = spelled
    array = array.reshape(shape)
    array.flags.writeable = False
    return array


def _meant(text: str, dtype: str) -> int:
    """Return the bits of a word."""
    if dtype in _BITS:
        if text in _WORDS:
            return int(np.array(_WORDS[text], dtype).view(_BITS[dtype]))
        match = _NAN.fullmatch(text)
        if match:
            bits = int(match.group(1), 16)
            if bits < 1 << 8 * ITEM_BYTES[dtype] and np.isnan(np.array(bits, _BITS[dtype]).view(dtype)):
                return bits
    raise ValueError(f"{visible(text, limit=40)!r} is not a number")


def _flat(data: Any, shape: tuple[int, ...]) -> list[Any]:
    level = [data]
    for size in shape:
        deeper: list[Any] = []
        for items in level:
            if not isinstance(items, list) or len(items) != size:
                found = f"{len(items)} entries" if isinstance(items, list) else _kind(items)
                raise ValueError(f"expected {size} entries, got {found}")
            deeper += items
        level = deeper
    for item in _others(level):
        raise ValueError(f"expected a number, got {_kind(item)}")
    return list(level)


def _others(items: Iterable[Any]) -> list[Any]:
    """Return what is neither a number nor a word."""
    return [item for item in items if not isinstance(item, int | float | str)]


def _kind(item: Any) -> str:
    return {list: "a list", dict: "an object", type(None): "null"}.get(type(item), "one number")


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays are equal to the last bit, NaN and the sign of zero included."""
    if a is b:
        return True
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.name in _BITS:
        bits = _BITS[a.dtype.name]
        return bool(np.array_equal(np.ascontiguousarray(a).view(bits), np.ascontiguousarray(b).view(bits)))
    return bool(np.array_equal(a, b))


def little_endian(array: Array) -> memoryview:
    """Return the bytes of ``array`` in C order, little endian, without a copy where it lies so already."""
    laid_out = np.ascontiguousarray(array, dtype=None if _IS_LITTLE else array.dtype.newbyteorder("<"))
    return laid_out.reshape(-1).view(np.uint8).data
