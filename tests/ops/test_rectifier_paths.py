"""The ways through the rectifier, which are chosen by size and layout, against its definition element by element."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from resdebug.ops import masks, threads
from resdebug.ops.activations import Relu
from tests.ops.draws import Array

SHAPES = [(7, 11), (1, 3, 13, 17), (2, 16, 64, 64), (1, 16, 64, 129), (3, 5, 200, 230)]
"""Around the sizes from which there are masks, blocks, and several threads."""

ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 3e38]


def drawn(seed: int, shape: tuple[int, ...], dtype: Any, last: bool) -> Array:
    rng = np.random.default_rng(seed)
    x: Array = rng.standard_normal(shape).astype(dtype)
    places = rng.integers(0, x.size, 40)
    x.flat[places] = rng.choice(np.array(ODD, dtype), 40)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if last else x


def bits(x: Array) -> NDArray[np.int64]:
    return np.ascontiguousarray(x.astype(np.float64)).view(np.int64)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layouts", [(False, False), (True, True), (True, False), (False, True)], ids=str)
def test_what_passes_is_the_adjoint_and_what_stops_is_zero_to_the_bit(
    shape: tuple[int, ...], dtype: Any, layouts: tuple[bool, bool]
) -> None:
    x, ybar = (drawn(k, shape, dtype, last) for k, last in enumerate(layouts))
    with threads.ours():
        y = Relu().forward(x)
        sent = Relu().vjp(0, ybar, y, [x])
    assert np.array_equal(y, np.where(x > 0, x, np.where(np.isnan(x), np.nan, 0)), equal_nan=True)
    stops = x <= 0
    assert (bits(sent)[stops] == 0).all()
    assert np.array_equal(bits(sent)[~stops], bits(ybar)[~stops])
    assert sent.dtype == dtype


def test_sizes_above_are_those_that_matter() -> None:
    sizes = sorted(int(np.prod(shape)) for shape in SHAPES)
    assert sizes[0] < masks.SMALL < sizes[1] < sizes[2] == masks.BLOCK < sizes[3] < masks.ENOUGH < sizes[4]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_other_element(dtype: Any) -> None:
    x, ybar = (drawn(k, (600, 600), dtype, last=False)[:, ::2] for k in range(2))
    sent = Relu().vjp(0, ybar, Relu().forward(x), [x])
    assert np.array_equal(sent, np.where(x <= 0, 0, ybar), equal_nan=True)
