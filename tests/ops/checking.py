"""The checkers of VJPs: they know nothing of an operator but its forward function.

Both return the whole contribution, element by element, as numeric differentiation has it; ``discrepancy`` compares.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from resdebug.ops.base import Operator
from tests.ops.draws import Array

STEP = float(np.finfo(np.float64).eps ** (1 / 3))
IMAGINARY_STEP = 1e-100


def quiet_forward(operator: Operator, inputs: Sequence[Array | None]) -> Array:
    """Run the forward function as the engine does: IEEE 754 without warnings, always an array."""
    with np.errstate(all="ignore"):
        return np.asarray(operator.forward(*inputs))


def quiet_vjp(operator: Operator, position: int, ybar: Array, inputs: Sequence[Array | None]) -> Array:
    """Run a VJP as the engine does."""
    y = quiet_forward(operator, inputs)
    with np.errstate(all="ignore"):
        return np.asarray(operator.vjp(position, ybar, y, inputs))


def moved(inputs: Sequence[Array | None], position: int, x: Array) -> list[Array | None]:
    """Return ``inputs`` with ``x`` in the slot at ``position``."""
    return [x if i == position else given for i, given in enumerate(inputs)]


def central_differences(operator: Operator, inputs: Sequence[Array | None], position: int, ybar: Array) -> Array:
    """Return ∂⟨ȳ, f(x)⟩/∂x, every element by ``(f(x + h) − f(x − h)) / 2h``, in float64.

    The outputs are subtracted before they are weighted with ȳ, so that those that do not depend on the element
    cancel exactly. The step is divided by as it was made: ``x + h`` is rounded.
    """
    x = inputs[position]
    assert x is not None
    result = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        h = STEP * max(1.0, abs(float(x[index])))
        above, below = np.array(x), np.array(x)
        above[index] += h
        below[index] -= h
        after, before = (np.asarray(operator.forward(*moved(inputs, position, x))) for x in (above, below))
        # A masked −∞ stays what it is; ∞ − ∞ would be NaN.
        change = np.subtract(after, before, out=np.zeros(after.shape), where=after != before)
        result[index] = np.sum(ybar * change) / (float(above[index]) - float(below[index]))
    return result


def complex_step(operator: Operator, inputs: Sequence[Array | None], position: int, ybar: Array) -> Array:
    """Return ∂⟨ȳ, f(x)⟩/∂x, every element by ``Im f(x + ih) / h`` (Squire and Trapp 1998, SIAM Review 40).

    Nothing is subtracted, so h may be tiny and the result is exact up to rounding; f must be analytic.
    """
    x = inputs[position]
    assert x is not None
    complexes = [None if a is None else a.astype(complex) if a.dtype.kind == "f" else a for a in inputs]
    result = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        shifted = x.astype(complex)
        shifted[index] += 1j * IMAGINARY_STEP
        slope = np.asarray(operator.forward(*moved(complexes, position, shifted))).imag / IMAGINARY_STEP
        result[index] = np.sum(ybar * slope)
    return result


def discrepancy(found: Array, expected: Array) -> float:
    """Return the largest difference, relative to the largest expected element where that is over 1.

    Arrays of different shapes are infinitely far apart: nothing is broadcast in silence. Equal infinities agree.
    """
    if found.shape != expected.shape:
        return float("inf")
    if not expected.size:
        return 0.0
    found, expected = (a.astype(float) if a.dtype == bool else a for a in (found, expected))
    difference = np.subtract(found, expected, out=np.zeros_like(expected), where=found != expected)
    finite = expected[np.isfinite(expected)]
    return float(np.max(np.abs(difference))) / max(1.0, float(np.max(np.abs(finite), initial=0.0)))
