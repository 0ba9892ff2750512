"""Which node stands in which slot of which other, as vectors: a large network is checked and laid out on these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Wires:
    """Edges in file order, and per node its slots with the edges that fill them.

    While a file is being checked an edge may have been refused: its ends are -1 then.
    """

    source: Ints
    consumer: Ints
    position: Ints
    """Per edge, the place of its slot among the consumer's."""
    begin: Ints
    """Per node, where its slots begin in ``slots``; one more says where the last one's end."""
    slots: Ints
    """Per slot, the edge that fills it; -1 where it is empty."""

    @property
    def count(self) -> int:
        """Number of nodes."""
        return len(self.begin) - 1

    @cached_property
    def uses(self) -> Ints:
        """Per node, how many edges use its value."""
        return np.bincount(self.source[self.source >= 0], minlength=self.count)

    @cached_property
    def arity(self) -> Ints:
        """Per node, how many edges lead to it."""
        return np.bincount(self.consumer[self.consumer >= 0], minlength=self.count)

    @cached_property
    def operands(self) -> Ints:
        """Per slot, the node that stands there; -1 where none does."""
        return np.where(self.slots >= 0, np.append(self.source, -1)[self.slots], -1)

    @cached_property
    def arriving(self) -> tuple[Ints, Ints]:
        """Edges sorted by consumer and slot, and per node where its own begin; one more ends them."""
        return self.slots[self.slots >= 0], np.append(0, np.cumsum(self.arity))

    @cached_property
    def leaving(self) -> tuple[Ints, Ints]:
        """Edges sorted by source, then in file order, and per node where its own begin; one more ends them."""
        order = np.argsort(self.source, kind="stable")
        return order, np.searchsorted(self.source, np.arange(self.count + 1), sorter=order)

    def inputs(self, node: int) -> list[int]:
        """Return the edges in a node's slots, -1 where one is empty."""
        edges: list[int] = self.slots[self.begin[node] : self.begin[node + 1]].tolist()
        return edges

    def all_lead_to(self, target: int) -> bool:
        """Whether, without a cycle, all nodes must lead to ``target``: because no other is without use."""
        return not self.uses[target] and np.count_nonzero(self.uses) == self.count - 1

    def leading_to(self, target: int) -> Flags:
        """Return per node whether it leads to ``target``, or is it."""
        if self.all_lead_to(target):
            return np.ones(self.count, bool)
        reaches = [False] * self.count
        reaches[target] = True
        stack = [target]
        begin, operands = self.begin.tolist(), self.operands.tolist()
        while stack:
            node = stack.pop()
            for source in operands[begin[node] : begin[node + 1]]:
                if source >= 0 and not reaches[source]:
                    reaches[source] = True
                    stack.append(source)
        return np.array(reaches)

    def inputs_first(self) -> Sequence[int]:
        """Return node indices with inputs before consumers, ties by place in the file; none in or behind a cycle."""
        fitted = self.source >= 0
        if (self.source < self.consumer)[fitted].all():
            return range(self.count)
        waiting = self.arity.tolist()
        leaving, first = self.leaving
        consumers, begin = self.consumer[leaving].tolist(), first.tolist()
        order = [i for i, inputs in enumerate(waiting) if not inputs]
        for i in order:
            for consumer in consumers[begin[i] : begin[i + 1]]:
                waiting[consumer] -= 1
                if not waiting[consumer]:
                    order.append(consumer)
        return order

    def cycle(self, order: Sequence[int]) -> list[int]:
        """Return the edges of one cycle among the nodes that ``inputs_first`` left out."""
        left = set(range(self.count)) - set(order)
        into: dict[int, int] = {}
        sources = self.source.tolist()
        for edge, (source, consumer) in enumerate(zip(sources, self.consumer.tolist(), strict=True)):
            if source in left and consumer in left:
                into.setdefault(consumer, edge)
        at = min(left)
        path: list[int] = []
        when: dict[int, int] = {}
        while at not in when:
            when[at] = len(path)
            path.append(into[at])
            at = sources[into[at]]
        return path[when[at] :][::-1]
