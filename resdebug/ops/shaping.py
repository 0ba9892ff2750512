"""The same elements in another shape; their adjoints take the old shape again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from resdebug.network import limits
from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, normal_axis, unbroadcast

_MOVED = "elements were moved, not changed: their adjoints move back"


class Reshape(Operator, frozen=True, tag="reshape"):
    """The same elements in another shape; one size may be −1 and is worked out."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += reshape({ȳ}, shape of {x})", _MOVED, elements="any"),)
    formula: ClassVar[str] = "{y} = reshape({x}, {shape})"
    shapes: ClassVar[str] = "x any shape → shape, with as many elements"
    shape: Annotated[
        list[Annotated[int, msgspec.Meta(ge=-1)]],
        msgspec.Meta(max_length=limits.DIMENSIONS, description="the new sizes; one may be −1"),
    ]

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
    shapes: ClassVar[str] = "x any shape → the axes from start_dim to end_dim become one"
    start_dim: Annotated[int, msgspec.Meta(description="the first of the axes")] = 0
    end_dim: Annotated[int, msgspec.Meta(description="the last of the axes")] = -1

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
    shapes: ClassVar[str] = "x any shape → the sizes of dim0 and dim1 exchanged"
    dim0: Annotated[int, msgspec.Meta(description="one axis")]
    dim1: Annotated[int, msgspec.Meta(description="the other axis")]

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


Dims = Annotated[list[int], msgspec.Meta(max_length=limits.DIMENSIONS)]


class Permute(Operator, frozen=True, tag="permute"):
    """The axes in another order."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} with its axes in the old order", _MOVED, elements="any"),
    )
    formula: ClassVar[str] = "{y} = permute({x}, {dims})"
    shapes: ClassVar[str] = "x any shape → its sizes in the order of dims"
    dims: Annotated[Dims, msgspec.Meta(description="the axes in their new order")]

    def infer(self, x: TensorType) -> TensorType:
        """Every axis is named once."""
        axes = [normal_axis(dim, len(x.shape), "dims") for dim in self.dims]
        if sorted(axes) != list(range(len(x.shape))):
            what = f"x is {shape_text(x.shape)}, and dims {self.dims} is no order of its {len(x.shape)} axes"
            raise RuleBroken(what, key="dims", hint="name every axis once")
        return x.with_shape(*(x.shape[axis] for axis in axes))

    def forward(self, x: Array) -> Array:
        """Return ``x`` with its axes in the new order."""
        return x.transpose(self.dims)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Put the axes back."""
        axes = [dim % x.ndim for dim in self.dims]
        return ybar.transpose([axes.index(axis) for axis in range(x.ndim)])


class Squeeze(Operator, frozen=True, tag="squeeze"):
    """Axes of size 1 dropped."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += reshape({ȳ}, shape of {x})", _MOVED, elements="any"),)
    formula: ClassVar[str] = "{y} = squeeze({x}⟦, dim {dim}⟧)"
    shapes: ClassVar[str] = "x any shape → the same without the axes dim of size 1"
    convention: ClassVar[str] = "axes of another size stay; without dim all axes of size 1 go"
    dim: Annotated[int | Dims | None, msgspec.Meta(description="the axes, null for all")] = None

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Leave out a dim that is not given."""
        return {name: word for name, word in super().words(inputs).items() if word != "None"}

    def infer(self, x: TensorType) -> TensorType:
        """Every axis exists and is named once."""
        given = range(len(x.shape)) if self.dim is None else [self.dim] if isinstance(self.dim, int) else self.dim
        axes = [normal_axis(dim, len(x.shape), "dim") for dim in given]
        if len(set(axes)) < len(axes):
            raise RuleBroken(f"dim {self.dim} names an axis twice", key="dim")
        return x.with_shape(*(n for axis, n in enumerate(x.shape) if axis not in axes or n != 1))

    def forward(self, x: Array) -> Array:
        """Return ``x`` without those axes."""
        return x.reshape(self.infer(TensorType(x.shape)).shape)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Return ``ȳ`` in the old shape."""
        return ybar.reshape(x.shape)


class Unsqueeze(Operator, frozen=True, tag="unsqueeze"):
    """A new axis of size 1."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += reshape({ȳ}, shape of {x})", _MOVED, elements="any"),)
    formula: ClassVar[str] = "{y} = unsqueeze({x}, dim {dim})"
    shapes: ClassVar[str] = "x any shape → the same with an axis of size 1 at dim"
    dim: Annotated[int, msgspec.Meta(description="where the new axis stands")]

    def infer(self, x: TensorType) -> TensorType:
        """There is such a place."""
        axis = normal_axis(self.dim, len(x.shape) + 1, "dim")
        return x.with_shape(*x.shape[:axis], 1, *x.shape[axis:])

    def forward(self, x: Array) -> Array:
        """Return ``x`` with the new axis."""
        return np.expand_dims(x, self.dim)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Return ``ȳ`` in the old shape."""
        return ybar.reshape(x.shape)


class Expand(Operator, frozen=True, tag="expand"):
    """Axes of size 1 repeated, and new axes in front."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += Σ {ȳ} over the copies",
            "every copy had the same influence: their adjoints add up",
            elements="any",
        ),
    )
    formula: ClassVar[str] = "{y} = expand({x}, {shape})"
    shapes: ClassVar[str] = "x any shape → shape; −1 keeps a size, new axes stand in front"
    shape: Annotated[
        list[Annotated[int, msgspec.Meta(ge=-1, le=1 << 62)]],
        msgspec.Meta(max_length=limits.DIMENSIONS, description="the new sizes; −1 keeps one"),
    ]

    def infer(self, x: TensorType) -> TensorType:
        """Only axes of size 1 can be repeated."""
        extra = len(self.shape) - len(x.shape)
        what = f"x is {shape_text(x.shape)}, which does not expand to {self.shape}"
        if extra < 0 or -1 in self.shape[:extra]:
            raise RuleBroken(what, key="shape", hint="as many sizes as x has axes, or more in front")
        sizes = [n if m == -1 else m for n, m in zip(x.shape, self.shape[extra:], strict=True)]
        if any(n not in {1, m} for n, m in zip(x.shape, sizes, strict=True)):
            raise RuleBroken(what, key="shape", hint="a size stays as it is, or grows from 1")
        return x.with_shape(*self.shape[:extra], *sizes)

    def forward(self, x: Array) -> Array:
        """Return ``x`` repeated, as a view."""
        return np.broadcast_to(x, self.infer(TensorType(x.shape)).shape)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Sum ``ȳ`` over the copies."""
        return unbroadcast(ybar, x.shape)
