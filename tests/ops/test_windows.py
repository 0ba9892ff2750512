"""Convolution, pooling and resampling against loops over their definitions, and against numbers worked by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from resdebug.network.types import TensorType
from resdebug.ops.base import Operator
from resdebug.ops.convolution import Conv, Conv2d
from resdebug.ops.global_pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, GlobalMaxPool
from resdebug.ops.pooling import AvgPool, AvgPool2d, LpPool2d, MaxPool, MaxPool2d, Pool
from resdebug.ops.resampling import PixelShuffle, PixelUnshuffle, Upsample
from resdebug.ops.transposed_convolution import ConvTranspose2d
from tests.ops.cases import convolution, pooling, transposed_convolution
from tests.ops.cases.table import INF, NAN, Case
from tests.ops.checking import quiet_forward, quiet_vjp
from tests.ops.draws import Array


def per_axis(setting: int | list[int], axes: int) -> list[int]:
    return [setting] * axes if isinstance(setting, int) else setting


def element(x: Array, n: int, c: int, place: Sequence[int]) -> float:
    """Return an element, 0 in the padding around them."""
    inside = all(0 <= at < size for at, size in zip(place, x.shape[2:], strict=True))
    return float(x[(n, c, *place)]) if inside else 0.0


def zeros_around(op: Conv, kernel: Sequence[int]) -> list[tuple[int, int]]:
    """Return how many zeros are added before and after, per axis."""
    axes = len(kernel)
    if op.padding == "same":
        both = [d * (k - 1) for k, d in zip(kernel, per_axis(op.dilation, axes), strict=True)]
        return [(math.floor(n / 2), math.ceil(n / 2)) for n in both]
    if isinstance(op.padding, list) and len(op.padding) > axes:
        return [(op.padding[2 * i], op.padding[2 * i + 1]) for i in range(axes)]
    return [(p, p) for p in per_axis(0 if op.padding == "valid" else op.padding, axes)]


def convolved(x: Array, weight: Array, bias: Array | None, op: Conv) -> Array:
    """Loop over outputs and kernel: the definition, as PyTorch's documentation has it."""
    out, per_group, *kernel = weight.shape
    axes = len(kernel)
    stride, dilation, around = per_axis(op.stride, axes), per_axis(op.dilation, axes), zeros_around(op, kernel)
    sizes = [
        (n + before + after - d * (k - 1) - 1) // s + 1
        for n, k, s, d, (before, after) in zip(x.shape[2:], kernel, stride, dilation, around, strict=True)
    ]
    y = np.zeros((x.shape[0], out, *sizes))
    for n, o, *window in np.ndindex(*y.shape):
        first = (o // (out // op.groups)) * per_group
        total = 0.0 if bias is None else float(bias[o])
        for c, *offset in np.ndindex(per_group, *kernel):
            place = [
                i * s - before + u * d
                for i, s, (before, _), u, d in zip(window, stride, around, offset, dilation, strict=True)
            ]
            total += float(weight[(o, c, *offset)]) * element(x, n, first + c, place)
        y[(n, o, *window)] = total
    return y


def close(found: Array, expected: Array) -> bool:
    return found.shape == expected.shape and np.allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("c", convolution.CASES, ids=lambda c: c.id)
def test_convolution_by_loops(c: Case) -> None:
    x, weight, bias = c.arrays()
    assert x is not None
    assert weight is not None
    assert isinstance(c.operator, Conv)
    assert close(c.operator.forward(x, weight, bias), convolved(x, weight, bias, c.operator))


def test_a_convolution_does_not_flip_its_kernel() -> None:
    # 0·1 + 1·2 + 3·3 + 4·4 = 27; one step to the right 37; one down 57; both 67.
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    weight = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert np.array_equal(Conv2d().forward(x, weight, None), [[[[27, 37], [57, 67]]]])


def test_padding_same_puts_the_odd_zero_at_the_end() -> None:
    # A kernel of two ones adds each element to the next one, and the last to a zero.
    x = np.array([1.0, 2.0, 4.0]).reshape(1, 1, 1, 3)
    assert np.array_equal(Conv2d(padding="same").forward(x, np.ones((1, 1, 1, 2)), None), [[[[3, 6, 4]]]])


def laid_down(x: Array, weight: Array, bias: Array | None, op: ConvTranspose2d, sizes: tuple[int, ...]) -> Array:
    """Let every element add its scaled kernel to the places that it covers."""
    (sh, sw), (ph, pw), (dh, dw) = (per_axis(setting, 2) for setting in (op.stride, op.padding, op.dilation))
    per_group = weight.shape[1]
    y = np.zeros((x.shape[0], per_group * op.groups, *sizes))
    for n, c, i, j in np.ndindex(*x.shape):
        first = (c // (x.shape[1] // op.groups)) * per_group
        for o, u, v in np.ndindex(*weight.shape[1:]):
            row, column = i * sh - ph + u * dh, j * sw - pw + v * dw
            if 0 <= row < sizes[0] and 0 <= column < sizes[1]:
                y[n, first + o, row, column] += x[n, c, i, j] * weight[c, o, u, v]
    return y if bias is None else y + bias[:, None, None]


@pytest.mark.parametrize("c", transposed_convolution.CASES, ids=lambda c: c.id)
def test_transposed_convolution_by_loops(c: Case) -> None:
    x, weight, bias = c.arrays()
    assert x is not None
    assert weight is not None
    assert isinstance(c.operator, ConvTranspose2d)
    expected = laid_down(x, weight, bias, c.operator, c.inferred().shape[2:])
    assert close(c.operator.forward(x, weight, bias), expected)


def test_a_transposed_convolution_lays_kernels_down() -> None:
    # Kernels (1, 2, 3) scaled by 1 and 10, two places apart: they meet at 3 + 10.
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    weight = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    assert np.array_equal(ConvTranspose2d(stride=[1, 2]).forward(x, weight, None), [[[[1, 2, 13, 20, 30]]]])


def windows_along(n: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> list[list[int]]:
    """Return the places that each window sees, in the padding too."""
    reach = d * (k - 1) + 1
    starts = []
    at = -p
    while at + reach <= n + p:
        starts.append(at)
        at += s
    if ceil_mode and at < n and (not starts or starts[-1] + reach < n + p):
        starts.append(at)
    return [[start + d * i for i in range(k)] for start in starts]


def pooled(x: Array, op: Pool | LpPool2d, choose: Callable[[list[float], int], float]) -> Array:
    """Loop over windows; ``choose`` gets the elements inside, and how many there are with those of the padding."""
    axes = x.ndim - 2
    kernel = per_axis(op.kernel_size, axes)
    stride = kernel if op.stride is None else per_axis(op.stride, axes)
    padding = per_axis(op.padding, axes) if isinstance(op, Pool) else [0] * axes
    dilation = per_axis(op.dilation, axes) if isinstance(op, MaxPool) else [1] * axes
    along = [
        windows_along(*each, op.ceil_mode) for each in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
    ]
    y = np.zeros((*x.shape[:2], *map(len, along)))
    for n, c, *window in np.ndindex(*y.shape):
        seen = list(itertools.product(*(places[i] for places, i in zip(along, window, strict=True))))
        inside = [place for place in seen if all(0 <= at < m for at, m in zip(place, x.shape[2:], strict=True))]
        counted = [
            place
            for place in seen
            if all(-p <= at < m + p for at, m, p in zip(place, x.shape[2:], padding, strict=True))
        ]
        y[(n, c, *window)] = choose([float(x[(n, c, *place)]) for place in inside], len(counted))
    return y


@pytest.mark.parametrize("c", pooling.CASES, ids=lambda c: c.id)
def test_pooling_by_loops(c: Case) -> None:
    (x,) = c.arrays()
    assert x is not None
    op = c.operator
    if isinstance(op, MaxPool):
        expected = pooled(x, op, lambda inside, _: max(inside))
    elif isinstance(op, AvgPool):
        counts = op.count_include_pad
        expected = pooled(x, op, lambda inside, counted: sum(inside) / (counted if counts else len(inside)))
    else:
        assert isinstance(op, LpPool2d)
        p = op.norm_type
        expected = pooled(x, op, lambda inside, _: math.pow(sum(math.pow(abs(v), p) for v in inside), 1 / p))
    assert close(op.forward(x), expected)


@pytest.mark.parametrize(
    ("n", "kernel", "stride", "padding", "rounded_up"),
    [
        # Windows start at 0, 2: the fifth element is left over, and gets a window of its own.
        (5, 2, 2, 0, 3),
        # At −1, 1, 3, which sees all: nothing is left over.
        (5, 3, 2, 1, 3),
        # At 0, 3: the next one would start at 6, outside.
        (6, 2, 3, 0, 2),
        # At −1, 2: the next one would start at 5, in the padding after the end.
        (5, 2, 3, 1, 2),
        # No window fits, and one is enough to see everything.
        (2, 3, 2, 0, 1),
    ],
)
def test_windows_that_reach_over_the_end(n: int, kernel: int, stride: int, padding: int, rounded_up: int) -> None:
    x = np.arange(1.0, n + 1).reshape(1, 1, 1, n)
    operator = AvgPool2d(kernel_size=[1, kernel], stride=[1, stride], padding=[0, padding], ceil_mode=True)
    y = operator.forward(x)
    assert y.shape == operator.infer(TensorType(x.shape)).shape == (1, 1, 1, rounded_up)


def test_an_average_counts_no_place_beyond_the_padding() -> None:
    # Windows (a zero, 0, 1, 2) and (2, 3, a zero, beyond): 3/4, and 2/3 as the last place does not count.
    operator = AvgPool2d(kernel_size=[1, 4], stride=[1, 3], padding=[0, 1], ceil_mode=True)
    assert np.array_equal(operator.forward(np.ones((1, 1, 1, 4))), [[[[0.75, 2 / 3]]]])


def test_max_pooling_with_gaps_sees_every_other_element() -> None:
    # Windows (1, 7), (5, 2), (7, 3).
    x = np.array([1.0, 5.0, 7.0, 2.0, 3.0]).reshape(1, 1, 1, 5)
    operator = MaxPool2d(kernel_size=[1, 2], stride=1, dilation=2)
    assert np.array_equal(operator.forward(x), [[[[7, 5, 7]]]])
    sent = quiet_vjp(operator, 0, np.array([1.0, 10.0, 100.0]).reshape(1, 1, 1, 3), [x])
    assert np.array_equal(sent, [[[[0, 10, 101, 0, 0]]]])


def test_of_several_nan_the_first_takes_the_adjoint() -> None:
    x = np.array([[1.0, NAN], [NAN, INF]]).reshape(1, 1, 2, 2)
    for operator in (MaxPool2d(kernel_size=2), MaxPool2d(kernel_size=3, padding=1), AdaptiveMaxPool2d(output_size=1)):
        assert np.isnan(quiet_forward(operator, [x])).all()
        assert np.array_equal(quiet_vjp(operator, 0, np.full((1, 1, 1, 1), 2.0), [x])[0, 0], [[0, 2], [0, 0]])
    # Where ties share, so do those of which nobody knows which is larger.
    assert np.array_equal(quiet_vjp(GlobalMaxPool(), 0, np.full((1, 1, 1, 1), 2.0), [x])[0, 0], [[0, 1], [1, 0]])


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_a_norm_neither_overflows_nor_vanishes(size: float) -> None:
    # 3, 4 and two zeros: 5; the contributions are 3/5, −4/5 and 0.
    x = size * np.array([[3.0, -4.0], [0.0, 0.0]]).reshape(1, 1, 2, 2)
    operator = LpPool2d(kernel_size=2)
    assert quiet_forward(operator, [x]) == pytest.approx(5 * size, rel=1e-15)
    sent = quiet_vjp(operator, 0, np.ones((1, 1, 1, 1)), [x])
    assert sent[0, 0] == pytest.approx(np.array([[0.6, -0.8], [0, 0]]), rel=1e-15, abs=0)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0])
def test_a_window_of_zeros_has_norm_zero_and_sends_nothing(p: float) -> None:
    x = np.zeros((1, 1, 2, 2))
    operator = LpPool2d(kernel_size=2, norm_type=p)
    assert np.array_equal(quiet_forward(operator, [x]), [[[[0]]]])
    assert np.array_equal(quiet_vjp(operator, 0, np.ones((1, 1, 1, 1)), [x]), x)


def row(*numbers: float) -> Array:
    return np.array(numbers, dtype=float).reshape(1, 1, 1, -1)


@pytest.mark.parametrize(
    ("operator", "x", "expected"),
    [
        # Bins of 5 elements in 3: (0, 1), (1, 2, 3), (3, 4).
        (AdaptiveAvgPool2d(output_size=[1, 3]), row(1, 2, 4, 6, 8), row(1.5, 4, 7)),
        (AdaptiveMaxPool2d(output_size=[1, 3]), row(1, 9, 4, 6, 8), row(9, 9, 8)),
        # More bins than elements: each sees the one or two that it lies on.
        (AdaptiveAvgPool2d(output_size=[1, 3]), row(1, 2), row(1, 1.5, 2)),
        (Upsample(scale_factor=2.0), row(1, 2), np.array([[[[1.0, 1, 2, 2], [1, 1, 2, 2]]]])),
        # ⌊0 · 5/3⌋, ⌊5/3⌋, ⌊10/3⌋.
        (Upsample(size=[1, 3]), row(1, 2, 3, 4, 5), row(1, 2, 4)),
        # Places (i + 1/2)/2 − 1/2 = −1/4, 1/4, 3/4, 5/4, of which the outer ones are the border's.
        (Upsample(size=[1, 4], mode="bilinear"), row(1, 2), row(1, 1.25, 1.75, 2)),
        # Places i · 1/3.
        (Upsample(size=[1, 4], mode="bilinear", align_corners=True), row(0, 3), row(0, 1, 2, 3)),
        # Places 1/2 and 5/2.
        (Upsample(scale_factor=[1.0, 0.5], mode="bilinear"), row(1, 3, 5, 9), row(2, 7)),
        # A single output with aligned corners is the first element, as in PyTorch.
        (Upsample(size=1, mode="bilinear", align_corners=True), row(1, 3, 5), row(1)),
        # Channels 1 to 4 become a block read by rows.
        (PixelShuffle(upscale_factor=2), np.arange(1.0, 5).reshape(1, 4, 1, 1), np.array([[[[1.0, 2], [3, 4]]]])),
        (PixelUnshuffle(downscale_factor=2), np.array([[[[1.0, 2], [3, 4]]]]), np.arange(1.0, 5).reshape(1, 4, 1, 1)),
    ],
    ids=lambda value: repr(value) if isinstance(value, Operator) else "",
)
def test_numbers_worked_by_hand(operator: Operator, x: Array, expected: Array) -> None:
    y = operator.forward(x)
    assert y.shape == expected.shape == operator.infer(TensorType(x.shape)).shape
    assert np.allclose(y, expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize("align_corners", [False, True])
def test_interpolation_to_the_same_size_is_the_identity_also_of_infinity(align_corners: bool) -> None:
    x = np.array([[1.0, INF, 2.0], [NAN, 3.0, -INF]]).reshape(1, 1, 2, 3)
    operator = Upsample(scale_factor=1.0, mode="bilinear", align_corners=align_corners)
    assert np.array_equal(quiet_forward(operator, [x]), x, equal_nan=True)
    assert np.array_equal(quiet_vjp(operator, 0, x, [x]), x, equal_nan=True)


def test_what_adaptive_bins_share_gets_from_both() -> None:
    # Bins (0, 1), (1, 2, 3), (3, 4), with adjoints 2, 3 and 4: halves and thirds.
    sent = quiet_vjp(AdaptiveAvgPool2d(output_size=[1, 3]), 0, row(2, 3, 4), [row(1, 2, 3, 4, 5)])
    assert np.allclose(sent, row(1, 2, 1, 3, 2), rtol=1e-15)
    # The 9 wins two of them.
    sent = quiet_vjp(AdaptiveMaxPool2d(output_size=[1, 3]), 0, row(2, 3, 4), [row(1, 9, 3, 4, 5)])
    assert np.array_equal(sent, row(0, 5, 0, 0, 4))
