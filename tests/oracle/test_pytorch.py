"""Every case of the table against PyTorch, which shares no code with this package.

In float64 both sides do the same sums in another order, so they differ by rounding alone: 2e-15 as seen, and 1e-13
leaves room for another BLAS. In float32 (ε = 1.2e-7) the largest seen is 1e-6, in batch normalisation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from resdebug.ops.base import Operator
from resdebug.ops.pooling import MaxPool2d
from tests.ops.cases import CASES, KINKS, SLOT_IDS, SLOTS
from tests.ops.cases.table import Case
from tests.ops.checking import discrepancy, quiet_forward, quiet_vjp
from tests.ops.draws import Array

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison with it is skipped")
torch.set_num_threads(1)

TOLERANCE = {"float64": 1e-13, "float32": 5e-6}

both_widths = pytest.mark.parametrize("dtype", TOLERANCE)


def tensors(arrays: list[Array | None]) -> list[Any]:
    return [None if a is None else torch.from_numpy(np.array(a)) for a in arrays]


@both_widths
@pytest.mark.parametrize("c", CASES, ids=lambda c: c.id)
def test_forward(c: Case, dtype: str) -> None:
    inputs = c.arrays(dtype)
    expected = c.torch(torch, *tensors(inputs)).numpy()
    found = quiet_forward(c.operator, inputs)
    assert found.dtype == expected.dtype
    assert discrepancy(found, expected) < TOLERANCE[dtype]


@both_widths
@pytest.mark.parametrize(("c", "position"), SLOTS, ids=SLOT_IDS)
def test_contribution(c: Case, position: int, dtype: str) -> None:
    inputs, ybar = c.arrays(dtype), c.ybar(dtype)
    given = tensors(inputs)
    given[position].requires_grad_(True)
    (expected,) = torch.autograd.grad(c.torch(torch, *given), given[position], torch.from_numpy(np.array(ybar)))
    assert discrepancy(quiet_vjp(c.operator, position, ybar, inputs), expected.numpy()) < TOLERANCE[dtype]


@pytest.mark.parametrize(("operator", "given", "function"), [row[1:] for row in KINKS], ids=[row[0] for row in KINKS])
def test_conventions_at_kinks_and_ties_are_those_of_pytorch(
    operator: Operator, given: list[Any], function: Callable[..., Any]
) -> None:
    inputs: list[Array | None] = [None if g is None else np.array(g, dtype=float) for g in given]
    y = quiet_forward(operator, inputs)
    ybar = np.array([-k if k % 2 else k for k in range(1, y.size + 1)], dtype=float).reshape(y.shape)
    theirs = [None if t is None else t.requires_grad_(True) for t in tensors(inputs)]
    output = function(torch, *theirs)
    assert np.array_equal(y, output.detach().numpy(), equal_nan=True)
    output.backward(torch.from_numpy(ybar))
    for position, tensor in enumerate(theirs):
        if tensor is not None and operator.slot(position, len(inputs)).differentiable:
            found = quiet_vjp(operator, position, ybar, inputs)
            assert np.array_equal(found, tensor.grad.numpy(), equal_nan=True), operator.slot(position, len(inputs)).name


# Not compared: windows of several NaN, where PyTorch takes the last one on the processor.
@pytest.mark.parametrize("fill", [1.0, -np.inf, np.inf], ids=["ties", "minus_infinity", "infinity"])
@pytest.mark.parametrize("padding", [0, 1])
def test_among_ties_max_pooling_chooses_as_pytorch_does(fill: float, padding: int) -> None:
    x = np.full((1, 1, 4, 4), fill)
    operator = MaxPool2d(kernel_size=3, stride=1, padding=padding)
    given = torch.from_numpy(x.copy()).requires_grad_(True)
    y = torch.nn.functional.max_pool2d(given, 3, 1, padding)
    ybar = np.arange(1.0, 1.0 + y.numel()).reshape(tuple(y.shape))
    (expected,) = torch.autograd.grad(y, given, torch.from_numpy(ybar))
    assert np.array_equal(quiet_forward(operator, [x]), y.detach().numpy())
    assert np.array_equal(quiet_vjp(operator, 0, ybar, [x]), expected.numpy())
