"""Tensors without elements: what the shape rules accept works, and says 0 where it sums over nothing."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.network.signature import RuleBroken
from resdebug.network.types import TensorType
from resdebug.ops.base import Operator
from resdebug.ops.pooling import AvgPool2d, MaxPool2d
from tests.ops.cases import DIFFERENTIATED, EMPTY
from tests.ops.cases.table import Shape
from tests.ops.draws import Array

rows = pytest.mark.parametrize(
    ("operator", "shapes", "expected"), EMPTY, ids=[f"{row[0].op()}-{i}" for i, row in enumerate(EMPTY)]
)


def ones(operator: Operator, shapes: list[Shape]) -> list[Array | None]:
    """Return inputs full of ones, class indices full of zeros."""
    whole = [operator.slot(i, len(shapes)).elements == "integer" for i in range(len(shapes))]
    return [
        None if shape is None else np.zeros(shape, dtype=np.int64) if integer else np.ones(shape)
        for shape, integer in zip(shapes, whole, strict=True)
    ]


def test_every_operator_is_tried_on_nothing() -> None:
    assert {row[0].op() for row in EMPTY} == set(DIFFERENTIATED)


@rows
def test_forward_of_nothing(operator: Operator, shapes: list[Shape], expected: tuple[int, ...]) -> None:
    inputs = ones(operator, shapes)
    types = [None if a is None else TensorType(a.shape, a.dtype.name) for a in inputs]
    y = np.asarray(operator.forward(*inputs))
    assert y.shape == expected
    assert operator.infer(*types) == TensorType(expected, y.dtype.name)
    if operator.op() in {"sum", "matmul", "mse_loss", "cross_entropy"}:
        assert np.array_equal(y, np.zeros(expected)), "a sum over nothing is 0"


@rows
def test_contributions_of_nothing(operator: Operator, shapes: list[Shape], expected: tuple[int, ...]) -> None:
    inputs = ones(operator, shapes)
    y = np.asarray(operator.forward(*inputs))
    for i, x in enumerate(inputs):
        if x is not None and operator.slot(i, len(shapes)).differentiable:
            sent = np.asarray(operator.vjp(i, np.ones(expected), y, inputs))
            assert sent.shape == x.shape
            if not y.size:
                assert np.array_equal(sent, np.zeros(x.shape)), "an output without elements sends nothing"


@pytest.mark.parametrize("shape", [(1, 1, 0, 4), (1, 1, 4, 0)])
@pytest.mark.parametrize(
    "operator",
    [
        MaxPool2d(kernel_size=2, padding=1),
        AvgPool2d(kernel_size=2, padding=1),
        AvgPool2d(kernel_size=2, padding=1, count_include_pad=False),
    ],
    ids=["max", "average", "average-uncounted"],
)
def test_pooling_refuses_windows_that_see_only_padding(operator: Operator, shape: tuple[int, ...]) -> None:
    # Its rule promises that every window sees the image; the largest or the mean of nothing is not defined.
    with pytest.raises(RuleBroken):
        operator.infer(TensorType(shape))
