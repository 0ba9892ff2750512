"""Pooling over windows: every channel by itself, of sequences, images and volumes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache, reduce
from itertools import repeat
from typing import Annotated, Any, ClassVar, Final

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator
from resdebug.ops.masks import where
from resdebug.ops.onednn import pooling as onednn
from resdebug.ops.windows import (
    Axes,
    NonNegatives1,
    NonNegatives2,
    NonNegatives3,
    Positives1,
    Positives2,
    Positives3,
    Window,
    check_image,
    check_places,
    each,
    even,
)

SIZE: Final = msgspec.Meta(description="size of the window")
STEP: Final = msgspec.Meta(description="how far the window moves at a time: its own size unless given")
MARGIN: Final = msgspec.Meta(description="how far windows may reach over the border, at most half of their size")
SPACING: Final = msgspec.Meta(description="distance between the elements that a window sees")
CEIL: Final = msgspec.Meta(description="whether a last window may reach over the end")

COUNTED: Final = msgspec.Meta(description="whether the zeros of the padding count in the mean")
POWER: Final = msgspec.Meta(ge=1, description="p, the power to which the elements are raised")

SHAPES: Final = {
    1: "x (N, C, L) → (N, C, ⌊(L + 2·padding − kernel_size) / stride⌋ + 1)",
    2: "x (N, C, H, W) → (N, C, ⌊(H + 2·padding − kernel_size) / stride⌋ + 1, …)",
    3: "x (N, C, D, H, W) → (N, C, ⌊(D + 2·padding − kernel_size) / stride⌋ + 1, …)",
}
REACH: Final = "(dilation·(kernel_size − 1) + 1)"
CEILED: Final = "with ceil_mode the number of windows is rounded up, and the last one starts inside x or the padding"
LARGEST: Final = "{y} = max over windows of {kernel_size} in {x}"
MEAN: Final = "{y} = mean over windows of {kernel_size} in {x}"
TO_LARGEST: Final = (
    Slot("x", "{x̄}[argmax] += {ȳ}", "only the largest element of a window had any influence; it gets all"),
)
TO_ALL: Final = (
    Slot("x", "{x̄}[window] += {ȳ} / |window|", "every element of a window had an equal share in its mean"),
)


class Sliding(Operator, frozen=True):
    """A window that slides over every channel by itself; ``stride`` is the kernel's size unless given."""

    axes: ClassVar[int] = 2
    kernel_size: int | list[int]
    stride: int | list[int] | None = None

    @property
    def kernel(self) -> tuple[int, ...]:
        """The window's size per axis."""
        return each(self.kernel_size, self.axes)

    @property
    def window(self) -> Window:
        """How the window slides."""
        stride = self.kernel if self.stride is None else each(self.stride, self.axes)
        return Window(self.kernel, stride, even((0,) * self.axes), (1,) * self.axes)

    def words(self, inputs: Any) -> dict[str, str]:
        """Write the window's size as ``3×3``."""
        return super().words(inputs) | {"kernel_size": "×".join(map(str, self.kernel))}

    def infer(self, x: TensorType) -> TensorType:
        """There must be something to pool, and the window must fit."""
        check_image(x, axes=self.axes)
        check_places(x)
        return x.with_shape(*x.shape[:2], *self.window.infer(x, "kernel_size"))

    def workspace(self, x: TensorType) -> int:
        """The padded input."""
        return self.window.workspace(x, unfolded=False)

    def seen(self, x: Array, fill: float = 0.0) -> list[Array]:
        """Return for every element of the kernel what the windows see there, as views (N, C, …)."""
        window = self.window
        padded = window.pad(x, fill)
        return [padded[place] for place in window.places(window.output(*x.shape[2:]))]


class Pool(Sliding, frozen=True):
    """A window that may reach over the border; what lies there has no part in a maximum, and is 0 in a mean."""

    padding: int | list[int] = 0
    ceil_mode: Annotated[bool, CEIL] = False

    @property
    def window(self) -> Window:
        """How the window slides."""
        return super().window._replace(padding=even(each(self.padding, self.axes)), ceil_mode=self.ceil_mode)

    def infer(self, x: TensorType) -> TensorType:
        """Padding is at most half the kernel, so that every window sees something of ``x``."""
        padding = each(self.padding, self.axes)
        if any(2 * p > k for p, k in zip(padding, self.kernel, strict=True)):
            what = f"padding {shape_text(padding)} is more than half of the kernel {shape_text(self.kernel)}"
            raise RuleBroken(what, key="padding", hint="2 · padding ≤ kernel_size")
        return super().infer(x)


class MaxPool(Pool, frozen=True):
    """The largest element of every window."""

    convention: ClassVar[str] = (
        f"among equal elements the first takes the adjoint; NaN is the largest (PyTorch takes the last NaN); {CEILED}"
    )
    dilation: int | list[int] = 1

    @property
    def window(self) -> Window:
        """How the window slides."""
        return super().window._replace(dilation=each(self.dilation, self.axes))

    def infer(self, x: TensorType) -> TensorType:
        """No window may step over all of ``x``."""
        y = super().infer(x)
        for n, (before, _), step, apart in zip(x.shape[2:], *self.window[2:0:-1], self.window.dilation, strict=True):
            if apart > n and any(start % apart >= n for start in range(-before, 0, step)):
                what = f"dilation {self.dilation} steps over all of x {shape_text(x.shape)}: a window sees only padding"
                raise RuleBroken(what, key="dilation", hint="use a smaller dilation or no padding")
        return y

    def forward(self, x: Array) -> Array:
        """Return the maxima; NaN wins."""
        window = self.window
        found = onednn.largest(x, window)
        if found is not None:
            return found
        y = window.pad(x, -np.inf)
        # Axis by axis: 3 + 3 steps in place of 3 · 3.
        for axis, (size, step, apart, count) in enumerate(
            zip(window.kernel, window.stride, window.dilation, window.output(*x.shape[2:]), strict=True), start=2
        ):
            around = (slice(None),) * axis
            first, *others = (
                y[(*around, slice(i, i + step * (count - 1) + 1, step))] for i in range(0, size * apart, apart)
            )
            y = first.copy(order="K")
            for part in others:
                np.maximum(y, part, out=y)
        return y

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Give each window's adjoint to its first maximum inside ``x``."""
        found = onednn.to_largest(ybar, x, self.window)
        if found is not None:
            return found
        return self.window.fold(self.shares(ybar, y, x), ybar, x.shape)

    def shares(self, ybar: Array, y: Array, x: Array) -> Iterator[Array]:
        """Yield what every element of the kernel gets of ``ȳ``."""
        # NaN equals nothing, so that padding never wins, even where all that a window sees is −∞.
        parts = self.seen(x, np.nan)
        unknown = self.seen(np.isnan(x)) if np.isnan(y).any() else repeat(None)
        free = np.ones(y.shape, dtype=bool)
        for part, nan in zip(parts, unknown, strict=False):
            won = part == y if nan is None else (part == y) | nan
            won &= free
            free ^= won
            yield where(won, ybar)


class MaxPool1d(MaxPool, frozen=True, tag="max_pool1d"):
    """The largest element of every window along a sequence."""

    axes: ClassVar[int] = 1
    slots: ClassVar[tuple[Slot, ...]] = TO_LARGEST
    formula: ClassVar[str] = LARGEST
    shapes: ClassVar[str] = SHAPES[1].replace("kernel_size", REACH)
    kernel_size: Annotated[Positives1, SIZE]
    stride: Annotated[Positives1 | None, STEP] = None
    padding: Annotated[NonNegatives1, MARGIN] = 0
    dilation: Annotated[Positives1, SPACING] = 1
    vjp_x = MaxPool.vjp_x


class MaxPool2d(MaxPool, frozen=True, tag="max_pool2d"):
    """The largest element of every window of an image: in the stem of residual networks, and between VGG's stages."""

    axes: ClassVar[int] = 2
    slots: ClassVar[tuple[Slot, ...]] = TO_LARGEST
    formula: ClassVar[str] = LARGEST
    shapes: ClassVar[str] = SHAPES[2].replace("kernel_size", REACH)
    kernel_size: Annotated[Positives2, SIZE]
    stride: Annotated[Positives2 | None, STEP] = None
    padding: Annotated[NonNegatives2, MARGIN] = 0
    dilation: Annotated[Positives2, SPACING] = 1
    vjp_x = MaxPool.vjp_x


class MaxPool3d(MaxPool, frozen=True, tag="max_pool3d"):
    """The largest element of every window of a volume or a video."""

    axes: ClassVar[int] = 3
    slots: ClassVar[tuple[Slot, ...]] = TO_LARGEST
    formula: ClassVar[str] = LARGEST
    shapes: ClassVar[str] = SHAPES[3].replace("kernel_size", REACH)
    kernel_size: Annotated[Positives3, SIZE]
    stride: Annotated[Positives3 | None, STEP] = None
    padding: Annotated[NonNegatives3, MARGIN] = 0
    dilation: Annotated[Positives3, SPACING] = 1
    vjp_x = MaxPool.vjp_x


@lru_cache(maxsize=64)
def counts(window: Window, sizes: Axes, dtype: np.dtype[Any], *, padding: bool) -> Array:
    """Return how many elements each window averages, over all axes of places; with or without the ``padding``."""
    along = []
    for n, k, step, (before, after), count in zip(
        sizes, window.kernel, window.stride, window.padding, window.output(*sizes), strict=True
    ):
        start = np.arange(count) * step - before
        end = np.minimum(start + k, n + after)
        if not padding:
            start, end = np.maximum(start, 0), np.minimum(end, n)
        along.append(end - start)
    result: Array = reduce(np.multiply.outer, along).astype(dtype)
    return result


class AvgPool(Pool, frozen=True):
    """The mean of every window; padding counts as zeros unless ``count_include_pad`` is false."""

    convention: ClassVar[str] = f"{CEILED}; what it reaches beyond x and padding never counts"
    count_include_pad: Annotated[bool, COUNTED] = True

    def forward(self, x: Array) -> Array:
        """Return the means."""
        first, *others = self.seen(x)
        total = first.copy(order="K")
        for part in others:
            total += part
        if others:
            total /= counts(self.window, x.shape[2:], x.dtype, padding=self.count_include_pad)
        return total

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Spread each window's adjoint evenly."""
        window = self.window
        if max(window.kernel) > 1:
            ybar = ybar / counts(window, x.shape[2:], x.dtype, padding=self.count_include_pad)
        return window.fold(repeat(ybar), ybar, x.shape)


class AvgPool1d(AvgPool, frozen=True, tag="avg_pool1d"):
    """The mean of every window along a sequence."""

    axes: ClassVar[int] = 1
    slots: ClassVar[tuple[Slot, ...]] = TO_ALL
    formula: ClassVar[str] = MEAN
    shapes: ClassVar[str] = SHAPES[1]
    kernel_size: Annotated[Positives1, SIZE]
    stride: Annotated[Positives1 | None, STEP] = None
    padding: Annotated[NonNegatives1, MARGIN] = 0
    vjp_x = AvgPool.vjp_x


class AvgPool2d(AvgPool, frozen=True, tag="avg_pool2d"):
    """The mean of every window of an image: between the stages of DenseNet, in ResNet-D's shortcuts."""

    axes: ClassVar[int] = 2
    slots: ClassVar[tuple[Slot, ...]] = TO_ALL
    formula: ClassVar[str] = MEAN
    shapes: ClassVar[str] = SHAPES[2]
    kernel_size: Annotated[Positives2, SIZE]
    stride: Annotated[Positives2 | None, STEP] = None
    padding: Annotated[NonNegatives2, MARGIN] = 0
    vjp_x = AvgPool.vjp_x


class AvgPool3d(AvgPool, frozen=True, tag="avg_pool3d"):
    """The mean of every window of a volume or a video."""

    axes: ClassVar[int] = 3
    slots: ClassVar[tuple[Slot, ...]] = TO_ALL
    formula: ClassVar[str] = MEAN
    shapes: ClassVar[str] = SHAPES[3]
    kernel_size: Annotated[Positives3, SIZE]
    stride: Annotated[Positives3 | None, STEP] = None
    padding: Annotated[NonNegatives3, MARGIN] = 0
    vjp_x = AvgPool.vjp_x


class LpPool2d(Sliding, frozen=True, tag="lp_pool2d"):
    """The p-norm of every window of an image: with p = 1 the sum, with growing p ever closer to the maximum."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄}[window] += {ȳ} ⊙ sign({x}) ⊙ (|{x}| ⊘ {y})^({norm_type}−1)",
            "an element's part in the norm grows with its share of it",
        ),
    )
    formula: ClassVar[str] = "{y} = (Σ |{x}|^{norm_type})^(1/{norm_type}) over windows of {kernel_size}"
    shapes: ClassVar[str] = SHAPES[2].replace(" + 2·padding", "")
    convention: ClassVar[str] = (
        "a window of zeros sends 0; PyTorch takes powers of x in place of |x|, which differs for negative x unless "
        "norm_type is even; with ceil_mode a window that reaches over the end sums what it sees (PyTorch scales that "
        "up to a full window)"
    )
    source: ClassVar[str] = "Sermanet, Chintala and LeCun 2012, arXiv 1204.3968"
    kernel_size: Annotated[Positives2, SIZE]
    stride: Annotated[Positives2 | None, STEP] = None
    ceil_mode: Annotated[bool, CEIL] = False
    norm_type: Annotated[float, POWER] = 2.0

    @property
    def window(self) -> Window:
        """How the window slides."""
        return super().window._replace(ceil_mode=self.ceil_mode)

    def infer(self, x: TensorType) -> TensorType:
        """The power must be a number to raise to."""
        if not math.isfinite(self.norm_type):
            raise RuleBroken("norm_type is not finite", key="norm_type", hint="the limit is max_pool2d of |x|")
        return super().infer(x)

    def forward(self, x: Array) -> Array:
        """Return the norms, relative to the largest element, so that no power overflows."""
        sizes = [np.abs(part) for part in self.seen(x)]
        largest = reduce(np.maximum, sizes)
        scale = np.where((largest > 0) & np.isfinite(largest), largest, 1)
        total = sum((size / scale) ** self.norm_type for size in sizes)
        return np.asarray(scale * total ** (1 / self.norm_type))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Weigh each window's adjoint by every element's share of the norm."""
        safe = np.where(y == 0, 1, y)
        parts = (ybar * (np.sign(part) * (np.abs(part) / safe) ** (self.norm_type - 1)) for part in self.seen(x))
        return self.window.fold(parts, ybar, x.shape)
