"""Comparisons, the choice and the causal mask on numbers that the table of cases keeps away from."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.ops.comparisons import CausalMask, Comparison, Eq, Ge, Gt, Le, Lt, Ne, Where
from resdebug.ops.softmaxes import Softmax
from tests.ops.cases.table import INF, NAN

A = np.array([1.0, 2.0, 2.0, 0.0, INF, -INF, NAN, 1.0, NAN])
B = np.array([2.0, 1.0, 2.0, -0.0, INF, INF, 1.0, NAN, NAN])


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        # 0 and −0 are equal, as are equal infinities; with NaN nothing holds but that they differ.
        (Gt(), [0, 1, 0, 0, 0, 0, 0, 0, 0]),
        (Ge(), [0, 1, 1, 1, 1, 0, 0, 0, 0]),
        (Lt(), [1, 0, 0, 0, 0, 1, 0, 0, 0]),
        (Le(), [1, 0, 1, 1, 1, 1, 0, 0, 0]),
        (Eq(), [0, 0, 1, 1, 1, 0, 0, 0, 0]),
        (Ne(), [1, 1, 0, 0, 0, 1, 1, 1, 1]),
    ],
    ids=lambda v: v.op() if isinstance(v, Comparison) else "",
)
def test_ties_infinities_and_nan(operator: Comparison, expected: list[int]) -> None:
    y = operator.forward(A, B)
    assert y.dtype == bool
    assert y.tolist() == [bool(e) for e in expected]


def test_a_condition_of_whole_numbers_holds_where_it_is_not_zero() -> None:
    condition = np.array([0, 1, -1, 7])
    a, b = np.arange(1.0, 5.0), np.full(4, -1.0)
    assert np.array_equal(Where().forward(condition, a, b), [-1, 2, 3, 4])
    assert np.array_equal(Where().vjp_a(a, a, condition, a, b), [0, 2, 3, 4])
    assert np.array_equal(Where().vjp_b(a, a, condition, a, b), [1, 0, 0, 0])


def test_one_number_chosen_many_times_gets_the_sum() -> None:
    condition = np.array([[True, False, True], [True, False, False]])
    ybar = np.arange(1.0, 7.0).reshape(2, 3)
    one, other = np.array(5.0), np.zeros(3)
    # 1 + 3 + 4 go to a; of b each column gets what a did not: nothing, 2 + 5, 6.
    assert Where().vjp_a(ybar, ybar, condition, one, other) == 8
    assert np.array_equal(Where().vjp_b(ybar, ybar, condition, one, other), [0, 7, 6])


@pytest.mark.parametrize(
    ("diagonal", "seen"),
    [
        (0, [[1, 0, 0], [1, 1, 0]]),
        (1, [[1, 1, 0], [1, 1, 1]]),
        (-1, [[0, 0, 0], [1, 0, 0]]),
        ((1 << 63) - 1, [[1, 1, 1], [1, 1, 1]]),
        (10**30, [[1, 1, 1], [1, 1, 1]]),
        (-(1 << 63), [[0, 0, 0], [0, 0, 0]]),
        (-(10**30), [[0, 0, 0], [0, 0, 0]]),
    ],
)
def test_a_row_sees_up_to_its_own_column_and_the_diagonal(diagonal: int, seen: list[list[int]]) -> None:
    operator, x = CausalMask(diagonal=diagonal), np.arange(1.0, 7.0).reshape(2, 3)
    y = operator.forward(x)
    assert np.array_equal(y, np.where(np.array(seen) == 1, x, -INF))
    assert np.array_equal(operator.vjp_x(np.full((2, 3), 3.0), y, x), 3.0 * np.array(seen))


def test_before_softmax_no_place_attends_to_a_later_one() -> None:
    scores = np.zeros((3, 3))
    masked = CausalMask().forward(scores)
    weights = Softmax().forward(masked)
    assert np.allclose(weights, np.array([[1, 0, 0], [1 / 2, 1 / 2, 0], [1 / 3, 1 / 3, 1 / 3]]), rtol=1e-15, atol=0)
    ybar = np.array([[5.0, 7.0, 9.0], [1.0, 3.0, 9.0], [0.0, 3.0, 6.0]])
    # Softmax sends y ⊙ (ȳ − Σ ȳ y): the means are 5, 2 and 3. Nothing goes above the diagonal.
    sent = CausalMask().vjp_x(Softmax().vjp_x(ybar, weights, masked), masked, scores)
    assert np.allclose(sent, np.array([[0, 0, 0], [-1 / 2, 1 / 2, 0], [-1, 0, 1]]), rtol=1e-15, atol=1e-15)


def test_what_is_masked_may_be_nan() -> None:
    x = np.array([[1.0, NAN], [2.0, 3.0]])
    assert np.array_equal(CausalMask().forward(x), [[1.0, -INF], [2.0, 3.0]])
    sent = CausalMask().vjp_x(np.full((2, 2), NAN), x, x)
    assert np.array_equal(sent, np.array([[NAN, 0], [NAN, NAN]]), equal_nan=True)
