"""Operators that say they are elementwise give for many numbers at once, to the last bit, what they give for each.

The engine computes many scalars in one call on the strength of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdebug.ops import CATALOGUE
from resdebug.ops.base import Operator
from tests.ops.cases import PROBLEMS
from tests.ops.draws import Array

ELEMENTWISE = sorted(op for op, operator in CATALOGUE.items() if operator.elementwise)
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -3.0, 6.0, 20.0, -20.0, 88.8, 710.0, -746.0, np.pi, 1e5, 1e10, 1e22, 1e300]
SPECIAL += [-1e16, 1e-20, 1e-40, 1e-310, 5e-324, np.inf, -np.inf, np.nan]


def numbers(rng: np.random.Generator, count: int, dtype: str) -> Array:
    """Draw numbers of many sizes, and those where something happens, beginning anywhere in memory."""
    with np.errstate(over="ignore"):
        drawn = rng.standard_normal(count + 1) * 10.0 ** rng.integers(-3, 4, count + 1)
        found = np.where(rng.random(count + 1) < 0.3, rng.choice(SPECIAL, count + 1), drawn).astype(dtype)[1:]
    found.flags.writeable = False
    return found


def bits(x: Any) -> bytes:
    """Return an array's bytes; one NaN is as good as another."""
    array = np.asarray(x)
    return np.where(np.isnan(array), array.dtype.type(np.nan), array).tobytes()


def test_which_they_are() -> None:
    assert {"add", "mul", "sub", "div", "maximum", "tanh", "sin", "relu", "pow", "scale", "clip"} < set(ELEMENTWISE)
    assert not {"gelu", "sum", "mean", "softmax", "where", "prelu", "dropout", "matmul", "concat"} & set(ELEMENTWISE)


@pytest.mark.parametrize("op", ELEMENTWISE)
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(
    data=st.data(), seed=st.integers(0, 2**32), count=st.integers(1, 70), dtype=st.sampled_from(["float64", "float32"])
)
def test_many_at_once_are_each_alone(op: str, data: st.DataObject, seed: int, count: int, dtype: str) -> None:
    operator: Operator = data.draw(PROBLEMS[op]).operator
    rng = np.random.default_rng(seed)
    inputs = [numbers(rng, count, dtype) for _ in operator.slots]
    if len(inputs) == 2:
        inputs[1] = np.where(rng.random(count) < 0.2, inputs[0], inputs[1])
    ybar = numbers(rng, count, dtype)
    with np.errstate(all="ignore"):
        y = operator.forward(*inputs)
        assert (y.shape, y.dtype.name) == ((count,), dtype)
        for k in range(count):
            arrays, alone = [x[k, ...] for x in inputs], [x[k] for x in inputs]
            assert bits(operator.forward(*arrays)) == bits(operator.forward(*alone)) == bits(y[k])
        for position, rule in enumerate(operator.vjps):
            if rule is None:
                continue
            sent = operator.vjp(position, ybar, y, inputs)
            assert (sent.shape, sent.dtype.name) == ((count,), dtype)
            for k in range(count):
                arrays, alone = [x[k, ...] for x in inputs], [x[k] for x in inputs]
                one = operator.vjp(position, ybar[k, ...], y[k, ...], arrays)
                assert bits(one) == bits(operator.vjp(position, ybar[k], y[k], alone)) == bits(sent[k])
