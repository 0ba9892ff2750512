"""Sums, means and products over axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, normal_axis, reduced, sum_over


class Reduction(Operator, frozen=True):
    """An operator that reduces the axes ``dim`` (all where None) and keeps them as size 1 with ``keepdim``."""

    shapes: ClassVar[str] = "x any shape → the same without the axes dim, or with size 1 there (keepdim)"
    dim: Annotated[int | list[int] | None, msgspec.Meta(description="the axes, null for all")] = None
    keepdim: Annotated[bool, msgspec.Meta(description="keep the axes, as size 1")] = False

    def axes(self, ndim: int) -> tuple[int, ...]:
        """Return the axes that are reduced, counted from the front. Raises RuleBroken."""
        if self.dim is None:
            return tuple(range(ndim))
        given = [self.dim] if isinstance(self.dim, int) else self.dim
        if not given:
            raise RuleBroken("dim names no axis", key="dim", hint="leave it out to reduce all axes")
        axes = [normal_axis(axis, ndim, "dim") for axis in given]
        if len(set(axes)) < len(axes):
            raise RuleBroken(f"dim {given} names an axis twice", key="dim")
        return tuple(axes)

    def infer(self, x: TensorType) -> TensorType:
        """Drop the reduced axes, or keep them as 1."""
        axes = self.axes(len(x.shape))
        if self.keepdim:
            return x.with_shape(*(1 if i in axes else n for i, n in enumerate(x.shape)))
        return x.with_shape(*(n for i, n in enumerate(x.shape) if i not in axes))

    def count(self, shape: tuple[int, ...]) -> int:
        """Return how many elements become one."""
        return math.prod(shape[i] for i in self.axes(len(shape)))

    def refuse_nothing(self, x: TensorType, what: str) -> None:
        """Require elements to reduce. Raises RuleBroken."""
        if not self.count(x.shape):
            told = f"x is {shape_text(x.shape)}: {what} of nothing is not defined"
            raise RuleBroken(told, key="x", hint="reduce axes of at least size 1")

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Leave out a dim that is not given."""
        return {name: word for name, word in super().words(inputs).items() if word != "None"}

    def spread(self, reduced: Array, x: Array) -> Array:
        """Return ``reduced``, with the reduced axes put back, broadcast to the shape of ``x``."""
        if not self.keepdim:
            reduced = np.expand_dims(reduced, self.axes(x.ndim))
        return np.broadcast_to(reduced, x.shape)


class Sum(Reduction, frozen=True, tag="sum"):
    """The sum over axes."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ}, spread over {x}", "every summand has derivative 1: the adjoint of a sum is a copy"),
    )
    formula: ClassVar[str] = "{y} = Σ {x}⟦ over dim {dim}⟧"

    def forward(self, x: Array) -> Array:
        """Return the sum."""
        return sum_over(x, self.axes(x.ndim), keepdims=self.keepdim)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Copy ``ȳ`` to every summand."""
        return self.spread(ybar, x)


class Mean(Reduction, frozen=True, tag="mean"):
    """The mean over axes."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} / n, spread over {x}", "every element has an equal share in the mean"),
    )
    formula: ClassVar[str] = "{y} = Σ {x} / n⟦ over dim {dim}⟧"

    def infer(self, x: TensorType) -> TensorType:
        """The mean of nothing is not defined."""
        self.refuse_nothing(x, "the mean")
        return super().infer(x)

    def forward(self, x: Array) -> Array:
        """Return the mean."""
        return sum_over(x, self.axes(x.ndim), keepdims=self.keepdim) / self.count(x.shape)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Copy ``ȳ / n`` to every element."""
        return self.spread(ybar / self.count(x.shape), x)


class Prod(Reduction, frozen=True, tag="prod"):
    """The product over axes."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ Π of the others in {x}", "the derivative of a product by a factor is all the others"),
    )
    formula: ClassVar[str] = "{y} = Π {x}⟦ over dim {dim}⟧"
    convention: ClassVar[str] = "nothing is divided by: zeros and infinities among the factors are no trouble"

    def forward(self, x: Array) -> Array:
        """Return the product."""
        return reduced(np.multiply, x, self.axes(x.ndim), keepdims=self.keepdim)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by the products of what comes before and what comes after each factor."""
        axes = self.axes(x.ndim)
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        ordered = x.transpose(*kept, *axes)
        flat = ordered.reshape(*(x.shape[axis] for axis in kept), self.count(x.shape))
        ones = np.ones((*flat.shape[:-1], 1), dtype=x.dtype)
        before = np.cumprod(np.concatenate([ones, flat[..., :-1]], axis=-1), axis=-1)
        after = np.cumprod(np.concatenate([ones, flat[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
        others: Array = (before * after)[..., : flat.shape[-1]].reshape(ordered.shape)
        back: Array = others.transpose(np.argsort([*kept, *axes]))
        return self.spread(ybar, x) * back


class Logsumexp(Reduction, frozen=True, tag="logsumexp"):
    """The logarithm of a sum of exponentials, a smooth maximum, without its overflow."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ exp({x} − {y})", "the derivative is softmax: each summand's share"),
    )
    formula: ClassVar[str] = "{y} = log Σ exp({x})⟦ over dim {dim}⟧"
    convention: ClassVar[str] = (
        "where all elements are −∞ the result is −∞ and the contributions NaN: nobody has a share"
    )

    def infer(self, x: TensorType) -> TensorType:
        """The largest of nothing is not defined."""
        self.refuse_nothing(x, "the largest")
        return super().infer(x)

    def forward(self, x: Array) -> Array:
        """Return ``m + log Σ exp(x − m)`` with the maximum m."""
        axes = self.axes(x.ndim)
        largest = x.max(axis=axes, keepdims=True)
        shift = np.where(np.isinf(largest), x.dtype.type(0), largest)
        with np.errstate(divide="ignore"):
            result: Array = shift + np.log(sum_over(np.exp(x - shift), axes, keepdims=True))
        return result if self.keepdim else result.reshape(self.infer(TensorType(x.shape)).shape)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Multiply by each element's share."""
        return self.spread(ybar, x) * np.exp(x - self.spread(y, x))
