"""The trunk: the nodes that every way from an input to the target passes.

The adjoint of such a node is all that the input and whatever lies before it will ever hear of the target, so the norm
along the trunk is the gradient's fate; a node within a branch hears its part only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from resdebug.passes.protocol import Pass
from resdebug.passes.routes import Routes

SHORTEST: Final = 3
"""Points from which a slope can be told."""


@dataclass(frozen=True, slots=True)
class Bend:
    """A level stretch followed by a slope, fitted to numbers in a row."""

    start: int
    """Place of the last number before the slope."""
    slope: float
    """How much it rises from one place to the next."""
    total: float
    """How much it rises from there to the end."""


def depths(pass_: Pass) -> Mapping[int, int]:
    """Return, per node of the reverse pass, how many operators the longest way to the target crosses."""
    plan = pass_.schedule
    found = {plan.target: 0}
    for i in plan.reverse:  # consumers come before their inputs
        if i != plan.target:
            found[i] = 1 + max(found[edge.consumer_index] for edge in plan.arrivals[i])
    return found


def trunk(pass_: Pass) -> tuple[int, ...]:
    """Return node indices from the target down to an input: its dominators in the reverse pass, the input last.

    Of several inputs the deepest is taken, and where no input has an adjoint, the deepest parameter.
    """
    network, plan = pass_.network, pass_.schedule
    above, deep = Routes(pass_).joins, depths(pass_)
    for op in ("input", "parameter"):
        starts = [i for i in plan.reverse if network.nodes[i].op == op]
        if starts:
            node: int | None = max(starts, key=lambda i: (deep[i], i))
            way: list[int] = []
            while node is not None:
                way.append(node)
                node = above[node]
            return tuple(reversed(way))
    return (plan.target,)


def tensors_of(pass_: Pass, way: Sequence[int]) -> tuple[int, ...]:
    """Return the trunk from its first tensor on: what a loss makes of its inputs is no layer's doing.

    Where all are scalars it is the whole trunk.
    """
    for k, i in enumerate(way):
        if pass_.network.nodes[i].type.size > 1:
            return tuple(way[k:])
    return tuple(way)


def bend(numbers: Sequence[float]) -> Bend | None:
    """Fit ``c`` up to a place ``b`` and ``c + s·(k − b)`` after it, by least squares over ``c``, ``s`` and ``b``.

    None for fewer than three numbers. Takes time in proportion to how many there are.
    """
    n = len(numbers)
    if n < SHORTEST:
        return None
    y = np.asarray(numbers, dtype=np.float64)
    y = y - y.mean()
    b = np.arange(n - 1)
    left = n - 1 - b  # h = 0 … 0, 1, …, left
    mean_h = left * (left + 1) / 2 / n
    var_h = left * (left + 1) * (2 * left + 1) / 6 - n * mean_h**2
    # Σ h·y for the place b is the one for b + 1 and all the numbers after b.
    after = np.cumsum(y[:0:-1])[::-1]
    cov = np.cumsum(after[::-1])[::-1]
    gain = cov**2 / var_h
    best = int(np.argmax(np.round(gain / max(float(gain.max()), 1e-300), 12)))
    slope = float(cov[best] / var_h[best])
    return Bend(best, slope, slope * float(left[best]))
