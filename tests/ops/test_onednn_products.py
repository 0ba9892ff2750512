"""Products of matrices through oneDNN: however operands lie, however long the sums, whoever adds them up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resdebug.ops import threads
from resdebug.ops.onednn import matmul
from resdebug.ops.onednn.library import library
from tests.ops.draws import Array

pytestmark = pytest.mark.skipif(library() is None, reason="oneDNN is not installed: pip install resdebug[fast]")

SIDE = st.integers(1, 150)
INNER = st.integers(1, 1100)
SEED = st.integers(0, 2**32 - 1)
LIES = st.sampled_from(["plain", "turned", "gaps"])


def lying(matrix: Array, how: str) -> Array:
    if how == "gaps":
        wide = np.empty((len(matrix), 2 * matrix.shape[1]), matrix.dtype)
        wide[:, ::2] = matrix
        return wide[:, ::2]
    return matrix.copy(order="F" if how == "turned" else "C")


def drawn(seed: int, rows: int, inner: int, columns: int, first: str, second: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((rows, inner), (inner, columns)))
    return lying(a, first), lying(b, second)


@settings(max_examples=150, deadline=None)
@given(SEED, SIDE, INNER, SIDE, LIES, LIES, st.booleans())
@example(0, 512, 700, 1, "turned", "plain", False)
@example(1, 1, 1000, 512, "plain", "plain", False)
@example(2, 1000, 1, 512, "turned", "plain", False)
def test_product(seed: int, rows: int, inner: int, columns: int, first: str, second: str, biased: bool) -> None:
    a, b = drawn(seed, rows, inner, columns, first, second)
    bias = np.random.default_rng(seed + 1).standard_normal(columns).astype(np.float32) if biased else None
    found = matmul.product(a, b, bias)
    if rows * inner * columns < matmul.ENOUGH:
        assert found is None
        return
    assert found is not None
    assert found.shape == (rows, columns)
    double = a.astype(np.float64), b.astype(np.float64)
    expected = double[0] @ double[1] + (0 if bias is None else bias)
    size = np.abs(double[0]) @ np.abs(double[1]) + 1
    assert (np.abs(found - expected) / size).max() < 4e-6


@settings(max_examples=60, deadline=None)
@given(SEED, SIDE, INNER, SIDE, LIES, LIES)
@example(0, 128, 1024, 256, "plain", "plain")
@example(1, 49, 2048, 512, "turned", "plain")
@example(2, 1, 3000, 300, "plain", "plain")
@example(3, 300, 3000, 1, "turned", "plain")
def test_its_bits_do_not_depend_on_the_number_of_threads(
    seed: int, rows: int, inner: int, columns: int, first: str, second: str
) -> None:
    a, b = drawn(seed, rows, inner, columns, first, second)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for count in (1, 2, 3, 4):
            patch.setattr(threads, "count", lambda count=count: count)
            with threads.ours():
                found.append(matmul.product(a, b))
    bits = {None if y is None else y.tobytes() for y in found}
    assert len(bits) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("first", ["plain", "turned"])
@pytest.mark.parametrize("second", ["plain", "turned"])
@pytest.mark.parametrize("inner", [100, 600])
def test_what_is_not_finite_spreads_as_mathematics_has_it(bad: float, first: str, second: str, inner: int) -> None:
    a, b = drawn(0, 80, inner, 70, first, second)
    # Zeros that meet what is not finite are not left out, and what stood in memory before is not read.
    a[3, 5], a[4, 5], b[-2, 7], b[5, 9], a[:, -2] = bad, -bad, bad, 0, 0
    with threads.ours():
        found, expected = matmul.product(a, b), a.astype(np.float64) @ b.astype(np.float64)
    assert found is not None
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert np.array_equal(np.isposinf(found), np.isposinf(expected))
    assert np.array_equal(np.isneginf(found), np.isneginf(expected))


def test_the_result_is_not_added_to_what_memory_held() -> None:
    a, b = drawn(0, 128, 700, 256, "plain", "plain")
    for _ in range(20):
        stale = np.full((128, 256), np.nan, np.float32)
        del stale
        found = matmul.product(a, b)
        assert found is not None
        assert np.isfinite(found).all()
