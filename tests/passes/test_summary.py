"""Statistics of tensors."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from resdebug.engine.norms import norm
from resdebug.passes.summary import cosine, summarise


def test_by_hand() -> None:
    s = summarise(np.array([[3.0, 0.0], [-4.0, 0.0]]))
    assert (s.size, s.norm, s.minimum, s.maximum, s.mean, s.zeros) == (4, 5.0, -4.0, 3.0, -0.25, 2)
    assert s.deviation == pytest.approx(np.sqrt((3.25**2 + 0.25**2 + 3.75**2 + 0.25**2) / 4))


def test_what_is_not_finite_is_counted_and_left_out_of_the_range() -> None:
    s = summarise(np.array([np.nan, np.inf, -np.inf, 2.0]))
    assert (s.nans, s.infinities, s.minimum, s.maximum) == (1, 2, 2.0, 2.0)
    assert np.isnan(s.norm)


def test_norm_neither_overflows_nor_vanishes() -> None:
    assert norm(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert norm(np.array([3e-200, 4e-200])) == pytest.approx(5e-200)
    assert norm(np.array([np.inf, 1.0])) == np.inf
    assert norm(np.zeros(3)) == 0.0
    assert norm(np.zeros((0, 2))) == 0.0
    assert norm(np.full(4, 1e30, dtype=np.float32)) == pytest.approx(2e30, rel=1e-6)


def test_cosine() -> None:
    assert cosine(np.array([1.0, 0.0]), np.array([0.0, 2.0])) == 0.0
    assert cosine(np.array([1.0, 1.0]), np.array([-2.0, -2.0])) == pytest.approx(-1.0)
    assert cosine(np.array([3e-200, 4e-200]), np.array([3e200, 4e200])) == pytest.approx(1.0)
    assert cosine(np.zeros(2), np.ones(2)) is None
    assert cosine(np.array([np.nan, 1.0]), np.ones(2)) is None


def test_empty_tensor() -> None:
    s = summarise(np.zeros((0, 3)))
    assert (s.size, s.norm, s.zeros) == (0, 0.0, 0)


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 64, 40, 40), (2, 0, 3, 3), (2, 3, 4, 5, 6), (5, 33, 31, 30)])
def test_the_layout_in_memory_makes_no_difference(shape: tuple[int, ...]) -> None:
    plain = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(plain, 1, -1)), -1, 1)
    assert last.flags.c_contiguous is (last.size == 0)
    told, expected = summarise(last), plain.astype(np.float64)
    # To the last bit: a mean that is nothing but rounding is shown too.
    assert told.mean == (expected.mean() if expected.size else 0.0)
    assert told.deviation == (expected.std() if expected.size else 0.0)
    assert (told.minimum, told.maximum) == ((expected.min(), expected.max()) if expected.size else (0.0, 0.0))
    if expected.size:
        other = np.flip(plain, 0)
        assert cosine(last, other) == pytest.approx(cosine(plain, other), abs=1e-6)


def test_two_of_one_layout_have_the_cosine_of_all_elements() -> None:
    a, b = np.random.default_rng(4).normal(size=(2, 3, 40_001))
    assert cosine(a, b) == pytest.approx(float(np.vdot(a, b)) / norm(a) / norm(b), abs=1e-14)


def test_what_is_not_finite_is_found_in_any_piece() -> None:
    plain = np.ones(100_000)
    plain[[3, 99_999]], plain[50_000] = np.nan, -np.inf
    s = summarise(plain)
    assert (s.nans, s.infinities, s.minimum, s.maximum, s.mean, s.deviation) == (2, 1, 1.0, 1.0, 1.0, 0.0)
    assert np.isnan(s.norm)
    assert summarise(np.full(100_000, np.nan)).mean == 0.0


def test_large_and_small_numbers_in_many_pieces() -> None:
    for size in (1e-200, 1e200):
        assert summarise(np.full(250_000, size)).norm == pytest.approx(500 * size)


def test_statistics_take_no_more_memory_than_the_tensor() -> None:
    last = np.moveaxis(np.ones((1, 100, 100, 512), np.float32), -1, 1)
    tracemalloc.start()
    summarise(last)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < last.nbytes + 2_000_000
