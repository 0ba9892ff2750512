"""Every VJP of every operator against numeric differentiation of its forward function.

Central differences have two errors (Press et al. 2007, Numerical Recipes, section 5.7). Truncation is h²/6 · f‴, and
with h = ε^(1/3) = 6e-6 that is 6e-12 · f‴. Roundoff is about ε·|f| / h = 4e-11 · |f|, for each output that depends on
the element. In the table's cases |f|, |ȳ| and f‴ are at most some tens, and a few dozen outputs are summed, which
makes 1e-9 at worst. The largest discrepancy seen is 1.1e-9, in binary_cross_entropy, whose f‴ is 2000 at a
probability of 0.1; elsewhere it is 4e-10.

The complex step subtracts nothing and has only the roundoff of the forward function itself, 1e-15 as seen.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.cases import CASES, NOT_ANALYTIC, SLOT_IDS, SLOTS
from tests.ops.cases.table import Case
from tests.ops.checking import central_differences, complex_step, discrepancy, quiet_vjp

CENTRAL = 2e-9
COMPLEX = 1e-14


@pytest.mark.parametrize(("c", "position"), SLOTS, ids=SLOT_IDS)
def test_vjp_agrees_with_central_differences(c: Case, position: int) -> None:
    inputs, ybar = c.arrays(), c.ybar()
    found = quiet_vjp(c.operator, position, ybar, inputs)
    assert discrepancy(found, central_differences(c.operator, inputs, position, ybar)) < CENTRAL


@pytest.mark.parametrize(
    ("c", "position"),
    [pair for pair in SLOTS if pair[0].operator.op() not in NOT_ANALYTIC],
    ids=[id_ for (c, _), id_ in zip(SLOTS, SLOT_IDS, strict=True) if c.operator.op() not in NOT_ANALYTIC],
)
def test_vjp_agrees_with_the_complex_step(c: Case, position: int) -> None:
    inputs, ybar = c.arrays(), c.ybar()
    found = quiet_vjp(c.operator, position, ybar, inputs)
    assert discrepancy(found, complex_step(c.operator, inputs, position, ybar)) < COMPLEX


@pytest.mark.parametrize("name", NOT_ANALYTIC)
def test_the_complex_step_is_left_out_only_where_it_fails(name: str) -> None:
    c = next(c for c in CASES if c.operator.op() == name)
    inputs, ybar = c.arrays(), c.ybar()
    found = quiet_vjp(c.operator, 0, ybar, inputs)
    assert discrepancy(found, complex_step(c.operator, inputs, 0, ybar)) > 1e-3


@pytest.mark.parametrize(("c", "position"), SLOTS, ids=SLOT_IDS)
def test_an_adjoint_of_zeros_sends_zeros(c: Case, position: int) -> None:
    inputs = c.arrays()
    x = inputs[position]
    assert x is not None
    sent = quiet_vjp(c.operator, position, np.zeros_like(c.ybar()), inputs)
    assert np.array_equal(sent, np.zeros(x.shape))
