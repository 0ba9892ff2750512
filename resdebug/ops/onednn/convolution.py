"""Convolution and its two contributions in single precision, with the channels last in memory.

A weight is laid out as the library likes it once, for as long as the array lives, unless it is large. Every function
returns None where the library has no way, and where another is quicker.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from ctypes import c_int
from typing import Final, NamedTuple

import numpy as np

from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.ops.layout import channels_first, compact, empty_last, rows
from resdebug.ops.memo import Memo
from resdebug.ops.onednn import matmul, phases, plans
from resdebug.ops.onednn.library import Handle, sizes
from resdebug.ops.onednn.plans import Maker, all_finite, fit, planned
from resdebug.ops.windows import Axes, Window

COLOURS: Final = 4
SMALL: Final = 9
"""With fewer channels and a larger kernel the contribution to ``x`` is quicker by phases, or plane by plane."""

PLACES: Final = 64
LARGE: Final = 1 << 20
"""With so few places and a weight as large as this, windows are sooner laid out than the weight."""

KEPT: Final = 10 << 16
"""Larger weights are laid out anew every time: both layouts of all of them would be more than what a pass keeps."""

SHARED: Final = 1 << 27
"""Multiplications from which a contribution to the weight is put together from two halves of the examples: for fewer
a thread of ours is there too late, while the library's own still wait for more to do."""

_DIRECT: Final = 1
_ASK_WEIGHTS, _ASK_DIFF_WEIGHTS = 131, 132

_PACKED: Final[Memo[Array]] = Memo()
_NAMES: Final[dict[tuple[type[_Plan], Shapes], object]] = {}
"""What stands for a layout there: it is sooner looked up than all the numbers that it stands for."""


class Shapes(NamedTuple):
    """What a convolution is made for."""

    x: Axes
    weight: Axes
    y: Axes
    window: Window
    groups: int


def correlate(x: Array, weight: Array, window: Window, groups: int, counts: Axes) -> Array | None:
    """Return ``y`` (N, out, *counts) of ``x`` (N, C, ...) and ``weight`` (out, C / groups, *kernel)."""
    if not fit(x, weight):
        return None
    if weight.size > KEPT and _is_product(window, groups):
        return _product(x, weight.reshape(weight.shape[:2]).T, (x.shape[0], weight.shape[0], *counts))
    if _better_unfolded(x.shape[0] * math.prod(counts), weight.shape):
        return None
    shapes = Shapes(x.shape, weight.shape, (x.shape[0], weight.shape[0], *counts), window, groups)
    plan = planned(_Forward, shapes, divided=True)
    return None if plan is None else plan.applied(x, weight, shapes.y)


def spread(ybar: Array, weight: Array, window: Window, groups: int, shape: Axes) -> Array | None:
    """Return the contribution to ``x`` of ``shape`` (N, C, ...)."""
    if not fit(ybar, weight):
        return None
    if shape[1] < COLOURS and math.prod(window.kernel) > SMALL:
        return _by_phases(ybar, weight, window, groups, shape)
    if weight.size > KEPT and _is_product(window, groups):
        return _product(ybar, weight.reshape(weight.shape[:2]), shape)
    if _better_unfolded(ybar.size // ybar.shape[1], weight.shape):
        return None
    shapes = Shapes(shape, weight.shape, ybar.shape, window, groups)
    plan = planned(_ToX, shapes, divided=True)
    return None if plan is None else plan.applied(ybar, weight, shape)


def _by_phases(ybar: Array, weight: Array, window: Window, groups: int, shape: Axes) -> Array | None:
    axes = phases.axes_of(window, ybar.shape[2:], shape[2:])
    if axes is None or groups > 1 or set(window.dilation) != {1} or max(window.stride) == 1:
        return None
    kernel, counts = phases.kernel_of(weight, window.stride), tuple(axis.places for axis in axes)
    found = correlate(ybar, kernel, phases.window_of(axes), 1, counts)
    if found is None or not all_finite(found):
        return None
    return phases.put_together(found, axes, window.stride, shape)


def correlate_weight(ybar: Array, x: Array, window: Window, groups: int, shape: Axes) -> Array | None:
    """Return the contribution to a weight of ``shape`` (out, C / groups, *kernel)."""
    if not fit(ybar, x):
        return None
    if _is_product(window, groups):
        found = matmul.product(rows(ybar).T, rows(x))
        return None if found is None else found.reshape(shape)
    if _better_unfolded(ybar.size // shape[0], shape):
        return None
    half = len(x) // 2
    if half and ybar.size * math.prod(shape[1:]) >= SHARED:
        return _by_halves(ybar, x, Shapes(x.shape, shape, ybar.shape, window, groups))
    plan = planned(_ToWeight, Shapes(x.shape, shape, ybar.shape, window, groups), divided=len(x) == 1)
    return None if plan is None else plan.applied(ybar, x, shape)


def _by_halves(ybar: Array, x: Array, shapes: Shapes) -> Array | None:
    """Return the same as the sum of what each half of the examples gives, who ever does which half.

    The library would cut sums over examples as it has threads.
    """
    half = len(x) // 2
    found: list[Array | None] = [None, None]

    def work(some: Sequence[int]) -> None:
        for k in some:
            part = (slice(half), slice(half, None))[k]
            own = shapes._replace(x=x[part].shape, y=ybar[part].shape)
            plan = planned(_ToWeight, own)
            found[k] = None if plan is None else plan.applied(ybar[part], x[part], shapes.weight)

    threads.share(work, (0, 1))
    first, second = found
    if first is None or second is None:
        return None
    first += second
    return first


def _better_unfolded(places: int, weight: Axes) -> bool:
    return places <= PLACES and math.prod(weight) >= LARGE


def _is_product(window: Window, groups: int) -> bool:
    """Whether places are all there is to a window: then it is one product of matrices, without a layout of its own."""
    return groups == 1 and set(window.kernel) == set(window.stride) == {1} and not any(map(any, window.padding))


def _product(given: Array, matrix: Array, shape: Axes) -> Array | None:
    found = matmul.product(rows(given), matrix)
    return None if found is None else channels_first(found.reshape(shape[0], *shape[2:], shape[1]))


class _Plan:
    """One convolution, as the library describes it."""

    def __init__(self, maker: Maker, shapes: Shapes) -> None:
        self.maker = maker
        self.key = _NAMES.setdefault((type(self), shapes), object())
        self.x, self.y = maker.channels_last(shapes.x), maker.channels_last(shapes.y)
        outs, *rest = shapes.weight
        self.grouped = shapes.weight if shapes.groups == 1 else (shapes.groups, outs // shapes.groups, *rest)
        self.plain, self.open = maker.rows(self.grouped), maker.library.open(self.grouped)
        window = shapes.window
        # The library counts the elements between two of the kernel's.
        spacing = [d - 1 for d in window.dilation]
        self.how = [sizes(n) for n in (window.stride, spacing, *zip(*window.padding, strict=True))]
        kinds = c_int(plans.TRAINING), c_int(_DIRECT)
        self.forward = self.described("forward", *kinds, self.x, self.open, None, self.y)

    def described(self, what: str, *operands: Handle | c_int | None, hint: Sequence[Handle] = ()) -> Handle:
        of = self.maker.library
        name = f"dnnl_convolution_{what}_primitive_desc_create"
        return of.made(name, of.engine, *operands, *self.how, *hint, None)


class _Forward(_Plan):
    """``y`` from ``x``."""

    def __init__(self, maker: Maker, shapes: Shapes) -> None:
        super().__init__(maker, shapes)
        self.prepare(self.forward, (plans.SRC, self.x), (plans.DST, self.y))

    def prepare(self, description: Handle, given: tuple[int, Handle], result: tuple[int, Handle]) -> None:
        self.layout = self.maker.library.chosen(description, _ASK_WEIGHTS)
        self.pack = self.maker.copy(self.plain, self.layout)
        self.run = self.maker.call(description, given, (plans.WEIGHTS, self.layout), result)

    def applied(self, given: Array, weight: Array, shape: Axes) -> Array:
        matrix = self.packed(weight) if weight.size > KEPT else _PACKED.get(self.packed, weight, of=self.key)
        result = empty_last(shape, given.dtype)
        self.run(compact(given), matrix, result)
        return result

    def packed(self, weight: Array) -> Array:
        made = self.maker.library.room(self.layout)
        self.pack(np.ascontiguousarray(weight), made)
        return made


class _ToX(_Forward):
    """The contribution to ``x`` from ``ȳ``."""

    def __init__(self, maker: Maker, shapes: Shapes) -> None:
        _Plan.__init__(self, maker, shapes)
        described = self.described("backward_data", c_int(_DIRECT), self.x, self.open, self.y, hint=[self.forward])
        self.prepare(described, (plans.DIFF_DST, self.y), (plans.DIFF_SRC, self.x))


class _ToWeight(_Plan):
    """The contribution to the weight."""

    def __init__(self, maker: Maker, shapes: Shapes) -> None:
        super().__init__(maker, shapes)
        operands = self.x, self.open, None, self.y
        described = self.described("backward_weights", c_int(_DIRECT), *operands, hint=[self.forward])
        self.layout = maker.library.chosen(described, _ASK_DIFF_WEIGHTS)
        given = (plans.DIFF_DST, self.y), (plans.SRC, self.x)
        self.run = maker.call(described, *given, (plans.DIFF_WEIGHTS, self.layout))
        # Output channels are neighbours in the library's layout: kept so, the copy is twice as fast.
        *kernel, ins, outs = shapes.weight[2:] + shapes.weight[1::-1]
        strides = [n * ins * outs for n in plans.first(kernel)]
        self.room = (*kernel, ins, outs)
        self.axes = (len(kernel) + 1, len(kernel), *range(len(kernel)))
        group = () if shapes.groups == 1 else (outs // shapes.groups,)
        self.unpack = maker.copy(self.layout, maker.library.laid(self.grouped, [*group, 1, outs, *strides]))

    def applied(self, ybar: Array, x: Array, shape: Axes) -> Array:
        made, result = self.maker.library.room(self.layout), np.empty(self.room, x.dtype)
        self.run(compact(ybar), compact(x), made)
        self.unpack(made, result)
        return result.transpose(self.axes)
