"""Sliding windows over the axes after N and C, as convolutions and pooling see them, and their adjoint.

Windows are views, nothing is copied. Sizes follow PyTorch: ``⌊(n + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec
from numpy.typing import NDArray

from resdebug.network.signature import RuleBroken
from resdebug.network.types import ITEM_BYTES, TensorType, shape_text
from resdebug.ops.base import Array
from resdebug.ops.layout import STRIP, compact, empty_last

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1 << 31)]
NonNegative: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
# Numbers per axis are declared as lists: msgspec reads a fixed tuple wrongly when it shares a union with a bounded
# int, and crashes in the garbage collector (seen in 0.19 to 0.22).
Positives1: TypeAlias = Positive | Annotated[list[Positive], msgspec.Meta(min_length=1, max_length=1)]
Positives2: TypeAlias = Positive | Annotated[list[Positive], msgspec.Meta(min_length=2, max_length=2)]
Positives3: TypeAlias = Positive | Annotated[list[Positive], msgspec.Meta(min_length=3, max_length=3)]
NonNegatives1: TypeAlias = NonNegative | Annotated[list[NonNegative], msgspec.Meta(min_length=1, max_length=1)]
NonNegatives2: TypeAlias = NonNegative | Annotated[list[NonNegative], msgspec.Meta(min_length=2, max_length=2)]
NonNegatives3: TypeAlias = NonNegative | Annotated[list[NonNegative], msgspec.Meta(min_length=3, max_length=3)]

Axes: TypeAlias = tuple[int, ...]
Margins: TypeAlias = tuple[tuple[int, int], ...]

PLACES: Final = {1: "L", 2: "H, W", 3: "D, H, W"}
"""How the axes of places are called, by their number."""


def each(value: int | list[int], axes: int) -> Axes:
    """Return a setting for every axis; one number stands for all."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


def even(padding: Axes) -> Margins:
    """Return margins that are the same before and after."""
    return tuple((p, p) for p in padding)


class Window(NamedTuple):
    """How windows slide: each setting per axis, the padding before and after it.

    With ``ceil_mode`` a last window may reach over the end; it must start inside the input or the padding before it.
    """

    kernel: Axes
    stride: Axes
    padding: Margins
    dilation: Axes
    ceil_mode: bool = False

    @property
    def reach(self) -> Axes:
        """From the first to the last element that a window sees."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def output(self, *sizes: int) -> Axes:
        """Return how many windows fit per axis; zero or less when the kernel is too large."""
        counts = []
        for n, reach, step, (before, after) in zip(sizes, self.reach, self.stride, self.padding, strict=True):
            room = n + before + after - reach
            count = (-(-room // step) if self.ceil_mode else room // step) + 1
            counts.append(count - (self.ceil_mode and (count - 1) * step >= n + before))
        return tuple(counts)

    def infer(self, x: TensorType, key: str) -> Axes:
        """Return the output's size per axis. Raises RuleBroken, blaming ``key``, when no window fits."""
        sizes = x.shape[2:]
        counts = self.output(*sizes)
        if min(counts) < 1:
            padded = tuple(n + before + after for n, (before, after) in zip(sizes, self.padding, strict=True))
            what = f"the kernel reaches over {shape_text(self.reach)}, more than the padded input {shape_text(padded)}"
            raise RuleBroken(what, key=key, hint="use a smaller kernel or more padding")
        return counts

    def margins(self, *sizes: int) -> Margins:
        """Return the padding, and at the end what the last window of ``ceil_mode`` needs beyond it."""
        if not self.ceil_mode:
            return self.padding
        ends = zip(sizes, self.output(*sizes), self.reach, self.stride, self.padding, strict=True)
        return tuple(
            (before, max(after, (count - 1) * step + reach - n - before))
            for n, count, reach, step, (before, after) in ends
        )

    def workspace(self, x: TensorType, *, unfolded: bool) -> int:
        """Return the bytes of ``x`` with its margins, and where it is ``unfolded``, of a strip of windows."""
        sizes = x.shape[2:]
        images, item = math.prod(x.shape[:2]), ITEM_BYTES[x.dtype]
        padded = math.prod(_widened(sizes, self.margins(*sizes)))
        if not unfolded:
            return images * item * padded
        # One line of places at least is unfolded at a time.
        counts = self.output(*sizes)
        width = math.prod(self.kernel) * x.shape[1]
        whole = x.shape[0] * width * math.prod(counts)
        return item * (images * padded + min(whole, max(STRIP, width * math.prod(counts[1:]))))

    def pad(self, x: NDArray[Any], fill: float = 0.0) -> NDArray[Any]:
        """Return ``x`` with its margins of ``fill``; itself where it has none."""
        sizes = x.shape[2:]
        margins = self.margins(*sizes)
        if not any(map(any, margins)):
            return x
        # np.pad takes ten times as long for small images.
        padded = empty_last((*x.shape[:2], *_widened(sizes, margins)), x.dtype)
        padded[...] = fill
        padded[_inside(sizes, margins)] = x
        return padded

    def places(self, counts: Axes) -> Iterator[tuple[slice, ...]]:
        """Yield for every element of the kernel, in order, where the windows have it in the padded input."""
        along = [
            [slice(i * d, i * d + s * (count - 1) + 1, s) for i in range(k)]
            for k, s, d, count in zip(self.kernel, self.stride, self.dilation, counts, strict=True)
        ]
        whole = slice(None)
        return ((whole, whole, *place) for place in product(*along))

    def fold(self, parts: Iterable[Array], ybar: Array, shape: Axes) -> Array:
        """Add what the windows send back to where they were cut from ``shape``.

        ``parts`` are one (N, C, *output) for every element of the kernel, in order; ``ybar`` tells their size and type.
        """
        sizes, counts = shape[2:], ybar.shape[2:]
        margins = self.margins(*sizes)
        if max(self.kernel) == 1 and counts == sizes and not any(map(any, margins)):
            return next(iter(parts))
        result = empty_last((*shape[:2], *_widened(sizes, margins)), ybar.dtype)
        result[...] = 0
        for place, part in zip(self.places(counts), parts, strict=False):
            result[place] += part
        return compact(result[_inside(sizes, margins)])


def _widened(sizes: Axes, margins: Margins) -> Axes:
    return tuple(n + before + after for n, (before, after) in zip(sizes, margins, strict=True))


def _inside(sizes: Axes, margins: Margins) -> tuple[slice, ...]:
    whole = slice(None)
    return (whole, whole, *(slice(before, before + n) for n, (before, _) in zip(sizes, margins, strict=True)))


def check_image(x: TensorType, key: str = "x", *, axes: int = 2) -> None:
    """Require (N, C, …) with this many axes of places. Raises RuleBroken."""
    if len(x.shape) != 2 + axes:
        raise RuleBroken(f"{key} is {shape_text(x.shape)}", key=key, hint=f"it takes (N, C, {PLACES[axes]})")


def check_places(x: TensorType) -> None:
    """Require that there are places at all. Raises RuleBroken."""
    if 0 in x.shape[2:]:
        hint = f"{PLACES[len(x.shape) - 2]} must be at least 1"
        raise RuleBroken(f"x is {x}: it has no places", key="x", hint=hint)
