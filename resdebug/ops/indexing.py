"""Elements picked by an index; on the way back, what was picked twice adds up."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import Bound, RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, normal_axis

Whole = NDArray[Any]


def check_index(index: Whole, count: int, what: str) -> Whole:
    """Return the index as numpy takes it. Raises IndexError with the place of an element that is out of range."""
    outside = np.argwhere((index < 0) | (index >= count))
    if len(outside):
        where = tuple(int(i) for i in outside[0])
        place = f"[{', '.join(map(str, where))}]" if where else ""
        raise IndexError(f"index{place} is {int(index[where])}, and there are {count} {what}")
    return index.astype(np.intp)


class Gather(Operator, frozen=True, tag="gather"):
    """The elements that an index picks along an axis."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄}[{index}] += {ȳ}", "what was picked gets the adjoint, once for every time", elements="any"),
        Slot("index", elements="integer"),
    )
    formula: ClassVar[str] = "{y} = {x}[{index}], along dim {dim}"
    shapes: ClassVar[str] = "x (…, n, …), index no larger than x but along dim → the shape of index"
    convention: ClassVar[str] = "indices count from 0 and take no adjoint; one out of range is an error with its place"
    dim: Annotated[int, msgspec.Meta(description="the axis along which elements are picked")]

    def infer(self, x: TensorType, index: TensorType) -> TensorType:
        """Index has as many axes as x, and is nowhere longer but along dim."""
        axis = normal_axis(self.dim, len(x.shape), "dim")
        fits = len(index.shape) == len(x.shape) and all(
            i == axis or m <= n for i, (m, n) in enumerate(zip(index.shape, x.shape, strict=True))
        )
        if not fits:
            what = f"x is {shape_text(x.shape)} and index is {shape_text(index.shape)}"
            raise RuleBroken(what, key="index", hint=f"index may be longer than x along axis {axis} only")
        if index.size and not x.shape[axis]:
            what = f"x is {shape_text(x.shape)}, empty along dim {self.dim}"
            raise RuleBroken(what, key="x", hint="there is nothing to pick")
        return x.with_shape(*index.shape)

    def index_bounds(self, x: TensorType, index: TensorType) -> dict[str, Bound]:
        """An index points at elements along the axis."""
        return {"index": Bound(x.shape[self.dim], f"elements along dim {self.dim}")}

    def places(self, x: Array, index: Whole) -> tuple[Whole, ...]:
        """Return where in x every element of the output comes from. Raises IndexError."""
        axis = self.dim % x.ndim
        grid = list(np.ogrid[tuple(slice(n) for n in index.shape)])
        grid[axis] = check_index(index, x.shape[axis], f"elements along dim {self.dim}")
        return tuple(grid)

    def forward(self, x: Array, index: Whole) -> Array:
        """Return the picked elements. Raises IndexError."""
        return np.asarray(x[self.places(x, index)])

    def vjp_x(self, ybar: Array, y: Array, x: Array, index: Whole) -> Array:
        """Add ``ȳ`` where it was picked."""
        result = np.zeros(x.shape, dtype=ybar.dtype)
        np.add.at(result, self.places(x, index), ybar)
        return result


class Embedding(Operator, frozen=True, tag="embedding"):
    """Rows of a table, picked by an index: how words become vectors."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("index", elements="integer"),
        Slot("weight", "{weight̄}[{index}] += {ȳ}", "a row that was picked often gets as many adjoints, added"),
    )
    formula: ClassVar[str] = "{y} = {weight}[{index}]"
    shapes: ClassVar[str] = "index any shape (…), weight (rows, width) → (…, width)"
    convention: ClassVar[str] = "the row padding_idx takes no adjoint; an index out of range is an error with its place"
    padding_idx: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=1 << 62)] | None, msgspec.Meta(description="a row that is never learned")
    ] = None

    def infer(self, index: TensorType, weight: TensorType) -> TensorType:
        """Weight is a table, and has the row that is never learned."""
        if len(weight.shape) != 2:
            raise RuleBroken(f"weight is {shape_text(weight.shape)}", key="weight", hint="weight is (rows, width)")
        if self.padding_idx is not None and self.padding_idx >= weight.shape[0]:
            what = f"weight is {shape_text(weight.shape)}: there is no row {self.padding_idx}"
            raise RuleBroken(what, key="padding_idx", hint=f"from 0 to {weight.shape[0] - 1}")
        if index.size and not weight.shape[0]:
            raise RuleBroken(f"weight is {shape_text(weight.shape)}", key="weight", hint="there is nothing to pick")
        return weight.with_shape(*index.shape, weight.shape[1])

    def index_bounds(self, index: TensorType, weight: TensorType) -> dict[str, Bound]:
        """An index points at rows."""
        return {"index": Bound(weight.shape[0], "rows")}

    def forward(self, index: Whole, weight: Array) -> Array:
        """Return the rows. Raises IndexError."""
        return np.asarray(weight[check_index(index, len(weight), "rows")])

    def vjp_weight(self, ybar: Array, y: Array, index: Whole, weight: Array) -> Array:
        """Add ``ȳ`` to the rows that were picked."""
        result = np.zeros(weight.shape, dtype=ybar.dtype)
        np.add.at(result, index.astype(np.intp), ybar)
        if self.padding_idx is not None:
            result[self.padding_idx] = 0
        return result
