"""What every operator promises of its arrays: types, shapes, no side effects, no warnings."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.network.types import TensorType
from resdebug.ops import CATALOGUE
from resdebug.ops.base import Operator
from resdebug.ops.joining import Concat
from resdebug.ops.shaping import Flatten, Reshape, Transpose
from tests.ops.cases import CASES, ELEMENTS, SLOT_IDS, SLOTS
from tests.ops.cases.table import Case
from tests.ops.draws import Array

both_widths = pytest.mark.parametrize("dtype", ["float64", "float32"])
every_case = pytest.mark.parametrize("c", CASES, ids=lambda c: c.id)
every_slot = pytest.mark.parametrize(("c", "position"), SLOTS, ids=SLOT_IDS)


def copies(arrays: list[Array | None]) -> list[Array | None]:
    return [None if a is None else a.copy() for a in arrays]


def same(left: list[Array | None], right: list[Array | None]) -> bool:
    return all(
        (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b))
        for a, b in zip(left, right, strict=True)
    )


# These run the operators without the engine's errstate: pytest turns a warning of numpy into a failure.


@both_widths
@every_case
def test_infer_says_what_forward_returns(c: Case, dtype: str) -> None:
    y = np.asarray(c.operator.forward(*c.arrays(dtype)))
    assert c.inferred(dtype) == TensorType(y.shape, y.dtype.name)
    assert y.dtype == dtype or not c.positions()


@both_widths
@every_slot
def test_a_contribution_has_the_type_of_its_input(c: Case, position: int, dtype: str) -> None:
    inputs = c.arrays(dtype)
    sent = np.asarray(c.operator.vjp(position, c.ybar(dtype), c.operator.forward(*inputs), inputs))
    x = inputs[position]
    assert x is not None
    assert (sent.shape, sent.dtype) == (x.shape, x.dtype)


@every_case
def test_nothing_that_is_given_is_changed(c: Case) -> None:
    # The arrays are writeable here, so that a change would go through and be seen.
    inputs, ybar = copies(c.arrays()), c.ybar().copy()
    kept, kept_ybar = copies(inputs), ybar.copy()
    y = np.asarray(c.operator.forward(*inputs))
    assert same(inputs, kept)
    kept_y = y.copy()
    for position in c.positions():
        c.operator.vjp(position, ybar, y, inputs)
        assert same(inputs, kept)
        assert np.array_equal(ybar, kept_ybar)
        assert np.array_equal(y, kept_y)


@every_case
def test_the_same_numbers_come_out_twice(c: Case) -> None:
    inputs, ybar = c.arrays(), c.ybar()
    y = np.asarray(c.operator.forward(*inputs))
    assert np.array_equal(y, c.operator.forward(*inputs))
    for position in c.positions():
        once, again = (c.operator.vjp(position, ybar, y, inputs) for _ in range(2))
        assert np.array_equal(once, again)


@every_case
def test_memory_layout_makes_no_difference(c: Case) -> None:
    # Channels last, strided and reversed views are what other operators hand on.
    inputs, ybar = c.arrays(), c.ybar()
    y = np.asarray(c.operator.forward(*inputs))
    strange = [None if a is None else _strided(a) for a in inputs]
    assert np.allclose(c.operator.forward(*strange), y, rtol=1e-13, atol=1e-13)
    for position in c.positions():
        usual = c.operator.vjp(position, ybar, y, inputs)
        found = c.operator.vjp(position, _strided(ybar), _strided(y), strange)
        assert np.allclose(found, usual, rtol=1e-13, atol=1e-13)


def _strided(a: Array) -> Array:
    """Return the same numbers in Fortran order, with gaps between them, stored backwards."""
    if not a.ndim:
        return a
    wide = np.zeros(tuple(2 * n for n in a.shape), dtype=a.dtype, order="F")
    view = wide[tuple(slice(None, None, -2) for _ in a.shape)]
    view[...] = a
    view.flags.writeable = False
    return view


NOT_DIFFERENTIATED = [
    (c, position)
    for c in CASES
    for position, draw in enumerate(c.draws)
    if draw is not None and not c.operator.slot(position, len(c.draws)).differentiable
]


def test_there_are_slots_without_adjoint_to_try() -> None:
    names = {(c.operator.op(), c.operator.slot(i, len(c.draws)).name) for c, i in NOT_DIFFERENTIATED}
    expected = {(op, s.name) for op, kind in CATALOGUE.items() for s in kind.slots if not s.differentiable}
    assert names == expected


@pytest.mark.parametrize(("c", "position"), NOT_DIFFERENTIATED, ids=lambda v: v.id if isinstance(v, Case) else str(v))
def test_a_slot_without_vjp_says_so(c: Case, position: int) -> None:
    inputs = c.arrays()
    with pytest.raises(ValueError, match=f"slot {c.operator.slots[position].name} takes no adjoint"):
        c.operator.vjp(position, c.ybar(), np.asarray(c.operator.forward(*inputs)), inputs)


@pytest.mark.parametrize(
    "operator",
    [Reshape(shape=[3, 2]), Flatten(), Transpose(dim0=0, dim1=1), Concat(dim=0)],
    ids=lambda operator: operator.op(),
)
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_operators_that_move_elements_take_any_element_type(operator: Operator, dtype: str) -> None:
    x = np.ones((2, 3), dtype=dtype)
    assert operator.slots[0].elements == "any"
    y = operator.forward(x)
    assert operator.infer(TensorType((2, 3), dtype)) == TensorType(y.shape, dtype)
    assert y.dtype == dtype


def test_slots_take_floating_point_unless_the_table_says_otherwise() -> None:
    found = {(op, slot.name): slot.elements for op, kind in CATALOGUE.items() for slot in kind.slots}
    assert {key: elements for key, elements in found.items() if elements != "float"} == ELEMENTS


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8", "bool"])
def test_class_indices_may_be_of_any_whole_type(dtype: str) -> None:
    x = np.array([[0.0, 0.0], [0.0, 0.0]])
    target = np.array([1, 0]).astype(dtype)
    operator = CATALOGUE["cross_entropy"]()
    y = operator.forward(x, target)
    assert y == pytest.approx(np.log(2), rel=1e-15)
    # softmax is 1/2 everywhere; minus one-hot, over 2 examples.
    assert np.array_equal(operator.vjp(0, np.ones(()), y, [x, target]), [[0.25, -0.25], [-0.25, 0.25]])
