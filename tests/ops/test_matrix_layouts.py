"""Products of stacks of matrices that are views with their axes in another order, as the heads of an attention are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdebug.ops.linear_algebra import Matmul
from tests.ops.checking import quiet_forward, quiet_vjp
from tests.ops.draws import Array

ORDERS = list(itertools.permutations(range(4)))
SIDE = st.integers(1, 6)


def lying(x: Array, order: tuple[int, ...]) -> Array:
    """``x`` with its axes in memory in this order."""
    return np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(SIDE, min_size=5, max_size=5), *[st.sampled_from(ORDERS)] * 3, st.booleans())
def test_products_however_their_axes_lie(
    seed: int,
    sides: list[int],
    first: tuple[int, ...],
    second: tuple[int, ...],
    third: tuple[int, ...],
    broken: bool,
) -> None:
    batch, heads, n, k, m = sides
    rng = np.random.default_rng(seed)
    shapes = (batch, heads, n, k), (batch, heads, k, m), (batch, heads, n, m)
    plain = [rng.standard_normal(shape) for shape in shapes]
    if broken:
        for x in plain:
            x.flat[0] = np.nan
    a, b, ybar = (lying(x.astype(np.float32), o) for x, o in zip(plain, (first, second, third), strict=True))
    y, expected = quiet_forward(Matmul(), [a, b]), np.einsum("xynk,xykm->xynm", *plain[:2])
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    contributions = np.einsum("xynm,xykm->xynk", plain[2], plain[1]), np.einsum("xynk,xynm->xykm", plain[0], plain[2])
    for position, sent in enumerate(contributions):
        found = quiet_vjp(Matmul(), position, ybar, [a, b])
        assert found.shape == sent.shape
        np.testing.assert_allclose(found, sent, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("turned", [False, True])
def test_what_heads_send_needs_no_copy_to_be_rows_again(turned: bool) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((1, 7, 3, 5)).astype(np.float32)
    heads, weights = rows.transpose(0, 2, 1, 3), rng.standard_normal((1, 3, 7, 7)).astype(np.float32)
    if turned:
        found = quiet_vjp(Matmul(), 1, weights, [heads, heads.swapaxes(-1, -2)]).swapaxes(-1, -2)
    else:
        y = quiet_forward(Matmul(), [weights, heads])
        assert y.transpose(0, 2, 1, 3).flags.c_contiguous
        found = quiet_vjp(Matmul(), 1, y, [weights, heads])
    assert found.shape == heads.shape
    assert found.transpose(0, 2, 1, 3).flags.c_contiguous
