"""What has to be known of every node and edge before scalars can be put into batches, as vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import numpy as np

from resdebug.network.model import Network
from resdebug.network.operands import MORE
from resdebug.network.order import Schedule
from resdebug.network.signature import LEAVES, Signature
from resdebug.network.wires import Flags, Ints
from resdebug.ops.base import Operator

LEAF: Final = 0
ALONE: Final = 1
"""Kind of a node that is no scalar, or whose operator is not elementwise. Larger kinds are an operator each."""


class Survey:
    """Kind and level of every node, and which edges carry contributions to scalars.

    A node belongs to the scalars when it has shape () and the target's element type. Vectors are by index of a node or
    of an edge.
    """

    def __init__(self, network: Network, schedule: Schedule) -> None:
        nodes, wires = network.nodes, network.wires
        self.dtype = dtype = nodes.types.at(schedule.target).dtype
        self.order: Ints = np.array(schedule.order[::-1], np.intp)
        """Node indices in order of the forward pass."""
        self.active: Flags = np.array(schedule.active)
        self.scalar: Flags = nodes.types.where(lambda type_: not type_.shape and type_.dtype == dtype)
        self.source, self.consumer, self.arity = wires.source, wires.consumer, wires.arity
        self.position = wires.position
        self.incoming: Ints = wires.arriving[0]
        """Edge indices by consumer and slot."""
        kinds, slots = _kinds(nodes.operators.things)
        self.kinds: Ints = kinds[nodes.operators.number]
        strange = np.bincount(self.consumer[~self.scalar[self.source]], minlength=len(nodes)) > 0
        self.kinds[strange | (self.arity != slots[nodes.operators.number]) | ~self.scalar] = ALONE
        self.levels = self._levels(network)
        self.delivers: Flags = schedule.sends & self.scalar[self.source]

    @property
    def together(self) -> int:
        """How many nodes might share calls."""
        return int(np.count_nonzero(self.kinds[self.order] > ALONE))

    def _levels(self, network: Network) -> Ints:
        """Return each node's longest way from a leaf; one that runs alone comes after all alone before it."""
        alone = self.kinds == ALONE
        if not alone[self.order].any():
            return np.array(network.depths[:-1], np.intp)
        operands, single = network.operands, alone.tolist()
        first, second = operands.first, operands.second
        levels = [-1] * (len(self.kinds) + 1)
        last = 0
        for i in self.order.tolist():
            if second[i] == MORE:
                level = max([levels[source] for source in operands.more[i]])
            else:
                level = levels[first[i]]
                if levels[second[i]] > level:
                    level = levels[second[i]]
            level += 1
            if single[i]:
                level = last = max(level, last + 1)
            levels[i] = level
        return np.array(levels[:-1], np.intp)


def _kinds(operators: Sequence[Signature]) -> tuple[Ints, Ints]:
    """Return the kind of each operator, and how many slots it has."""
    numbers: dict[object, int] = {}
    kinds = np.full(len(operators), ALONE)
    for k, operator in enumerate(cast("Sequence[Operator]", operators)):
        if operator.op() in LEAVES:
            kinds[k] = LEAF
        elif operator.elementwise:
            # Equal to the last bit: a factor of 0 is none of -0.
            kinds[k] = numbers.setdefault((type(operator), repr(operator)), len(numbers) + ALONE + 1)
    return kinds, np.array([len(operator.slots) for operator in operators], np.intp)
