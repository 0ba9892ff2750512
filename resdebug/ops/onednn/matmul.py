"""Products of two matrices in single precision, any of them transposed, with a bias."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from resdebug.ops.base import Array
from resdebug.ops.onednn import plans
from resdebug.ops.onednn.library import Handle, address
from resdebug.ops.onednn.plans import Maker, chunks, fit, planned, ready

ENOUGH: Final = 1 << 18
"""Fewer multiplications are done before the library is called."""

PIECE: Final = 256
"""Sums of so many products are made in one go, by one thread; of more the library might cut as it has threads."""

THIN: Final = 64
PAGE: Final = 1024
"""Of sums this short the result is all the work, and rows of a multiple of so many elements share places in a cache."""

_BIAS: Final = 41


def product(a: Array, b: Array, bias: Array | None = None) -> Array | None:
    """Return ``a @ b + bias`` of two matrices; None where the library has no way, or another is as quick.

    The library has two ways: ``gemm`` is the quicker one where memory has ``b`` itself, not its transpose.
    """
    if a.shape[0] * b.size < ENOUGH or not fit(a, b):
        return None
    turned = _turned(a), _turned(b)
    if bias is None and not turned[1]:
        if turned[0] and _better_rows(a.shape[0], b.shape[1], a.shape[1]):
            found = _gemm(b.T, a.T)
            return None if found is None else found.T
        return _gemm(a, b)
    plan = planned(_Product, a.shape, b.shape, turned, bias is not None, divided=True)
    if plan is None:
        return None
    y = np.empty((a.shape[0], b.shape[1]), a.dtype)
    # Where memory has the transpose, the layout says so.
    given = [m if t else np.ascontiguousarray(m) for m, t in zip((a, b), turned, strict=True)]
    plan.run(*given, y, *(() if bias is None else (np.ascontiguousarray(bias),)))
    return y


def multiplied(a: Array, b: Array) -> Array:
    """Return ``a @ b`` of two matrices, whoever is quickest."""
    y = product(a, b)
    return np.asarray(np.matmul(a, b)) if y is None else y


def _better_rows(row: int, other: int, inner: int) -> bool:
    """Whether rows of length ``row`` are quicker to write than ``other``, of sums of ``inner`` products: if longer."""
    if inner <= THIN and (row % PAGE == 0) != (other % PAGE == 0):
        return row % PAGE != 0
    return row > other


def _turned(matrix: Array) -> bool:
    """Whether memory has the transpose in one piece."""
    flags = matrix.flags
    return bool(flags.f_contiguous and not flags.c_contiguous)


def _gemm(a: Array, b: Array) -> Array | None:
    """Return ``a @ b``, with ``a`` or its transpose as memory has it."""
    of, turned = ready(divided=True), _turned(a)
    if of is None:
        return None
    a, b = a if turned else np.ascontiguousarray(a), np.ascontiguousarray(b)
    (rows, inner), columns, size = a.shape, b.shape[1], a.itemsize
    y = np.empty((rows, columns), a.dtype)
    first, second, result = address(a), address(b), address(y)
    along = (rows if turned else 1) * size
    for start, count in _pieces(inner):
        left, right = first + start * along, second + start * columns * size
        of.gemm(turned, (rows, columns, count), left, rows if turned else inner, right, result, start > 0)
    return y


@lru_cache(maxsize=256)
def _pieces(inner: int) -> tuple[tuple[int, int], ...]:
    """Return where the pieces of a sum begin, and how many products each has."""
    return tuple((part.start, part.stop - part.start) for part in chunks(inner, PIECE))


class _Product:
    """The product of two matrices of one shape each."""

    def __init__(
        self, maker: Maker, a: tuple[int, int], b: tuple[int, int], turned: tuple[bool, bool], biased: bool
    ) -> None:
        of, y = maker.library, maker.rows((a[0], b[1]))
        layouts = [of.laid(s, (1, s[0]) if t else (s[1], 1)) for s, t in zip((a, b), turned, strict=True)]
        bias: Handle | None = maker.rows((1, b[1])) if biased else None
        described = of.made("dnnl_matmul_primitive_desc_create", of.engine, *layouts, bias, y, None)
        operands = (plans.SRC, layouts[0]), (plans.WEIGHTS, layouts[1]), (plans.DST, y)
        self.run = maker.call(described, *operands, *([] if bias is None else [(_BIAS, bias)]))
