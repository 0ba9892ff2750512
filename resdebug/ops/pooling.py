"""Pooling over windows of an image, and over the whole of it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType
from resdebug.ops.base import Array, Operator, sum_over
from resdebug.ops.windows import NonNegatives, Positives, Window, check_image, pair


class Pool(Operator, frozen=True):
    """A window that slides over every channel by itself; ``stride`` is the kernel's size unless given."""

    kernel_size: Positives
    stride: Positives | None = None
    padding: NonNegatives = 0

    @property
    def window(self) -> Window:
        """How the window slides."""
        kernel = pair(self.kernel_size)
        return Window(kernel, kernel if self.stride is None else pair(self.stride), pair(self.padding), (1, 1))

    def infer(self, x: TensorType) -> TensorType:
        """Padding is at most half the kernel, so that every window sees the image."""
        check_image(x)
        if 0 in x.shape[2:]:
            raise RuleBroken(f"x is {x}: there is nothing to pool", key="x", hint="H and W are at least 1")
        window = self.window
        if any(2 * p > k for p, k in zip(window.padding, window.kernel, strict=True)):
            what = f"padding {window.padding} is more than half of the kernel {window.kernel}"
            raise RuleBroken(what, key="padding", hint="2 · padding ≤ kernel_size")
        return x.with_shape(*x.shape[:2], *window.infer(x, "kernel_size"))


class MaxPool2d(Pool, frozen=True, tag="max_pool2d"):
    """The largest element of every window."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄}[argmax] += {ȳ}", "only the largest element of a window had any influence; it gets all"),
    )
    formula: ClassVar[str] = "{y} = max over {kernel_size} windows of {x}"
    convention: ClassVar[str] = "among equal elements the first takes the adjoint"

    def flat(self, x: Array) -> Array:
        """Return the windows as (N, C, kh · kw, oh, ow)."""
        return _joined(self.window.view(x, -np.inf))

    def forward(self, x: Array) -> Array:
        """Return the maxima; NaN wins."""
        return np.asarray(self.flat(x).max(axis=2))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Give each window's adjoint to its first maximum inside the image."""
        flat = self.flat(x)
        inside = _joined(self.window.view(np.ones((1, 1, *x.shape[2:]), dtype=bool), 0))
        winner = np.where(np.isneginf(y), inside.argmax(axis=2), flat.argmax(axis=2))
        columns = np.zeros(flat.shape, dtype=ybar.dtype)
        np.put_along_axis(columns, winner[:, :, None], ybar[:, :, None], axis=2)
        kh, kw = self.window.kernel
        return self.window.fold(columns.reshape(*x.shape[:2], kh, kw, *ybar.shape[2:]), x.shape)


def _joined(view: NDArray[Any]) -> NDArray[Any]:
    """Return windows (N, C, kh, kw, oh, ow) as (N, C, kh · kw, oh, ow)."""
    return view.reshape(*view.shape[:2], view.shape[2] * view.shape[3], *view.shape[4:])


class AvgPool2d(Pool, frozen=True, tag="avg_pool2d"):
    """The mean of every window; padding counts as zeros unless ``count_include_pad`` is false."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄}[window] += {ȳ} / |window|", "every element of a window had an equal share in its mean"),
    )
    formula: ClassVar[str] = "{y} = mean over {kernel_size} windows of {x}"
    count_include_pad: bool = True

    def share(self, x: Array) -> Array:
        """Return one over the number of elements that each window averages, broadcast over (oh, ow)."""
        kh, kw = self.window.kernel
        if self.count_include_pad:
            return np.asarray(1 / (kh * kw), dtype=x.dtype)
        inside = self.window.view(np.ones((1, 1, *x.shape[2:]), dtype=x.dtype))
        return np.asarray(1 / inside.sum(axis=(2, 3)), dtype=x.dtype)

    def forward(self, x: Array) -> Array:
        """Return the means."""
        return sum_over(self.window.view(x), (2, 3)) * self.share(x)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Spread each window's adjoint evenly."""
        kh, kw = self.window.kernel
        shared = (ybar * self.share(x))[:, :, None, None]
        return self.window.fold(np.broadcast_to(shared, (*x.shape[:2], kh, kw, *ybar.shape[2:])), x.shape)


class GlobalAvgPool(Operator, frozen=True, tag="global_avg_pool"):
    """The mean over all places of each channel: (N, C, H, W) becomes (N, C, 1, 1)."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} / (H·W)", "every place had an equal share in the mean"),)
    formula: ClassVar[str] = "{y} = mean over all places of {x}"

    def infer(self, x: TensorType) -> TensorType:
        """There must be a place to average over."""
        check_image(x)
        if 0 in x.shape[2:]:
            raise RuleBroken(f"x is {x}: the mean of nothing is not defined", key="x", hint="H and W are at least 1")
        return x.with_shape(*x.shape[:2], 1, 1)

    def forward(self, x: Array) -> Array:
        """Return the mean per channel."""
        return np.asarray(x.mean(axis=(2, 3), keepdims=True))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Spread ``ȳ`` evenly."""
        return np.broadcast_to(ybar / (x.shape[2] * x.shape[3]), x.shape)
