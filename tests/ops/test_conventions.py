"""What operators do where mathematics leaves it open: kinks, ties, poles, overflow, NaN and infinity."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from resdebug.ops.activations import Relu
from resdebug.ops.arithmetic import Div, Mul
from resdebug.ops.base import Operator
from resdebug.ops.batch_normalisation import BatchNorm
from resdebug.ops.convolution import Conv2d
from resdebug.ops.losses import CrossEntropy
from resdebug.ops.normalisation import LayerNorm
from resdebug.ops.pooling import AvgPool2d, MaxPool2d
from resdebug.ops.reductions import Mean, Sum
from resdebug.ops.softmaxes import LogSoftmax, Softmax
from tests.ops.cases import FAMILIES, POINTS, SLOT_IDS, SLOTS
from tests.ops.cases.table import INF, NAN, Case
from tests.ops.checking import central_differences, moved, quiet_forward, quiet_vjp
from tests.ops.draws import Array


@pytest.mark.parametrize(("operator", "x", "value", "slope"), POINTS, ids=lambda v: repr(v).lower())
def test_at_special_points(operator: Operator, x: float, value: float, slope: float) -> None:
    given = [np.asarray(x)]
    # The points are exact but for exp(−40), where 1 + exp(−40) rounds to 1.
    assert float(quiet_forward(operator, given)) == pytest.approx(value, rel=1e-15, abs=0, nan_ok=True)
    assert float(quiet_vjp(operator, 0, np.ones(()), given)) == pytest.approx(slope, rel=1e-15, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("a", "value", "to_a", "to_b"), [(1.0, INF, INF, -INF), (-1.0, -INF, INF, INF), (0.0, NAN, INF, NAN)]
)
def test_division_by_zero(a: float, value: float, to_a: float, to_b: float) -> None:
    # a / 0 is ±∞ or NaN; 1 / 0 is ∞; −a / 0² is ∓∞ or NaN.
    given = [np.asarray(a), np.zeros(())]
    found = [quiet_forward(Div(), given), *(quiet_vjp(Div(), i, np.ones(()), given) for i in (0, 1))]
    assert np.array_equal(found, [value, to_a, to_b], equal_nan=True)


def filled(c: Case, position: int, number: float) -> list[Array | None]:
    """Return the inputs of a case with one of them full of ``number``."""
    inputs = c.arrays()
    x = inputs[position]
    assert x is not None
    return moved(inputs, position, np.full(x.shape, number))


def says(c: Case, notes: str) -> bool:
    """Whether a family notes this case, or its operator, as an exception of some kind."""
    return any(key in getattr(family, notes) for family in FAMILIES for key in (c.id, c.operator.op()))


def influences(c: Case, position: int) -> NDArray[np.bool_]:
    """Return which elements of an input change the output, by differences, which know nothing of the VJP."""
    differences = central_differences(c.operator, c.arrays(), position, c.ybar())
    return np.abs(differences) > 1e-6


@pytest.mark.parametrize(("c", "position"), SLOTS, ids=SLOT_IDS)
def test_nan_goes_forward(c: Case, position: int) -> None:
    y = quiet_forward(c.operator, filled(c, position, NAN))
    if says(c, "nan_stops"):
        assert not np.isnan(y).any()
    elif says(c, "nan_touches_some"):
        assert np.isnan(y).any() or not influences(c, position).any()
    else:
        assert np.isnan(y).all()


@pytest.mark.parametrize(("c", "position"), SLOTS, ids=SLOT_IDS)
@pytest.mark.parametrize("number", [NAN, INF])
def test_an_adjoint_that_is_not_finite_reaches_everything_that_had_influence(
    c: Case, position: int, number: float
) -> None:
    sent = quiet_vjp(c.operator, position, np.full(c.inferred().shape, number), c.arrays())
    assert not np.isfinite(sent[influences(c, position)]).any()


def test_what_was_negative_had_no_influence_whatever_the_adjoint() -> None:
    x = np.array([-1.0, 1.0])
    assert np.array_equal(quiet_vjp(Relu(), 0, np.full(2, NAN), [x]), [0, NAN], equal_nan=True)


def test_one_nan_stays_where_it_belongs() -> None:
    x = np.ones((1, 1, 3, 4))
    x[0, 0, 0, 0] = NAN
    # A 2×2 kernel sees the corner in its first window only.
    y = Conv2d().forward(x, np.ones((1, 1, 2, 2)), None)
    assert np.array_equal(np.isnan(y[0, 0]), [[True, False, False], [False, False, False]])
    assert np.array_equal(np.isnan(Relu().forward(x)), np.isnan(x))
    # Where x is NaN nobody knows whether relu was open: the adjoint passes.
    assert np.array_equal(Relu().vjp_x(np.full_like(x, 7.0), x, x), np.full_like(x, 7.0))


def test_max_pooling_gives_to_the_first_of_ties() -> None:
    x = np.array([[1.0, 3.0], [3.0, 3.0]]).reshape(1, 1, 2, 2)
    sent = quiet_vjp(MaxPool2d(kernel_size=2), 0, np.full((1, 1, 1, 1), 5.0), [x])
    assert np.array_equal(sent[0, 0], [[0, 5], [0, 0]])


def test_max_pooling_adds_up_where_windows_overlap() -> None:
    # Windows (1, 9), (9, 2), (2, 4): the 9 wins two of them.
    x = np.array([1.0, 9.0, 2.0, 4.0]).reshape(1, 1, 1, 4)
    operator = MaxPool2d(kernel_size=[1, 2], stride=1)
    sent = quiet_vjp(operator, 0, np.array([10.0, 20.0, 30.0]).reshape(1, 1, 1, 3), [x])
    assert np.array_equal(sent[0, 0], [[0, 30, 0, 30]])


def test_in_max_pooling_nan_wins() -> None:
    x = np.array([1.0, NAN, 9.0, 4.0]).reshape(1, 1, 2, 2)
    operator = MaxPool2d(kernel_size=2)
    assert np.isnan(quiet_forward(operator, [x])).all()
    assert np.array_equal(quiet_vjp(operator, 0, np.ones((1, 1, 1, 1)), [x])[0, 0], [[0, 1], [0, 0]])


def test_max_pooling_never_chooses_the_padding() -> None:
    # All elements are below zero, so a padding of zeros would win every window at the border.
    x = np.array([[-1.0, -2.0], [-3.0, -4.0]]).reshape(1, 1, 2, 2)
    operator = MaxPool2d(kernel_size=3, stride=2, padding=1)
    assert np.array_equal(quiet_forward(operator, [x]), [[[[-1]]]])


def test_in_max_pooling_no_adjoint_is_lost_in_the_padding() -> None:
    # Padding is no element of the window, so the first of ties is the first element of the image also where all are −∞.
    operator = MaxPool2d(kernel_size=3, stride=2, padding=1)
    lowest = np.full((1, 1, 2, 2), -INF)
    assert np.array_equal(quiet_forward(operator, [lowest]), [[[[-INF]]]])
    assert np.array_equal(quiet_vjp(operator, 0, np.ones((1, 1, 1, 1)), [lowest])[0, 0], [[1, 0], [0, 0]])


def test_average_pooling_counts_padding_unless_told_not_to() -> None:
    x = np.ones((1, 1, 2, 2))
    counted = AvgPool2d(kernel_size=3, stride=2, padding=1)
    uncounted = AvgPool2d(kernel_size=3, stride=2, padding=1, count_include_pad=False)
    # One window of nine, four of them inside.
    assert quiet_forward(counted, [x]) == pytest.approx(4 / 9, rel=1e-15)
    assert quiet_forward(uncounted, [x]) == pytest.approx(1, rel=1e-15)
    assert quiet_vjp(counted, 0, np.ones((1, 1, 1, 1)), [x]) == pytest.approx(np.full((1, 1, 2, 2), 1 / 9), rel=1e-15)
    assert quiet_vjp(uncounted, 0, np.ones((1, 1, 1, 1)), [x]) == pytest.approx(np.full((1, 1, 2, 2), 0.25), rel=1e-15)


def test_softmax_does_not_overflow() -> None:
    x = np.array([1000.0, 1000.0, -1000.0])
    assert np.array_equal(Softmax().forward(x), [0.5, 0.5, 0])
    assert np.allclose(LogSoftmax().forward(x), [-math.log(2), -math.log(2), -2000 - math.log(2)], rtol=1e-15)
    # −log of a probability that underflows is still its logit: 1000 + log 2 − (−1000).
    assert CrossEntropy().forward(x, np.array(2)) == pytest.approx(2000 + math.log(2), rel=1e-15)
    assert np.array_equal(CrossEntropy().vjp_x(np.ones(()), x, x, np.array(2)), [0.5, 0.5, -1])


def test_a_masked_logit_gets_no_probability_and_no_adjoint() -> None:
    x = np.array([0.0, 0.0, -INF])
    ybar = np.array([1.0, 0.0, 3.0])
    assert np.array_equal(quiet_forward(Softmax(), [x]), [0.5, 0.5, 0])
    # y ⊙ (ȳ − Σ ȳ y): Σ is 1/2, so 1/2 · 1/2 and 1/2 · (−1/2).
    assert np.array_equal(quiet_vjp(Softmax(), 0, ybar, [x]), [0.25, -0.25, 0])
    # ȳ − exp(y) Σ ȳ: Σ is 4, so 1 − 2, 0 − 2 and 3 − 0.
    assert np.array_equal(quiet_vjp(LogSoftmax(), 0, ybar, [x]), [-1, -2, 3])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([0, 3], r"target\[1\] is 3, and there are 3 classes"),
        ([-1, 0], r"target\[0\] is -1, and there are 3 classes"),
        ([-100, 0], r"target\[0\] is -100"),
    ],
)
def test_a_class_that_does_not_exist_is_an_error(target: list[int], message: str) -> None:
    with pytest.raises(IndexError, match=message):
        CrossEntropy().forward(np.zeros((2, 3)), np.array(target))


def test_a_channel_without_spread_is_saved_by_eps_alone() -> None:
    x = np.full((4, 1), 3.0)
    ybar = np.array([[1.0], [2.0], [3.0], [6.0]])
    for operator in (BatchNorm(training=True, eps=0.25), BatchNorm(training=True, eps=0)):
        inputs: list[Array | None] = [x, None, None, None, None]
        y, sent = quiet_forward(operator, inputs), quiet_vjp(operator, 0, ybar, inputs)
        if operator.eps:
            # x̂ = 0, σ = 1/2, and the mean of the adjoint is 3: (ȳ − 3) · 2.
            assert np.array_equal(y, np.zeros((4, 1)))
            assert np.array_equal(sent, [[-4], [-2], [0], [6]])
        else:
            assert np.isnan(y).all()
            assert np.isnan(sent).all()


def test_normalisation_of_a_single_element_is_zero() -> None:
    operator = LayerNorm(normalized_shape=1)
    inputs: list[Array | None] = [np.array([[5.0], [7.0]]), None, None]
    assert np.array_equal(quiet_forward(operator, inputs), np.zeros((2, 1)))
    assert np.array_equal(quiet_vjp(operator, 0, np.ones((2, 1)), inputs), np.zeros((2, 1)))


def test_infinity_times_zero_is_nan_as_ieee_754_has_it() -> None:
    assert np.isnan(quiet_forward(Mul(), [np.array(INF), np.array(0.0)])).all()


def test_many_rows_in_single_precision_lose_no_digits() -> None:
    x = np.random.default_rng(0).random((200_000, 2)).astype("float32")
    expected = x.astype("float64").sum(axis=0)
    for found in (Sum(dim=0).forward(x), 200_000 * Mean(dim=0).forward(x)):
        assert found.dtype == "float32"
        assert np.abs(found / expected - 1).max() < 2e-7
