"""Elements moved about: padded, rolled, flipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np

from resdebug.network import limits
from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, normal_axis

Mode = Literal["constant", "reflect", "replicate", "circular"]
Counts = Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]], msgspec.Meta(max_length=2 * limits.DIMENSIONS)]
Whole = Annotated[list[int], msgspec.Meta(min_length=1, max_length=limits.DIMENSIONS)]

NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
COPIES = {"reflect": "mirror images", "replicate": "repeated edges", "circular": "far sides"}


class Pad(Operator, frozen=True, tag="pad"):
    """The tensor with a border around it: zeros, its mirror image, its edge, or its other side."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += ⟦Σ {ȳ} over {x} and its {copies}⟧⟦{cut}{ȳ} without the border⟧",
            "the border's adjoint goes to what it was copied from",
        ),
    )
    formula: ClassVar[str] = "{y} = {x} with border {pad}⟦ of {value}⟧⟦ of {copies}⟧"
    shapes: ClassVar[str] = "x any shape → each padded axis grows by what is before and after it"
    convention: ClassVar[str] = (
        "pad counts from the last axis: [left, right, top, bottom, ...], as PyTorch has it; a constant border takes no "
        "adjoint, that of the other modes is added to the elements it was copied from"
    )
    generic_words: ClassVar[Mapping[str, str]] = {"cut": ""}
    pad: Annotated[Counts, msgspec.Meta(description="before and after each axis, the last axis first")]
    mode: Annotated[Mode, msgspec.Meta(description="what the border holds")] = "constant"
    value: Annotated[float, msgspec.Meta(description="the number in a constant border")] = 0.0

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Name the constant, or the kind of copies."""
        words = super().words(inputs)
        if self.mode == "constant":
            return words | {"cut": ""}
        del words["value"]
        return words | {"copies": COPIES[self.mode]}

    def widths(self, ndim: int) -> list[tuple[int, int]]:
        """Return what is before and after each axis, first axis first."""
        pairs = list(zip(self.pad[::2], self.pad[1::2], strict=True))
        return [(0, 0)] * (ndim - len(pairs)) + pairs[::-1]

    def infer(self, x: TensorType) -> TensorType:
        """A mirror needs more elements than it shows, a circle at least as many, an edge one."""
        if len(self.pad) % 2 or len(self.pad) > 2 * len(x.shape):
            what = f"pad {self.pad} has {len(self.pad)} numbers for x {shape_text(x.shape)}"
            raise RuleBroken(what, key="pad", hint="two for every padded axis, the last axis first")
        widths = self.widths(len(x.shape))
        for axis, (n, pair) in enumerate(zip(x.shape, widths, strict=True)):
            rule, most = {
                "constant": ("", max(pair)),
                "reflect": ("at most the size less 1", n - 1),
                "replicate": ("the axis needs an edge", max(pair) if n else 0),
                "circular": ("at most the size", n),
            }[self.mode]
            if max(pair) > max(most, 0):
                what = f"axis {axis} of x {shape_text(x.shape)} cannot be padded by {max(pair)} in mode {self.mode}"
                raise RuleBroken(what, key="pad", hint=rule)
        return x.with_shape(*(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True)))

    def forward(self, x: Array) -> Array:
        """Return ``x`` with its border."""
        widths = self.widths(x.ndim)
        if not self.pad:
            return x
        if self.mode == "constant":
            sizes = [before + n + after for n, (before, after) in zip(x.shape, widths, strict=True)]
            y = np.empty_like(x, shape=sizes)
            y[...] = self.value
            y[tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))] = x
            return y
        return np.pad(x, widths, mode=NUMPY_MODES[self.mode])  # type: ignore[call-overload, no-any-return]

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Cut the border off; where it was copied, add it to the originals, one axis after the other."""
        result = ybar
        for axis, (before, after) in enumerate(self.widths(x.ndim)):
            if before or after:
                result = self.cut(result, axis, before, x.shape[axis])
        return result

    def cut(self, ybar: Array, axis: int, before: int, size: int) -> Array:
        """Return the adjoint of padding one axis."""
        lines = np.moveaxis(ybar, axis, 0)
        inner = lines[before : before + size]
        if self.mode == "constant":
            return np.moveaxis(inner, 0, axis)
        inner = inner.copy()
        places = np.arange(-before, len(lines) - before)
        origins = {
            "reflect": size - 1 - np.abs(size - 1 - np.abs(places)),
            "replicate": places.clip(0, max(size - 1, 0)),
            "circular": places % max(size, 1),
        }[self.mode]
        border = (places < 0) | (places >= size)
        np.add.at(inner, origins[border], lines[border])
        return np.moveaxis(inner, 0, axis)


class Roll(Operator, frozen=True, tag="roll"):
    """The elements shifted along axes; what leaves at one end comes in at the other."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ} rolled back by {shifts} along {dims}",
            "elements were moved, not changed: their adjoints move back",
            elements="any",
        ),
    )
    formula: ClassVar[str] = "{y} = {x} rolled by {shifts} along {dims}"
    shapes: ClassVar[str] = "x any shape → the same shape"
    shifts: Annotated[Whole, msgspec.Meta(description="how far, one number per axis in dims")]
    dims: Annotated[Whole, msgspec.Meta(description="along which axes")]

    def infer(self, x: TensorType) -> TensorType:
        """One shift per axis."""
        if len(self.shifts) != len(self.dims):
            raise RuleBroken(f"{len(self.shifts)} shifts for {len(self.dims)} dims", key="shifts", hint="one per axis")
        for dim in self.dims:
            normal_axis(dim, len(x.shape), "dims")
        return x

    def forward(self, x: Array) -> Array:
        """Return the elements shifted."""
        return self.rolled(x, 1)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Shift back."""
        return self.rolled(ybar, -1)

    def rolled(self, x: Array, sign: int) -> Array:
        """Shift forward or back; a shift by more than the size goes around."""
        shifts = [sign * s % max(x.shape[dim], 1) for s, dim in zip(self.shifts, self.dims, strict=True)]
        return np.roll(x, shifts, self.dims)


class Flip(Operator, frozen=True, tag="flip"):
    """The elements in reverse order along axes."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ} flipped along {dims}",
            "elements were moved, not changed: their adjoints move back",
            elements="any",
        ),
    )
    formula: ClassVar[str] = "{y} = {x} flipped along {dims}"
    shapes: ClassVar[str] = "x any shape → the same shape"
    dims: Annotated[Whole, msgspec.Meta(description="along which axes")]

    def infer(self, x: TensorType) -> TensorType:
        """Every axis exists and is named once."""
        axes = [normal_axis(dim, len(x.shape), "dims") for dim in self.dims]
        if len(set(axes)) < len(axes):
            raise RuleBroken(f"dims {self.dims} names an axis twice", key="dims")
        return x

    def forward(self, x: Array) -> Array:
        """Return the elements in reverse order."""
        return np.flip(x, tuple(self.dims))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Reverse the order again."""
        return np.flip(ybar, tuple(self.dims))
