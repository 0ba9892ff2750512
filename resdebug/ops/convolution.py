"""Convolution, which networks define as cross-correlation: the kernel is not flipped."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

import msgspec
import numpy as np

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops import channels, depthwise, lowering, winograd
from resdebug.ops.base import Array, Operator
from resdebug.ops.onednn import convolution as onednn
from resdebug.ops.onednn.plans import works
from resdebug.ops.windows import (
    PLACES,
    Axes,
    Margins,
    NonNegative,
    Positive,
    Positives1,
    Positives2,
    Positives3,
    Window,
    check_image,
    each,
    even,
)

HALVES: Final = 3
"""Layouts of a weight where its contribution is put together from two halves of the examples."""

Named: TypeAlias = Literal["same", "valid"]
Margins1: TypeAlias = NonNegative | Named | Annotated[list[NonNegative], msgspec.Meta(min_length=1, max_length=2)]
Margins2: TypeAlias = NonNegative | Named | Annotated[list[NonNegative], msgspec.Meta(min_length=2, max_length=4)]
Margins3: TypeAlias = NonNegative | Named | Annotated[list[NonNegative], msgspec.Meta(min_length=3, max_length=6)]

STEP: Final = msgspec.Meta(description="how far the kernel moves at a time")
MARGIN: Final = msgspec.Meta(
    description="zeros around x: one number, one per axis, or before and after each axis ([top, bottom, left, right]); "
    '"valid" is none, "same" as many as keep the size'
)
SPACING: Final = msgspec.Meta(description="distance between the kernel's elements")
GROUPS: Final = msgspec.Meta(description="number of groups of channels that are convolved by themselves")
KERNEL: Final = {1: "k", 2: "kh, kw", 3: "kd, kh, kw"}
"""How the axes of a kernel are called, by their number."""

FORMULA: Final = "{y} = conv({x}, {weight})⟦ + {bias}⟧"
ARITHMETIC: Final = "Dumoulin and Visin 2016, arXiv 1603.07285, chapter 2"


KNOWN: Final = 1024
_KNOWN: Final[dict[tuple[int, Axes, Axes], tuple[Conv, Correlation, Axes]]] = {}
"""What convolutions have been asked for; each is held, so that no other can take its identity."""


class Correlation(NamedTuple):
    """The map that convolution and transposed convolution share: ``x`` to ``y``, linear in ``x`` and in the weight."""

    window: Window
    groups: int

    def apply(self, x: Array, weight: Array, counts: Axes) -> Array:
        """Return ``y`` with ``counts`` places."""
        if self.channelwise(weight.shape):
            return depthwise.correlate(x, weight, self.window, counts)
        y = onednn.correlate(x, weight, self.window, self.groups, counts)
        if y is None and self.transformed(x.dtype, weight.shape, len(x) * math.prod(counts)):
            y = winograd.correlate(x, weight, self.window.padding, counts)
        return lowering.correlate(x, weight, self.window, self.groups, counts) if y is None else y

    def to_x(self, ybar: Array, weight: Array, shape: Axes) -> Array:
        """Send ``ȳ`` back over the windows to ``x`` of this shape."""
        if self.channelwise(weight.shape):
            return depthwise.spread(ybar, weight, self.window, shape)
        sent = onednn.spread(ybar, weight, self.window, self.groups, shape)
        if sent is None and self.transformed(ybar.dtype, weight.shape, len(ybar) * math.prod(shape[2:])):
            mirrored = lowering.mirrored(self.window, ybar.shape[2:], shape[2:])
            if mirrored is not None:
                sent = winograd.spread(ybar, weight, mirrored.padding, shape[2:])
        return lowering.spread(ybar, weight, self.window, self.groups, shape) if sent is None else sent

    def to_weight(self, ybar: Array, x: Array, shape: Axes) -> Array:
        """Correlate ``x`` with ``ȳ``, summed over examples and places, to a weight of this shape."""
        if self.channelwise(shape):
            return depthwise.correlate_weight(ybar, x, self.window, shape)
        sent = onednn.correlate_weight(ybar, x, self.window, self.groups, shape)
        places = len(ybar) * math.prod(ybar.shape[2:])
        if sent is None and self.transformed(x.dtype, shape, places, winograd.GATHERED):
            sent = winograd.correlate_weight(ybar, x, self.window.padding)
        return lowering.correlate_weight(ybar, x, self.window, self.groups, shape) if sent is None else sent

    def transformed(self, dtype: np.dtype[Any], weight: Axes, places: int, fewest: int = winograd.FEWEST) -> bool:
        """Whether Winograd's transforms are the quickest way."""
        return not works(dtype) and winograd.suits(self.window, weight, self.groups, places, fewest)

    def channelwise(self, weight: Axes) -> bool:
        """Whether every channel is convolved by itself: matrices would be one column by one row each."""
        return weight[1] == 1 and weight[0] == self.groups


def check_weight(weight: TensorType, axes: int, rule: str) -> None:
    """Require a weight with this many axes of places, none of them empty. Raises RuleBroken."""
    if len(weight.shape) != 2 + axes or 0 in weight.shape:
        raise RuleBroken(f"weight is {shape_text(weight.shape)}", key="weight", hint=rule)


def check_groups(x: TensorType, weight: TensorType, groups: int, rule: str, **channels: int) -> None:
    """Require that groups divide these numbers of channels. Raises RuleBroken."""
    if any(count % groups for count in channels.values()):
        counted = " and ".join(f"{count} {side}" for side, count in channels.items())
        what = f"{_shapes(x, weight)}: groups = {groups} does not divide {counted}"
        raise RuleBroken(what, key="groups", hint=rule)


def check_taken(x: TensorType, weight: TensorType, taken: int, rule: str) -> None:
    """Require that the weight takes the channels of ``x``. Raises RuleBroken."""
    if x.shape[1] != taken:
        what = f"{_shapes(x, weight)}: x has {x.shape[1]} channels, weight takes {taken}"
        raise RuleBroken(what, key="weight", hint=rule)


def _shapes(x: TensorType, weight: TensorType) -> str:
    return f"x is {shape_text(x.shape)}, weight is {shape_text(weight.shape)}"


def check_bias(bias: TensorType | None, weight: TensorType, out: int) -> None:
    """Require one number per output channel. Raises RuleBroken."""
    if bias is not None and bias.shape != (out,):
        what = f"bias is {shape_text(bias.shape)}, weight is {shape_text(weight.shape)}"
        raise RuleBroken(what, key="bias", hint=f"bias is ({out})")


def shifted(y: Array, bias: Array | None) -> Array:
    """Add a bias to every place of a ``y`` that is nobody else's yet."""
    if bias is None:
        return y
    if np.result_type(y, bias) != y.dtype:
        y = y.astype(bias.dtype)
    channels.shift(y, bias)
    return y


def slots_over(places: str) -> tuple[Slot, ...]:
    """Return the slots of a convolution over these places."""
    return (
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
        Slot("bias", f"{{bias̄}} += Σ {{ȳ}} over n, {places}", "the bias was added at every place", optional=True),
    )


class Conv(Operator, frozen=True):
    """Convolution over one, two or three axes of places."""

    axes: ClassVar[int]
    convention: ClassVar[str] = 'padding "same" puts an odd zero at the end'
    source: ClassVar[str] = ARITHMETIC
    stride: int | list[int] = 1
    padding: int | list[int] | Named = 0
    dilation: int | list[int] = 1
    groups: Annotated[Positive, GROUPS] = 1

    def infer(self, x: TensorType, weight: TensorType, bias: TensorType | None = None) -> TensorType:
        """Check channels against groups, and that the kernel fits."""
        rule = f"weight is (out, in / groups, {KERNEL[self.axes]})"
        check_image(x, axes=self.axes)
        check_weight(weight, self.axes, rule)
        check_groups(x, weight, self.groups, rule, inputs=x.shape[1], outputs=weight.shape[0])
        check_taken(x, weight, weight.shape[1] * self.groups, rule)
        check_bias(bias, weight, weight.shape[0])
        return x.with_shape(x.shape[0], weight.shape[0], *self.window(weight.shape).infer(x, "weight"))

    def divides(self, dtype: np.dtype[Any]) -> bool:
        """Whether the library is there that does so."""
        return works(dtype)

    def workspace(self, x: TensorType, weight: TensorType, *_: TensorType | None) -> int:
        """The padded input, and its windows as columns."""
        return self.window(weight.shape).workspace(x, unfolded=True)

    def layouts(self, x: TensorType, weight: TensorType, *_: TensorType | None) -> int:
        """One, or one for each half of the examples and what that half gives; more where kernels are transformed."""
        window = self.window(weight.shape)
        places = x.shape[0] * math.prod(window.output(*x.shape[2:]))
        if winograd.suits(window, weight.shape, self.groups, places):
            return winograd.LAYOUTS * weight.nbytes
        return (1 if x.shape[0] == 1 else HALVES) * weight.nbytes

    def window(self, weight: Axes) -> Window:
        """Return how the kernel of a weight of this shape slides. Raises RuleBroken."""
        kernel, stride, dilation = weight[2:], each(self.stride, self.axes), each(self.dilation, self.axes)
        return Window(kernel, stride, self.margins(kernel, stride, dilation), dilation)

    def margins(self, kernel: Axes, stride: Axes, dilation: Axes) -> Margins:
        """Return the padding before and after, per axis. Raises RuleBroken."""
        given = self.padding
        if given == "valid":
            return even((0,) * self.axes)
        if given == "same":
            if max(stride) > 1:
                what = f'padding "same" cannot keep the size at stride {self.stride}'
                raise RuleBroken(what, key="padding", hint="use stride 1, or numbers")
            room = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
            return tuple((n // 2, n - n // 2) for n in room)
        if isinstance(given, int) or len(given) == self.axes:
            return even(each(given, self.axes))
        if len(given) != 2 * self.axes:
            what = f"padding has {len(given)} numbers for {self.axes} axes ({PLACES[self.axes]})"
            raise RuleBroken(what, key="padding", hint="give one number, one per axis, or two per axis")
        return tuple(zip(given[::2], given[1::2], strict=True))

    def correlation(self, x: Array, weight: Array) -> tuple[Correlation, Axes]:
        """Return the linear map that this is, and how many places it gives."""
        key = id(self), x.shape, weight.shape
        known = _KNOWN.get(key)
        if known is None:
            window = self.window(weight.shape)
            known = self, Correlation(window, self.groups), window.output(*x.shape[2:])
            if len(_KNOWN) >= KNOWN:
                _KNOWN.clear()
            _KNOWN[key] = known
        return known[1:]

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """Return the convolution."""
        correlation, counts = self.correlation(x, weight)
        return shifted(correlation.apply(x, weight, counts), bias)

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Send ``ȳ`` back over the windows."""
        return self.correlation(x, weight)[0].to_x(ybar, weight, x.shape)

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        """Correlate ``x`` with ``ȳ``, summed over examples and places."""
        return self.correlation(x, weight)[0].to_weight(ybar, x, weight.shape)

    def vjp_bias(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array) -> Array:
        """Sum ``ȳ`` over examples and places."""
        return channels.sums(ybar)


class Conv1d(Conv, frozen=True, tag="conv1d"):
    """Convolution along a sequence (N, C, L) by a weight (out, C / groups, k): in audio and text networks."""

    axes: ClassVar[int] = 1
    slots: ClassVar[tuple[Slot, ...]] = slots_over("l")
    formula: ClassVar[str] = FORMULA
    shapes: ClassVar[str] = (
        "x (N, C, L), weight (out, C / groups, k), bias (out) → "
        "(N, out, ⌊(L + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1)"
    )
    stride: Annotated[Positives1, STEP] = 1
    padding: Annotated[Margins1, MARGIN] = 0
    dilation: Annotated[Positives1, SPACING] = 1
    vjp_x = Conv.vjp_x
    vjp_weight = Conv.vjp_weight
    vjp_bias = Conv.vjp_bias


class Conv2d(Conv, frozen=True, tag="conv2d"):
    """Convolution of images (N, C, H, W) by a weight (out, C / groups, kh, kw): the layer that residual networks are
    made of; with groups = C it is depthwise."""

    axes: ClassVar[int] = 2
    slots: ClassVar[tuple[Slot, ...]] = slots_over("h, w")
    formula: ClassVar[str] = FORMULA
    shapes: ClassVar[str] = (
        "x (N, C, H, W), weight (out, C / groups, kh, kw), bias (out) → "
        "(N, out, ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1, …)"
    )
    stride: Annotated[Positives2, STEP] = 1
    padding: Annotated[Margins2, MARGIN] = 0
    dilation: Annotated[Positives2, SPACING] = 1
    vjp_x = Conv.vjp_x
    vjp_weight = Conv.vjp_weight
    vjp_bias = Conv.vjp_bias


class Conv3d(Conv, frozen=True, tag="conv3d"):
    """Convolution of volumes or videos (N, C, D, H, W) by a weight (out, C / groups, kd, kh, kw)."""

    axes: ClassVar[int] = 3
    slots: ClassVar[tuple[Slot, ...]] = slots_over("d, h, w")
    formula: ClassVar[str] = FORMULA
    shapes: ClassVar[str] = (
        "x (N, C, D, H, W), weight (out, C / groups, kd, kh, kw), bias (out) → "
        "(N, out, ⌊(D + 2·padding − dilation·(kd − 1) − 1) / stride⌋ + 1, …)"
    )
    stride: Annotated[Positives3, STEP] = 1
    padding: Annotated[Margins3, MARGIN] = 0
    dilation: Annotated[Positives3, SPACING] = 1
    vjp_x = Conv.vjp_x
    vjp_weight = Conv.vjp_weight
    vjp_bias = Conv.vjp_bias
