"""Sliding windows over the last two axes, as convolutions and pooling see them, and their adjoint.

Windows are views, nothing is copied. Sizes follow PyTorch: ``⌊(n + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1``.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from resdebug.network.signature import RuleBroken
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1 << 31)]
NonNegative: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
Pair: TypeAlias = tuple[int, int]
# Two numbers are declared as a list: msgspec reads a fixed tuple wrongly when it shares a union with a bounded int,
# and crashes in the garbage collector (seen in 0.19 to 0.22).
Positives: TypeAlias = Positive | Annotated[list[Positive], msgspec.Meta(min_length=2, max_length=2)]
NonNegatives: TypeAlias = NonNegative | Annotated[list[NonNegative], msgspec.Meta(min_length=2, max_length=2)]


def pair(value: int | list[int]) -> Pair:
    """Return a setting for both axes; one number stands for both."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


class Window(NamedTuple):
    """How windows slide: height and width of each setting."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def output(self, height: int, width: int) -> Pair:
        """Return how many windows fit per axis; zero or less when the kernel is too large."""
        sizes = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(
                (height, width), self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        ]
        return sizes[0], sizes[1]

    def infer(self, x: TensorType, key: str) -> Pair:
        """Return the output's height and width. Raises RuleBroken, blaming ``key``, when no window fits."""
        height, width = self.output(*x.shape[2:])
        if height < 1 or width < 1:
            reach = tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
            padded = tuple(n + 2 * p for n, p in zip(x.shape[2:], self.padding, strict=True))
            what = f"the kernel reaches over {shape_text(reach)}, more than the padded input {shape_text(padded)}"
            raise RuleBroken(what, key=key, hint="use a smaller kernel or more padding")
        return height, width

    def view(self, x: NDArray[Any], fill: float = 0.0) -> NDArray[Any]:
        """Return all windows of ``x`` (N, C, H, W) as (N, C, kh, kw, oh, ow), read-only, padded with ``fill``."""
        oh, ow = self.output(*x.shape[2:])
        padded = self.pad(x, fill)
        n, c, h, w = padded.strides
        strides = (n, c, h * self.dilation[0], w * self.dilation[1], h * self.stride[0], w * self.stride[1])
        return as_strided(padded, (*x.shape[:2], *self.kernel, oh, ow), strides, writeable=False)

    def pad(self, x: NDArray[Any], fill: float = 0.0) -> NDArray[Any]:
        """Return ``x`` with its border of ``fill``."""
        if self.padding == (0, 0):
            return x
        n, c, height, width = x.shape
        top, left = self.padding
        # np.pad takes ten times as long for small images.
        padded = np.full((n, c, height + 2 * top, width + 2 * left), fill, dtype=x.dtype)
        padded[:, :, top : top + height, left : left + width] = x
        return padded

    def fold(self, columns: Array, shape: tuple[int, ...]) -> Array:
        """Add every window (N, C, kh, kw, oh, ow) back to where it was cut from ``shape``: the adjoint of view."""
        n, c, height, width = shape
        ph, pw = self.padding
        result = np.zeros((n, c, height + 2 * ph, width + 2 * pw), dtype=columns.dtype)
        oh, ow = columns.shape[4:]
        for i in range(self.kernel[0]):
            top = i * self.dilation[0]
            rows = slice(top, top + self.stride[0] * (oh - 1) + 1, self.stride[0])
            for j in range(self.kernel[1]):
                left = j * self.dilation[1]
                result[:, :, rows, left : left + self.stride[1] * (ow - 1) + 1 : self.stride[1]] += columns[:, :, i, j]
        return result[:, :, ph : ph + height, pw : pw + width]


def check_image(x: TensorType, key: str = "x") -> None:
    """Require (N, C, H, W). Raises RuleBroken."""
    if len(x.shape) != 4:
        raise RuleBroken(f"{key} is {shape_text(x.shape)}", key=key, hint="it takes (N, C, H, W)")
