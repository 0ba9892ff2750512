"""Tensors put together, and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, normal_axis

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
_PIECE = "what was cut away had no influence on this piece"


def check_one_dtype(inputs: Sequence[TensorType]) -> None:
    """Require one element type. Raises RuleBroken."""
    for i, other in enumerate(inputs):
        if other.dtype != inputs[0].dtype:
            raise RuleBroken(f"x0 is {inputs[0].dtype} and x{i} is {other.dtype}", key=f"x{i}")


class Concat(Operator, frozen=True, tag="concat"):
    """Tensors set one behind the other along ``dim``: how DenseNet and U-Net join."""

    variadic: ClassVar[bool] = True
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += the part of {ȳ} that came from {x}", "each input gets its own slice back", elements="any"),
    )
    formula: ClassVar[str] = "{y} = concat({x}), along dim {dim}"
    shapes: ClassVar[str] = "x0, x1, … alike but for the axis dim → the sizes along dim add up"
    dim: Annotated[int, msgspec.Meta(description="the axis along which they are set")] = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """All other axes must agree."""
        first = inputs[0]
        axis = normal_axis(self.dim, len(first.shape), "dim")
        check_one_dtype(inputs)
        for i, other in enumerate(inputs):
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


class Stack(Operator, frozen=True, tag="stack"):
    """Tensors of one shape set beside each other along a new axis."""

    variadic: ClassVar[bool] = True
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += the part of {ȳ} that came from {x}", "each input gets its own slice back", elements="any"),
    )
    formula: ClassVar[str] = "{y} = stack({x}), along new dim {dim}"
    shapes: ClassVar[str] = "x0, x1, … of one shape → a new axis dim, as long as there are inputs"
    dim: Annotated[int, msgspec.Meta(description="where the new axis stands")] = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """All have one shape."""
        first = inputs[0]
        axis = normal_axis(self.dim, len(first.shape) + 1, "dim")
        check_one_dtype(inputs)
        for i, other in enumerate(inputs):
            if other.shape != first.shape:
                what = f"x0 is {shape_text(first.shape)} and x{i} is {shape_text(other.shape)}"
                raise RuleBroken(what, key=f"x{i}", hint="give all the same shape")
        return first.with_shape(*first.shape[:axis], len(inputs), *first.shape[axis:])

    def forward(self, *inputs: Array) -> Array:
        """Return the inputs stacked."""
        return np.stack(inputs, axis=self.dim)

    def vjp(self, position: int, ybar: Array, y: Array, inputs: Sequence[Array | None]) -> Array:
        """Cut out the slice that came from this input."""
        return np.asarray(np.take(ybar, position, axis=self.dim))

    def vjp_x(self, ybar: Array, y: Array, *inputs: Array) -> Array:
        """Cut out the first input's slice."""
        return self.vjp(0, ybar, y, inputs)


class Piece(Operator, frozen=True):
    """An operator that keeps a part of a tensor; the rest of the adjoint is zero."""

    def kept(self, shape: tuple[int, ...]) -> tuple[slice | int, ...]:
        """Return what of a tensor of this shape is kept, as numpy indexes it."""
        raise NotImplementedError

    def forward(self, x: Array) -> Array:
        """Return the part."""
        return np.asarray(x[self.kept(x.shape)])

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Put ``ȳ`` back in its place, zeros around it."""
        result = np.zeros(x.shape, dtype=ybar.dtype)
        result[self.kept(x.shape)] = ybar
        return result


class Split(Piece, frozen=True, tag="split"):
    """One piece of a tensor that is split along an axis; each piece is a node of its own."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄}[piece {index}] += {ȳ}", _PIECE, elements="any"),)
    formula: ClassVar[str] = "{y} = piece {index} of {x}, split by {split_size} along dim {dim}"
    shapes: ClassVar[str] = "x any shape → the same, but along dim as long as the piece"
    convention: ClassVar[str] = "with one number the last piece may be shorter; pieces count from 0"
    split_size: Annotated[Count | list[Count], msgspec.Meta(description="size of all pieces, or of each")]
    index: Annotated[Count, msgspec.Meta(description="which piece")]
    dim: Annotated[int, msgspec.Meta(description="the axis that is split")] = 0

    def pieces(self, n: int) -> int:
        """Return how many pieces an axis of size ``n`` has. Raises RuleBroken."""
        if isinstance(self.split_size, int):
            if not self.split_size:
                raise RuleBroken("split_size is 0", key="split_size", hint="at least 1")
            return max(1, -(-n // self.split_size))
        if sum(self.split_size) != n:
            what = f"split_size {self.split_size} adds up to {sum(self.split_size)}, and the axis has {n}"
            raise RuleBroken(what, key="split_size", hint="the pieces make up the whole axis")
        return len(self.split_size)

    def infer(self, x: TensorType) -> TensorType:
        """The piece exists."""
        axis = normal_axis(self.dim, len(x.shape), "dim")
        pieces = self.pieces(x.shape[axis])
        if self.index >= pieces:
            what = f"x is {shape_text(x.shape)}: there is no piece {self.index} among {pieces} along dim {self.dim}"
            hint = f"from 0 to {pieces - 1}" if pieces else "split_size names no piece"
            raise RuleBroken(what, key="index", hint=hint)
        kept = self.along(x.shape[axis])
        return x.with_shape(*x.shape[:axis], kept.stop - kept.start, *x.shape[axis + 1 :])

    def along(self, n: int) -> slice:
        """Return where the piece lies along an axis of size ``n``."""
        if isinstance(self.split_size, list):
            start = sum(self.split_size[: self.index])
            return slice(start, start + self.split_size[self.index])
        start = self.index * self.split_size
        return slice(start, min(start + self.split_size, n))

    def kept(self, shape: tuple[int, ...]) -> tuple[slice | int, ...]:
        """Return the piece."""
        return at(self.dim, self.along(shape[self.dim]), len(shape))


class Select(Piece, frozen=True, tag="select"):
    """One slice of a tensor, its axis dropped: a step of a sequence, an example of a batch."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄}[{index}] += {ȳ}", _PIECE, elements="any"),)
    formula: ClassVar[str] = "{y} = {x}[{index}], along dim {dim}"
    shapes: ClassVar[str] = "x any shape → the same without the axis dim"
    dim: Annotated[int, msgspec.Meta(description="the axis that is dropped")]
    index: Annotated[int, msgspec.Meta(description="which slice; a negative one counts from the end")]

    def infer(self, x: TensorType) -> TensorType:
        """The slice exists."""
        axis = normal_axis(self.dim, len(x.shape), "dim")
        n = x.shape[axis]
        if not -n <= self.index < n:
            what = f"x is {shape_text(x.shape)}: there is no index {self.index} along dim {self.dim}"
            raise RuleBroken(what, key="index", hint=f"from {-n} to {n - 1}" if n else "the axis is empty")
        return x.with_shape(*x.shape[:axis], *x.shape[axis + 1 :])

    def kept(self, shape: tuple[int, ...]) -> tuple[slice | int, ...]:
        """Return the slice."""
        return at(self.dim, self.index, len(shape))


class Slice(Piece, frozen=True, tag="slice"):
    """The elements from ``start`` to before ``end`` along an axis, every ``step``-th."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄}[{start}:{end}:{step}] += {ȳ}", _PIECE, elements="any"),)
    formula: ClassVar[str] = "{y} = {x}[{start}:{end}:{step}], along dim {dim}"
    shapes: ClassVar[str] = "x any shape → the same, but along dim as long as the range"
    convention: ClassVar[str] = "ranges are cut at the ends and count from the end when negative, as Python has it"
    dim: Annotated[int, msgspec.Meta(description="the axis")]
    start: Annotated[int, msgspec.Meta(description="the first element")] = 0
    end: Annotated[int | None, msgspec.Meta(description="before which element it ends, null for none")] = None
    step: Annotated[int, msgspec.Meta(ge=1, le=1 << 62, description="take every so-many-th")] = 1

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Write an open end as nothing."""
        words = super().words(inputs)
        return words | ({"end": ""} if self.end is None else {})

    def infer(self, x: TensorType) -> TensorType:
        """Count the range."""
        axis = normal_axis(self.dim, len(x.shape), "dim")
        count = len(range(*slice(self.start, self.end, self.step).indices(x.shape[axis])))
        return x.with_shape(*x.shape[:axis], count, *x.shape[axis + 1 :])

    def kept(self, shape: tuple[int, ...]) -> tuple[slice | int, ...]:
        """Return the range."""
        return at(self.dim, slice(self.start, self.end, self.step), len(shape))


def at(dim: int, what: slice | int, ndim: int) -> tuple[slice | int, ...]:
    """Return ``what`` along one axis, and everything along the others."""
    index: list[slice | int] = [slice(None)] * ndim
    index[dim] = what
    return tuple(index)
