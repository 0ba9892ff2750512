"""Dropout keeps its promises: reproducible, the right share, the expectation, and one mask for both passes."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.ops.gates import Dropout

ONES = np.ones((100, 100))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_and_the_expectation(p: float) -> None:
    y = Dropout(p=p, seed=3).forward(ONES, None)
    # 10 000 draws: the standard deviation of the share is √(p (1 − p) / 10 000) ≤ 0.005; five of them.
    assert abs(float((y == 0).mean()) - p) < 0.025
    assert np.allclose(y[y != 0], 1 / (1 - p), rtol=1e-15)


def test_forward_and_reverse_see_one_mask() -> None:
    operator = Dropout(p=0.3, seed=5)
    y = operator.forward(ONES, None)
    assert np.array_equal(operator.vjp_x(ONES, y, ONES, None), y)


def test_a_seed_is_a_mask() -> None:
    first, again, other = (Dropout(seed=s).forward(ONES, None) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_width_of_the_numbers_does_not_change_the_mask() -> None:
    assert np.array_equal(
        Dropout(seed=4).forward(ONES.astype("float32"), None) == 0, Dropout(seed=4).forward(ONES, None) == 0
    )
