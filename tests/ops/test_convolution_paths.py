"""Every fast way of a convolution against its definition, on shapes drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdebug.ops import depthwise, lowering, winograd
from resdebug.ops.convolution import Conv2d
from resdebug.ops.layout import channels_first, channels_last
from resdebug.ops.windows import Window
from tests.ops import plain_convolution as plain
from tests.ops.draws import Array

SMALL = st.integers(1, 3)
SINGLE, DOUBLE = 3e-6, 1e-12
"""Relative to the largest number: sums of up to 3000 products, and for single precision Winograd's transforms."""


@dataclass(frozen=True)
class Drawn:
    """A convolution with random numbers."""

    x: Array
    weight: Array
    ybar: Array
    window: Window
    groups: int


@st.composite
def convolutions(draw: st.DrawFn, *, axes: int = 2) -> Drawn:
    kernel = tuple(draw(SMALL) for _ in range(axes))
    stride = tuple(draw(SMALL) for _ in range(axes))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(axes))
    padding = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(axes))
    window = Window(kernel, stride, padding, dilation)
    sizes = tuple(
        draw(st.integers(max(1, reach - before - after), max(1, reach - before - after) + 6))
        for reach, (before, after) in zip(window.reach, padding, strict=True)
    )
    groups = draw(SMALL)
    shape = (draw(st.integers(1, 3)), groups * draw(st.integers(1, 6)), *sizes)
    return drawn(draw, shape, groups * draw(st.integers(1, 9)), window, groups)


@st.composite
def three_by_three(draw: st.DrawFn) -> Drawn:
    padding = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(2))
    sizes = tuple(draw(st.integers(max(1, 3 - before - after), 9)) for before, after in padding)
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 5)), *sizes)
    return drawn(draw, shape, draw(st.integers(1, 5)), Window((3, 3), (1, 1), padding, (1, 1)), 1)


def drawn(draw: st.DrawFn, shape: tuple[int, ...], outs: int, window: Window, groups: int) -> Drawn:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(["float32", "float64"]))

    def normal(*shape: int) -> Array:
        array: Array = rng.standard_normal(shape).astype(dtype)
        last = draw(st.booleans())
        return channels_first(np.ascontiguousarray(channels_last(array))) if last else array

    x, weight = normal(*shape), normal(outs, shape[1] // groups, *window.kernel)
    return Drawn(x, weight, normal(shape[0], outs, *window.output(*shape[2:])), window, groups)


def check(found: Array | None, expected: Array, like: Array) -> None:
    assert found is not None
    assert found.shape == expected.shape
    assert found.dtype == like.dtype
    bound = SINGLE if like.dtype == np.float32 else DOUBLE
    assert np.abs(found - expected).max(initial=0) <= bound * max(1, np.abs(expected).max(initial=0))


def wide(array: Array) -> Array:
    return array.astype(np.float64)


def compare(d: Drawn, y: Array | None, to_x: Array | None, to_weight: Array | None) -> None:
    check(y, plain.forward(wide(d.x), wide(d.weight), d.window, d.groups), d.x)
    check(to_x, plain.to_x(wide(d.ybar), wide(d.weight), d.window, d.groups, d.x.shape), d.x)
    check(to_weight, plain.to_weight(wide(d.ybar), wide(d.x), d.window, d.groups, d.weight.shape), d.x)


def lowered(d: Drawn) -> tuple[Array, Array, Array]:
    counts = d.ybar.shape[2:]
    return (
        lowering.correlate(d.x, d.weight, d.window, d.groups, counts),
        lowering.spread(d.ybar, d.weight, d.window, d.groups, d.x.shape),
        lowering.correlate_weight(d.ybar, d.x, d.window, d.groups, d.weight.shape),
    )


@settings(max_examples=150, deadline=None)
@given(convolutions())
def test_products_of_matrices(d: Drawn) -> None:
    compare(d, *lowered(d))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1, 3]).flatmap(lambda axes: convolutions(axes=axes)))
def test_products_of_matrices_over_sequences_and_volumes(d: Drawn) -> None:
    compare(d, *lowered(d))


def test_strips_cut_a_large_image_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((2, 3, 11, 9)), rng.standard_normal((4, 3, 3, 3))
    operator = Conv2d(stride=[2, 1], padding=[1, 2, 0, 1])
    window = operator.window(weight.shape)
    ybar = rng.standard_normal((2, 4, *window.output(11, 9)))
    d = Drawn(x, weight, ybar, window, 1)
    for fill in (1, 200, 700, 3000):
        monkeypatch.setattr(lowering.strips, "__defaults__", (fill,))
        compare(d, *lowered(d))


@settings(max_examples=100, deadline=None)
@given(three_by_three())
def test_winograd(d: Drawn) -> None:
    back = lowering.mirrored(d.window, d.ybar.shape[2:], d.x.shape[2:])
    expected = plain.to_x(wide(d.ybar), wide(d.weight), d.window, 1, d.x.shape)
    sent = None if back is None else winograd.spread(d.ybar, d.weight, back.padding, d.x.shape[2:])
    compare(
        d,
        winograd.correlate(d.x, d.weight, d.window.padding, d.ybar.shape[2:]),
        expected.astype(d.x.dtype) if back is None else sent,
        winograd.correlate_weight(d.ybar, d.x, d.window.padding),
    )


@pytest.mark.parametrize("strip", [1, 300, 5000])
def test_winograd_in_strips(monkeypatch: pytest.MonkeyPatch, strip: int) -> None:
    monkeypatch.setattr(winograd, "STRIP", strip)
    rng = np.random.default_rng(1)
    x, weight, ybar = (rng.standard_normal(s) for s in ((3, 4, 9, 7), (5, 4, 3, 3), (3, 5, 9, 7)))
    window = Conv2d(padding=1).window(weight.shape)
    compare(
        Drawn(x, weight, ybar, window, 1),
        winograd.correlate(x, weight, window.padding, (9, 7)),
        winograd.spread(ybar, weight, window.padding, (9, 7)),
        winograd.correlate_weight(ybar, x, window.padding),
    )


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_channel_by_channel(d: Drawn) -> None:
    x = d.x[:, :1].repeat(d.weight.shape[0], axis=1)
    weight = d.weight[:, :1]
    alone = Drawn(x, weight, d.ybar, d.window, weight.shape[0])
    compare(
        alone,
        depthwise.correlate(x, weight, d.window, d.ybar.shape[2:]),
        depthwise.spread(d.ybar, weight, d.window, x.shape),
        depthwise.correlate_weight(d.ybar, x, d.window, weight.shape),
    )


LARGE = (1, 64, 9, 9), (64, 64, 3, 3)
"""Large enough for Winograd's way."""


def large() -> tuple[Conv2d, Array, Array, Array]:
    rng = np.random.default_rng(2)
    x, weight = (rng.standard_normal(shape).astype(np.float32) for shape in LARGE)
    operator = Conv2d(padding=1)
    assert winograd.suits(operator.window(weight.shape), weight.shape, 1, 81)
    return operator, x, weight, rng.standard_normal(LARGE[0]).astype(np.float32)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spoils_only_the_windows_that_hold_it(bad: float) -> None:
    operator, x, weight, ybar = large()
    x[0, 3, 4, 5] = ybar[0, 2, 1, 7] = bad
    with np.errstate(all="ignore"):
        y = operator.forward(x, weight, None)
        sent = operator.vjp_x(ybar, y, x, weight, None)
    assert np.array_equal(np.argwhere(~np.isfinite(y).all(axis=(0, 1))), np.argwhere(around(4, 5)))
    assert np.array_equal(np.argwhere(~np.isfinite(sent).all(axis=(0, 1))), np.argwhere(around(1, 7)))


def around(row: int, column: int) -> Array:
    seen = np.zeros((9, 9))
    seen[row - 1 : row + 2, column - 1 : column + 2] = 1
    return seen


def test_a_sum_that_overflows_though_its_parts_do_not_is_still_right() -> None:
    operator, x, weight, _ = large()
    x[...] = 1e36
    weight[...] = 1e-3
    y = operator.forward(x, weight, None)
    assert np.allclose(y[0, :, 4, 4], 64 * 9 * 1e33, rtol=1e-5)


def test_a_weight_that_may_change_is_laid_out_anew() -> None:
    operator, x, weight, _ = large()
    before = operator.forward(x, weight, None)
    weight *= 2
    assert np.allclose(operator.forward(x, weight, None), 2 * before, rtol=1e-4, atol=1e-4)
