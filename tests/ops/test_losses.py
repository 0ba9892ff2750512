"""Losses: what is refused for class indices, what ignored examples do, and what happens far out."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from resdebug.network.signature import RuleBroken
from resdebug.network.types import TensorType
from resdebug.ops.binary_losses import BinaryCrossEntropy, BinaryCrossEntropyWithLogits, HingeEmbeddingLoss, KlDiv
from resdebug.ops.losses import CrossEntropy, NllLoss
from tests.ops.checking import quiet_forward, quiet_vjp

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


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_what_is_ignored_may_be_anything(reduction: Literal["mean", "sum", "none"], smoothing: float) -> None:
    # Padding in a batch of texts: whatever stands there, even NaN, neither costs nor sends anything.
    operator = CrossEntropy(reduction=reduction, label_smoothing=smoothing, ignore_index=-100)
    x, target = np.concatenate([SCORES, [[np.nan, np.inf, -np.inf]]]), np.array([0, 1, -100])
    y = quiet_forward(operator, [x, target, None])
    ybar = np.ones(y.shape)
    sent = quiet_vjp(operator, 0, ybar, [x, target, None])
    without = quiet_forward(operator, [SCORES, target[:2], None])
    assert np.array_equal(y[:2] if reduction == "none" else y, without)
    assert np.array_equal(sent[:2], quiet_vjp(operator, 0, ybar[:2] if y.ndim else ybar, [SCORES, target[:2], None]))
    assert np.array_equal(sent[2], np.zeros(3))


@pytest.mark.parametrize("kind", [CrossEntropy, NllLoss])
def test_where_all_is_ignored_nothing_goes_back(kind: type[CrossEntropy | NllLoss]) -> None:
    # As in PyTorch: the mean of nothing is NaN, and its gradient 0.
    given = [SCORES, np.array([-100, -100]), None]
    assert np.isnan(quiet_forward(kind(ignore_index=-100), given))
    assert np.array_equal(quiet_vjp(kind(ignore_index=-100), 0, np.ones(()), given), np.zeros((2, 3)))


def test_probabilities_cannot_be_ignored() -> None:
    # PyTorch, whose default is -100, takes negative numbers, and so does this.
    types = TensorType((4, 3)), TensorType((4, 3))
    assert CrossEntropy(ignore_index=-100).infer(*types).shape == ()
    with pytest.raises(RuleBroken, match="target holds probabilities, and ignore_index is 2"):
        CrossEntropy(ignore_index=2).infer(*types)


def test_a_single_example_has_no_place_to_name() -> None:
    for kind in (CrossEntropy, NllLoss):
        with pytest.raises(IndexError, match=r"^target is 3, and there are 3 classes$"):
            kind().forward(SCORES[0], np.array(3))


def test_a_masked_class_of_weight_0_costs_nothing() -> None:
    # Class 0 is masked and weighs nothing; the mean is over class 1 alone: −log(1/2) from scores 0, 0.
    x, weight = np.array([[-np.inf, 0.0, 0.0], [-np.inf, 0.0, 0.0]]), np.array([0.0, 3.0, 1.0])
    y = quiet_forward(CrossEntropy(), [x, np.array([0, 1]), weight])
    assert y == pytest.approx(np.log(2), rel=1e-15)


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
    # Linear in target, with the bounded logarithms, where PyTorch has ±∞.
    assert np.array_equal(operator.vjp_target(np.ones(4), y, x, target), [100, -100, 100, -100])


def test_what_is_no_probability_costs_nan() -> None:
    for x in (-0.5, 1.5):
        assert np.isnan(quiet_forward(BinaryCrossEntropy(), [np.array(x), np.array(1.0), None]))


def test_scores_lose_no_digits_in_the_tails() -> None:
    # log(1 + exp(−50)) is exp(−50) but for exp(−100) / 2.
    operator = BinaryCrossEntropyWithLogits(reduction="none")
    y = operator.forward(np.array([50.0, -50.0]), np.array([1.0, 0.0]))
    assert np.allclose(y, np.exp(-50), rtol=1e-15, atol=0)
    # Certain and wrong costs ∞, and no ∞ − ∞ gets in the way.
    assert np.array_equal(
        quiet_forward(operator, [np.array([np.inf, -np.inf]), np.array([0.0, 1.0]), None]), [np.inf] * 2
    )


def test_what_is_not_expected_costs_nothing_and_takes_no_adjoint() -> None:
    # 0 log 0 is 0; its slope is −∞, and PyTorch's NaN: neither helps anybody.
    x, target = np.log(np.array([0.5, 0.25])), np.array([0.0, 1.0])
    operator = KlDiv(reduction="sum")
    y = operator.forward(x, target)
    assert y == pytest.approx(np.log(4), rel=1e-15)
    assert np.array_equal(operator.vjp_x(np.ones(()), y, x, target), [0, -1])
    # log 1 + 1 − log 1/4.
    assert np.allclose(operator.vjp_target(np.ones(()), y, x, target), [0, 1 + np.log(4)], rtol=1e-15, atol=0)


def test_distances_by_hand() -> None:
    # Together: 0.5 and 3 as they are. Apart: 2 − 0.5 is lacking, 3 is enough, and at the margin it still pulls.
    x, target = np.array([0.5, 3.0, 0.5, 3.0, 2.0]), np.array([1.0, 1.0, -1.0, -1.0, -1.0])
    operator = HingeEmbeddingLoss(margin=2.0, reduction="none")
    y = operator.forward(x, target)
    assert np.array_equal(y, [0.5, 3, 1.5, 0, 0])
    assert np.array_equal(operator.vjp_x(np.full(5, 2.0), y, x, target), [2, 2, -2, 0, -2])
