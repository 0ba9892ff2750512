"""The second opinion about every operator, held beside the first."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from resdebug.ops import CATALOGUE
from resdebug.verification.formulas import FORWARD, LEAVES, Case, differentiable, slots_of, vjp_of
from resdebug.verification.judging import judge
from resdebug.verification.measured import Array, Measured
from tests.ops.cases import CASES
from tests.ops.cases.table import Case as Row
from tests.ops.checking import quiet_forward, quiet_vjp

BY_OPERATOR: dict[str, list[Row]] = {}
for row in CASES:
    BY_OPERATOR.setdefault(row.operator.op(), []).append(row)


def case_of(row: Row, dtype: str) -> tuple[Case, list[Array | None], list[str]]:
    arrays = row.arrays(dtype)
    slots = [row.operator.slot(i, len(arrays)).name for i in range(len(arrays))]
    inputs = {slot: a for slot, a in zip(slots, arrays, strict=True) if a is not None}
    attributes = {**msgspec.to_builtins(row.operator), "op": row.operator.op()}
    return Case(attributes, inputs, dtype), arrays, slots


def assert_agrees(found: Array, derived: Measured, what: str) -> None:
    assert derived.shape == found.shape, what
    judged = judge(found, derived, finite=True)
    assert judged.index is None, (what, judged)
    assert judged.open == 0, what


@pytest.mark.parametrize("op", BY_OPERATOR)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_operator_agrees_with_the_definition(op: str, dtype: str) -> None:
    """Two implementations that share no line, in both precisions, within the bound that rounding explains."""
    for row in BY_OPERATOR[op]:
        case, arrays, slots = case_of(row, dtype)
        y = quiet_forward(row.operator, arrays)
        with np.errstate(all="ignore"):
            assert_agrees(y, FORWARD[op](case), f"{row.id} forward")
            for position in row.positions():
                g = row.ybar(dtype)
                formula = vjp_of(op, slots[position])
                assert formula is not None
                back = Case(case.attributes, case.inputs, dtype, y, g)
                assert_agrees(
                    quiet_vjp(row.operator, position, g, arrays), formula(back), f"{row.id} {slots[position]}"
                )


@pytest.mark.parametrize("op", BY_OPERATOR)
def test_a_wrong_number_is_not_explained_by_rounding(op: str) -> None:
    """The bound is no excuse: an error of a millionth in the largest element is always seen."""
    for row in BY_OPERATOR[op]:
        case, arrays, slots = case_of(row, "float64")
        y = quiet_forward(row.operator, arrays)
        with np.errstate(all="ignore"):
            tensors = [(y, FORWARD[op](case))]
            for position in row.positions():
                g = row.ybar()
                formula = vjp_of(op, slots[position])
                assert formula is not None
                sent = quiet_vjp(row.operator, position, g, arrays)
                tensors.append((sent, formula(Case(case.attributes, case.inputs, "float64", y, g))))
        for found, derived in tensors:
            if found.dtype.kind != "f" or not found.size or not np.isfinite(found).all():
                continue
            at = np.unravel_index(int(np.abs(found).argmax()), found.shape)
            if abs(found[at]) < 1e-3 * np.max(derived.bound, initial=0):
                continue  # all of it is rounding: a constant in front of a normalisation
            wrong = np.array(found)
            wrong[at] = wrong[at] * (1 + 1e-6) if wrong[at] else 1e-6
            judged = judge(wrong, derived, finite=True)
            assert judged.index == tuple(int(i) for i in at), row.id


def test_every_operator_has_a_second_opinion() -> None:
    for op, kind in CATALOGUE.items():
        if op in LEAVES:
            continue
        assert op in FORWARD
        operator = kind.slots
        if not kind.variadic:
            assert slots_of(op, len(operator)) == tuple(slot.name for slot in operator)
        for slot in operator:
            assert differentiable(op, slot.name + ("0" if kind.variadic else "")) == slot.differentiable, op


def test_large_convolutions_are_sampled_by_channels() -> None:
    row = next(r for r in BY_OPERATOR["conv2d"] if r.inferred().shape[1] > 2)
    case, arrays, _ = case_of(row, "float64")
    case.budget = 1
    derived = FORWARD["conv2d"](case)
    assert case.chosen is not None
    y = quiet_forward(row.operator, arrays)
    assert derived.size == case.chosen.size < y.size
    assert {0, y.shape[1] - 1} == set(np.unravel_index(case.chosen, y.shape)[1])
    judged = judge(y.reshape(-1)[case.chosen], derived.moved(np.ravel), finite=True)
    assert judged.index is None
