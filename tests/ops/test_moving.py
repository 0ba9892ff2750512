"""Padding by hand: what becomes of the border's adjoint, and how it reads."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.network.types import TensorType
from resdebug.ops.formula import bar, fill
from resdebug.ops.moving import Mode, Pad

X = np.array([5.0, 6.0, 7.0])
YBAR = np.array([1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0])


@pytest.mark.parametrize(
    ("mode", "y", "sent", "contribution"),
    [
        ("constant", [9, 9, 5, 6, 7, 9], [100, 1000, 10000], "x̄ += ȳ without the border"),
        # The mirror stands on the edge: 7 and 6 before, 6 after.
        ("reflect", [7, 6, 5, 6, 7, 6], [100, 101010, 10001], "x̄ += Σ ȳ over x and its mirror images"),
        ("replicate", [5, 5, 5, 6, 7, 7], [111, 1000, 110000], "x̄ += Σ ȳ over x and its repeated edges"),
        ("circular", [6, 7, 5, 6, 7, 5], [100100, 1001, 10010], "x̄ += Σ ȳ over x and its far sides"),
    ],
)
def test_the_border_s_adjoint_goes_where_it_was_copied_from(
    mode: Mode, y: list[float], sent: list[float], contribution: str
) -> None:
    operator = Pad(pad=[2, 1], mode=mode, value=9)
    assert np.array_equal(operator.forward(X), y)
    assert np.array_equal(operator.vjp_x(YBAR, np.array(y), X), sent)
    words = {"y": "y", "x": "x", bar("y"): "ȳ", bar("x"): "x̄", **operator.words([TensorType((3,))])}
    assert fill(operator.slots[0].contribution, words) == contribution
