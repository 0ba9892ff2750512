"""What has to be known of every node and edge before scalars can be put into batches, as vectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.engine.forward import operator_of
from resdebug.network.model import Network, Node
from resdebug.network.order import Schedule
from resdebug.network.signature import LEAVES
from resdebug.ops.base import Operator

Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]

LEAF: Final = 0
ALONE: Final = 1
"""Kind of a node that is no scalar, or whose operator is not elementwise. Larger kinds are an operator each."""


class Kinds:
    """Numbers for operators; equal ones share theirs."""

    def __init__(self) -> None:
        self.slots: list[tuple[bool, ...]] = [(), ()]
        """Per kind, which slots take an adjoint."""
        self._numbers: dict[object, int] = {}
        self._known: dict[int, int] = {}

    def of(self, nodes: Iterable[Node]) -> list[int]:
        """Return the kind of each node's operator."""
        result = []
        for node in nodes:
            operator = node.operator
            kind = self._known.get(id(operator))
            if kind is None:
                kind = self._known[id(operator)] = self._number(operator_of(node))
            result.append(kind)
        return result

    def _number(self, operator: Operator) -> int:
        if operator.op() in LEAVES:
            return LEAF
        if not operator.elementwise:
            return ALONE
        # Equal to the last bit: a factor of 0 is none of -0.
        key = (type(operator), msgspec.msgpack.encode(operator))
        if key not in self._numbers:
            self._numbers[key] = len(self.slots)
            self.slots.append(tuple(rule is not None for rule in operator.vjps))
        return self._numbers[key]


class Survey:
    """Kind and level of every node, and which edges carry contributions to scalars.

    A node belongs to the scalars when it has shape () and the target's element type. Vectors are by index of a node or
    of an edge.
    """

    def __init__(self, network: Network, schedule: Schedule) -> None:
        nodes, count = network.nodes, len(network.nodes)
        self.dtype = dtype = nodes[schedule.target].dtype
        self.order: Ints = np.array(schedule.order[::-1], np.intp)
        """Node indices in order of the forward pass."""
        self.active: Flags = np.array(schedule.active)
        kinds = Kinds()
        self.kinds: Ints = np.array(kinds.of(nodes), np.intp)
        types = [node.type for node in nodes]
        self.scalar: Flags = np.array([not t.shape and t.dtype == dtype for t in types])
        edges = network.edges
        self.source: Ints = np.array([edge.source_index for edge in edges], np.intp)
        self.consumer: Ints = np.array([edge.consumer_index for edge in edges], np.intp)
        self.position: Ints = np.array([edge.position for edge in edges], np.intp)
        self.incoming: Ints = np.lexsort((self.position, self.consumer))
        """Edge indices by consumer and slot."""
        self.arity: Ints = np.bincount(self.consumer, minlength=count)
        widest = max(map(len, kinds.slots))
        takes = np.array([slots + (False,) * (widest - len(slots)) for slots in kinds.slots])
        strange = np.bincount(self.consumer[~self.scalar[self.source]], minlength=count) > 0
        complete = self.arity == np.array([len(slots) for slots in kinds.slots])[self.kinds]
        self.kinds[strange | ~complete | ~self.scalar] = ALONE
        self.levels = self._levels()
        self.delivers = self._delivers(schedule, takes)

    @property
    def together(self) -> int:
        """How many nodes might share calls."""
        return int(np.count_nonzero(self.kinds[self.order] > ALONE))

    def _levels(self) -> Ints:
        """Return each node's longest way from a leaf; one that runs alone comes after all alone before it."""
        count, order = len(self.order), self.order
        rank = np.full(len(self.arity), count)
        rank[order] = np.arange(count)
        sources = np.append(rank[self.source[self.incoming]], (count, count))
        begin, arity = (np.cumsum(self.arity) - self.arity)[order], self.arity[order]
        first = np.where(arity > 0, sources[begin], count).tolist()
        second = np.where(arity > 1, sources[begin + 1], count).tolist()
        alone = self.kinds[order] == ALONE
        more = {k: sources[begin[k] : begin[k] + arity[k]].tolist() for k in np.flatnonzero(arity > 2).tolist()}
        levels = [-1] * (count + 1)
        last = 0
        for k, (a, b, single) in enumerate(zip(first, second, alone.tolist(), strict=True)):
            level = levels[a]
            if levels[b] > level:
                level = levels[b]
            if k in more:
                level = max(levels[source] for source in more[k])
            level += 1
            if single:
                level = last = max(level, last + 1)
            levels[k] = level
        result: Ints = np.zeros(len(self.arity), np.intp)
        result[order] = levels[:-1]
        return result

    def _delivers(self, schedule: Schedule, takes: NDArray[Any]) -> Flags:
        kind = self.kinds[self.consumer]
        together = kind > ALONE
        result: Flags = np.zeros(len(kind), bool)
        result[together] = takes[kind[together], self.position[together]]
        result &= self.active[self.consumer] & self.active[self.source]
        for i in self.order[self.kinds[self.order] == ALONE].tolist():
            for edge in schedule.deliveries[i]:
                result[edge.index] = self.scalar[edge.source_index]
        return result
