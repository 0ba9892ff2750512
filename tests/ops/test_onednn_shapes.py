"""Convolutions and products whose shapes take a way of their own through oneDNN."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdebug.ops import lowering, threads
from resdebug.ops.convolution import Conv2d
from resdebug.ops.onednn import convolution, matmul, plans
from resdebug.ops.onednn.library import library
from tests.ops.checking import quiet_forward, quiet_vjp
from tests.ops.test_onednn import SEED, agree, drawn, near, wide

pytestmark = pytest.mark.skipif(library() is None, reason="oneDNN is not installed: pip install resdebug[fast]")

LARGE = [
    (Conv2d(padding=1), (1, 512, 7, 7), (256, 512, 3, 3)),
    (Conv2d(padding=1), (2, 512, 5, 5), (256, 512, 3, 3)),
    (Conv2d(padding=1, stride=2), (1, 256, 13, 14), (512, 256, 3, 3)),
    (Conv2d(padding=[2, 1], stride=[1, 2], dilation=[2, 1]), (1, 256, 7, 9), (512, 256, 3, 3)),
    (Conv2d(stride=2), (1, 1024, 14, 14), (1030, 1024, 1, 1)),
    (Conv2d(), (1, 2048, 7, 7), (520, 2048, 1, 1)),
    (Conv2d(), (1, 520, 7, 7), (2048, 520, 1, 1)),
    (Conv2d(groups=2, padding=1), (1, 512, 5, 5), (512, 256, 3, 3)),
]
"""Weights of a million numbers over few places."""


@pytest.mark.parametrize(("operator", "shape", "weight"), LARGE)
def test_large_weights_over_few_places(operator: Conv2d, shape: tuple[int, ...], weight: tuple[int, ...]) -> None:
    plans._own.plans.clear()
    x, kernel = drawn(0, *shape, last=True), drawn(1, *weight)
    inputs = [x, kernel, drawn(2, weight[0])]
    y, double = quiet_forward(operator, inputs), wide(inputs)
    near(y, quiet_forward(operator, double))
    ybar = drawn(3, *y.shape, last=True)
    for position in range(3):
        found = quiet_vjp(operator, position, ybar, inputs)
        near(found, quiet_vjp(operator, position, ybar.astype(np.float64), double))
    # None of them is laid out anew.
    assert not {kind.__name__ for kind, *_ in plans._own.plans} & {"_Forward", "_ToX", "_ToWeight"}


def test_a_weight_s_contribution_from_two_halves_of_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    shape, weight = (3, 64, 40, 48), (64, 64, 3, 3)
    assert np.prod(shape) * np.prod(weight[1:]) >= convolution.SHARED
    x, kernel, ybar = drawn(0, *shape, last=True), drawn(1, *weight), drawn(2, *shape, last=True)
    found = []
    for count in ("1", "2"):
        monkeypatch.setenv(threads.VARIABLE, count)
        threads.count.cache_clear()
        found.append(quiet_vjp(Conv2d(padding=1), 1, ybar, [x, kernel, None]))
    threads.count.cache_clear()
    assert np.array_equal(found[0], found[1])
    expected = lowering.correlate_weight(
        ybar.astype(np.float64), x.astype(np.float64), Conv2d(padding=1).window(weight), 1, weight
    )
    near(found[0], expected)


@settings(max_examples=80, deadline=None)
@given(
    SEED,
    st.integers(1, 3),
    st.tuples(st.integers(4, 8), st.integers(3, 8)),
    st.tuples(st.integers(1, 4), st.integers(2, 4)),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.integers(8, 24), st.integers(8, 24)),
)
def test_images_of_a_few_colours(
    seed: int,
    colours: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    size: tuple[int, int],
) -> None:
    operator = Conv2d(stride=list(stride), padding=list(padding))
    x, weight = drawn(seed, 2, colours, *size), drawn(seed + 1, 5, colours, *kernel)
    y = quiet_forward(operator, [x, weight, None])
    agree(operator, drawn(seed + 2, *y.shape, last=seed % 2 == 0), x, weight, None)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_phases_of_a_kernel_do_not_spread_what_is_not_finite(bad: float) -> None:
    operator, window = Conv2d(stride=2, padding=3), Conv2d(stride=2, padding=3).window((16, 3, 7, 7))
    x, weight, ybar = drawn(0, 1, 3, 40, 40), drawn(1, 16, 3, 7, 7), drawn(2, 1, 16, 20, 20, last=True)
    there = convolution.spread(ybar, weight, window, 1, x.shape)
    assert there is not None
    near(there, lowering.spread(ybar.astype(np.float64), weight.astype(np.float64), window, 1, x.shape))
    ybar = ybar.copy(order="K")
    ybar[0, 3, 4, 5] = bad
    found = quiet_vjp(operator, 0, ybar, [x, weight, None])
    expected = quiet_vjp(operator, 0, ybar.astype(np.float64), wide([x, weight, None]))
    assert np.array_equal(np.isfinite(found), np.isfinite(expected))
    assert np.isfinite(found).sum() == 3 * (40 * 40 - 7 * 7)


def test_a_network_s_stem_goes_by_phases() -> None:
    plans._own.plans.clear()
    x, weight, ybar = drawn(0, 1, 3, 64, 64), drawn(1, 64, 3, 7, 7), drawn(2, 1, 64, 32, 32, last=True)
    quiet_vjp(Conv2d(stride=2, padding=3), 0, ybar, [x, weight, None])
    # Forward, and by four phases of three colours.
    assert [(kind.__name__, shapes.weight) for kind, _, (shapes, *_) in plans._own.plans] == [
        ("_Forward", weight.shape),
        ("_Forward", (12, 64, 4, 4)),
    ]


@pytest.mark.parametrize(
    ("rows", "middle", "columns"), [(49, 300, 4608), (4608, 49, 300), (2048, 60, 600), (70, 80, 90), (600, 64, 2048)]
)
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
def test_products_of_any_shape_and_layout(rows: int, middle: int, columns: int, turned: tuple[bool, bool]) -> None:
    a, b = drawn(0, rows, middle), drawn(1, middle, columns)
    a, b = (m.copy(order="F") if t else m for m, t in zip((a, b), turned, strict=True))
    expected = a.astype(np.float64) @ b.astype(np.float64)
    found = matmul.product(a, b)
    assert found is not None
    near(found, expected)
    # Every other column lies in no order that the library takes.
    near(np.asarray(matmul.product(a, b.repeat(2, axis=1)[:, ::2])), expected)


@pytest.mark.parametrize(
    ("rows", "middle", "columns"),
    [(49, 512, 4608), (4608, 49, 512), (49, 4608, 512), (512, 49, 2048), (128, 256, 1024)],
)
def test_products_have_the_same_bits_whoever_does_which_part(
    rows: int, middle: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = drawn(0, rows, middle), drawn(1, middle, columns)
    found = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "free", lambda count=count: count)
        with threads.ours():
            found.append(np.asarray(matmul.product(a, b)))
    assert all(np.array_equal(found[0], other) for other in found[1:])
