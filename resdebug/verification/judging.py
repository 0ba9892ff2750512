"""Whether two tensors say the same, and where they do not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from resdebug.verification.measured import FLOOR, SLACK, UNIT, Array, Measured

LARGEST: Final = {name: float(np.finfo(name).max) for name in UNIT}
TINY: Final = {name: float(np.finfo(name).tiny) for name in UNIT}
_NAMES: Final = {np.dtype(name).itemsize: name for name in UNIT}
"""By size; numpy takes its time to say what an element type is called."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The first element that differs by most of what is allowed, None where none does; how many cannot be judged."""

    index: tuple[int, ...] | None = None
    found: float = 0.0
    expected: float = 0.0
    allowed: float = 0.0
    elements: int = 0
    """How many differ."""
    open: int = 0


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays are equal to the last bit; one NaN is as good as another."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if not a.shape and a.dtype.kind == "f":
        x, y = a.item(), b.item()
        return bool(x == y and (x != 0 or math.copysign(1, x) == math.copysign(1, y))) or (x != x and y != y)
    return _other_bits(a, b) is None


def _other_bits(a: Array, b: Array) -> Array | None:
    if a.dtype.kind != "f":
        differ = a != b
    else:
        differ = (a != b) | ((a == 0) & (np.signbit(a) != np.signbit(b)))
        differ &= ~(np.isnan(a) & np.isnan(b))
    return np.asarray(differ) if np.any(differ) else None


def exact(found: Array, expected: Array) -> Judged:
    """Compare bit for bit, element by element."""
    differ = _other_bits(found, expected)
    return Judged() if differ is None else _first(differ, found, expected, np.zeros(found.shape))


def _first(differ: Array, found: Array, expected: Array, allowed: Array) -> Judged:
    index = tuple(int(i) for i in np.argwhere(differ)[0])
    return Judged(
        index,
        float(found[index]),
        float(expected[index]),
        float(np.broadcast_to(allowed, found.shape)[index]),
        int(np.count_nonzero(differ)),
    )


def judge(found: Array, derived: Measured, *, finite: bool) -> Judged:
    """Compare with what was derived; ``finite`` says that all operands were.

    What no operation rounded, or only the last one did, must be equal; for the rest there is the bound.
    """
    if found.dtype.kind != "f":
        return exact(found, derived.value.astype(found.dtype))
    theirs = found.astype(np.float64)
    with np.errstate(all="ignore"):
        held = _held(found, theirs, derived)
        if held is None:
            return Judged()
        same, allowed = held
        unclear = ~same & (~np.isfinite(theirs) | ~np.isfinite(derived.value)) & (not finite)
        unclear |= ~same & ~np.isfinite(allowed)
        differ = ~same & ~unclear
    count = int(np.count_nonzero(unclear))
    if not differ.any():
        return Judged(open=count)
    return replace(_first(differ, found, derived.value, allowed), open=count)


def doubtful(found: Array, derived: Measured) -> Array | None:
    """Return which elements need to be judged one by one, None where every one is the same whatever it came from."""
    with np.errstate(all="ignore"):
        held = _held(found, found.astype(np.float64), derived)
    return None if held is None or held[0].all() else ~held[0]


def _held(found: Array, theirs: Array, derived: Measured) -> tuple[Array, Array] | None:
    """Return where numbers are the same up to what is allowed, and that; None where all are equal."""
    name = _NAMES[found.dtype.itemsize]
    expected = derived.value.astype(found.dtype).astype(np.float64)
    same = (theirs == expected) | (np.isnan(theirs) & np.isnan(expected))
    if same.all():
        return None
    if derived.rounded == 0:
        allowed = np.zeros(found.shape)
    else:
        allowed = np.broadcast_to(SLACK * derived.bound * UNIT[name], found.shape) + FLOOR[name]
        if derived.rounded == 1:
            small = np.abs(expected) < TINY[name] * 4
            allowed = np.where(small, FLOOR[name], 0.0)
    # Beyond the largest number of the type is infinity.
    beyond = np.isinf(theirs) & (np.sign(derived.value) == np.sign(theirs))
    beyond &= np.abs(derived.value) + allowed >= LARGEST[name]
    return same | (np.abs(theirs - derived.value) <= allowed) | beyond, allowed
