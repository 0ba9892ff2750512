"""Every way through oneDNN against the operator's definition in double precision, on shapes drawn at random."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdebug.ops import threads
from resdebug.ops.base import Operator
from resdebug.ops.batch_normalisation import BatchNorm
from resdebug.ops.convolution import Conv2d
from resdebug.ops.layout import channels_first, channels_last
from resdebug.ops.linear_algebra import Linear
from resdebug.ops.normalisation import LayerNorm
from resdebug.ops.onednn import convolution, matmul, plans
from resdebug.ops.onednn.library import address, library
from resdebug.ops.pooling import MaxPool2d
from resdebug.ops.smooth_activations import Gelu
from resdebug.ops.softmaxes import Softmax
from tests.ops.checking import quiet_forward, quiet_vjp
from tests.ops.draws import Array
from tests.ops.test_convolution_paths import Drawn, compare, convolutions

pytestmark = pytest.mark.skipif(library() is None, reason="oneDNN is not installed: pip install resdebug[fast]")

SINGLE = 4e-6
"""Relative to the largest number."""

SIZE = st.integers(1, 9)
SEED = st.integers(0, 2**32 - 1)


def drawn(seed: int, *shape: int, last: bool = False) -> Array:
    array: Array = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    array = channels_first(np.ascontiguousarray(channels_last(array))) if last else array
    array.flags.writeable = False
    return array


def wide(inputs: Sequence[Array | None]) -> list[Array | None]:
    return [None if a is None else a.astype(np.float64) for a in inputs]


def near(found: Array, expected: Array, size: float = 1, bound: float = SINGLE) -> None:
    """``size`` is that of the terms of a sum, where it is one."""
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max(initial=0) <= bound * max(1, size, np.abs(expected).max(initial=0))


def agree(operator: Operator, ybar: Array, *inputs: Array | None) -> None:
    """The operator in single precision, where the library works, and in double precision, where it does not."""
    y, double = quiet_forward(operator, inputs), wide(inputs)
    near(y, quiet_forward(operator, double))
    for position, x in enumerate(inputs):
        if x is not None:
            expected = quiet_vjp(operator, position, ybar.astype(np.float64), double)
            near(operator.vjp(position, ybar, y, inputs), expected)


def norms_agree(
    operator: Operator, ybar: Array, inputs: list[Array | None], over: tuple[int, ...], back: float = 1e-5
) -> None:
    """A normalisation: what is summed over ``over`` may be far smaller than its terms."""
    y, double = quiet_forward(operator, inputs), wide(inputs)
    near(y, quiet_forward(operator, double))
    near(operator.vjp(0, ybar, y, inputs), quiet_vjp(operator, 0, ybar.astype(np.float64), double), bound=back)
    normal = quiet_forward(operator, [double[0], None, None, *double[3:]])
    for position, products in ((1, ybar * normal), (2, ybar.astype(np.float64))):
        given_ = inputs[position]
        if given_ is not None:
            size = np.abs(products).sum(axis=over).max()
            near(operator.vjp(position, ybar, y, inputs), products.sum(axis=over).reshape(given_.shape), size)


@settings(max_examples=150, deadline=None)
@given(convolutions())
def test_convolution(d: Drawn) -> None:
    x, weight, ybar = (a.astype(np.float32) for a in (d.x, d.weight, d.ybar))
    single = Drawn(x, weight, ybar, d.window, d.groups)
    found = (
        convolution.correlate(x, weight, d.window, d.groups, ybar.shape[2:]),
        convolution.spread(ybar, weight, d.window, d.groups, x.shape),
        convolution.correlate_weight(ybar, x, d.window, d.groups, weight.shape),
    )
    operator = Conv2d(
        stride=list(d.window.stride),
        padding=[n for pair in d.window.padding for n in pair],
        dilation=list(d.window.dilation),
        groups=d.groups,
    )
    inputs = [x.astype(np.float64), weight.astype(np.float64), None]
    y = quiet_forward(operator, inputs)
    expected = y, *(quiet_vjp(operator, k, ybar.astype(np.float64), inputs) for k in range(2))
    # Where the library has no way it says so; what it gives is right.
    compare(single, *(e.astype(np.float32) if f is None else f for f, e in zip(found, expected, strict=True)))


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_convolutions_of_networks_go_through_the_library(batch: int) -> None:
    x, weight = drawn(1, batch, 16, 32, 32, last=True), drawn(2, 16, 16, 3, 3)
    ybar = drawn(3, batch, 16, 32, 32, last=True)
    window = Conv2d(padding=1).window(weight.shape)
    single = Drawn(x, weight, ybar, window, 1)
    compare(
        single,
        convolution.correlate(x, weight, window, 1, (32, 32)),
        convolution.spread(ybar, weight, window, 1, x.shape),
        convolution.correlate_weight(ybar, x, window, 1, weight.shape),
    )


@settings(max_examples=60, deadline=None)
@given(SEED, st.integers(1, 3), st.integers(1, 40), st.integers(8, 60), st.integers(1, 60), st.booleans())
def test_batch_norm(seed: int, batch: int, channels: int, height: int, width: int, affine: bool) -> None:
    x = drawn(seed, batch, channels, height, width, last=seed % 2 == 0)
    vectors = [drawn(seed + k, channels) if affine else None for k in (1, 2)]
    inputs = [x, *vectors, None, None]
    norms_agree(BatchNorm(training=True), drawn(seed + 3, *x.shape), inputs, (0, 2, 3))


@pytest.mark.parametrize("shape", [(1, 16, 64, 64), (2, 3, 70, 70), (1, 5, 128, 128), (4, 8, 96, 96)])
def test_batch_norm_far_from_zero_over_many_places_loses_no_digits(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, ybar = ((rng.random(shape) + 1).astype(np.float32) for _ in range(2))
    scale = np.ones(shape[1], np.float32)
    # Mean and adjoint are five times what is left once their means are taken off.
    norms_agree(BatchNorm(training=True), ybar, [x, scale, scale, None, None], (0, 2, 3), back=1.5e-5)


@settings(max_examples=80, deadline=None)
@given(SEED, st.integers(1, 3), SIZE, st.integers(3, 12), st.integers(3, 12), st.integers(1, 3), st.integers(1, 3))
def test_maxima_and_the_first_of_equal_ones(
    seed: int, batch: int, channels: int, height: int, width: int, size: int, step: int
) -> None:
    x = np.random.default_rng(seed).integers(-2, 3, (batch, channels, height, width)).astype(np.float32)
    operator = MaxPool2d(kernel_size=size, stride=step, padding=size // 2)
    y = quiet_forward(operator, [x])
    agree(operator, drawn(seed, *y.shape), x)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_maxima_of_what_is_not_finite(bad: float) -> None:
    x = drawn(0, 2, 16, 9, 9).copy()
    x[0, 3, :4, :4] = x[1, 2, 8, 8] = bad
    operator = MaxPool2d(kernel_size=3, stride=2, padding=1)
    single, double = quiet_forward(operator, [x]), quiet_forward(operator, [x.astype(np.float64)])
    assert np.array_equal(single, double, equal_nan=True)
    ybar = drawn(1, *single.shape)
    found = quiet_vjp(operator, 0, ybar, [x])
    expected = quiet_vjp(operator, 0, ybar.astype(np.float64), [x.astype(np.float64)])
    assert np.abs(found - expected).max() < 1e-6


@settings(max_examples=60, deadline=None)
@given(SEED, st.integers(1, 5), st.integers(1, 40), st.integers(1, 90))
def test_softmax(seed: int, batch: int, rows: int, length: int) -> None:
    agree(Softmax(), drawn(seed + 1, batch, rows, length), 20 * drawn(seed, batch, rows, length))


def test_softmax_of_what_is_not_finite() -> None:
    x = drawn(0, 64, 64).copy()
    x[1, 3], x[2, 4], x[3, 5], x[4] = np.nan, -np.inf, np.inf, -np.inf
    y = quiet_forward(Softmax(), [x])
    assert [int(np.isnan(row).sum()) for row in y[:5]] == [0, 64, 0, 64, 64]
    assert y[2, 4] == 0


@settings(max_examples=60, deadline=None)
@given(SEED, st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 2), st.booleans())
def test_layer_norm(seed: int, batch: int, rows: int, length: int, axes: int, affine: bool) -> None:
    x, tail = drawn(seed, batch, rows, length), [rows, length][-axes:]
    # A row of one number is a division of 0 by √ε, whatever it is: rounding is all there would be to compare.
    x = x if np.prod(tail) > 8 else drawn(seed, batch, rows, 9)
    tail = list(x.shape[-axes:])
    vectors = [drawn(seed + k, *tail) if affine else None for k in (1, 2)]
    over = tuple(range(3 - axes))
    norms_agree(LayerNorm(normalized_shape=tail), drawn(seed + 3, *x.shape), [x, *vectors], over)


@settings(max_examples=60, deadline=None)
@given(SEED, st.integers(1, 3), st.integers(1, 90), st.integers(1, 90), st.integers(1, 90), st.booleans())
def test_linear(seed: int, batch: int, rows: int, ins: int, outs: int, biased: bool) -> None:
    x, weight = drawn(seed, batch, rows, ins), drawn(seed + 1, outs, ins)
    ybar, inputs = drawn(seed + 2, batch, rows, outs), [x, weight, drawn(seed + 3, outs) if biased else None]
    sizes = [None if a is None else np.abs(a).astype(np.float64) for a in inputs]
    y = quiet_forward(Linear(), inputs)
    near(y, quiet_forward(Linear(), wide(inputs)), quiet_forward(Linear(), sizes).max())
    for position in range(2 + biased):
        expected = quiet_vjp(Linear(), position, ybar.astype(np.float64), wide(inputs))
        size = quiet_vjp(Linear(), position, np.abs(ybar).astype(np.float64), sizes).max()
        near(quiet_vjp(Linear(), position, ybar, inputs), expected, size)


@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
def test_products_of_matrices_that_lie_turned(turned: tuple[bool, bool]) -> None:
    a, b = drawn(0, 70, 80), drawn(1, 80, 90)
    a, b = (m.copy(order="F") if t else m for m, t in zip((a, b), turned, strict=True))
    found = matmul.product(a, b)
    assert found is not None
    assert np.abs(found - a.astype(np.float64) @ b.astype(np.float64)).max() < 1e-4


def test_gelu_is_exact_where_it_is_small_too() -> None:
    # x Φ(x) is −4.98e-15 at −8: what is relative to 1 would be nothing.
    x = np.concatenate([np.linspace(-9, 9, 8190), [np.inf, -3e38]]).astype(np.float32)
    ybar = np.ones_like(x)
    y, expected = quiet_forward(Gelu(), [x]), quiet_forward(Gelu(), [x.astype(np.float64)])
    finite = (np.abs(x) > 1e-3) & (np.abs(x) < 10)
    assert np.abs(y[finite] / expected[finite] - 1).max() < 2e-5
    assert y[-2] == np.inf
    sent = quiet_vjp(Gelu(), 0, ybar, [x])
    slope = quiet_vjp(Gelu(), 0, ybar.astype(np.float64), [x.astype(np.float64)])
    assert np.abs(sent - slope)[:-2].max() < 2e-6
    tail = (x < -1.5) & (x > -10)
    assert np.abs(sent[tail] / slope[tail] - 1).max() < 2e-5


@pytest.mark.parametrize(
    ("operator", "shapes"),
    [
        (BatchNorm(training=True), [(2, 16, 40, 40), (16,), (16,)]),
        (BatchNorm(training=True), [(2, 4, 100, 100), (4,), (4,)]),
        (LayerNorm(normalized_shape=64), [(40, 64), (64,), (64,)]),
        (Conv2d(padding=1), [(2, 16, 12, 12), (16, 16, 3, 3), (16,)]),
        (Linear(), [(64, 80), (70, 80), (70,)]),
        (Gelu(), [(64, 80)]),
    ],
    ids=["batch_norm", "batch_norm_long", "layer_norm", "conv2d", "linear", "gelu"],
)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_spreads_as_mathematics_has_it(
    operator: Operator, shapes: list[tuple[int, ...]], bad: float
) -> None:
    inputs: list[Array | None] = [drawn(k, *shape).copy() for k, shape in enumerate(shapes)]
    inputs[0].flat[7] = bad  # type: ignore[union-attr]
    inputs += [None] * (5 - len(inputs)) if isinstance(operator, BatchNorm) else []
    single, double = quiet_forward(operator, inputs), quiet_forward(operator, wide(inputs))
    assert np.array_equal(np.isfinite(single), np.isfinite(double))
    ybar = drawn(9, *single.shape)
    for position in range(len(shapes)):
        found = quiet_vjp(operator, position, ybar, inputs)
        expected = quiet_vjp(operator, position, ybar.astype(np.float64), wide(inputs))
        assert np.array_equal(np.isfinite(found), np.isfinite(expected)), position


@pytest.mark.parametrize("size", [50, 90, 91], ids=["short", "nearly long", "long"])
def test_contributions_asked_for_alone_are_those_of_a_pass(size: int) -> None:
    x, ybar = (drawn(k, 2, 16, size, size, last=True) for k in range(2))
    scale, shift = drawn(2, 16), drawn(3, 16)
    operator: Operator = BatchNorm(training=True)
    inputs: list[Array | None] = [x, scale, shift, None, None]
    y = operator.forward(*inputs)
    together = [operator.vjp(k, ybar, y, inputs) for k in range(3)]
    for k, expected in enumerate(together):
        fresh: list[Array | None] = [x.copy(order="K"), scale, shift, None, None]
        assert np.array_equal(operator.vjp(k, ybar.copy(order="K"), y, fresh), expected), k


@pytest.mark.parametrize(
    ("operator", "shapes", "ways"),
    [
        (BatchNorm(training=True), [(2, 16, 40, 40)], {"_Training", "_Given", "_Backward"}),
        (LayerNorm(normalized_shape=64), [(40, 64)], {"_LayerNorm"}),
        (Conv2d(padding=1), [(2, 16, 12, 12), (16, 16, 3, 3)], {"_Forward", "_ToX", "_ToWeight"}),
        (Linear(), [(64, 80), (70, 80)], {"_Product"}),
        (Gelu(), [(64, 80)], {"_Gelu"}),
        (Softmax(), [(64, 80)], {"_Softmax"}),
        (MaxPool2d(kernel_size=2), [(2, 16, 12, 12)], {"_Largest"}),
    ],
    ids=["batch_norm", "layer_norm", "conv2d", "linear", "gelu", "softmax", "max_pool2d"],
)
def test_operators_go_through_the_library(operator: Operator, shapes: list[tuple[int, ...]], ways: set[str]) -> None:
    plans._own.plans.clear()
    inputs: list[Array | None] = [drawn(k, *shape) for k, shape in enumerate(shapes)]
    inputs += [None] * (len(operator.slots) - len(inputs))
    ybar = drawn(9, *quiet_forward(operator, inputs).shape)
    for position in range(len(shapes)):
        quiet_vjp(operator, position, ybar, inputs)
    assert {kind.__name__ for (kind, *_), plan in plans._own.plans.items() if plan is not None} >= ways


def test_where_arrays_begin() -> None:
    whole = np.zeros((6, 7), np.float32)
    frozen = whole.T.view()
    frozen.flags.writeable = False
    for array in (whole, whole[2:, 3:], whole[::-1], frozen, np.zeros(0), np.zeros(())):
        assert address(array) == array.ctypes.data


def test_the_library_gets_its_threads_back() -> None:
    of = library()
    assert of is not None
    with threads.ours():
        pass  # what was used outside is given back here
    before = of.limited(2)
    try:
        with threads.ours():
            Softmax().forward(drawn(0, 64, 64))
        assert of.limited(2) == 2
    finally:
        of.limited(before)


WITHOUT = """
import numpy as np, resdebug
from resdebug.ops.onednn.library import address, library
net = resdebug.generate("resnet20", seed=1)
p = resdebug.differentiate(net)
print(library() is not None, *(float(np.abs(p.adjoint(n.name)).sum()) for n in net.nodes if n.op == "parameter"))
"""


def test_a_pass_without_it_gives_the_same() -> None:
    def run(**more: str) -> list[str]:
        environment = {**os.environ, **more}
        command = [sys.executable, "-c", WITHOUT]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()

    (there, *found), (missing, *expected) = run(), run(RESDEBUG_ONEDNN="off")
    assert (there, missing) == ("True", "False")
    assert np.allclose(np.array(found, float), np.array(expected, float), rtol=1e-4)
