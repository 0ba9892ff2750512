"""The steps of a pass laid out in batches: each runs forward over the values, and back over the adjoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resdebug.engine.accumulation import accumulate
from resdebug.engine.forward import frozen, leaf_value, result
from resdebug.engine.kept import Kept
from resdebug.engine.reverse import contribution
from resdebug.network.model import Edge, Network, Node
from resdebug.ops.base import Array, Operator

Ints = NDArray[np.intp]


@dataclass(slots=True)
class Backward:
    """What the reverse pass has in hand."""

    network: Network
    rule: str
    values: Kept
    adjoints: Kept
    contributions: Array
    """To scalars, each in the place where its receiver looks for it."""
    arrived: dict[int, int]
    """Per node index, how many contributions have reached a node that is no scalar in the vectors."""


class Step(ABC):
    """One or many nodes, none of which has to wait for a later step."""

    nodes: int
    visits: int
    """How many of the nodes take part in the reverse pass."""

    @abstractmethod
    def forward(self, network: Network, values: Kept) -> None:
        """Compute the values."""

    @abstractmethod
    def reverse(self, back: Backward) -> None:
        """Complete the adjoints, and send what goes to the inputs."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """Where the contributions to a row of nodes lie: all that arrive first, then all that arrive second, ...

    The nodes that receive most come first, so each round meets the first ``width`` of them.
    """

    start: int
    parts: tuple[tuple[int, int], ...]
    """Where each round begins, and its width."""

    def gather(self, back: Backward) -> None:
        """Add up in order of arrival, as many nodes at once as receive so much."""
        adjoints = back.adjoints.vector
        for k, (offset, width) in enumerate(self.parts, start=1):
            partial = adjoints[self.start : self.start + width]
            sent = back.contributions[offset : offset + width]
            partial[...] = accumulate(back.rule, partial if k > 1 else None, sent, k)


@dataclass(frozen=True, slots=True)
class Leaves(Step):
    """Inputs, parameters and constants."""

    network_nodes: tuple[Node, ...]
    rounds: Rounds
    nodes: int
    visits: int

    def forward(self, network: Network, values: Kept) -> None:
        """Take their numbers. Raises BadInput when a tensor file is at fault."""
        start = self.rounds.start
        values.vector[start : start + self.nodes] = [leaf_value(network, node).item() for node in self.network_nodes]

    def reverse(self, back: Backward) -> None:
        """Complete the adjoints."""
        self.rounds.gather(back)


@dataclass(frozen=True, slots=True)
class Sending:
    """What the nodes of a batch send through one slot: which of them, and where to."""

    position: int
    senders: Ints | None
    """None where all of them do."""
    to: Ints


@dataclass(frozen=True, slots=True)
class Batch(Step):
    """Nodes of one level and operator, in one call."""

    operator: Operator
    inputs: tuple[Ints, ...]
    """Per slot, the places of the operands."""
    sendings: tuple[Sending, ...]
    rounds: Rounds
    nodes: int
    visits: int

    def forward(self, network: Network, values: Kept) -> None:
        """Compute all of them at once."""
        vector, start = values.vector, self.rounds.start
        vector[start : start + self.nodes] = self.operator.forward(*[vector.take(places) for places in self.inputs])

    def reverse(self, back: Backward) -> None:
        """Apply each slot's VJP once."""
        self.rounds.gather(back)
        if not self.sendings:
            return
        start, stop = self.rounds.start, self.rounds.start + self.visits
        vector = back.values.vector
        inputs = [vector.take(places[: self.visits]) for places in self.inputs]
        ybar, y = back.adjoints.vector[start:stop], vector[start:stop]
        for sending in self.sendings:
            sent = self.operator.vjp(sending.position, ybar, y, inputs)
            back.contributions[sending.to] = sent if sending.senders is None else sent[sending.senders]


@dataclass(frozen=True, slots=True)
class Walk(Step):
    """Scalars of levels too narrow for batches, one after the other."""

    start: int
    operators: tuple[Operator, ...]
    inputs: tuple[tuple[int, ...], ...]
    """Per node, the places of the operands."""
    to: tuple[tuple[int, ...], ...]
    """Per node and slot, where the contribution goes; -1 where none does."""
    arrivals: tuple[int, ...]
    """Where the contributions to each node begin, and after the last where they end."""
    active: tuple[bool, ...]
    nodes: int
    visits: int

    def forward(self, network: Network, values: Kept) -> None:
        """Compute number by number."""
        vector: Any = values.vector
        for place, (operator, inputs) in enumerate(zip(self.operators, self.inputs, strict=True), self.start):
            vector[place] = operator.forward(*[vector[source] for source in inputs])

    def reverse(self, back: Backward) -> None:
        """Complete one adjoint after the other."""
        values: Any = back.values.vector
        adjoints: Any = back.adjoints.vector
        contributions: Any = back.contributions
        for k in reversed(range(self.nodes)):
            if not self.active[k]:
                continue
            place = self.start + k
            first, stop = self.arrivals[k], self.arrivals[k + 1]
            if first < stop:
                adjoints[place] = gathered(back, first, stop)
            ybar, y, operator = adjoints[place], values[place], self.operators[k]
            inputs = [values[source] for source in self.inputs[k]]
            for position, to in enumerate(self.to[k]):
                if to >= 0:
                    contributions[to] = operator.vjp(position, ybar, y, inputs)


@dataclass(frozen=True, slots=True)
class Alone(Step):
    """A node that is no scalar, or whose operator is not elementwise."""

    node: Node
    deliveries: tuple[Edge, ...]
    to: tuple[int, ...]
    """Per delivery, where the contribution goes; -1 to a node that is no scalar."""
    arrivals: tuple[int, int]
    """Where the contributions to a scalar begin and end."""
    nodes: int
    visits: int

    def forward(self, network: Network, values: Kept) -> None:
        """Compute one node. Raises BadInput for an index out of range or a tensor file at fault."""
        node = self.node
        values[node.index] = leaf_value(network, node) if node.is_leaf else result(node, values)

    def reverse(self, back: Backward) -> None:
        """Complete one adjoint, and send contributions."""
        index, adjoints = self.node.index, back.adjoints
        if not self.visits:
            return
        first, stop = self.arrivals
        if first < stop:
            adjoints[index] = gathered(back, first, stop)
        ybar = adjoints[index]
        if ybar is None:
            raise AssertionError(f"{self.node.name} was visited before anything arrived")
        adjoints[index] = ybar = frozen(ybar)
        for edge, to in zip(self.deliveries, self.to, strict=True):
            sent = contribution(back.network, edge, ybar, back.values)
            if to >= 0:
                back.contributions[to] = sent
            else:
                source = edge.source_index
                k = back.arrived[source] = back.arrived.get(source, 0) + 1
                adjoints[source] = accumulate(back.rule, adjoints[source], sent, k)


def gathered(back: Backward, first: int, stop: int) -> Array:
    """Return what the contributions to one scalar add up to."""
    partial: Any = back.contributions[first]
    for k in range(2, stop - first + 1):
        partial = accumulate(back.rule, partial, back.contributions[first + k - 1], k)
    return partial
