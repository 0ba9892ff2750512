"""Normalisations by numbers worked by hand: over what the statistics are taken, and what eps does."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.ops.batch_normalisation import BatchNorm
from resdebug.ops.group_normalisation import GroupNorm, InstanceNorm, RmsNorm
from tests.ops.checking import quiet_forward, quiet_vjp
from tests.ops.draws import Array

# One example, four channels of two places.
X = np.array([[[1.0, 3.0], [5.0, 7.0], [0.0, 0.0], [2.0, 2.0]]])


def test_a_group_shares_its_mean_and_deviation() -> None:
    # 1, 3, 5, 7: mean 4, variance 5. 0, 0, 2, 2: mean 1, variance 1.
    y = quiet_forward(GroupNorm(num_groups=2, eps=0), [X, None, None])
    first = np.array([[-3.0, -1.0], [1.0, 3.0]]) / np.sqrt(5)
    assert np.allclose(y[0], [*first, [-1, -1], [1, 1]], rtol=1e-15, atol=0)


def test_scale_and_shift_are_per_channel_whatever_the_groups() -> None:
    weight, bias = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.0, 10.0, 20.0])
    inputs: list[Array | None] = [X, weight, bias]
    operator = GroupNorm(num_groups=2, eps=0)
    y = quiet_forward(operator, inputs)
    assert np.allclose(y[0, 2:], [[7, 7], [24, 24]], rtol=1e-15, atol=0)
    ybar = np.arange(1.0, 9.0).reshape(X.shape)
    assert np.array_equal(quiet_vjp(operator, 2, ybar, inputs), [3, 7, 11, 15])
    # x̂ of the second group is −1, −1, 1, 1.
    assert np.allclose(quiet_vjp(operator, 1, ybar, inputs)[2:], [-11, 15], rtol=1e-15, atol=0)


def test_an_instance_is_normalised_channel_by_channel() -> None:
    # Every channel lies ±1 about its mean, or has no spread: variance 1 or 0, and eps 3 makes σ 2 or √3.
    y = quiet_forward(InstanceNorm(eps=3), [X, *[None] * 4])
    assert np.array_equal(y[0], np.array([[-1.0, 1.0], [-1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]) / 2)


def test_by_running_statistics_places_do_not_influence_each_other() -> None:
    operator = InstanceNorm(use_input_stats=False, eps=1)
    running: list[Array | None] = [np.array([1.0, 5.0, 0.0, 0.0]), np.array([3.0, 3.0, 0.0, 0.0])]
    inputs = [X, None, None, *running]
    # σ is 2 for the first two channels, 1 for the others.
    assert np.array_equal(quiet_forward(operator, inputs)[0], [[0, 1], [0, 1], [0, 0], [2, 2]])
    ybar = np.zeros(X.shape)
    ybar[0, 1, 0] = 6
    sent = quiet_vjp(operator, 0, ybar, inputs)
    assert sent[0, 1, 0] == 3
    assert np.count_nonzero(sent) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_without_eps_the_root_mean_square_takes_that_of_the_element_type(dtype: str) -> None:
    # At 0 only eps is under the root; 2^−23 and 2^−52.
    x, ybar = np.zeros((1, 2), dtype=dtype), np.array([[1, -2]], dtype=dtype)
    sent = quiet_vjp(RmsNorm(normalized_shape=2), 0, ybar, [x, None])
    assert sent.dtype == dtype
    assert np.allclose(sent, ybar * 2 ** (23 / 2 if dtype == "float32" else 26), rtol=1e-6 if dtype == "float32" else 0)


def test_the_root_mean_square_takes_no_mean_off() -> None:
    # √((9 + 16) / 2 + 0) is 5 / √2.
    y = quiet_forward(RmsNorm(normalized_shape=2, eps=0), [np.array([[3.0, 4.0]]), np.array([5.0, 10.0])])
    assert np.allclose(y, np.array([[3, 8]]) * np.sqrt(2), rtol=1e-15, atol=0)


def test_a_large_batch_in_single_precision_loses_no_digits() -> None:
    rng = np.random.default_rng(0)
    x, ybar = (rng.random((100_000, 2)).astype("float32") for _ in range(2))
    operator = BatchNorm(training=True)
    given: list[Array | None] = [x + 1, *[None] * 4]
    wide = [None if a is None else a.astype("float64") for a in given]
    for found, expected in (
        (quiet_forward(operator, given), quiet_forward(operator, wide)),
        (quiet_vjp(operator, 0, ybar, given), quiet_vjp(operator, 0, ybar.astype("float64"), wide)),
    ):
        assert found.dtype == "float32"
        assert np.abs(found - expected).max() < 5e-6
