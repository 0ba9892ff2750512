"""Dropout keeps its promises: reproducible, the right share, the expectation, and one mask for both passes."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.network.types import TensorType
from resdebug.ops.formula import bar, fill
from resdebug.ops.gates import Dropout

ONES = np.ones((100, 100))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_and_the_expectation(p: float) -> None:
    y = Dropout(p=p, seed=3).forward(ONES, None)
    # 10 000 draws: the standard deviation of the share is √(p (1 − p) / 10 000) ≤ 0.005; five of them.
    assert abs(float((y == 0).mean()) - p) < 0.025
    assert np.allclose(y[y != 0], 1 / (1 - p), rtol=1e-15)
    # A mean of y is off by the share's error times 1 / (1 − p): five of √(p / (1 − p) / 10 000).
    assert abs(float(y.mean()) - 1) < 0.05 * np.sqrt(p / (1 - p))


def test_forward_and_reverse_see_one_mask() -> None:
    operator = Dropout(p=0.3, seed=5)
    y = operator.forward(ONES, None)
    assert np.array_equal(operator.vjp_x(ONES, y, ONES, None), y)


def test_nothing_goes_back_exactly_where_the_output_was_dropped() -> None:
    rng = np.random.default_rng(0)
    x, ybar = rng.uniform(1, 2, (2, 40, 50))
    operator = Dropout(p=0.4, seed=11)
    y = operator.forward(x, None)
    sent = operator.vjp_x(ybar, y, x, None)
    assert 0 < np.count_nonzero(y) < y.size
    assert np.array_equal(sent == 0, y == 0)
    assert np.allclose(sent[y != 0], ybar[y != 0] / 0.6, rtol=1e-15, atol=0)


def test_a_given_mask_by_hand() -> None:
    # 1 − p = 1/4: what is kept is multiplied by 4.
    operator, mask = Dropout(p=0.75), np.array([True, False, True])
    x = np.array([1.0, 2.0, -3.0])
    assert np.array_equal(operator.forward(x, mask), [4, 0, -12])
    assert np.array_equal(operator.vjp_x(np.array([1.0, 1.0, 0.5]), x, x, mask), [4, 0, 2])
    assert np.array_equal(Dropout(p=0.75, training=False).forward(x, mask), x)


@pytest.mark.parametrize(
    ("operator", "given", "formula", "contribution"),
    [
        (Dropout(p=0.5, seed=7), False, "y = x ⊙ mask(seed 7) / (1 − 0.5)", "X += Y ⊙ mask(seed 7) / (1 − 0.5)"),
        (Dropout(p=0.5, seed=7), True, "y = x ⊙ m / (1 − 0.5)", "X += Y ⊙ m / (1 − 0.5)"),
        (Dropout(training=False), False, "y = x", "X += Y"),
        (Dropout(training=False), True, "y = x", "X += Y"),
    ],
)
def test_the_formula_says_what_is_done(operator: Dropout, given: bool, formula: str, contribution: str) -> None:
    words = operator.words([TensorType((3,)), TensorType((3,), "bool") if given else None])
    words |= {"y": "y", "x": "x", bar("y"): "Y", bar("x"): "X"} | ({"mask": "m"} if given else {})
    assert fill(operator.formula, words) == formula
    assert fill(operator.slots[0].contribution, words) == contribution


def test_a_seed_is_a_mask() -> None:
    first, again, other = (Dropout(seed=s).forward(ONES, None) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_width_of_the_numbers_does_not_change_the_mask() -> None:
    assert np.array_equal(
        Dropout(seed=4).forward(ONES.astype("float32"), None) == 0, Dropout(seed=4).forward(ONES, None) == 0
    )
