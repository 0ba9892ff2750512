"""Finite differences of the target: they check derivatives, they never make them."""

from __future__ import annotations

import numpy as np

from resdebug.engine.forward import evaluate, leaf_value
from resdebug.network.model import Network
from resdebug.network.order import schedule
from resdebug.ops.base import Array

_STEP = float(np.finfo(np.float64).eps ** (1 / 3))


def central_differences(network: Network, leaf: str, target: str | None = None, h: float | None = None) -> Array:
    """Return ``(f(x + h) − f(x − h)) / 2h`` for every element of a leaf, in float64.

    The step is ``ε^(1/3) · max(1, |x|)`` unless ``h`` is given: truncation falls with h², roundoff grows with ε/h
    (Press et al. 2007, Numerical Recipes, section 5.7). Costs two forward passes an element. Raises ValueError when
    ``leaf`` is no input, parameter or constant of floating point.
    """
    if not network[leaf].is_leaf or not network[leaf].type.is_float:
        raise ValueError(f"{leaf} is not an input, parameter or constant of floating point")
    plan = schedule(network, target)
    start: list[Array | None] = [None] * len(network.nodes)
    for i in plan.order:
        if network.nodes[i].is_leaf and network.nodes[i].type.is_float:
            start[i] = leaf_value(network, network.nodes[i]).astype(np.float64)
    evaluate(network, reversed(plan.order), start)
    node = network[leaf]
    x = start[node.index]
    if x is None:
        return np.zeros(node.shape)
    depends = _downstream(network, node.index)
    result = np.zeros(node.shape)
    for index in np.ndindex(*node.shape):
        step = h if h is not None else _STEP * max(1.0, abs(float(x[index])))
        ends = []
        for sign in (1, -1):
            values = [None if depends[i] else value for i, value in enumerate(start)]
            moved = np.array(x)
            moved[index] += sign * step
            values[node.index] = moved
            evaluate(network, reversed(plan.order), values)
            ends.append((float(moved[index]), np.asarray(values[plan.target]).item()))
        (right, above), (left, below) = ends
        result[index] = (above - below) / (right - left)
    return result


def _downstream(network: Network, start: int) -> list[bool]:
    """Return, per node index, whether the node depends on ``start``."""
    depends = [False] * len(network.nodes)
    depends[start] = True
    stack = [start]
    while stack:
        for edge in network.consumers[stack.pop()]:
            if not depends[edge.consumer_index]:
                depends[edge.consumer_index] = True
                stack.append(edge.consumer_index)
    return depends
