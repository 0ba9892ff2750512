"""The nodes and edges of a network: kept as columns, handed out as objects, for a large network has very many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, cast

import numpy as np

from resdebug.network.distinct import Distinct
from resdebug.network.made import Made
from resdebug.network.node import Edge, Node
from resdebug.network.signature import LEAVES, Signature, name_of, slot_name
from resdebug.network.types import TensorType
from resdebug.network.wires import Flags, Ints, Wires

Written = Mapping[str, Any]


class Edges(Made[Edge]):
    """Edges in file order."""

    def __init__(self, wires: Wires, names: Sequence[str], operators: Distinct[Signature]) -> None:
        super().__init__(len(wires.source))
        self.wires = wires
        self.names = names
        self.operators = operators

    def make(self, index: int) -> Edge:
        """Return a new edge."""
        wires, names = self.wires, self.names
        source, consumer, position = (int(of[index]) for of in (wires.source, wires.consumer, wires.position))
        slot = slot_name(self.operators.at(consumer), position)
        return Edge(index, names[source], names[consumer], slot, position, source, consumer)

    def make_all(self) -> list[Edge]:
        """Return all edges anew."""
        wires, name = self.wires, self.names.__getitem__
        sources, consumers, positions = wires.source.tolist(), wires.consumer.tolist(), wires.position.tolist()
        slots = list(zip(self.operators.number[wires.consumer].tolist(), positions, strict=True))
        called = {(kind, position): slot_name(self.operators.things[kind], position) for kind, position in set(slots)}
        ends = map(name, sources), map(name, consumers), map(called.__getitem__, slots)
        return list(map(Edge, range(len(sources)), *ends, positions, sources, consumers))

    @cached_property
    def differentiable(self) -> Flags:
        """Per edge, whether its slot has a VJP."""
        width = int(self.wires.position.max(initial=0)) + 1
        table = np.zeros((len(self.operators.things), width), bool)
        for row, operator in zip(table, self.operators.things, strict=True):
            given = [slot.differentiable for slot in operator.slots]
            row[: len(given)] = given[:width]
            if operator.variadic:
                row[:] = given[0]
        return np.asarray(table[self.operators.number[self.wires.consumer], self.wires.position])


class EdgesOf(Made[tuple[Edge, ...]]):
    """Some edges of each node."""

    def __init__(self, edges: Edges, sorted_: Ints, begin: Ints) -> None:
        """``sorted_`` has the edges of one node after the other, ``begin`` says where; one more entry ends them."""
        super().__init__(len(begin) - 1)
        self.edges = edges
        self.sorted = sorted_
        self.begin = begin

    def make(self, index: int) -> tuple[Edge, ...]:
        """Return the edges of one node."""
        of_node = self.sorted[self.begin[index] : self.begin[index + 1]]
        return tuple(map(self.edges.__getitem__, of_node.tolist()))

    def make_all(self) -> list[tuple[Edge, ...]]:
        """Return the edges of every node."""
        sorted_ = tuple(map(self.edges.whole.__getitem__, self.sorted.tolist()))
        return [sorted_[start:stop] for start, stop in pairwise(self.begin.tolist())]


class Nodes(Made[Node]):
    """Nodes in file order."""

    def __init__(
        self, edges: Edges, types: Distinct[TensorType], written: Sequence[Written], place: Mapping[str, int]
    ) -> None:
        """``place`` finds a node by its name."""
        super().__init__(len(edges.names))
        self.edges = edges
        self.names = edges.names
        self.wires = edges.wires
        self.operators = edges.operators
        self.types = types
        self.place = place
        self._written = written

    @classmethod
    def checked(
        cls,
        names: Sequence[str | None],
        operators: Distinct[Signature | None],
        types: Distinct[TensorType | None],
        wires: Wires,
        written: Sequence[Written],
        place: Mapping[str, int],
    ) -> Nodes:
        """Return nodes in which nothing was wrong, so that nothing is None."""
        edges = Edges(wires, cast("Sequence[str]", names), cast("Distinct[Signature]", operators))
        return cls(edges, cast("Distinct[TensorType]", types), written, place)

    def make(self, index: int) -> Node:
        """Return a new node."""
        operator, written = self.operators.at(index), self._written[index]
        inputs = tuple([None if k < 0 else self.edges[k] for k in self.wires.inputs(index)])
        type_ = self.types.at(index)
        return Node(index, self.names[index], name_of(operator), operator, type_, block_of(written), inputs, written)

    def make_all(self) -> list[Node]:
        """Return all nodes anew."""
        edges, begin = [*self.edges.whole, None], self.wires.begin.tolist()
        filled = list(map(edges.__getitem__, self.wires.slots.tolist()))
        inputs = [tuple(filled[first:stop]) for first, stop in pairwise(begin)]
        ops = Distinct(tuple(map(name_of, self.operators.things)), self.operators.number)
        what = ops.column(), self.operators.column(), self.types.column(), map(block_of, self._written)
        return list(map(Node, range(len(self)), self.names, *what, inputs, self._written))

    def with_types(self, types: Distinct[TensorType]) -> Nodes:
        """Return the same nodes with other types."""
        return Nodes(self.edges, types, self._written, self.place)

    def with_written(self, written: Sequence[Written]) -> Nodes:
        """Return the same nodes, which say other things of themselves."""
        return Nodes(self.edges, self.types, written, self.place)

    @property
    def written(self) -> Sequence[Written]:
        """What stands in the file of each node."""
        return self._written

    @cached_property
    def leaf(self) -> Flags:
        """Per node, whether it is an input, a parameter or a constant."""
        return self.operators.where(lambda operator: name_of(operator) in LEAVES)

    @cached_property
    def floating(self) -> Flags:
        """Per node, whether it is of floating point."""
        return self.types.where(lambda type_: type_.is_float)

    @cached_property
    def scalar(self) -> Flags:
        """Per node, whether it is a single number of floating point."""
        return self.types.where(lambda type_: type_.size == 1) & self.floating

    @cached_property
    def differentiable_leaf(self) -> Flags:
        """Per node, whether a gradient is asked for there: an input or parameter of floating point."""
        return self.operators.where(lambda operator: name_of(operator) in {"input", "parameter"}) & self.floating


def block_of(written: Written) -> str:
    """Return the block that a node names, nothing where it names none."""
    block = written.get("block", "")
    return block if isinstance(block, str) else ""
