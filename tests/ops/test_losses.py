"""Losses over classes: what is refused for class indices, and what ignored examples do."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.network.signature import RuleBroken
from resdebug.network.types import TensorType
from resdebug.ops.binary_losses import BinaryCrossEntropy
from resdebug.ops.losses import CrossEntropy, NllLoss
from tests.ops.checking import quiet_forward

SCORES = np.log(np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]))


@pytest.mark.parametrize("kind", [CrossEntropy, NllLoss])
@pytest.mark.parametrize("shape", [(3,), (4, 3), (4, 1)])
def test_one_index_per_example(kind: type[CrossEntropy | NllLoss], shape: tuple[int, ...]) -> None:
    with pytest.raises(RuleBroken, match=r"x is \(4,3\) and target is") as caught:
        kind().infer(TensorType((4, 3)), TensorType(shape, "int64"))
    assert caught.value.key == "target"
    assert "one class index per example: (4)" in caught.value.hint
    assert kind().infer(TensorType((4, 3)), TensorType((4,), "int64")).shape == ()


def test_weights_are_in_the_mean_too() -> None:
    # −(2·log 1/2 + 1·log 3/4) / (2 + 1).
    weight, target = np.array([2.0, 1.0, 5.0]), np.array([0, 1])
    expected = -(2 * np.log(0.5) + np.log(0.75)) / 3
    for kind in (CrossEntropy, NllLoss):
        assert kind().forward(SCORES, target, weight) == pytest.approx(expected, rel=1e-15)


def test_ignored_examples_count_for_nothing() -> None:
    target = np.array([-100, 1])
    for kind in (CrossEntropy, NllLoss):
        operator = kind(ignore_index=-100)
        y = operator.forward(SCORES, target)
        assert y == pytest.approx(-np.log(0.75), rel=1e-15)
        assert not operator.vjp_x(np.ones(()), y, SCORES, target)[0].any()
        nobody = np.array([-100, -100])
        assert np.isnan(quiet_forward(operator, [SCORES, nobody, None])), "the mean of nothing, as PyTorch has it"
        with pytest.raises(IndexError, match=r"target\[1\] is -1, and there are 3 classes"):
            operator.forward(SCORES, np.array([-100, -1]))


def test_smoothing_by_hand() -> None:
    # 0.7 of the truth on class 0, 0.1 on each: −(0.8 log 1/2 + 0.1 log 1/4 + 0.1 log 1/4).
    y = CrossEntropy(label_smoothing=0.3).forward(SCORES[:1], np.array([0]))
    assert y == pytest.approx(-(0.8 * np.log(0.5) + 0.2 * np.log(0.25)), rel=1e-14)


def test_certainty_costs_at_most_a_hundred_and_its_slope_is_bounded() -> None:
    # PyTorch's bounds; its 1e-12 is rounded to single precision, so that its slopes are off by 4e-9.
    x, target = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    operator = BinaryCrossEntropy(reduction="none")
    y = operator.forward(x, target)
    assert np.array_equal(y, [0, 0, 100, 100])
    assert np.array_equal(operator.vjp_x(np.ones(4), y, x, target), [0, 0, -1e12, 1e12])
