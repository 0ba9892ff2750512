"""Convolution, which networks define as cross-correlation: the kernel is not flipped."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator, sum_over
from resdebug.ops.windows import NonNegatives, Positive, Positives, Window, check_image, pair


class Conv2d(Operator, frozen=True, tag="conv2d"):
    """Two-dimensional convolution of (N, C, H, W) by a weight (out, C / groups, kh, kw).

    Unfolded into windows it is one matrix product per group, so its VJPs are matrix products too
    (Chellapilla et al. 2006; Dumoulin and Visin 2016, arXiv 1603.07285, section 4).
    """

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += convᵀ({ȳ}, {weight})",
            "the transposed convolution: every output sends its adjoint back over the window it saw",
        ),
        Slot(
            "weight",
            "{weight̄} += corr({x}, {ȳ})",
            "a weight touched every window: its input there times the adjoint, summed over all places",
        ),
        Slot("bias", "{bias̄} += Σ {ȳ} over n, h, w", "the bias was added at every place", optional=True),
    )
    formula: ClassVar[str] = "{y} = conv({x}, {weight})⟦ + {bias}⟧"
    stride: Positives = 1
    padding: NonNegatives = 0
    dilation: Positives = 1
    groups: Positive = 1

    def infer(self, x: TensorType, weight: TensorType, bias: TensorType | None = None) -> TensorType:
        """Check channels against groups, and that the kernel fits."""
        rule = "weight is (out, in / groups, kh, kw)"
        shapes = f"x is {shape_text(x.shape)}, weight is {shape_text(weight.shape)}"
        check_image(x)
        if len(weight.shape) != 4 or 0 in weight.shape:
            raise RuleBroken(f"weight is {shape_text(weight.shape)}", key="weight", hint=rule)
        if x.shape[1] % self.groups or weight.shape[0] % self.groups:
            what = f"{shapes}: groups = {self.groups} does not divide {x.shape[1]} inputs and {weight.shape[0]} outputs"
            raise RuleBroken(what, key="groups", hint=rule)
        if x.shape[1] != weight.shape[1] * self.groups:
            what = f"{shapes}: x has {x.shape[1]} channels, weight takes {weight.shape[1] * self.groups}"
            raise RuleBroken(what, key="weight", hint=rule)
        if bias is not None and bias.shape != weight.shape[:1]:
            what = f"bias is {shape_text(bias.shape)}, weight is {shape_text(weight.shape)}"
            raise RuleBroken(what, key="bias", hint=f"bias is ({weight.shape[0]})")
        return x.with_shape(x.shape[0], weight.shape[0], *self.window(weight.shape).infer(x, "weight"))

    def window(self, weight: tuple[int, ...]) -> Window:
        """Return how the kernel of a weight of this shape slides."""
        return Window((weight[2], weight[3]), pair(self.stride), pair(self.padding), pair(self.dilation))

    def columns(self, x: Array, weight: Array) -> Array:
        """Return the windows of ``x`` as matrices (N, groups, C/groups · kh · kw, oh · ow)."""
        view = self.window(weight.shape).view(x)
        return view.reshape(x.shape[0], self.groups, weight[0].size, view.shape[4] * view.shape[5])

    def kernels(self, weight: Array) -> Array:
        """Return the weight as matrices (groups, out/groups, C/groups · kh · kw)."""
        return weight.reshape(self.groups, weight.shape[0] // self.groups, weight[0].size)

    def by_group(self, ybar: Array) -> Array:
        """Return ``ȳ`` as matrices (N, groups, out/groups, oh · ow)."""
        n, out, oh, ow = ybar.shape
        return ybar.reshape(n, self.groups, out // self.groups, oh * ow)

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """Return the convolution, one matrix product per example and group."""
        oh, ow = self.window(weight.shape).output(*x.shape[2:])
        product: Array = np.matmul(self.kernels(weight), self.columns(x, weight))
        y = product.reshape(x.shape[0], weight.shape[0], oh, ow)
        return y if bias is None else y + bias[:, None, None]

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Send ``ȳ`` back over the windows."""
        columns = np.matmul(self.kernels(weight).swapaxes(1, 2), self.by_group(ybar))
        shape = (x.shape[0], x.shape[1], *weight.shape[2:], *ybar.shape[2:])
        return self.window(weight.shape).fold(columns.reshape(shape), x.shape)

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Correlate ``x`` with ``ȳ``, summed over examples and places."""
        product = np.matmul(self.by_group(ybar), self.columns(x, weight).swapaxes(2, 3))
        return sum_over(product, 0).reshape(weight.shape)

    def vjp_bias(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array) -> Array:
        """Sum ``ȳ`` over examples and places."""
        return sum_over(ybar, (0, 2, 3))
