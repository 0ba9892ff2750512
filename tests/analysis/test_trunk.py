"""The trunk and the bend in what is measured along it, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.analysis.trunk import bend, depths, tensors_of, trunk
from tests.support import Builder, block, residual_chain


def test_the_trunk_leaves_branches_out() -> None:
    pass_ = block().run()
    names = [pass_.network.nodes[i].name for i in trunk(pass_)]
    assert names == ["loss", "relu2", "add", "x"]
    assert [pass_.network.nodes[i].name for i in tensors_of(pass_, trunk(pass_))] == ["relu2", "add", "x"]
    deep = depths(pass_)
    # loss, relu2, add, bn2, conv2, relu1, bn1, conv1, x
    assert deep[pass_.network["x"].index] == 8


def test_a_trunk_of_scalars_is_kept_whole() -> None:
    pass_ = residual_chain(2).run()
    way = trunk(pass_)
    assert [pass_.network.nodes[i].name for i in way] == ["x2", "x1", "x0"]
    assert tensors_of(pass_, way) == way


def test_without_inputs_it_ends_at_the_deepest_parameter() -> None:
    b = Builder("s")
    b.leaf("near", [1.0, 2.0], "parameter")
    b.leaf("far", [1.0, 2.0], "parameter")
    b.add("t", "tanh", {"x": "far"})
    b.add("m", "mul", {"a": "near", "b": "t"})
    b.add("s", "sum", {"x": "m"})
    pass_ = b.run()
    assert [pass_.network.nodes[i].name for i in trunk(pass_)] == ["s", "m", "t", "far"]


def test_a_bend_by_hand() -> None:
    found = bend([0, 0, 0, 0, -1, -2, -3])  # level up to place 3, then down by 1 a place
    assert found is not None
    assert found.start == 3
    assert [found.slope, found.total] == pytest.approx([-1, -3])
    found = bend([5, 3, 1, -1])
    assert found is not None
    assert found.start == 0
    assert found.slope == pytest.approx(-2)
    assert bend([1, 2]) is None


def test_a_bend_is_the_best_of_all_places() -> None:
    rng = np.random.default_rng(3)
    y = np.concatenate([np.zeros(7), -0.4 * np.arange(1, 14)]) + 0.1 * rng.normal(size=20)

    def left(b: int) -> float:
        h = np.maximum(0, np.arange(20) - b)
        columns = np.stack([np.ones(20), h], axis=1)
        return float(np.linalg.lstsq(columns, y, rcond=None)[1][0])

    found = bend(list(y))
    assert found is not None
    assert found.start == min(range(19), key=left)
