"""Tensors without elements: what the shape rules accept works, and says 0 where it sums over nothing."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest

from resdebug.network.signature import RuleBroken
from resdebug.network.types import TensorType
from resdebug.ops import CATALOGUE
from resdebug.ops.activations import Relu, Sigmoid, Tanh
from resdebug.ops.arithmetic import Add, Div, Mul, Sub
from resdebug.ops.base import Operator
from resdebug.ops.convolution import Conv2d
from resdebug.ops.elementwise import Exp, Identity, Log, Neg, Pow, Scale, Sqrt
from resdebug.ops.linear_algebra import Linear, Matmul
from resdebug.ops.losses import CrossEntropy, MseLoss
from resdebug.ops.normalisation import BatchNorm, LayerNorm
from resdebug.ops.pooling import AvgPool2d, GlobalAvgPool, MaxPool2d
from resdebug.ops.reductions import Mean, Sum
from resdebug.ops.shaping import Concat, Flatten, Reshape, Transpose
from resdebug.ops.softmaxes import LogSoftmax, Softmax
from tests.ops.draws import Array

Shape: TypeAlias = tuple[int, ...] | None

Row: TypeAlias = tuple[Operator, list[Shape], tuple[int, ...]]


def elementwise(shape: tuple[int, ...], *operators: Operator) -> list[Row]:
    return [(operator, [shape], shape) for operator in operators]


EMPTY: list[Row] = [
    *elementwise((2, 0, 3), Identity(), Neg(), Scale(factor=2), Pow(exponent=2), Exp(), Log()),
    *elementwise((0,), Sqrt(), Relu(), Tanh(), Sigmoid()),
    (Add(), [(0, 3), (1, 3)], (0, 3)),
    (Sub(), [(2, 1), (2, 0)], (2, 0)),
    (Mul(), [(0,), ()], (0,)),
    (Div(), [(2, 0), (1,)], (2, 0)),
    (Matmul(), [(0, 3), (3, 2)], (0, 2)),
    (Matmul(), [(2, 0), (0, 3)], (2, 3)),
    (Matmul(), [(0,), (0,)], ()),
    (Matmul(), [(0, 2, 3), (3,)], (0, 2)),
    (Linear(), [(0, 3), (2, 3), (2,)], (0, 2)),
    (Linear(), [(4, 0), (2, 0), (2,)], (4, 2)),
    (Linear(), [(4, 3), (0, 3), None], (4, 0)),
    (Conv2d(), [(0, 2, 4, 4), (3, 2, 3, 3), (3,)], (0, 3, 2, 2)),
    (Conv2d(padding=1), [(1, 2, 0, 4), (3, 2, 2, 2), (3,)], (1, 3, 1, 5)),
    (BatchNorm(), [(0, 2, 3), (2,), (2,), (2,), (2,)], (0, 2, 3)),
    (BatchNorm(), [(3, 0), (0,), None, (0,), (0,)], (3, 0)),
    (LayerNorm(normalized_shape=3), [(0, 3), (3,), (3,)], (0, 3)),
    (MaxPool2d(kernel_size=2), [(0, 2, 4, 4)], (0, 2, 2, 2)),
    (MaxPool2d(kernel_size=2), [(2, 0, 4, 4)], (2, 0, 2, 2)),
    (AvgPool2d(kernel_size=2), [(0, 2, 4, 4)], (0, 2, 2, 2)),
    (AvgPool2d(kernel_size=3, padding=1, count_include_pad=False), [(2, 0, 3, 3)], (2, 0, 1, 1)),
    (GlobalAvgPool(), [(0, 2, 3, 3)], (0, 2, 1, 1)),
    (Reshape(shape=[-1, 2]), [(0, 3)], (0, 2)),
    (Flatten(start_dim=1), [(0, 2, 3)], (0, 6)),
    (Transpose(dim0=0, dim1=1), [(0, 3)], (3, 0)),
    (Concat(dim=1), [(2, 0), (2, 3), (2, 0)], (2, 3)),
    (Concat(), [(0,)], (0,)),
    (Sum(), [(0, 3)], ()),
    (Sum(dim=0), [(0, 3)], (3,)),
    (Sum(dim=1, keepdim=True), [(0, 3)], (0, 1)),
    (Mean(dim=1), [(0, 3)], (0,)),
    (Softmax(), [(0, 3)], (0, 3)),
    (LogSoftmax(dim=1), [(2, 3, 0)], (2, 3, 0)),
    (CrossEntropy(reduction="sum"), [(0, 3), (0,)], ()),
    (CrossEntropy(reduction="none"), [(2, 3, 0), (2, 0)], (2, 0)),
    (MseLoss(reduction="sum"), [(0,), (0,)], ()),
    (MseLoss(reduction="none"), [(2, 0), (2, 0)], (2, 0)),
]

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
    assert {row[0].op() for row in EMPTY} == set(CATALOGUE) - {"input", "parameter", "constant"}


@rows
def test_forward_of_nothing(operator: Operator, shapes: list[Shape], expected: tuple[int, ...]) -> None:
    inputs = ones(operator, shapes)
    types = [None if a is None else TensorType(a.shape, a.dtype.name) for a in inputs]
    assert operator.infer(*types) == TensorType(expected)
    y = np.asarray(operator.forward(*inputs))
    assert (y.shape, y.dtype.name) == (expected, "float64")
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
