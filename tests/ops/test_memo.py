"""What is remembered, for how long, and of whom."""

from __future__ import annotations

import gc

import numpy as np

from resdebug.ops.memo import Memo
from tests.ops.draws import Array


def frozen(*numbers: float) -> Array:
    array = np.array(numbers)
    array.flags.writeable = False
    return array


class Counted:
    """A sum that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *arrays: Array) -> float:
        self.calls += 1
        return float(sum(a.sum() for a in arrays))


def test_made_once_for_the_same_arrays() -> None:
    memo, make = Memo[float](), Counted()
    a, b = frozen(1, 2), frozen(3)
    assert [memo.get(make, a, b), memo.get(make, a, b), memo.get(make, a)] == [6, 6, 3]
    assert make.calls == 2


def test_equal_arrays_are_not_the_same() -> None:
    memo, make = Memo[float](), Counted()
    memo.get(make, frozen(1))
    memo.get(make, frozen(1))
    assert make.calls == 2


def test_an_array_that_may_be_written_to_is_not_remembered() -> None:
    memo, make = Memo[float](), Counted()
    a = np.array([1.0])
    assert memo.get(make, a) == 1
    a[0] = 5
    assert memo.get(make, a) == 5
    assert len(memo) == 0


def test_nothing_is_kept_longer_than_its_arrays() -> None:
    memo, make = Memo[float](), Counted()
    a, b = frozen(1), frozen(2)
    memo.get(make, a, b)
    memo.get(make, b)
    del a
    gc.collect()
    assert len(memo) == 1
    del b
    gc.collect()
    assert len(memo) == 0


def test_what_was_kept_is_found_and_nothing_is_made() -> None:
    memo, a = Memo[float](), frozen(1)
    assert memo.found(a) is None
    memo.keep(5, a)
    assert memo.found(a) == 5
    assert memo.found(frozen(1)) is None
