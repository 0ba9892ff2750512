"""Finite differences of the target: they check derivatives, they never make them."""

from __future__ import annotations

import numpy as np

from resdebug.engine.forward import evaluate, leaf_value
from resdebug.network.model import Network
from resdebug.network.order import schedule
from resdebug.ops.base import Array

_STEP = float(np.finfo(np.float64).eps ** (1 / 3))


class Differences:
    """Central differences of one network's target; its values are computed once, in float64."""

    def __init__(self, network: Network, target: str | None = None) -> None:
        self.network = network
        self.plan = schedule(network, target)
        self._start: list[Array | None] = [None] * len(network.nodes)
        for i in self.plan.order:
            if network.nodes[i].is_leaf and network.nodes[i].type.is_float:
                self._start[i] = leaf_value(network, network.nodes[i]).astype(np.float64)
        evaluate(network, reversed(self.plan.order), self._start)
        self._depends: dict[int, list[bool]] = {}

    @property
    def target(self) -> float:
        """The target's value."""
        return float(np.asarray(self._start[self.plan.target]).item())

    def step(self, node: str, index: tuple[int, ...]) -> float:
        """Return the step that is taken at one element, ``ε^(1/3) · max(1, |x|)``."""
        x = self._start[self.network[node].index]
        return _STEP if x is None else _STEP * max(1.0, abs(float(x[index])))

    def at(self, node: str, index: tuple[int, ...], h: float | None = None) -> float:
        """Return ``(f(x + h) − f(x − h)) / 2h`` for one element of any node; 0 where the target does not depend on it.

        Costs two forward passes. Raises ValueError when ``node`` is not of floating point.
        """
        ends = self._ends(node, index, h)
        if ends is None:
            return 0.0
        (left, below), (right, above) = ends
        return (above - below) / (right - left)

    def sides(self, node: str, index: tuple[int, ...], h: float | None = None) -> tuple[float, float]:
        """Return the slopes from ``x − h`` to x and from x to ``x + h``, which differ at a kink. Costs and raises the
        same."""
        ends = self._ends(node, index, h)
        if ends is None:
            return 0.0, 0.0
        (left, below), (right, above) = ends
        x = float(np.asarray(self._start[self.network[node].index])[index])
        return (self.target - below) / (x - left), (above - self.target) / (right - x)

    def _ends(
        self, name: str, index: tuple[int, ...], h: float | None
    ) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """Return x − h and x + h as they are in floating point, each with the target's value there."""
        node = self.network[name]
        if not node.type.is_float:
            raise ValueError(f"{name} is not of floating point")
        x = self._start[node.index]
        if x is None:
            return None
        if node.index not in self._depends:
            self._depends = {node.index: _downstream(self.network, node.index)}
        depends = self._depends[node.index]
        step = self.step(name, index) if h is None else h

        def end(sign: int) -> tuple[float, float]:
            values = [None if depends[i] else value for i, value in enumerate(self._start)]
            moved = np.array(x)
            moved[index] += sign * step
            values[node.index] = moved
            evaluate(self.network, reversed(self.plan.order), values)
            return float(moved[index]), float(np.asarray(values[self.plan.target]).item())

        return end(-1), end(1)


def central_differences(network: Network, leaf: str, target: str | None = None, h: float | None = None) -> Array:
    """Return ``(f(x + h) − f(x − h)) / 2h`` for every element of a leaf, in float64.

    The step is ``ε^(1/3) · max(1, |x|)`` unless ``h`` is given: truncation falls with h², roundoff grows with ε/h
    (Press et al. 2007, Numerical Recipes, section 5.7). Costs two forward passes an element. Raises ValueError when
    ``leaf`` is no input, parameter or constant of floating point.
    """
    node = network[leaf]
    if not node.is_leaf or not node.type.is_float:
        raise ValueError(f"{leaf} is not an input, parameter or constant of floating point")
    differences = Differences(network, target)
    result = np.zeros(node.shape)
    for index in np.ndindex(*node.shape):
        result[index] = differences.at(leaf, index, h)
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
