"""Operators that move elements without changing them; their adjoints move them back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from resdebug.network import limits
from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, normal_axis

_MOVED = "elements were moved, not changed: their adjoints move back"


class Reshape(Operator, frozen=True, tag="reshape"):
    """The same elements in another shape; one size may be −1 and is worked out."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += reshape({ȳ}, shape of {x})", _MOVED, elements="any"),)
    formula: ClassVar[str] = "{y} = reshape({x}, {shape})"
    shape: Annotated[list[Annotated[int, msgspec.Meta(ge=-1)]], msgspec.Meta(max_length=limits.DIMENSIONS)]

    def infer(self, x: TensorType) -> TensorType:
        """The number of elements stays."""
        if self.shape.count(-1) > 1:
            raise RuleBroken(
                f"shape {self.shape} leaves more than one size open", key="shape", hint="only one may be −1"
            )
        known = math.prod(n for n in self.shape if n != -1)
        what = f"x is {shape_text(x.shape)} with {x.size} elements, which do not fill {self.shape}"
        if -1 not in self.shape:
            if known != x.size:
                raise RuleBroken(what, key="shape", hint=f"that shape takes {known}")
            return x.with_shape(*self.shape)
        if not known or x.size % known:
            raise RuleBroken(what, key="shape", hint=f"the number of elements must be a multiple of {known}")
        return x.with_shape(*(x.size // known if n == -1 else n for n in self.shape))

    def forward(self, x: Array) -> Array:
        """Return ``x`` in the new shape."""
        return x.reshape(self.shape)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Return ``ȳ`` in the old shape."""
        return ybar.reshape(x.shape)


class Flatten(Operator, frozen=True, tag="flatten"):
    """The axes from ``start_dim`` to ``end_dim`` made one."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += reshape({ȳ}, shape of {x})", _MOVED, elements="any"),)
    formula: ClassVar[str] = "{y} = flatten({x}, axes {start_dim} to {end_dim})"
    start_dim: int = 0
    end_dim: int = -1

    def infer(self, x: TensorType) -> TensorType:
        """A scalar becomes a vector of one."""
        start = normal_axis(self.start_dim, max(len(x.shape), 1), "start_dim")
        end = normal_axis(self.end_dim, max(len(x.shape), 1), "end_dim")
        if start > end:
            raise RuleBroken(f"start_dim {start} comes after end_dim {end}", key="start_dim")
        return x.with_shape(*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :])

    def forward(self, x: Array) -> Array:
        """Return ``x`` flattened."""
        return x.reshape(self.infer(TensorType(x.shape)).shape)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Return ``ȳ`` in the old shape."""
        return ybar.reshape(x.shape)


class Transpose(Operator, frozen=True, tag="transpose"):
    """Two axes exchanged."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += transpose({ȳ}, {dim0}, {dim1})", _MOVED, elements="any"),)
    formula: ClassVar[str] = "{y} = transpose({x}, {dim0}, {dim1})"
    dim0: int
    dim1: int

    def infer(self, x: TensorType) -> TensorType:
        """Exchange two sizes."""
        first, second = (normal_axis(d, len(x.shape), k) for d, k in ((self.dim0, "dim0"), (self.dim1, "dim1")))
        sizes = list(x.shape)
        sizes[first], sizes[second] = sizes[second], sizes[first]
        return x.with_shape(*sizes)

    def forward(self, x: Array) -> Array:
        """Return ``x`` with two axes exchanged."""
        return x.swapaxes(self.dim0, self.dim1)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Exchange them back."""
        return ybar.swapaxes(self.dim0, self.dim1)


class Concat(Operator, frozen=True, tag="concat"):
    """Tensors set one behind the other along ``dim``: how DenseNet and U-Net join."""

    variadic: ClassVar[bool] = True
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += the part of {ȳ} that came from {x}", "each input gets its own slice back", elements="any"),
    )
    formula: ClassVar[str] = "{y} = concat({x}, dim {dim})"
    dim: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """All other axes must agree."""
        first = inputs[0]
        axis = normal_axis(self.dim, len(first.shape), "dim")
        for i, other in enumerate(inputs):
            if other.dtype != first.dtype:
                raise RuleBroken(f"x0 is {first.dtype} and x{i} is {other.dtype}", key=f"x{i}")
            if _without(other.shape, axis) != _without(first.shape, axis) or len(other.shape) != len(first.shape):
                what = f"x0 is {shape_text(first.shape)} and x{i} is {shape_text(other.shape)}"
                raise RuleBroken(what, key=f"x{i}", hint=f"they may differ along axis {axis} only")
        total = sum(other.shape[axis] for other in inputs)
        return first.with_shape(*first.shape[:axis], total, *first.shape[axis + 1 :])

    def forward(self, *inputs: Array) -> Array:
        """Return the inputs joined."""
        return np.concatenate(inputs, axis=self.dim)

    def vjp(self, position: int, ybar: Array, y: Array, inputs: Sequence[Array | None]) -> Array:
        """Cut out the slice that came from this input."""
        sizes = [x.shape[self.dim] for x in inputs if x is not None]
        start = sum(sizes[:position])
        index: list[slice] = [slice(None)] * ybar.ndim
        index[self.dim] = slice(start, start + sizes[position])
        return ybar[tuple(index)]

    def vjp_x(self, ybar: Array, y: Array, *inputs: Array) -> Array:
        """Cut out the first input's slice."""
        return self.vjp(0, ybar, y, inputs)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]
