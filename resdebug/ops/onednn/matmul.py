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

_BIAS: Final = 41


def product(a: Array, b: Array, bias: Array | None = None) -> Array | None:
    """Return ``a @ b + bias`` of two matrices; None where the library has no way, or another is as quick."""
    if a.shape[0] * b.size < ENOUGH or not fit(a, b):
        return None
    turned = tuple(m.flags.f_contiguous and not m.flags.c_contiguous for m in (a, b))
    plan = planned(_Product, a.shape, b.shape, turned, bias is not None, divided=True)
    if plan is None:
        return None
    y = np.empty((a.shape[0], b.shape[1]), a.dtype)
    # Where memory has the transpose, the layout says so.
    given = [m if t else np.ascontiguousarray(m) for m, t in zip((a, b), turned, strict=True)]
    plan.run(*given, y, *(() if bias is None else (np.ascontiguousarray(bias),)))
    return y


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
