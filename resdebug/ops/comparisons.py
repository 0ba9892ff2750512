"""Comparisons, which make masks, and the choice by a mask.

A comparison is constant except where it jumps: it takes no adjoint and passes none on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, broadcast, unbroadcast
from resdebug.ops.masks import at_or_below

Mask = NDArray[Any]


class Comparison(Operator, frozen=True):
    """A comparison of two tensors, element by element; the result is a mask."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("a", elements="any"), Slot("b", elements="any"))
    shapes: ClassVar[str] = "a and b broadcast to one shape → a mask (bool) of that shape"
    convention: ClassVar[str] = "comparisons with NaN are false, but for ne; no adjoint goes through"
    compare: ClassVar[Callable[..., Mask]]

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        """Return the mask's type."""
        return TensorType(broadcast(a, b).shape, "bool")

    def forward(self, a: Array, b: Array) -> Mask:
        """Return the mask."""
        return np.asarray(type(self).compare(a, b))


class Gt(Comparison, frozen=True, tag="gt"):
    """Where a is greater than b."""

    formula: ClassVar[str] = "{y} = 1[{a} > {b}]"
    compare = np.greater


class Ge(Comparison, frozen=True, tag="ge"):
    """Where a is greater than b or equal."""

    formula: ClassVar[str] = "{y} = 1[{a} ≥ {b}]"
    compare = np.greater_equal


class Lt(Comparison, frozen=True, tag="lt"):
    """Where a is less than b."""

    formula: ClassVar[str] = "{y} = 1[{a} < {b}]"
    compare = np.less


class Le(Comparison, frozen=True, tag="le"):
    """Where a is less than b or equal."""

    formula: ClassVar[str] = "{y} = 1[{a} ≤ {b}]"
    compare = np.less_equal


class Eq(Comparison, frozen=True, tag="eq"):
    """Where a and b are equal."""

    formula: ClassVar[str] = "{y} = 1[{a} = {b}]"
    compare = np.equal


class Ne(Comparison, frozen=True, tag="ne"):
    """Where a and b differ."""

    formula: ClassVar[str] = "{y} = 1[{a} ≠ {b}]"
    compare = np.not_equal


class Where(Operator, frozen=True, tag="where"):
    """The choice between two tensors, element by element: a where the condition holds, b elsewhere."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("condition", elements="integer"),
        Slot("a", "{ā} += {ȳ} ⊙ 1[{condition}]", "what was chosen gets the adjoint"),
        Slot("b", "{b̄} += {ȳ} ⊙ 1[not {condition}]", "what was not chosen had no influence"),
    )
    formula: ClassVar[str] = "{y} = {a} where {condition}, else {b}"
    shapes: ClassVar[str] = "condition, a and b broadcast to one shape, which is the output's"
    convention: ClassVar[str] = "whole numbers are a condition too: 0 is false; the condition takes no adjoint"

    def infer(self, condition: TensorType, a: TensorType, b: TensorType) -> TensorType:
        """Return the type that all three broadcast to."""
        chosen = broadcast(a, b)
        try:
            return a.with_shape(*np.broadcast_shapes(condition.shape, chosen.shape))
        except ValueError:
            what = f"condition is {shape_text(condition.shape)}, a and b broadcast to {shape_text(chosen.shape)}"
            hint = "from the right, sizes must be equal, or one of them 1"
            raise RuleBroken(what, key="condition", hint=hint) from None

    def forward(self, condition: Mask, a: Array, b: Array) -> Array:
        """Return the chosen elements."""
        return np.where(condition != 0, a, b)

    def vjp_a(self, ybar: Array, y: Array, condition: Mask, a: Array, b: Array) -> Array:
        """Pass ``ȳ`` where the condition holds."""
        return unbroadcast(np.where(condition != 0, ybar, ybar.dtype.type(0)), a.shape)

    def vjp_b(self, ybar: Array, y: Array, condition: Mask, a: Array, b: Array) -> Array:
        """Pass ``ȳ`` where the condition does not hold."""
        return unbroadcast(np.where(condition != 0, ybar.dtype.type(0), ybar), b.shape)


class CausalMask(Operator, frozen=True, tag="causal_mask"):
    """Scores of later places made −∞, so that softmax gives them no weight: a place looks back only."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ 1[j − i ≤ {diagonal}]", "what was masked had no influence"),
    )
    formula: ClassVar[str] = "{y}[i, j] = {x}[i, j] where j − i ≤ {diagonal}, else −∞"
    shapes: ClassVar[str] = "x (…, T, S) → (…, T, S)"
    convention: ClassVar[str] = "i is the row, j the column; what is masked takes no adjoint, whatever it was, NaN too"
    source: ClassVar[str] = "Vaswani et al. 2017, arXiv 1706.03762, section 3.2.3"
    diagonal: Annotated[int, msgspec.Meta(description="row i sees the columns up to i plus this")] = 0

    def infer(self, x: TensorType) -> TensorType:
        """There must be rows and columns."""
        if len(x.shape) < 2:
            raise RuleBroken(f"x is {shape_text(x.shape)}", key="x", hint="x is (…, T, S)")
        return x

    def forward(self, x: Array) -> Array:
        """Return the scores with −∞ above the diagonal."""
        return at_or_below(x, self.diagonal, hidden=True)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Pass ``ȳ`` at and below the diagonal."""
        return at_or_below(ybar, self.diagonal, hidden=False)
