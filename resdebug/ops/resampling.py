"""Images made larger or smaller: by repetition, by interpolation, from channels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import RuleBroken, Slot
from resdebug.network.types import TensorType, shape_text
from resdebug.ops.base import Array, Operator
from resdebug.ops.windows import Axes, Positive, Positives2, check_image, check_places, each

Factor: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=1 << 31)]
Factors: TypeAlias = Factor | Annotated[list[Factor], msgspec.Meta(min_length=2, max_length=2)]

SIZE: Final = msgspec.Meta(description="height and width of the output; or give scale_factor")
FACTOR: Final = msgspec.Meta(description="how many times larger the output is, may be a fraction; or give size")
MODE: Final = msgspec.Meta(description="nearest repeats elements, bilinear interpolates between them")
CORNERS: Final = msgspec.Meta(description="whether the centres of the corners stay in place; only for bilinear")
BLOCK: Final = msgspec.Meta(description="r: r² channels make a block of r × r places")


class Term(NamedTuple):
    """Along one axis, output i gets element ``indices[i]``, times ``weights[i]``; indices never decrease."""

    indices: NDArray[np.intp]
    weights: NDArray[np.float64] | None = None

    def weighed(self, x: Array, axis: int) -> Array:
        """Multiply by the weights along ``axis`` (−2 or −1)."""
        if self.weights is None:
            return x
        return x * self.weights.astype(x.dtype).reshape(-1, *[1] * (-1 - axis))


def nearest(size: int, count: int) -> list[Term]:
    """Take element ``⌊i · size / count⌋``."""
    return [Term(np.arange(count) * size // count)]


def linear(size: int, count: int, align_corners: bool) -> list[Term]:
    """Take the elements on both sides of where output i lies: at ``i·(size − 1) / (count − 1)`` with aligned corners,
    at ``(i + ½)·size / count − ½`` and never outside without."""
    i = np.arange(count)
    if align_corners:
        places, unit = i * (size - 1), max(count - 1, 1)
    else:
        places, unit = np.maximum((2 * i + 1) * size - count, 0), 2 * count
    low = places // unit
    high = np.minimum(-(-places // unit), size - 1)
    # Half and half of the same element is that element even where it is infinite; one and nothing of it is not.
    share = np.where(low == high, 0.5, places % unit / unit)
    return [Term(low, 1 - share), Term(high, share)]


def resampled(x: Array, terms: list[Term], axis: int) -> Array:
    """Resample ``x`` along ``axis``."""
    first, *others = (term.weighed(x.take(term.indices, axis=axis), axis) for term in terms)
    for part in others:
        first += part
    return first


def sent_back(ybar: Array, terms: list[Term], axis: int, size: int) -> Array:
    """Send ``ȳ`` back along ``axis`` to ``size`` elements: the adjoint of ``resampled``."""
    shape = list(ybar.shape)
    shape[axis] = size
    result = np.zeros(shape, dtype=ybar.dtype)
    for term in terms:
        seen, starts = np.unique(term.indices, return_index=True)
        sums = np.add.reduceat(term.weighed(ybar, axis), starts, axis=axis)
        result.swapaxes(axis, 2)[:, :, seen] += sums.swapaxes(axis, 2)
    return result


class Upsample(Operator, frozen=True, tag="upsample"):
    """The image at another size: on the way back to full resolution in U-Nets and feature pyramids."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x", "{x̄} += {mode}ᵀ({ȳ})", "an element gets back from every place where it was used, by its weight there"
        ),
    )
    formula: ClassVar[str] = "{y} = {mode}({x})"
    shapes: ClassVar[str] = "x (N, C, H, W) → (N, C, *size), or (N, C, ⌊H·scale_factor⌋, ⌊W·scale_factor⌋)"
    convention: ClassVar[str] = (
        "nearest takes element ⌊i·in/out⌋ (PyTorch computes it in single precision); bilinear repeats the border; "
        "scale_factor only says how large the output is, as with recompute_scale_factor in PyTorch, which without it "
        "places elements otherwise where in·scale_factor is no whole number"
    )
    generic_words: ClassVar[Mapping[str, str]] = {"mode": "interpolate"}
    size: Annotated[Positives2 | None, SIZE] = None
    scale_factor: Annotated[Factors | None, FACTOR] = None
    mode: Annotated[Literal["nearest", "bilinear"], MODE] = "nearest"
    align_corners: Annotated[bool, CORNERS] = False

    def infer(self, x: TensorType) -> TensorType:
        """Either size or scale_factor says how large the output is."""
        check_image(x)
        check_places(x)
        if (self.size is None) == (self.scale_factor is None):
            what = (
                "neither size nor scale_factor is given"
                if self.size is None
                else "both size and scale_factor are given"
            )
            raise RuleBroken(what, key="size", hint="give one of them")
        if self.align_corners and self.mode == "nearest":
            raise RuleBroken("align_corners has no meaning for nearest", key="align_corners", hint="use bilinear")
        sizes = self.sizes(x.shape)
        if min(sizes) < 1:
            what = f"x is {shape_text(x.shape)}: scale_factor {self.scale_factor} leaves {shape_text(sizes)}"
            raise RuleBroken(what, key="scale_factor", hint="use a larger one")
        return x.with_shape(*x.shape[:2], *sizes)

    def sizes(self, x: Axes) -> Axes:
        """Return the output's height and width."""
        if self.size is not None:
            return each(self.size, 2)
        given = self.scale_factor or 1
        factors = given if isinstance(given, list) else [given, given]
        return tuple(math.floor(n * factor) for n, factor in zip(x[2:], factors, strict=True))

    def terms(self, size: int, count: int) -> list[Term]:
        """Return how an axis is resampled."""
        return nearest(size, count) if self.mode == "nearest" else linear(size, count, self.align_corners)

    def forward(self, x: Array) -> Array:
        """Resample rows, then columns."""
        height, width = self.sizes(x.shape)
        tall = resampled(x, self.terms(x.shape[2], height), -2)
        return resampled(tall, self.terms(x.shape[3], width), -1)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Add up what was resampled from the same element."""
        height, width = x.shape[2:]
        tall = sent_back(ybar, self.terms(width, ybar.shape[3]), -1, width)
        return sent_back(tall, self.terms(height, ybar.shape[2]), -2, height)


def shuffled(x: Array, r: int) -> Array:
    """Move r² channels to a block of r × r places."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c // r**2, r, r, h, w)
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(n, c // r**2, h * r, w * r)


def unshuffled(x: Array, r: int) -> Array:
    """Move blocks of r × r places to r² channels."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // r, r, w // r, r)
    return blocks.transpose(0, 1, 3, 5, 2, 4).reshape(n, c * r**2, h // r, w // r)


class PixelShuffle(Operator, frozen=True, tag="pixel_shuffle"):
    """Channels moved to places: channel c·r² + i·r + j at (h, w) goes to (r·h + i, r·w + j) of channel c, at the end of
    super-resolution networks."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x", "{x̄} += unshuffle({ȳ}, {upscale_factor})", "elements only move, so adjoints move back", elements="any"
        ),
    )
    formula: ClassVar[str] = "{y} = shuffle({x}, {upscale_factor})"
    shapes: ClassVar[str] = "x (N, C·upscale_factor², H, W) → (N, C, H·upscale_factor, W·upscale_factor)"
    source: ClassVar[str] = "Shi et al. 2016, arXiv 1609.05158, section 3.2"
    upscale_factor: Annotated[Positive, BLOCK]

    def infer(self, x: TensorType) -> TensorType:
        """The channels must make whole blocks."""
        check_image(x)
        r = self.upscale_factor
        n, c, h, w = x.shape
        if c % r**2:
            what = f"x is {shape_text(x.shape)}: {c} channels do not make blocks of {r}×{r}"
            raise RuleBroken(what, key="upscale_factor", hint=f"channels must be a multiple of {r**2}")
        return x.with_shape(n, c // r**2, h * r, w * r)

    def forward(self, x: Array) -> Array:
        """Move channels to places."""
        return shuffled(x, self.upscale_factor)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Move them back."""
        return unshuffled(ybar, self.upscale_factor)


class PixelUnshuffle(Operator, frozen=True, tag="pixel_unshuffle"):
    """Places moved to channels, the inverse of pixel_shuffle: a smaller image that lost nothing."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x", "{x̄} += shuffle({ȳ}, {downscale_factor})", "elements only move, so adjoints move back", elements="any"
        ),
    )
    formula: ClassVar[str] = "{y} = unshuffle({x}, {downscale_factor})"
    shapes: ClassVar[str] = "x (N, C, H, W) → (N, C·downscale_factor², H / downscale_factor, W / downscale_factor)"
    downscale_factor: Annotated[Positive, BLOCK]

    def infer(self, x: TensorType) -> TensorType:
        """The places must make whole blocks."""
        check_image(x)
        r = self.downscale_factor
        n, c, h, w = x.shape
        if h % r or w % r:
            what = f"x is {shape_text(x.shape)}: {h}×{w} places do not make blocks of {r}×{r}"
            raise RuleBroken(what, key="downscale_factor", hint=f"H and W must be multiples of {r}")
        return x.with_shape(n, c * r**2, h // r, w // r)

    def forward(self, x: Array) -> Array:
        """Move places to channels."""
        return unshuffled(x, self.downscale_factor)

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        """Move them back."""
        return shuffled(ybar, self.downscale_factor)
