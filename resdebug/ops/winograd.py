"""Convolution by 3×3 kernels at stride 1 with 16 products for every 4 places in place of 36.

F(2×2, 3×3) of Lavin and Gray 2016 (arXiv 1509.09308, section 4.1): y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A for tiles d of 4×4
that overlap by 2; over channels the product ⊙ is one of matrices. The contributions are the adjoints of the same maps.
Rounding is some 2 times that of the plain sum, relative to the largest number in a tile; a tile that holds a NaN or an
infinity spoils all its places, so such results are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.ops.layout import channels_last, empty_last
from resdebug.ops.memo import Memo
from resdebug.ops.windows import Axes, Margins, Window

STRIP: Final = 1 << 17
"""Elements of transformed tiles at a time."""

MANY: Final = 1024
"""From so many places on, 32 channels are enough; otherwise it takes 64."""

FEWEST: Final = 64
"""With fewer places too little is left of each product."""

GATHERED: Final = 450
"""With fewer places, gathering a kernel's contribution costs more than is saved."""

LAYOUTS: Final = 5
"""Times a weight that is taken while its kernels are transformed: themselves, 4/3, 16/9 and sums on the way."""

_FORWARD: Final[Memo[Array]] = Memo()
_MIRRORED: Final[Memo[Array]] = Memo()


def suits(window: Window, weight: Axes, groups: int, places: int, fewest: int = FEWEST) -> bool:
    """Return whether this is the faster way to ``places`` outputs of a weight of this shape."""
    return (
        window.kernel == (3, 3)
        and window.stride == (1, 1)
        and window.dilation == (1, 1)
        and groups == 1
        and places >= fewest
        and min(weight[:2]) >= (32 if places >= MANY else 64)
    )


def correlate(x: Array, weight: Array, margins: Margins, counts: Axes) -> Array | None:
    """Return ``y`` (N, out, *counts), or None where a number is not finite."""
    return _apply(x, _FORWARD.get(transformed, weight), margins, counts)


def spread(ybar: Array, weight: Array, margins: Margins, sizes: Axes) -> Array | None:
    """Return the contribution to ``x`` (N, C, *sizes), or None where a number is not finite.

    ``margins`` are those of the mirrored kernel.
    """
    return _apply(ybar, _MIRRORED.get(_mirrored, weight), margins, sizes)


def correlate_weight(ybar: Array, x: Array, margins: Margins) -> Array | None:
    """Return the contribution to a weight (out, C, 3, 3), or None where a number is not finite."""
    outs, ins = ybar.shape[1], x.shape[1]
    planes = _planes(x, margins, ybar.shape[2:])
    total = np.zeros((16, outs, ins), x.dtype)
    sent = channels_last(ybar)
    for n, h in _strips(planes, max(ins, outs)):
        tiles = _tiles(planes, n, h)
        form = tiles.shape[2:5]
        padded = np.zeros((2, *form[:2], 2, form[2], outs), x.dtype)
        part = sent[n, 2 * h.start : 2 * h.stop]
        for a in range(2):
            for b in range(2):
                seen = part[:, a::2, b::2]
                padded[a, :, : seen.shape[1], b, : seen.shape[2]] = seen
        spreading = _outwards(padded).reshape(16, math.prod(form), outs)
        total += np.matmul(spreading.swapaxes(1, 2), tiles.reshape(16, math.prod(form), ins))
    parts = total.reshape(4, 4, outs * ins)
    kernel = _gathered(_gathered(parts).swapaxes(0, 1))
    return _finite(kernel.reshape(3, 3, outs, ins).transpose(2, 3, 0, 1))


def transformed(weight: Array) -> Array:
    """Return ``G g Gᵀ`` of every kernel of a weight (out, C, 3, 3), as (4 across · 4 down, C, out)."""
    outs, ins = weight.shape[:2]
    elements = np.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(3, 3, ins * outs)
    rows = _kernel_rows(elements)
    made = _kernel_rows(rows.swapaxes(0, 1)).reshape(16, ins, outs)
    made.flags.writeable = False
    return made


def _mirrored(weight: Array) -> Array:
    """Return the same of the mirrored kernels, as (16, out, C)."""
    return transformed(np.flip(weight, (2, 3)).swapaxes(0, 1))


def _kernel_rows(g: Array) -> Array:
    """Apply G = [1 0 0; ½ ½ ½; ½ −½ ½; 0 0 1] along the first axis."""
    result = np.empty((4, *g.shape[1:]), g.dtype)
    half = g.dtype.type(0.5)
    outer = (g[0] + g[2]) * half
    middle = g[1] * half
    result[0], result[3] = g[0], g[2]
    np.add(outer, middle, out=result[1])
    np.subtract(outer, middle, out=result[2])
    return result


def _gathered(u: Array) -> Array:
    """Apply Gᵀ along the first axis."""
    half = u.dtype.type(0.5)
    middle = (u[1] + u[2]) * half
    return np.stack([u[0] + middle, (u[1] - u[2]) * half, middle + u[3]])


def _planes(x: Array, margins: Margins, counts: Axes) -> Array:
    """Return ``x`` with its margins, even and odd lines apart: (N, row parity, rows, column parity, columns, C)."""
    (top, _), (left, _) = margins
    high, wide = (-(-n // 2) + 1 for n in counts)
    planes = np.zeros((x.shape[0], 2, high, 2, wide, x.shape[1]), x.dtype)
    last = channels_last(x)
    for a in range(2):
        for b in range(2):
            # The first line of x whose place among the padded has this parity.
            i, j = (top + a) % 2, (left + b) % 2
            seen = last[:, i::2, j::2]
            down, right = (top + i - a) // 2, (left + j - b) // 2
            target = planes[:, a, down:, b, right:]
            rows, columns = (min(s, t) for s, t in zip(seen.shape[1:3], target.shape[1:3], strict=True))
            target[:, :rows, :columns] = seen[:, :rows, :columns]
    return planes


def _strips(planes: Array, channels: int) -> Iterator[tuple[slice, slice]]:
    """Yield examples and rows of tiles of strips whose tiles fill about ``STRIP`` elements."""
    examples, rows, columns = planes.shape[0], planes.shape[2] - 1, planes.shape[4] - 1
    lines = max(1, STRIP // max(1, 16 * columns * channels))
    if lines >= rows:
        together = lines // rows
        yield from ((slice(n, min(n + together, examples)), slice(0, rows)) for n in range(0, examples, together))
        return
    height = -(-rows // -(-rows // lines))
    for n in range(examples):
        yield from ((slice(n, n + 1), slice(h, min(h + height, rows))) for h in range(0, rows, height))


def _tiles(planes: Array, n: slice, h: slice) -> Array:
    """Return ``Bᵀ d B`` of some rows of tiles, as (4 across, 4 down, N, rows, columns, C)."""
    later = slice(h.start + 1, h.stop + 1)
    down = _differences(planes[n, 0, h], planes[n, 1, h], planes[n, 0, later], planes[n, 1, later])
    even, odd = down[:, :, :, 0], down[:, :, :, 1]
    return _differences(even[:, :, :, :-1], odd[:, :, :, :-1], even[:, :, :, 1:], odd[:, :, :, 1:])


def _differences(first: Array, second: Array, third: Array, fourth: Array) -> Array:
    """Apply Bᵀ = [1 0 −1 0; 0 1 1 0; 0 −1 1 0; 0 1 0 −1]."""
    result = np.empty((4, *first.shape), first.dtype)
    np.subtract(first, third, out=result[0])
    np.add(second, third, out=result[1])
    np.subtract(third, second, out=result[2])
    np.subtract(second, fourth, out=result[3])
    return result


def _outwards(y: Array) -> Array:
    """Return ``A ȳ Aᵀ`` of tiles (2, N, rows, 2, columns, C) as (4 across, 4 down, N, ...)."""
    down = _sums_and_differences(y[0], y[1])
    return _sums_and_differences(down[:, :, :, 0], down[:, :, :, 1])


def _sums_and_differences(first: Array, second: Array) -> Array:
    """Apply A = [1 0; 1 1; 1 −1; 0 −1]."""
    result = np.empty((4, *first.shape), first.dtype)
    result[0] = first
    np.add(first, second, out=result[1])
    np.subtract(first, second, out=result[2])
    np.negative(second, out=result[3])
    return result


def _apply(x: Array, kernels: Array, margins: Margins, counts: Axes) -> Array | None:
    """Return ``Aᵀ[U ⊙ (Bᵀ d B)]A`` with 16 matrices (C, out) ``U``."""
    outs = kernels.shape[2]
    planes = _planes(x, margins, counts)
    y = empty_last((x.shape[0], outs, *counts), x.dtype)
    last = channels_last(y)

    def convolve(some: Iterable[tuple[slice, slice]]) -> None:
        for n, h in some:
            _strip(_tiles(planes, n, h), kernels, last[n, 2 * h.start : 2 * h.stop])

    threads.share(convolve, list(_strips(planes, max(x.shape[1], outs))))
    return _finite(y)


def _strip(tiles: Array, kernels: Array, y: Array) -> None:
    """Write ``Aᵀ[U ⊙ tiles]A`` to ``y`` (N, rows, columns, out)."""
    form, ins, outs = tiles.shape[2:5], *kernels.shape[1:]
    products = np.matmul(tiles.reshape(16, math.prod(form), ins), kernels).reshape(4, 4, *form, outs)
    inner, outer = products[:, 1] + products[:, 2], products[:, 1] - products[:, 2]
    down = np.add(inner, products[:, 0], out=inner), np.subtract(outer, products[:, 3], out=outer)
    for a, m in enumerate(down):
        left, right = y[:, a::2, 0::2], y[:, a::2, 1::2]
        inside = m[:, :, : left.shape[1]]
        np.add(inside[1], inside[2], out=left)
        np.add(left, inside[0], out=left)
        inside = inside[:, :, :, : right.shape[2]]
        np.subtract(inside[1], inside[2], out=right)
        np.subtract(right, inside[3], out=right)


def _finite(result: Array) -> Array | None:
    """Return ``result``, or None where a number in it is not finite (or so large that the sum of all is not)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return result if np.isfinite(np.add.reduce(result, axis=None)) else None
