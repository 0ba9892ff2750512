"""Transposed convolution, which makes images larger: what a convolution's adjoint does, as a layer of its own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import msgspec

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops import winograd
from resdebug.ops.base import Array, Operator
from resdebug.ops.channels import sums
from resdebug.ops.convolution import (
    GROUPS,
    HALVES,
    SPACING,
    Correlation,
    check_bias,
    check_groups,
    check_taken,
    check_weight,
    shifted,
)
from resdebug.ops.windows import (
    Axes,
    NonNegatives2,
    Positive,
    Positives2,
    Window,
    check_image,
    check_places,
    each,
    even,
)

STEP: Final = msgspec.Meta(description="how far apart the places of x come to lie in y")
CROP: Final = msgspec.Meta(description="how much of y is cut off on every side")
MORE: Final = msgspec.Meta(description="rows and columns that y has more at its end, less than stride or dilation")
RULE: Final = "weight is (in, out / groups, kh, kw)"


class ConvTranspose2d(Operator, frozen=True, tag="conv_transpose2d"):
    """Transposed convolution of images (N, C, H, W) by a weight (C, out / groups, kh, kw): every place lays down a
    kernel that it scales; in decoders, generators and U-Nets."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += conv({ȳ}, {weight})", "the adjoint of a transposed convolution is the convolution itself"),
        Slot(
            "weight",
            "{weight̄} += corr({ȳ}, {x})",
            "every place laid the kernel down scaled by its x: the adjoint under it times x, summed over all places",
        ),
        Slot("bias", "{bias̄} += Σ {ȳ} over n, h, w", "the bias was added at every place", optional=True),
    )
    formula: ClassVar[str] = "{y} = convᵀ({x}, {weight})⟦ + {bias}⟧"
    shapes: ClassVar[str] = (
        "x (N, C, H, W), weight (C, out / groups, kh, kw), bias (out) → "
        "(N, out, (H − 1)·stride − 2·padding + dilation·(kh − 1) + output_padding + 1, …)"
    )
    source: ClassVar[str] = "Dumoulin and Visin 2016, arXiv 1603.07285, chapter 4"
    stride: Annotated[Positives2, STEP] = 1
    padding: Annotated[NonNegatives2, CROP] = 0
    output_padding: Annotated[NonNegatives2, MORE] = 0
    dilation: Annotated[Positives2, SPACING] = 1
    groups: Annotated[Positive, GROUPS] = 1

    def infer(self, x: TensorType, weight: TensorType, bias: TensorType | None = None) -> TensorType:
        """Check channels against groups, and that something is left of the output."""
        check_image(x)
        check_places(x)
        check_weight(weight, 2, RULE)
        check_taken(x, weight, weight.shape[0], RULE)
        check_groups(x, weight, self.groups, RULE, inputs=x.shape[1])
        out = weight.shape[1] * self.groups
        check_bias(bias, weight, out)
        window = self.window(weight.shape)
        more = each(self.output_padding, 2)
        if any(n >= max(s, d) for n, s, d in zip(more, window.stride, window.dilation, strict=True)):
            what = f"output_padding {shape_text(more)} is not less than stride {shape_text(window.stride)}"
            hint = "give less than stride or dilation, whichever is larger"
            raise RuleBroken(what, key="output_padding", hint=hint)
        sizes = self.sizes(x.shape, window)
        if min(sizes) < 1:
            what = f"x is {shape_text(x.shape)}: padding {self.padding} leaves an output of {shape_text(sizes)}"
            raise RuleBroken(what, key="padding", hint="use less padding or a larger kernel")
        return x.with_shape(x.shape[0], out, *sizes)

    def workspace(self, x: TensorType, weight: TensorType, bias: TensorType | None = None) -> int:
        """The padded output, and its windows as columns."""
        return self.window(weight.shape).workspace(self.infer(x, weight, bias), unfolded=True)

    def layouts(self, x: TensorType, weight: TensorType, *_: TensorType | None) -> int:
        """As many as the convolution may make that this is the adjoint of."""
        return max(HALVES, winograd.LAYOUTS) * weight.nbytes

    def window(self, weight: Axes) -> Window:
        """Return how the kernel slides over the output, in the convolution that this is the adjoint of."""
        return Window(weight[2:], each(self.stride, 2), even(each(self.padding, 2)), each(self.dilation, 2))

    def sizes(self, x: Axes, window: Window) -> Axes:
        """Return height and width of the output."""
        axes = zip(x[2:], window.reach, window.stride, window.padding, each(self.output_padding, 2), strict=True)
        return tuple((n - 1) * s - 2 * p + reach + more for n, reach, s, (p, _), more in axes)

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """Lay the kernels down."""
        window = self.window(weight.shape)
        shape = (x.shape[0], weight.shape[1] * self.groups, *self.sizes(x.shape, window))
        return shifted(Correlation(window, self.groups).to_x(x, weight, shape), bias)

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Convolve ``ȳ``."""
        return Correlation(self.window(weight.shape), self.groups).apply(ybar, weight, x.shape[2:])

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Correlate ``ȳ`` with ``x``, summed over examples and places."""
        return Correlation(self.window(weight.shape), self.groups).to_weight(x, ybar, weight.shape)

    def vjp_bias(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array) -> Array:
        """Sum ``ȳ`` over examples and places."""
        return sums(ybar)
