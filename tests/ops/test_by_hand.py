"""Forward functions against numbers worked by hand, and against plain loops over the definition.

What slides over images is in test_windows.py.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from resdebug.ops.activations import Relu, Sigmoid, Tanh
from resdebug.ops.arithmetic import Add, Div, Mul, Sub
from resdebug.ops.base import Operator
from resdebug.ops.batch_normalisation import BatchNorm
from resdebug.ops.elementwise import Exp, Identity, Log, Neg, Pow, Scale, Sqrt
from resdebug.ops.global_pooling import GlobalAvgPool
from resdebug.ops.joining import Concat
from resdebug.ops.linear_algebra import Linear, Matmul
from resdebug.ops.losses import CrossEntropy
from resdebug.ops.normalisation import LayerNorm
from resdebug.ops.reductions import Mean, Sum
from resdebug.ops.regression_losses import MseLoss
from resdebug.ops.shaping import Flatten, Reshape, Transpose
from resdebug.ops.softmaxes import LogSoftmax, Softmax
from tests.ops.cases import normalisation
from tests.ops.cases.table import Case
from tests.ops.draws import Array

A = np.array([[1.0, 2.0], [3.0, 4.0]])
B = np.array([[5.0, 6.0], [7.0, 8.0]])
CUBE = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("operator", "inputs", "expected"),
    [
        (Add(), [A, B], [[6, 8], [10, 12]]),
        (Sub(), [A, B], [[-4, -4], [-4, -4]]),
        (Mul(), [A, B], [[5, 12], [21, 32]]),
        (Div(), [B, A], [[5, 3], [7 / 3, 2]]),
        (Add(), [A, np.array([10.0, 20.0])], [[11, 22], [13, 24]]),
        (Identity(), [A], [[1, 2], [3, 4]]),
        (Neg(), [A], [[-1, -2], [-3, -4]]),
        (Scale(factor=0.5), [A], [[0.5, 1], [1.5, 2]]),
        (Pow(exponent=2), [A], [[1, 4], [9, 16]]),
        (Pow(exponent=-1), [A], [[1, 1 / 2], [1 / 3, 1 / 4]]),
        (Exp(), [np.array([0.0, 1.0])], [1, math.e]),
        (Log(), [np.array([1.0, math.e])], [0, 1]),
        (Sqrt(), [np.array([4.0, 9.0])], [2, 3]),
        (Relu(), [np.array([-2.0, 0.0, 3.0])], [0, 0, 3]),
        # tanh(log 2) = (2 − 1/2) / (2 + 1/2) = 3/5, σ(log 3) = 3/4, σ(−log 3) = 1/4.
        (Tanh(), [np.array([0.0, math.log(2)])], [0, 0.6]),
        (Sigmoid(), [np.array([0.0, math.log(3), -math.log(3)])], [0.5, 0.75, 0.25]),
        # 1·5 + 2·7 = 19, 1·6 + 2·8 = 22, 3·5 + 4·7 = 43, 3·6 + 4·8 = 50.
        (Matmul(), [A, B], [[19, 22], [43, 50]]),
        (Matmul(), [A[0], A[1]], 11),
        # x Wᵀ + b: 1·5 + 2·6 + 1 = 18, 1·7 + 2·8 − 1 = 22.
        (Linear(), [A[0], B, np.array([1.0, -1.0])], [18, 22]),
        (Sum(), [A], 10),
        (Sum(dim=0), [A], [4, 6]),
        (Sum(dim=[-1], keepdim=True), [A], [[3], [7]]),
        (Mean(), [A], 2.5),
        (Mean(dim=1), [A], [1.5, 3.5]),
        (Reshape(shape=[4, -1]), [A], [[1], [2], [3], [4]]),
        (Flatten(), [A], [1, 2, 3, 4]),
        (Flatten(start_dim=1), [CUBE], CUBE.reshape(2, 12)),
        (Transpose(dim0=0, dim1=1), [A], [[1, 3], [2, 4]]),
        (Concat(dim=1), [A, B], [[1, 2, 5, 6], [3, 4, 7, 8]]),
        (Concat(), [A, B, A], [[1, 2], [3, 4], [5, 6], [7, 8], [1, 2], [3, 4]]),
        # Exponentials 1 and 3: 1/4 and 3/4.
        (Softmax(), [np.array([0.0, math.log(3)])], [0.25, 0.75]),
        (LogSoftmax(), [np.array([0.0, math.log(3)])], [math.log(0.25), math.log(0.75)]),
        (Softmax(dim=0), [np.array([[0.0, 1.0], [math.log(3), 1.0]])], [[0.25, 0.5], [0.75, 0.5]]),
        # −log 1/4 and −log 1/2, whose mean is (log 4 + log 2) / 2 = 1.5 · log 2.
        (CrossEntropy(), [np.array([[0, math.log(3)], [0.0, 0]]), np.array([0, 1])], 1.5 * math.log(2)),
        (CrossEntropy(reduction="sum"), [np.array([[0, math.log(3)], [0.0, 0]]), np.array([0, 1])], math.log(8)),
        (CrossEntropy(reduction="none"), [np.array([0, math.log(3)]), np.array(0)], math.log(4)),
        # Differences 1, 1, 0, 2: squares 1, 1, 0, 4.
        (MseLoss(), [A, np.array([[0.0, 1.0], [3.0, 2.0]])], 1.5),
        (MseLoss(reduction="sum"), [A, np.array([[0.0, 1.0], [3.0, 2.0]])], 6),
        (MseLoss(reduction="none"), [A, np.array([[0.0, 1.0], [3.0, 2.0]])], [[1, 1], [0, 4]]),
        (GlobalAvgPool(), [CUBE[None]], [[[[5.5]], [[17.5]]]]),
    ],
    ids=lambda value: value.op() if isinstance(value, Operator) else "",
)
def test_numbers_worked_by_hand(operator: Operator, inputs: list[Array], expected: Array) -> None:
    y = np.asarray(operator.forward(*(*inputs, *[None] * (len(operator.slots) - len(inputs)))))
    wanted = np.asarray(expected, dtype=float)
    assert y.shape == wanted.shape
    assert np.allclose(y, wanted, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("c", [c for c in normalisation.CASES if isinstance(c.operator, BatchNorm)], ids=lambda c: c.id)
def test_batch_normalisation_by_loops(c: Case) -> None:
    x, weight, bias, mean, variance = c.arrays()
    assert x is not None
    assert isinstance(c.operator, BatchNorm)
    expected = np.zeros(x.shape)
    for channel in range(x.shape[1]):
        numbers = [float(v) for v in x[:, channel].ravel()]
        if c.operator.training:
            mu = sum(numbers) / len(numbers)
            var = sum((v - mu) ** 2 for v in numbers) / len(numbers)
        else:
            assert mean is not None
            assert variance is not None
            mu, var = float(mean[channel]), float(variance[channel])
        gain = 1.0 if weight is None else float(weight[channel])
        shift = 0.0 if bias is None else float(bias[channel])
        normal = (x[:, channel] - mu) / math.sqrt(var + c.operator.eps)
        expected[:, channel] = normal * gain + shift
    y = c.operator.forward(x, weight, bias, mean, variance)
    assert np.allclose(y, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("c", [c for c in normalisation.CASES if isinstance(c.operator, LayerNorm)], ids=lambda c: c.id)
def test_layer_normalisation_by_loops(c: Case) -> None:
    x, weight, bias = c.arrays()
    assert x is not None
    assert isinstance(c.operator, LayerNorm)
    tail = c.operator.tail
    gain = np.ones(tail) if weight is None else weight
    shift = np.zeros(tail) if bias is None else bias
    expected = []
    for row in x.reshape(-1, math.prod(tail)):
        mu = sum(row) / len(row)
        var = sum((v - mu) ** 2 for v in row) / len(row)
        sigma = math.sqrt(var + c.operator.eps)
        expected.append([(v - mu) / sigma * g + s for v, g, s in zip(row, gain.flat, shift.flat, strict=True)])
    y = c.operator.forward(x, weight, bias)
    assert np.allclose(y, np.reshape(expected, x.shape), rtol=1e-13, atol=1e-13)


def test_layer_normalisation_by_hand() -> None:
    # The mean of 1 and 3 is 2, the variance 1: −1 and 1, scaled by 2, shifted by 5.
    operator = LayerNorm(normalized_shape=2, eps=0)
    assert np.array_equal(operator.forward(np.array([1.0, 3.0]), np.full(2, 2.0), np.full(2, 5.0)), [3, 7])
