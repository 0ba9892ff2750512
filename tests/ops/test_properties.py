"""What holds for every operator whatever its settings and shapes, empty tensors among them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resdebug.network.signature import RuleBroken
from resdebug.network.types import TensorType
from resdebug.ops.arithmetic import Add
from resdebug.ops.base import Operator, unbroadcast
from resdebug.ops.joining import Concat
from resdebug.ops.linear_algebra import Matmul
from resdebug.ops.reductions import Sum
from resdebug.ops.shaping import Reshape, Transpose
from tests.ops.cases import DIFFERENTIATED, PROBLEMS
from tests.ops.checking import moved
from tests.ops.draws import Array
from tests.ops.strategies import Problem, axis, shapes, sizes

quick = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
few = settings(quick, max_examples=30)
every_operator = pytest.mark.parametrize("op", DIFFERENTIATED)

LINEAR_IN = {
    "add": (), "sub": (), "mul": (0, 1), "div": (0,), "identity": (0,), "neg": (0,), "scale": (0,), "matmul": (0, 1),
    "linear": (0, 1), "conv2d": (0, 1), "avg_pool2d": (0,), "global_avg_pool": (0,), "reshape": (0,), "flatten": (0,),
    "transpose": (0,), "sum": (0,), "mean": (0,), "conv1d": (0, 1), "conv3d": (0, 1), "conv_transpose2d": (0, 1),
    "avg_pool1d": (0,), "avg_pool3d": (0,), "adaptive_avg_pool2d": (0,), "upsample": (0,), "pixel_shuffle": (0,),
    "pixel_unshuffle": (0,), "outer": (0, 1), "permute": (0,), "squeeze": (0,), "unsqueeze": (0,), "expand": (0,),
    "split": (0,), "select": (0,), "slice": (0,), "roll": (0,), "flip": (0,), "gather": (0,), "causal_mask": (),
}  # fmt: skip
"""Slots in which forward is linear while the others stay (with no bias): there J v is forward at v, exactly."""


def test_there_is_a_strategy_for_every_operator() -> None:
    assert set(PROBLEMS) == set(DIFFERENTIATED)


@every_operator
@quick
@given(data=st.data())
def test_forward_returns_what_infer_says(op: str, data: st.DataObject) -> None:
    given_ = data.draw(PROBLEMS[op])
    y = np.asarray(given_.operator.forward(*given_.arrays()))
    assert TensorType(y.shape, y.dtype.name) == given_.output


@every_operator
@quick
@given(data=st.data())
def test_a_contribution_is_linear_in_the_adjoint_and_of_its_input_s_shape(op: str, data: st.DataObject) -> None:
    given_ = data.draw(PROBLEMS[op])
    inputs = given_.arrays()
    y = np.asarray(given_.operator.forward(*inputs))
    first, second = given_.random(y.shape, 1), given_.random(y.shape, 2)
    for position in given_.positions():
        one, other, both = (
            np.asarray(given_.operator.vjp(position, ybar, y, inputs)) for ybar in (first, second, 2 * first - second)
        )
        x = inputs[position]
        assert x is not None
        assert one.shape == other.shape == both.shape == x.shape
        assert np.allclose(both, 2 * one - other, rtol=1e-12, atol=1e-12)


@every_operator
@few
@given(data=st.data())
def test_a_vjp_is_the_adjoint_of_the_derivative(op: str, data: st.DataObject) -> None:
    """⟨ȳ, J v⟩ = ⟨Jᵀ ȳ, v⟩ for a random direction v, with J v by central differences along v.

    The step keeps every element within 5e-5 of its place, far from the kinks that the draws avoid. Both errors of the
    differences are below 1e-9 per element; sums of up to some hundred elements stay below 1e-7.
    """
    given_ = data.draw(PROBLEMS[op])
    inputs = given_.arrays()
    y = np.asarray(given_.operator.forward(*inputs))
    ybar = given_.random(y.shape, 1)
    for position in given_.positions():
        x = inputs[position]
        assert x is not None
        v = given_.random(x.shape, 2)
        h = 1e-5
        ahead = np.asarray(given_.operator.forward(*moved(inputs, position, x + h * v)))
        behind = np.asarray(given_.operator.forward(*moved(inputs, position, x - h * v)))
        change = np.subtract(ahead, behind, out=np.zeros(ahead.shape), where=ahead != behind)
        expected = float(np.sum(ybar * change)) / (2 * h)
        found = float(np.sum(np.asarray(given_.operator.vjp(position, ybar, y, inputs)) * v))
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("op", [op for op, positions in LINEAR_IN.items() if positions])
@quick
@given(data=st.data())
def test_where_forward_is_linear_adjointness_is_exact(op: str, data: st.DataObject) -> None:
    """No differences are taken, so only the rounding of two sums is left."""
    given_: Problem = data.draw(PROBLEMS[op])
    inputs = given_.arrays()
    if "bias" in {slot.name for slot in given_.operator.slots}:
        inputs[2] = None
    ybar = given_.random(given_.output.shape, 1)
    y = np.asarray(given_.operator.forward(*inputs))
    for position in LINEAR_IN[op]:
        x = inputs[position]
        assert x is not None
        v = given_.random(x.shape, 2)
        there = np.asarray(given_.operator.forward(*moved(inputs, position, v))) * ybar
        back = np.asarray(given_.operator.vjp(position, ybar, y, inputs)) * v
        scale = 1 + float(np.sum(np.abs(there))) + float(np.sum(np.abs(back)))
        assert abs(float(np.sum(there)) - float(np.sum(back))) < 1e-13 * scale


@pytest.mark.parametrize("op", ["concat", "add", "sub"])
@quick
@given(data=st.data())
def test_where_forward_is_linear_in_all_inputs_at_once_adjointness_is_exact(op: str, data: st.DataObject) -> None:
    given_: Problem = data.draw(PROBLEMS[op])
    inputs = given_.arrays()
    ybar = given_.random(given_.output.shape, 1)
    directions = [given_.random(a.shape, 2 + i) for i, a in enumerate(inputs) if a is not None]
    there = np.asarray(given_.operator.forward(*directions)) * ybar
    y = np.asarray(given_.operator.forward(*inputs))
    back = sum(float(np.sum(given_.operator.vjp(i, ybar, y, inputs) * v)) for i, v in enumerate(directions))
    assert float(np.sum(there)) == pytest.approx(back, rel=1e-12, abs=1e-12)


def summed_down(contribution: Array, shape: tuple[int, ...]) -> Array:
    """Add every element of a contribution to the place that it was copied from, one by one."""
    result = np.zeros(shape)
    extra = contribution.ndim - len(shape)
    for index in np.ndindex(*contribution.shape):
        place = tuple(0 if n == 1 else i for i, n in zip(index[extra:], shape, strict=True))
        result[place] += contribution[index]
    return result


@quick
@given(wide=shapes, skipped=st.integers(0, 4), ones=st.integers(0, 15), seed=st.integers(0, 99))
def test_unbroadcast_adds_every_copy_to_its_original(wide: tuple[int, ...], skipped: int, ones: int, seed: int) -> None:
    shape = tuple(1 if ones >> i & 1 else n for i, n in enumerate(wide))[skipped:]
    contribution = np.asarray(np.random.default_rng(seed).standard_normal(wide))
    found = unbroadcast(contribution, shape)
    assert found.shape == shape
    assert np.allclose(found, summed_down(contribution, shape), rtol=1e-13, atol=1e-13)


def test_unbroadcast_of_nothing_is_zero() -> None:
    # (1) was broadcast to (0): no copy, an empty sum.
    assert np.array_equal(unbroadcast(np.zeros((2, 0)), (1,)), [0.0])


lists = st.lists(shapes, min_size=1, max_size=3)


def accepted(operator: Operator, given_: list[tuple[int, ...]]) -> tuple[int, ...] | None:
    try:
        return operator.infer(*map(TensorType, given_)).shape
    except RuleBroken:
        return None


def computed(operator: Operator, given_: list[tuple[int, ...]]) -> tuple[int, ...] | None:
    """Let numpy itself decide; its errors for shapes are ValueErrors, AxisError among them."""
    try:
        return np.shape(operator.forward(*map(np.zeros, given_)))
    except ValueError:
        return None


@quick
@given(a=shapes, b=shapes)
def test_rules_of_two_tensors_refuse_exactly_what_numpy_refuses(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    for operator in (Add(), Matmul()):
        assert accepted(operator, [a, b]) == computed(operator, [a, b])


@quick
@given(n=sizes, k=sizes, j=sizes, m=sizes, batch=sizes, other=sizes)
def test_the_rule_of_matrix_products_is_numpy_s(n: int, k: int, j: int, m: int, batch: int, other: int) -> None:
    for a in ((k,), (n, k), (batch, n, k)):
        for b in ((j,), (j, m), (other, j, m), (other, 1, j, m)):
            assert accepted(Matmul(), [a, b]) == computed(Matmul(), [a, b])


@quick
@given(x=shapes, shape=st.lists(st.integers(-1, 4), max_size=3))
def test_the_rule_of_reshape_is_numpy_s(x: tuple[int, ...], shape: list[int]) -> None:
    assert accepted(Reshape(shape=shape), [x]) == computed(Reshape(shape=shape), [x])


@quick
@given(x=shapes, dim0=axis, dim1=axis)
def test_the_rules_of_axes_are_numpy_s(x: tuple[int, ...], dim0: int, dim1: int) -> None:
    assert accepted(Transpose(dim0=dim0, dim1=dim1), [x]) == computed(Transpose(dim0=dim0, dim1=dim1), [x])
    expected: tuple[int, ...] | None
    try:
        expected = np.zeros(x).sum(axis=(dim0, dim1)).shape
    except ValueError:
        expected = None
    assert accepted(Sum(dim=[dim0, dim1]), [x]) == expected


@quick
@given(given_=lists, dim=axis)
def test_the_rule_of_concat_is_numpy_s(given_: list[tuple[int, ...]], dim: int) -> None:
    assert accepted(Concat(dim=dim), given_) == computed(Concat(dim=dim), given_)


@quick
@given(x=shapes)
def test_a_type_knows_its_size(x: tuple[int, ...]) -> None:
    type_ = TensorType(x, "float32")
    assert type_.size == np.zeros(x).size == math.prod(x)
    assert type_.nbytes == np.zeros(x, dtype="float32").nbytes
