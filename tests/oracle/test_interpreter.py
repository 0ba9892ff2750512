"""The comparison with PyTorch notices what it should."""

from __future__ import annotations

import numpy as np
import pytest

import resdebug
from tests.oracle.interpreter import difference, torch, worst_difference
from tests.support import GRAPHS


@pytest.mark.parametrize("planted", [np.nan, np.inf, 0.0])
def test_a_planted_number_is_noticed(planted: float, monkeypatch: pytest.MonkeyPatch) -> None:
    net = resdebug.load(GRAPHS / "resblock.json")
    right = type(resdebug.differentiate(net)).adjoint

    def wrong(self: object, node: str) -> object:
        adjoint = right(self, node)  # type: ignore[arg-type]
        return None if adjoint is None else np.full_like(adjoint, planted)

    monkeypatch.setattr("resdebug.passes.live.LivePass.adjoint", wrong)
    assert not worst_difference(net) < 0.5


def test_shapes_and_element_types_must_agree() -> None:
    theirs = torch.ones(3, dtype=torch.float64)
    assert difference(np.ones(3), theirs) == 0
    assert difference(np.ones(1), theirs) == float("inf")
    assert difference(np.ones(3, dtype="float32"), theirs) == float("inf")
    assert difference(np.array([1.0, np.nan, 1.0]), theirs) == float("inf")
