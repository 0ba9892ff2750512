"""What stands in the slots of each node, in a form that a loop over a hundred thousand nodes can bear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from resdebug.network.wires import Wires

MORE: Final = -2
"""Stands for the second operand where there are more than two."""


class Operands:
    """The operands of every node as two columns; ``none`` stands for one that is not there."""

    def __init__(self, wires: Wires) -> None:
        arity = wires.arity
        self.none = wires.count
        edges, begin = wires.arriving
        sources = np.append(wires.source[edges], (self.none, self.none))
        self.first: list[int] = np.where(arity > 0, sources[begin[:-1]], self.none).tolist()
        second = np.where(arity > 1, sources[begin[:-1] + 1], self.none)
        second[arity > 2] = MORE
        self.second: list[int] = second.tolist()
        """``MORE`` where there are more than two."""
        wide = np.flatnonzero(arity > 2).tolist()
        self.more: dict[int, list[int]] = {i: sources[begin[i] : begin[i + 1]].tolist() for i in wide}

    def depths(self, inputs_first: Sequence[int]) -> list[int]:
        """Return each node's longest way from a leaf, and -1 for what is not there."""
        first, second = self.first, self.second
        depth = [-1] * (self.none + 1)
        for i in inputs_first:
            b = second[i]
            if b == MORE:
                depth[i] = max([depth[source] for source in self.more[i]]) + 1
                continue
            deepest = depth[first[i]]
            if depth[b] > deepest:
                deepest = depth[b]
            depth[i] = deepest + 1
        return depth
