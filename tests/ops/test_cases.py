"""The table of cases leaves nothing out, and keeps away from kinks as it says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest

from resdebug.ops import CATALOGUE
from resdebug.ops.base import Operator
from tests.ops.cases import CASES, DIFFERENTIATED, NOT_ANALYTIC
from tests.ops.cases.table import Case
from tests.ops.draws import GAP


def of(name: str) -> list[Case]:
    return [c for c in CASES if c.operator.op() == name]


def test_ids_are_unique() -> None:
    assert [id_ for id_, count in Counter(c.id for c in CASES).items() if count > 1] == []


def test_every_operator_of_the_catalogue_has_cases() -> None:
    assert {c.operator.op() for c in CASES} == set(DIFFERENTIATED)
    assert set(CATALOGUE) - set(DIFFERENTIATED) == {"input", "parameter", "constant"}
    assert set(NOT_ANALYTIC) < set(DIFFERENTIATED)


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_every_differentiable_slot_is_exercised(name: str) -> None:
    slots = CATALOGUE[name].slots
    wanted = {i for i, slot in enumerate(slots) if slot.differentiable}
    exercised = {position for c in of(name) for position in c.positions()}
    assert wanted <= exercised


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_every_optional_slot_is_tried_filled_and_empty(name: str) -> None:
    for position, slot in enumerate(CATALOGUE[name].slots):
        if slot.optional:
            assert {c.draws[position] is None for c in of(name)} == {True, False}, slot.name


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_every_attribute_takes_more_than_one_setting(name: str) -> None:
    settings: dict[str, set[str]] = {field: set() for field in CATALOGUE[name].__struct_fields__}
    for c in of(name):
        for field, value in msgspec.structs.asdict(c.operator).items():
            settings[field].add(repr(value))
    assert [field for field, seen in settings.items() if len(seen) < 2] == []


@pytest.mark.parametrize("c", CASES, ids=lambda c: c.id)
def test_settings_are_such_as_a_file_may_hold(c: Case) -> None:
    written: dict[str, Any] = msgspec.to_builtins(c.operator)
    assert written.pop("op") == c.operator.op()
    read: Operator = msgspec.convert(written, type(c.operator))
    assert read == c.operator


@pytest.mark.parametrize("c", CASES, ids=lambda c: c.id)
def test_inputs_stay_away_from_kinks_and_poles(c: Case) -> None:
    arrays = [a for a in c.arrays() if a is not None]
    name = c.operator.op()
    if name in {"relu", "div"}:
        assert np.abs(arrays[-1]).min() >= 0.5
    elif name in {"log", "sqrt"}:
        assert arrays[0].min() >= 0.5
    elif name == "max_pool2d":
        gaps = np.diff(np.sort(arrays[0], axis=None))
        assert arrays[0].size == 1 or gaps.min() > 0.99 * GAP
    elif name == "batch_norm" and len(arrays) > 2 and c.draws[4] is not None:
        assert arrays[-1].min() >= 0.5
    assert all(np.isfinite(a).all() for a in arrays)


def test_inputs_are_the_same_every_time() -> None:
    for c in CASES:
        for first, second in zip(c.arrays(), c.arrays(), strict=True):
            assert (first is None) == (second is None)
            assert first is None or second is None or np.array_equal(first, second)
