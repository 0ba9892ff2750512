"""Pooling of images to a given size, and over the whole of them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, TypeAlias

import msgspec
import numpy as np

from resdebug.network.signature import Slot
from resdebug.network.types import TensorType
from resdebug.ops.base import Array, Operator, sum_over
from resdebug.ops.windows import Positives2, check_image, check_places, each

OUTPUT: Final = msgspec.Meta(description="height and width of the output")
LAST: Final = (2, 3)
"""The axes of an image's places."""


class Global(Operator, frozen=True):
    """One number per channel."""

    shapes: ClassVar[str] = "x (N, C, H, W) → (N, C, 1, 1)"

    def infer(self, x: TensorType) -> TensorType:
        """There must be a place."""
        check_image(x)
        check_places(x)
        return x.with_shape(*x.shape[:2], 1, 1)


class GlobalAvgPool(Global, frozen=True, tag="global_avg_pool"):
    """The mean over all places of each channel: the end of most convolutional networks, before their classifier."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} / (H·W)", "every place had an equal share in the mean"),)
    formula: ClassVar[str] = "{y} = mean over all places of {x}"
    source: ClassVar[str] = "Lin, Chen and Yan 2013, arXiv 1312.4400, section 3.2"

    def forward(self, x: Array) -> Array:
        """Return the mean per channel."""
        return np.asarray(x.mean(axis=LAST, keepdims=True))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Spread ``ȳ`` evenly."""
        return np.broadcast_to(ybar / (x.shape[2] * x.shape[3]), x.shape)


class GlobalMaxPool(Global, frozen=True, tag="global_max_pool"):
    """The largest over all places of each channel: beside the mean in attention modules (CBAM)."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} ⊙ 1[{x} = {y}] / Σ 1[{x} = {y}]", "only the largest had any influence; ties share it"),
    )
    formula: ClassVar[str] = "{y} = max over all places of {x}"
    convention: ClassVar[str] = "equal maxima share the adjoint equally, as in amax; NaN is the largest"

    def forward(self, x: Array) -> Array:
        """Return the maximum per channel; NaN wins."""
        return np.asarray(x.max(axis=LAST, keepdims=True))

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Give ``ȳ`` to the maxima in equal shares."""
        won = (x == y) | np.isnan(x)
        share = ybar / sum_over(won.astype(ybar.dtype), LAST, keepdims=True)
        return np.where(won, share, 0)


Bins: TypeAlias = list[tuple[int, int]]


def bins(size: int, count: int) -> Bins:
    """Return where bins start and end: bin i from element ``⌊i·n / count⌋`` to before ``⌈(i + 1)·n / count⌉``."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


class Adaptive(Operator, frozen=True):
    """Pooling over bins of nearly equal size that cover the image."""

    shapes: ClassVar[str] = "x (N, C, H, W) → (N, C, *output_size)"
    output_size: Annotated[Positives2, OUTPUT]

    def words(self, inputs: Any) -> dict[str, str]:
        """Write the output's size as ``7×7``."""
        return {"output_size": "×".join(map(str, each(self.output_size, 2)))}

    def infer(self, x: TensorType) -> TensorType:
        """There must be something to pool."""
        check_image(x)
        check_places(x)
        return x.with_shape(*x.shape[:2], *each(self.output_size, 2))

    def bins(self, x: Array) -> tuple[Bins, Bins]:
        """Return the bins of rows and of columns."""
        height, width = each(self.output_size, 2)
        return bins(x.shape[2], height), bins(x.shape[3], width)


class AdaptiveAvgPool2d(Adaptive, frozen=True, tag="adaptive_avg_pool2d"):
    """The mean over each of a given number of bins: before the classifiers of VGG and AlexNet, whatever the image's
    size."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄}[bin] += {ȳ} / |bin|", "every element of a bin had an equal share in its mean"),
    )
    formula: ClassVar[str] = "{y} = mean over {output_size} bins of {x}"

    def forward(self, x: Array) -> Array:
        """Return the means."""
        rows, columns = self.bins(x)
        total = pooled(np.add, pooled(np.add, x, rows, -2), columns, -1)
        total /= sizes(rows, columns).astype(x.dtype)
        return total

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Spread each bin's adjoint evenly."""
        rows, columns = self.bins(x)
        share = ybar / sizes(rows, columns).astype(ybar.dtype)
        return spread(spread(share, columns, -1, x.shape[3]), rows, -2, x.shape[2])


class AdaptiveMaxPool2d(Adaptive, frozen=True, tag="adaptive_max_pool2d"):
    """The largest element of each of a given number of bins."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄}[argmax] += {ȳ}", "only the largest element of a bin had any influence; it gets all"),
    )
    formula: ClassVar[str] = "{y} = max over {output_size} bins of {x}"
    convention: ClassVar[str] = (
        "among equal elements the first takes the adjoint; NaN is the largest (PyTorch takes the last NaN)"
    )

    def forward(self, x: Array) -> Array:
        """Return the maxima; NaN wins."""
        rows, columns = self.bins(x)
        return pooled(np.maximum, pooled(np.maximum, x, columns, -1), rows, -2)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Give each bin's adjoint to the first row that has its maximum, and there to the first column."""
        rows, columns = self.bins(x)
        across = pooled(np.maximum, x, columns, -1)
        return to_first(to_first(ybar, across, rows, -2), x, columns, -1)


def sizes(rows: Bins, columns: Bins) -> Array:
    """Return how many elements each bin has."""
    (top, bottom), (left, right) = np.transpose(rows), np.transpose(columns)
    result: Array = np.multiply.outer(bottom - top, right - left)
    return result


def part(axis: int, start: int, end: int) -> tuple[Any, ...]:
    """Return the index of a range of rows (axis −2) or columns (axis −1)."""
    return (..., slice(start, end), *[slice(None)] * (-1 - axis))


def pooled(by: np.ufunc, x: Array, bins: Bins, axis: int) -> Array:
    """Reduce every bin along an axis."""
    result: Array = np.stack([by.reduce(x[part(axis, *bin_)], axis=axis) for bin_ in bins], axis=axis)
    return result


def spread(share: Array, bins: Bins, axis: int, size: int) -> Array:
    """Add to every element of a bin what one of them gets."""
    result = _like(share, axis, size)
    for i, bin_ in enumerate(bins):
        result[part(axis, *bin_)] += share[part(axis, i, i + 1)]
    return result


def to_first(ybar: Array, x: Array, bins: Bins, axis: int) -> Array:
    """Add to the first maximum of every bin what the bin gets."""
    result = _like(ybar, axis, x.shape[axis])
    for i, bin_ in enumerate(bins):
        seen = x[part(axis, *bin_)]
        share = np.zeros(seen.shape, dtype=ybar.dtype)
        np.put_along_axis(share, seen.argmax(axis=axis, keepdims=True), ybar[part(axis, i, i + 1)], axis=axis)
        result[part(axis, *bin_)] += share
    return result


def _like(share: Array, axis: int, size: int) -> Array:
    shape = list(share.shape)
    shape[axis] = size
    return np.zeros(shape, dtype=share.dtype)
