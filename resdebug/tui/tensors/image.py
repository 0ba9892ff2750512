"""A tensor that looks like an image, (N, 3, H, W) or (N, 1, H, W), as a picture of half blocks."""

from __future__ import annotations

import numpy as np

from resdebug.ops.base import Array
from resdebug.tui.lines import Line
from resdebug.tui.numbers import plain
from resdebug.tui.tensors.view import Look

_DENSITY = " .:-=+*#%@"


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether a tensor of this shape can be shown as images."""
    return len(shape) == 4 and shape[1] in {1, 3} and min(shape[2:]) >= 4


def image(array: Array, look: Look, which: int) -> tuple[list[Line], str]:
    """Return one image of the batch, its numbers spread over the range of brightness."""
    which %= array.shape[0]
    pixels = np.asarray(array[which], dtype=np.float64)
    step = max(
        1, -(-pixels.shape[1] // max(1, look.height * (2 if look.colour else 1))), -(-pixels.shape[2] // look.width)
    )
    low, high = _range(pixels)
    bright = np.clip((np.nan_to_num(pixels, nan=low) - low) / (high - low or 1.0), 0.0, 1.0)
    rows, columns = (-(-n // step) for n in pixels.shape[1:])
    small = np.zeros((3, rows, columns))
    for i in range(rows):
        for j in range(columns):
            small[:, i, j] = bright[:, i * step : (i + 1) * step, j * step : (j + 1) * step].mean(axis=(1, 2))
    legend = f"image {which + 1} of {array.shape[0]}, {plain(low, 3)} dark … {plain(high, 3)} bright"
    if step > 1:
        legend += f"; a pixel is the mean of {step}×{step}"
    return (_coloured(small) if look.colour else _characters(small)), legend


def _range(pixels: Array) -> tuple[float, float]:
    finite = pixels[np.isfinite(pixels)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _coloured(pixels: Array) -> list[Line]:
    lines: list[Line] = []
    for i in range(0, pixels.shape[1], 2):
        line: Line = []
        for j in range(pixels.shape[2]):
            upper = _hex(pixels[:, i, j])
            line.append(("▀", f"{upper} on {_hex(pixels[:, i + 1, j])}" if i + 1 < pixels.shape[1] else upper))
        lines.append(line)
    return lines


def _hex(colour: Array) -> str:
    return "#{:02x}{:02x}{:02x}".format(*(round(255 * float(c)) for c in colour))


def _characters(pixels: Array) -> list[Line]:
    grey = pixels.mean(axis=0)
    return [[("".join(_DENSITY[round(float(x) * (len(_DENSITY) - 1))] for x in row), "")] for row in grey]
