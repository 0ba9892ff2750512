"""Which part of a tensor is looked at, and how: two axes of it as rows and columns, the others held at an index."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from itertools import combinations
from typing import NamedTuple

import numpy as np

from resdebug.ops.base import Array


class Mode(Enum):
    """How a tensor is drawn."""

    NUMBERS = "numbers"
    HEAT = "heat map"
    HISTOGRAM = "histogram"
    STATISTICS = "statistics"
    IMAGE = "image"


class Look(NamedTuple):
    """How to draw: the size in cells, whether colours can be used, and whether the background is dark."""

    width: int
    height: int
    colour: bool = True
    dark: bool = True


@dataclass(frozen=True, slots=True)
class TensorView:
    """What the tensor pane is set to; the same for every tensor, as far as its shape allows."""

    mode: Mode = Mode.NUMBERS
    slice: int = 0
    """Which slice, counted over the axes that are not shown."""
    axes: int = 0
    """Which pair of axes is shown: 0 the last two."""
    cursor: tuple[int, int] | None = None
    """Row and column of the element that is pointed at."""
    beside: bool = False
    """Whether value and adjoint stand side by side."""
    scale: float | None = None
    """The magnitude that has the heat map's full colour, None: each map has its own."""

    def of_another(self) -> TensorView:
        """Return how another node's tensor is looked at first: in the same way, from its beginning."""
        return replace(self, slice=0, axes=0, cursor=None)


@dataclass(frozen=True, slots=True)
class Plane:
    """A tensor's slice as a matrix; vectors and scalars are one row."""

    numbers: Array
    rows: int
    """The axis that runs down, −1 for a vector."""
    columns: int
    fixed: tuple[int, ...]
    """The indices of the axes that are not shown, in order."""
    of: int
    """How many such slices there are."""
    dimensions: int
    shape: tuple[int, ...]

    def index(self, row: int, column: int) -> tuple[int, ...]:
        """Return the index in the tensor of an element of the plane."""
        if self.dimensions == 0:
            return ()
        if self.dimensions == 1:
            return (column,)
        fixed = iter(self.fixed)
        return tuple(
            row if axis == self.rows else column if axis == self.columns else next(fixed)
            for axis in range(self.dimensions)
        )

    @property
    def where(self) -> str:
        """The slice as numpy would write it; empty when the plane is the whole tensor."""
        if self.dimensions <= 2:
            return ""
        fixed = iter(self.fixed)
        return ",".join(":" if a in {self.rows, self.columns} else str(next(fixed)) for a in range(self.dimensions))


class Spot(NamedTuple):
    """The elements of a plane that a cell of a drawing stands for."""

    rows: range
    columns: range


def pairs(dimensions: int) -> list[tuple[int, int]]:
    """Return the pairs of axes that can be shown, the last two first."""
    return sorted(combinations(range(dimensions), 2), reverse=True)


def plane(array: Array, view: TensorView) -> Plane:
    """Return the part of a tensor that is looked at, as a view, not a copy."""
    if array.ndim < 2:
        return Plane(array.reshape(1, -1), -1, 0, (), 1, array.ndim, array.shape)
    choices = pairs(array.ndim)
    rows, columns = choices[view.axes % len(choices)]
    others = [axis for axis in range(array.ndim) if axis not in {rows, columns}]
    sizes = tuple(array.shape[axis] for axis in others)
    of = math.prod(sizes)
    fixed = tuple(int(i) for i in np.unravel_index(view.slice % of, sizes)) if of and sizes else ()
    numbers = array.transpose(*others, rows, columns)[fixed]
    return Plane(numbers, rows, columns, fixed, max(of, 1), array.ndim, array.shape)


def clamped(place: Plane, cursor: tuple[int, int]) -> tuple[int, int]:
    """Return the element of the plane that is nearest to ``cursor``."""
    rows, columns = place.numbers.shape
    return min(max(cursor[0], 0), rows - 1), min(max(cursor[1], 0), columns - 1)


def window(size: int, shown: int, cursor: int) -> int:
    """Return the first of ``shown`` rows or columns so that ``cursor`` is among them, near the middle."""
    return max(0, min(cursor - shown // 2, size - shown))


def largest(array: Array) -> tuple[int, ...]:
    """Return the index of the element of largest magnitude; NaN is larger than everything."""
    size = np.where(np.isnan(array), np.inf, np.abs(array))
    return tuple(int(k) for k in np.unravel_index(int(np.argmax(size)), array.shape))
