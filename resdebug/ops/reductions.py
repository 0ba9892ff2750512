"""Sums and means over axes."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, normal_axis, sum_over


class Reduction(Operator, frozen=True):
    """An operator that reduces the axes ``dim`` (all where None) and keeps them as size 1 with ``keepdim``."""

    dim: int | list[int] | None = None
    keepdim: bool = False

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
    formula: ClassVar[str] = "{y} = Σ {x}"

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
    formula: ClassVar[str] = "{y} = Σ {x} / n"

    def count(self, shape: tuple[int, ...]) -> int:
        """Return how many elements each mean is over."""
        return math.prod(shape[i] for i in self.axes(len(shape)))

    def infer(self, x: TensorType) -> TensorType:
        """The mean of nothing is not defined."""
        if not self.count(x.shape):
            what = f"x is {shape_text(x.shape)}: the mean of nothing is not defined"
            raise RuleBroken(what, key="x", hint="reduce axes of at least size 1")
        return super().infer(x)

    def forward(self, x: Array) -> Array:
        """Return the mean."""
        return sum_over(x, self.axes(x.ndim), keepdims=self.keepdim) / self.count(x.shape)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Copy ``ȳ / n`` to every element."""
        return self.spread(ybar / self.count(x.shape), x)
