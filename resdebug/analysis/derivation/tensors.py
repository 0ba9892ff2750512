"""Tensors as mathematics: small ones with every number, large ones as a norm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from resdebug.analysis.formulas import number
from resdebug.engine.norms import norm
from resdebug.ops.base import Array
from resdebug.ops.formula import Form

FULL_ELEMENTS = 36
"""Tensors of up to this many elements are written in full."""
FULL_COLUMNS = 8
FULL_SLICES = 4
"""Matrices that a tensor of more than two axes is shown as."""
DIGITS = 4


def written_in_full(shape: tuple[int, ...]) -> bool:
    """Whether a tensor of this shape is shown with all its numbers."""
    size, slices = int(np.prod(shape)), int(np.prod(shape[:-2]))
    return 0 < size <= FULL_ELEMENTS and (not shape or shape[-1] <= FULL_COLUMNS) and slices <= FULL_SLICES


def slices(shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the matrices that a tensor consists of: the subscript that names each, and its index."""
    outer = shape[:-2]
    for index in np.ndindex(*outer):
        places = [str(k) for k, n in zip(index, outer, strict=True) if n > 1]
        yield (f"_{{{','.join(places)}}}" if places else ""), index


def matrix(array: Array, digits: int = DIGITS) -> str:
    """Write a scalar as a number, a vector as a row, a matrix in brackets."""
    if array.size == 1:
        return number(float(array.reshape(-1)[0]), Form.LATEX, digits)
    rows = array.reshape(1, -1) if array.ndim == 1 else array
    body = r" \\ ".join(" & ".join(number(float(x), Form.LATEX, digits) for x in row) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def size_of(array: Array) -> str:
    """Write a tensor's norm as a number."""
    return number(norm(array), Form.LATEX, DIGITS)


def plain(x: float | None, digits: int = DIGITS) -> str:
    """Write a number in running text and tables; a dash where there is none."""
    return "–" if x is None else number(x, Form.UNICODE, digits)


def percent(x: float) -> str:
    """Write a share; small ones with a digit more."""
    if not np.isfinite(x):
        return number(x, Form.UNICODE)
    text = f"{100 * x:.1f}" if abs(x) >= 0.001 or not x else f"{100 * x:.2g}"
    return text.replace("-", "−") + " %"
