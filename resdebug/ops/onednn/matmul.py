"""Products of two matrices in single precision, any of them transposed, with a bias."""

from __future__ import annotations

from typing import Final

import numpy as np

from resdebug.ops.base import Array
from resdebug.ops.onednn import plans
from resdebug.ops.onednn.library import Handle
from resdebug.ops.onednn.plans import Maker, fit, planned

ENOUGH: Final = 1 << 18
"""Fewer multiplications are done before the library is called."""

FLAT: Final = 64
LONG: Final = 4096
BIG: Final = 1 << 20
GAP: Final = 16
"""Products that read or write a large matrix once take twice as long by the library's loops for dense matrices: it
takes others where there is a gap between rows."""

_BIAS: Final = 41

Strides = tuple[int, int]


def product(a: Array, b: Array, bias: Array | None = None) -> Array | None:
    """Return ``a @ b + bias`` of two matrices; None where the library has no way, or another is as quick.

    Between the rows of the result there may be a gap.
    """
    if a.shape[0] * b.size < ENOUGH or not fit(a, b):
        return None
    outs = b.shape[1]
    a, b = _strided(a), _strided(b)
    if a.shape[1] <= FLAT and a.shape[0] * outs >= BIG and (a.flags.c_contiguous or a.flags.f_contiguous):
        a = _with_gap(a.T).T if a.strides[0] == a.itemsize else _with_gap(a)
    gap = GAP if a.shape[0] <= FLAT and outs >= LONG and b.strides[1] == b.itemsize else 0
    y = np.empty((a.shape[0], outs + gap), a.dtype)[:, :outs]
    laid = tuple([(m.strides[0] // m.itemsize, m.strides[1] // m.itemsize) for m in (a, b, y)])
    plan = planned(_Product, a.shape, b.shape, laid, bias is not None, divided=True)
    if plan is None:
        return None
    plan.run(a, b, y, *(() if bias is None else (np.ascontiguousarray(bias),)))
    return y


def _with_gap(matrix: Array) -> Array:
    copy = np.empty((matrix.shape[0], matrix.shape[1] + GAP), matrix.dtype)[:, : matrix.shape[1]]
    copy[...] = matrix
    return copy


def _strided(matrix: Array) -> Array:
    """Return ``matrix``, copied unless its rows or its columns lie in one piece each."""
    size, (rows, columns), (down, right) = matrix.itemsize, matrix.shape, matrix.strides
    if (right == size and down >= columns * size) or (down == size and right >= rows * size):
        return matrix
    return np.ascontiguousarray(matrix)


class _Product:
    """The product of two matrices of one shape each."""

    def __init__(
        self,
        maker: Maker,
        a: tuple[int, int],
        b: tuple[int, int],
        laid: tuple[Strides, Strides, Strides],
        biased: bool,
    ) -> None:
        of = maker.library
        shapes = a, b, (a[0], b[1])
        layouts = [of.laid(shape, strides) for shape, strides in zip(shapes, laid, strict=True)]
        bias: Handle | None = maker.rows((1, b[1])) if biased else None
        described = of.made("dnnl_matmul_primitive_desc_create", of.engine, *layouts[:2], bias, layouts[2], None)
        operands = zip((plans.SRC, plans.WEIGHTS, plans.DST), layouts, strict=True)
        self.run = maker.call(described, *operands, *([] if bias is None else [(_BIAS, bias)]))
