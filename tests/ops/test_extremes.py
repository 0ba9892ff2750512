"""Among extremes NaN wins, and takes the adjoint."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.ops.extremes import Max, Min
from tests.ops.cases.table import INF, NAN


@pytest.mark.parametrize("operator", [Max(dim=1), Min(dim=1)], ids=lambda operator: operator.op())
def test_nan_wins_and_takes_the_adjoint(operator: Max | Min) -> None:
    x = np.array([[INF, NAN, -INF], [NAN, 0.0, NAN]])
    y = operator.forward(x)
    assert np.isnan(y).all()
    # Two that are NaN share it.
    assert np.array_equal(operator.vjp_x(np.array([3.0, 8.0]), y, x), [[0, 3, 0], [4, 0, 4]])
