"""Matrix products."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, sum_over, unbroadcast
from resdebug.ops.onednn import matmul as onednn
from resdebug.ops.onednn.plans import works


class Matmul(Operator, frozen=True, tag="matmul"):
    """The matrix product over the last two axes; leading axes broadcast, one-dimensional inputs are vectors."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("a", "{ā} += {ȳ} · {b}ᵀ", "d(AB) = dA·B, and tr(Ȳᵀ dA B) = tr((Ȳ Bᵀ)ᵀ dA)"),
        Slot("b", "{b̄} += {a}ᵀ · {ȳ}", "d(AB) = A·dB, and tr(Ȳᵀ A dB) = tr((Aᵀ Ȳ)ᵀ dB)"),
    )
    formula: ClassVar[str] = "{y} = {a} · {b}"
    shapes: ClassVar[str] = "a (…, n, k), b (…, k, m) → (…, n, m); a vector (k) drops its axis again"

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        """Inner sizes must agree: (…, n, k) · (…, k, m) gives (…, n, m)."""
        shapes = f"a is {shape_text(a.shape)}, b is {shape_text(b.shape)}"
        if not a.shape or not b.shape:
            raise RuleBroken(f"{shapes}: a scalar has no matrix product", key="b" if a.shape else "a", hint="use mul")
        inner = b.shape[-2] if len(b.shape) > 1 else b.shape[0]
        if a.shape[-1] != inner:
            what = f"{shapes}: the inner sizes {a.shape[-1]} and {inner} differ"
            raise RuleBroken(what, key="b", hint="(…, n, k) · (…, k, m) gives (…, n, m)")
        try:
            batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            raise RuleBroken(f"{shapes}: the leading axes do not broadcast", key="b") from None
        return a.with_shape(*batch, *a.shape[-2:-1], *(b.shape[-1:] if len(b.shape) > 1 else ()))

    def forward(self, a: Array, b: Array) -> Array:
        """Return ``a @ b``."""
        # Where heads of an attention are views of rows, so is the output: putting heads side by side is no copy then.
        y = _empty_as(b, (*a.shape[:-1], b.shape[-1])) if _alike(a, b) else None
        return np.asarray(np.matmul(a, b, out=y))

    def vjp_a(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Return ``ȳ bᵀ``."""
        if _alike(a, b):
            return _as_lies(a, ybar, b.swapaxes(-1, -2))
        matrix, _, column = _as_matrices(ybar, a, b)
        return unbroadcast(np.matmul(matrix, np.swapaxes(column, -1, -2)), _row(a).shape).reshape(a.shape)

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        """Return ``aᵀ ȳ``."""
        if _alike(a, b):
            return _as_lies(b, a.swapaxes(-1, -2), ybar)
        matrix, row, column = _as_matrices(ybar, a, b)
        return unbroadcast(np.matmul(np.swapaxes(row, -1, -2), matrix), column.shape).reshape(b.shape)


def _alike(a: Array, b: Array) -> bool:
    """Whether these are stacks of matrices of which nothing is broadcast."""
    return a.ndim > 2 and a.shape[:-2] == b.shape[:-2] and a.dtype == b.dtype


def _empty_as(x: Array, shape: tuple[int, ...]) -> Array | None:
    """Return memory for stacks of matrices in the order of ``x``; None where its rows have gaps between numbers."""
    return np.empty_like(x, shape=shape) if x.strides[-1] == x.itemsize else None


def _as_lies(x: Array, a: Array, b: Array) -> Array:
    """Return ``a @ b``, of the shape of ``x``, with its axes in memory as those of ``x``: views of it stay views."""
    if x.strides[-2] == x.itemsize != x.strides[-1]:
        return _as_lies(x.swapaxes(-1, -2), b.swapaxes(-1, -2), a.swapaxes(-1, -2)).swapaxes(-1, -2)
    return np.asarray(np.matmul(a, b, out=_empty_as(x, x.shape)))


def _row(a: Array) -> Array:
    return a[None, :] if a.ndim == 1 else a


def _as_matrices(ybar: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Give vectors back the axis that the product dropped."""
    if b.ndim == 1:
        ybar = ybar[..., None]
    if a.ndim == 1:
        ybar = ybar[..., None, :]
    return ybar, _row(a), b[:, None] if b.ndim == 1 else b


def as_rows(x: Array) -> Array:
    """Return ``x`` (…, n) as one matrix: one product of many rows is quicker than many products."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


class Linear(Operator, frozen=True, tag="linear"):
    """A fully connected layer: x Wᵀ + b over the last axis."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} · {weight}", "the transpose of the linear map x ↦ x Wᵀ"),
        Slot("weight", "{weight̄} += {ȳ}ᵀ · {x}", "every row of x met every row of W: an outer product, summed"),
        Slot("bias", "{bias̄} += Σ {ȳ} over rows", "the bias was added to every row", optional=True),
    )
    formula: ClassVar[str] = "{y} = {x} · {weight}ᵀ⟦ + {bias}⟧"
    shapes: ClassVar[str] = "x (…, in), weight (out, in), bias (out) → (…, out)"

    def infer(self, x: TensorType, weight: TensorType, bias: TensorType | None = None) -> TensorType:
        """Weight is (out, in), bias (out), the last axis of x is in."""
        if len(weight.shape) != 2:
            what = f"weight is {shape_text(weight.shape)}"
            raise RuleBroken(what, key="weight", hint="weight is (out features, in features)")
        if not x.shape or x.shape[-1] != weight.shape[1]:
            what = f"x is {shape_text(x.shape)}, weight is {shape_text(weight.shape)}"
            hint = f"weight is (out, in): the last axis of x must be {weight.shape[1]}"
            raise RuleBroken(what, key="weight", hint=hint)
        if bias is not None and bias.shape != weight.shape[:1]:
            what = f"bias is {shape_text(bias.shape)}, weight is {shape_text(weight.shape)}"
            raise RuleBroken(what, key="bias", hint=f"bias is ({weight.shape[0]})")
        return x.with_shape(*x.shape[:-1], weight.shape[0])

    def divides(self, dtype: np.dtype[Any]) -> bool:
        """Whether the library is there that does so."""
        return works(dtype)

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """Return ``x Wᵀ + b``."""
        y = onednn.product(as_rows(x), weight.T, bias)
        if y is None:
            y = np.asarray(np.matmul(as_rows(x), weight.T))
            if bias is not None:
                y += bias
        return y.reshape(*x.shape[:-1], weight.shape[0])

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Return ``ȳ W``."""
        return onednn.multiplied(as_rows(ybar), weight).reshape(x.shape)

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Return ``ȳᵀ x`` over all rows."""
        return onednn.multiplied(as_rows(ybar).T, as_rows(x))

    def vjp_bias(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array) -> Array:
        """Sum ``ȳ`` over all rows."""
        return sum_over(ybar, tuple(range(ybar.ndim - 1)))
