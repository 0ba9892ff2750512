"""Deviations and norms where rounding, overflow and underflow would show."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.network.types import TensorType
from resdebug.ops.formula import bar, fill
from resdebug.ops.spreads import Norm, Std, Var


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", [3, 7, 10, 100])
def test_equal_numbers_deviate_by_nothing_though_their_mean_is_rounded(dtype: str, n: int) -> None:
    for number in (0.1, 1 / 3, -123.456, 1e-8):
        x = np.full((2, n), number, dtype=dtype)
        y = Std(dim=1).forward(x)
        assert np.array_equal(y, [0, 0])
        assert np.array_equal(Std(dim=1).vjp_x(np.ones(2, dtype=dtype), y, x), np.zeros((2, n)))


def test_an_offset_costs_a_variance_no_digits() -> None:
    # 0, 1 and 1 lie 2/3, 1/3 and 1/3 from their mean: 6/9 over 2, wherever they start. A float32 of 2²³ has no thirds.
    x = (np.array([0.0, 1.0, 1.0]) + 2**23).astype(np.float32)
    y = Var().forward(x)
    assert y == pytest.approx(1 / 3, rel=3e-7)
    assert np.allclose(Var().vjp_x(np.array(1.0, dtype=np.float32), y, x), [-2 / 3, 1 / 3, 1 / 3], rtol=3e-7)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_the_squares_of_a_norm_neither_overflow_nor_vanish(scale: float) -> None:
    x = np.array([3.0, -4.0]) * scale
    y = Norm().forward(x)
    assert y == pytest.approx(5 * scale, rel=1e-15)
    assert np.allclose(Norm().vjp_x(np.ones(()), y, x), [0.6, -0.8], rtol=1e-15)


def test_below_1_a_tiny_element_has_a_huge_influence() -> None:
    # (|x| / y)^(−1/2) with y = 1e200: √1e400 and 1; the quotient itself would underflow.
    x = np.array([1e-200, 1e200])
    y = Norm(p=0.5).forward(x)
    assert np.allclose(Norm(p=0.5).vjp_x(np.ones(()), y, x), [1e200, 1], rtol=1e-13)


@pytest.mark.parametrize(
    ("operator", "formula", "contribution"),
    [
        (Norm(), "y = √(Σ x²)", "x̄ += ȳ ⊙ x / y"),
        (Norm(p=1, dim=0), "y = Σ |x| over dim 0", "x̄ += ȳ ⊙ sign(x)"),
        (Norm(p=3), "y = (Σ |x|^3)^(1/3)", "x̄ += ȳ ⊙ sign(x) ⊙ (|x| / y)^(3 − 1)"),
        (Norm(p="inf"), "y = max |x|", "x̄ += ȳ ⊙ sign(x) ⊙ 1[|x| = y] / |ties|"),
    ],
)
def test_every_norm_is_written_as_it_is_known(operator: Norm, formula: str, contribution: str) -> None:
    words = {"y": "y", "x": "x", bar("y"): "ȳ", bar("x"): "x̄", **operator.words([TensorType((2,))])}
    assert fill(operator.formula, words) == formula
    assert fill(operator.slots[0].contribution, words) == contribution
