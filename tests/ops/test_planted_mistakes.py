"""The checkers of test_derivatives.py catch wrong derivatives: each operator here has a mistake that people make."""

# ruff: noqa: ARG002 (a VJP is handed every saved value, and uses what it needs)

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from resdebug.network.signature import Slot
from resdebug.ops.activations import Relu, Tanh
from resdebug.ops.arithmetic import Add, Sub
from resdebug.ops.base import Operator, unbroadcast
from resdebug.ops.batch_normalisation import BatchNorm
from resdebug.ops.convolution import Conv2d
from resdebug.ops.elementwise import Elementwise, Exp
from resdebug.ops.linear_algebra import Linear, Matmul
from resdebug.ops.pooling import MaxPool2d
from resdebug.ops.reductions import Mean
from resdebug.ops.softmaxes import Softmax
from tests.ops.checking import central_differences, complex_step, discrepancy, quiet_forward, quiet_vjp
from tests.ops.draws import Array, Draw, distinct, normal
from tests.ops.test_derivatives import CENTRAL, COMPLEX


class SignFlipped(Sub, frozen=True, tag="sign_flipped"):
    """The second operand of a difference gets the sign of the first."""

    vjp_a = Sub.vjp_a

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        return unbroadcast(ybar, b.shape)


class FactorForgotten(Elementwise, frozen=True, tag="factor_forgotten"):
    """The square without its 2."""

    slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ} ⊙ {x}", "wrong"),)

    def forward(self, x: Array) -> Array:
        return x * x

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        return ybar * x


class NotTransposed(Matmul, frozen=True, tag="not_transposed"):
    """Square matrices hide from the shapes that a transpose is missing."""

    vjp_b = Matmul.vjp_b

    def vjp_a(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        return np.asarray(ybar @ b)


class WeightTransposed(Linear, frozen=True, tag="weight_transposed"):
    """The gradient of a square weight, transposed."""

    vjp_x = Linear.vjp_x
    vjp_bias = Linear.vjp_bias

    def vjp_weight(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        return Linear.vjp_weight(self, ybar, y, x, weight, bias).T


class NotSummed(Add, frozen=True, tag="not_summed"):
    """What was stretched is not summed."""

    vjp_a = Add.vjp_a

    def vjp_b(self, ybar: Array, y: Array, a: Array, b: Array) -> Array:
        return ybar


class NotDivided(Mean, frozen=True, tag="not_divided"):
    """A mean treated as a sum."""

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        return self.spread(ybar, x)


class DiagonalOnly(Softmax, frozen=True, tag="diagonal_only"):
    """Softmax as if each probability depended on its own logit only."""

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        return np.asarray(ybar * y * (1 - y))


class KernelFlipped(Conv2d, frozen=True, tag="kernel_flipped"):
    """The transposed convolution with the kernel the wrong way round."""

    vjp_weight = Conv2d.vjp_weight
    vjp_bias = Conv2d.vjp_bias

    def vjp_x(self, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
        return Conv2d.vjp_x(self, ybar, y, x, weight[:, :, ::-1, ::-1], bias)


class StatisticsConstant(BatchNorm, frozen=True, tag="statistics_constant"):
    """Training as if mean and variance did not depend on x."""

    vjp_weight = BatchNorm.vjp_weight
    vjp_bias = BatchNorm.vjp_bias

    def vjp_x(
        self, ybar: Array, y: Array, x: Array, weight: Array | None, bias: Array | None, *running: Array | None
    ) -> Array:
        return np.asarray(ybar / np.sqrt(x.var(axis=0) + self.eps))


class SpreadEvenly(MaxPool2d, frozen=True, tag="spread_evenly"):
    """Max pooling that sends back as average pooling does."""

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        return np.asarray(np.kron(ybar, np.full((1, 1, 2, 2), 0.25)))


class InputForOutput(Tanh, frozen=True, tag="input_for_output"):
    """1 − x² in the place of 1 − y²."""

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        return np.asarray(ybar * (1 - x * x))


class WrongMask(Relu, frozen=True, tag="wrong_mask"):
    """The mask taken from the adjoint in the place of the input."""

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        return np.where(ybar > 0, ybar, 0.0)


class SlightlyOff(Exp, frozen=True, tag="slightly_off"):
    """Right but for a factor 1 + 1e-8, which is 1 in single precision."""

    def vjp_x(self, ybar: Array, y: Array, x: Array) -> Array:
        return ybar * y * (1 + 1e-8)


MISTAKES: list[tuple[Operator, int, list[Draw | None]]] = [
    (SignFlipped(), 1, [normal(2, 3), normal(3)]),
    (FactorForgotten(), 0, [normal(2, 3)]),
    (NotTransposed(), 0, [normal(3, 3), normal(3, 3)]),
    (WeightTransposed(), 1, [normal(2, 3), normal(3, 3), None]),
    (NotSummed(), 1, [normal(2, 3), normal(3)]),
    (NotDivided(), 0, [normal(2, 3)]),
    (DiagonalOnly(), 0, [normal(2, 3)]),
    (KernelFlipped(), 0, [normal(1, 2, 4, 4), normal(2, 2, 2, 2), None]),
    (StatisticsConstant(training=True), 0, [normal(4, 2), None, None, None, None]),
    (SpreadEvenly(kernel_size=2), 0, [distinct(1, 1, 4, 4)]),
    (InputForOutput(), 0, [normal(2, 3)]),
    (WrongMask(), 0, [normal(3, 4)]),
    (SlightlyOff(), 0, [normal(2, 3)]),
]


def drawn(operator: Operator, draws: Sequence[Draw | None]) -> tuple[list[Array | None], Array]:
    rng = np.random.default_rng(5)
    inputs = [None if draw is None else draw.array(rng) for draw in draws]
    return inputs, np.asarray(rng.standard_normal(quiet_forward(operator, inputs).shape))


every_mistake = pytest.mark.parametrize(
    ("operator", "position", "draws"), MISTAKES, ids=[operator.op() for operator, _, _ in MISTAKES]
)


@every_mistake
def test_central_differences_catch(operator: Operator, position: int, draws: list[Draw | None]) -> None:
    inputs, ybar = drawn(operator, draws)
    sent = quiet_vjp(operator, position, ybar, inputs)
    assert discrepancy(sent, central_differences(operator, inputs, position, ybar)) > CENTRAL


@every_mistake
def test_the_complex_step_catches(operator: Operator, position: int, draws: list[Draw | None]) -> None:
    inputs, ybar = drawn(operator, draws)
    sent = quiet_vjp(operator, position, ybar, inputs)
    assert discrepancy(sent, complex_step(operator, inputs, position, ybar)) > COMPLEX


@pytest.mark.parametrize("right", [Sub(), Matmul(), Exp(), Tanh(), Relu(), Mean(), Softmax()], ids=lambda o: o.op())
def test_the_same_operators_without_the_mistake_pass(right: Operator) -> None:
    draws = [normal(3, 3)] * len(right.slots)
    inputs, ybar = drawn(right, draws)
    for position in range(len(right.slots)):
        sent = quiet_vjp(right, position, ybar, inputs)
        assert discrepancy(sent, central_differences(right, inputs, position, ybar)) < CENTRAL
        assert discrepancy(sent, complex_step(right, inputs, position, ybar)) < COMPLEX


def test_discrepancy_is_relative_to_large_elements_and_absolute_for_small_ones() -> None:
    # 1 off in 100 is 0.01; 0.01 off in 0 stays 0.01.
    assert discrepancy(np.array([101.0, 0.0]), np.array([100.0, 0.0])) == 0.01
    assert discrepancy(np.array([0.01]), np.array([0.0])) == 0.01


def test_discrepancy_never_broadcasts() -> None:
    assert discrepancy(np.ones((2, 3)), np.ones(3)) == np.inf
    assert discrepancy(np.ones((1, 3)), np.ones(3)) == np.inf


def test_discrepancy_of_nan_passes_no_tolerance() -> None:
    assert not discrepancy(np.array([np.nan]), np.array([1.0])) < np.inf
