"""How the inputs of a case are drawn: seeded, and away from the places where a derivative does not exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

GAP = 0.1
"""Distance between neighbours in ``distinct``: far more than any step of finite differences."""


@dataclass(frozen=True)
class Draw:
    """One input of a case: its shape, and how its numbers are made."""

    shape: tuple[int, ...]
    make: Callable[[np.random.Generator, tuple[int, ...]], Array]
    fixed: str = ""
    """Element type where it is not the case's own: indices, masks."""

    def array(self, rng: np.random.Generator, dtype: str = "float64") -> Array:
        """Return the numbers, read-only, so that an operator that changes its input is caught at once."""
        made = np.asarray(self.make(rng, self.shape))
        made = made.astype(self.fixed or dtype)
        made.flags.writeable = False
        return made


def normal(*shape: int) -> Draw:
    """From the normal distribution: for operators that are smooth everywhere."""
    return Draw(shape, lambda rng, s: rng.standard_normal(s))


def positive(*shape: int) -> Draw:
    """Between 1/2 and 2: for logarithms, roots, powers and variances, away from 0."""
    return Draw(shape, lambda rng, s: rng.uniform(0.5, 2.0, s))


def off_zero(*shape: int) -> Draw:
    """Of either sign and at least 1/2 in size: for the kink of relu and the pole of a quotient at 0."""
    return Draw(shape, lambda rng, s: rng.uniform(0.5, 2.0, s) * np.where(rng.random(s) < 0.5, -1.0, 1.0))


def distinct(*shape: int) -> Draw:
    """A shuffle of numbers that lie ``GAP`` apart: for max pooling, which has a kink where two elements tie."""
    return Draw(shape, lambda rng, s: (GAP * (rng.permutation(int(np.prod(s))) - int(np.prod(s)) // 2)).reshape(s))


def classes(count: int, *shape: int) -> Draw:
    """Class indices from 0 to ``count`` − 1."""
    return Draw(shape, lambda rng, s: rng.integers(0, count, s), "int64")


def mask(*shape: int) -> Draw:
    """True and False, half and half."""
    return Draw(shape, lambda rng, s: rng.random(s) < 0.5, "bool")
