"""Slopes measured from values alone: how exact, and what is said where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from resdebug.analysis.slopes import Doubt, Method, Prober, Slope


def slope(f: Callable[[Any], Any], x: float, *, exact: bool = True, strict: bool = True) -> Slope:
    prober = Prober(np.asarray(f(x)), np.ones(()), complex_first=exact, strict=strict, analytic=exact)
    return prober.measure(lambda at: np.asarray(f(at)), x, max(1.0, abs(x)))


SMOOTH: list[tuple[Callable[[Any], Any], float, float]] = [
    (np.exp, 0.7, math.exp(0.7)),
    (np.sin, 2.0, math.cos(2.0)),
    (lambda x: x**3, -1.5, 6.75),
    (lambda x: 1 / x, 0.25, -16.0),
    (np.tanh, 0.3, 1 - math.tanh(0.3) ** 2),
    (np.log, 3e-5, 1 / 3e-5),
]


@pytest.mark.parametrize(("f", "x", "true"), SMOOTH)
def test_the_bars_that_can_be_reached_are_reached(f: Callable[[Any], Any], x: float, true: float) -> None:
    by_complex, by_differences = slope(f, x), slope(f, x, exact=False)
    assert by_complex.method is Method.COMPLEX
    assert by_complex.doubt is Doubt.NONE
    assert abs(by_complex.value / true - 1) < 1e-13
    assert by_differences.method is Method.RICHARDSON
    assert by_differences.doubt is Doubt.NONE
    # Close to a pole the step is short, and rounding weighs more.
    assert abs(by_differences.value / true - 1) < (1e-9 if x > 1e-3 or x < 0 else 1e-6)
    assert abs(by_differences.value - true) <= by_differences.error + 1e-9 * abs(true)


@pytest.mark.parametrize("f", [lambda x: np.maximum(x, 0.0), np.abs, lambda x: np.minimum(2 * x, x)])
@pytest.mark.parametrize("x", [0.0, 1e-12, -1e-9, 3e-7, -3e-6])
def test_a_kink_at_the_point_or_inside_h_is_a_kink(f: Callable[[Any], Any], x: float) -> None:
    found = slope(f, x, exact=False)
    assert found.doubt is Doubt.KINK
    assert abs(found.left - found.right) > 0.1


def test_one_sided_slopes_are_those_of_both_sides() -> None:
    found = slope(lambda x: np.where(x > 0, 3 * x, -x), 0.0, exact=False)
    assert found.left == pytest.approx(-1)
    assert found.right == pytest.approx(3)


def test_a_kink_near_by_is_passed_by_with_a_shorter_step() -> None:
    # 3e-5 is inside the first step and outside the usual one.
    found = slope(lambda x: np.maximum(x, 0.0), 3e-5, exact=False)
    assert found.doubt is Doubt.NONE
    assert found.value == pytest.approx(1, rel=1e-12)
    assert found.h < 3e-5
    # Through a whole network there are so many kinks that every one would be met: there the step goes on shrinking.
    found = slope(lambda x: np.maximum(x, 0.0), 3e-7, exact=False, strict=False)
    assert found.doubt is Doubt.NONE
    assert found.value == pytest.approx(1, rel=1e-9)


def test_many_kinks_near_by_are_no_false_verdict() -> None:
    rng = np.random.default_rng(0)
    places, weights = rng.normal(size=500) * 1e-4, rng.normal(size=500)

    def f(x: float) -> Any:
        return (weights * np.maximum(x - places, 0)).sum()

    true = float(weights[places < 0].sum())
    found = slope(f, 0.0, exact=False, strict=False)
    assert found.doubt is not Doubt.NONE or found.value == pytest.approx(true, rel=1e-6)


def test_what_lies_beneath_rounding_is_not_decided() -> None:
    assert slope(lambda x: 1e9 + 1e-3 * x, 1.0, exact=False).doubt is Doubt.ROUNDING
    # What moves nothing at all is told to be no more than rounding.
    found = slope(lambda x: 1e9 + 1e-9 * x, 1.0, exact=False)
    assert (found.value, found.magnitude) == (0, 0)
    assert found.error > 1e-9
    # The complex step subtracts nothing.
    found = slope(lambda x: 1e9 + 1e-9 * x, 1.0)
    assert found.doubt is Doubt.NONE
    assert found.value == pytest.approx(1e-9, rel=1e-13)


def test_what_is_not_finite_is_not_decided() -> None:
    with np.errstate(all="ignore"):
        assert slope(lambda x: np.log(np.real(x)), 0.0, exact=False).doubt is Doubt.NOT_FINITE
        assert slope(lambda x: x * np.inf, 1.0, exact=False).doubt is Doubt.NOT_FINITE


def test_a_complex_step_that_differences_contradict_is_not_believed() -> None:
    # The size drops the imaginary part: by the complex step the slope would be 0.
    prober = Prober(np.asarray(2.0), np.ones(()), complex_first=True, strict=True)
    found = prober.measure(lambda x: np.asarray(np.abs(x)), 2.0, 2.0)
    assert found.method is Method.RICHARDSON
    assert found.value == pytest.approx(1)


def test_outputs_are_subtracted_before_they_are_weighted() -> None:
    # A huge output that does not move leaves no rounding behind, and one that is infinite no NaN.
    base = np.array([1e20, -np.inf, 1.0])
    prober = Prober(base, np.array([1.0, 0.0, 2.0]), complex_first=False, strict=True)
    found = prober.measure(lambda x: np.array([1e20, -np.inf, x * x]), 1.0, 1.0)
    assert found.doubt is Doubt.NONE
    assert found.value == pytest.approx(4, rel=1e-10)
