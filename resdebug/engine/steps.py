"""The steps of a pass laid out in batches: each runs forward over the values, and back over the adjoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resdebug.engine.accumulation import accumulate, add_each, left_to_right
from resdebug.engine.forward import frozen, leaf_value, result
from resdebug.engine.kept import Kept
from resdebug.engine.reverse import contribution
from resdebug.network.model import Edge, Network, Node
from resdebug.network.tensorfiles import TensorFault
from resdebug.network.values import Numbers, Value
from resdebug.ops.base import Array, Operator

Ints = NDArray[np.intp]

FEW = 4
"""So many numbers are added one by one sooner than in one call."""


@dataclass(frozen=True, slots=True)
class Forward:
    """What the forward pass has in hand."""

    network: Network
    values: Kept


@dataclass(frozen=True, slots=True)
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
    def forward(self, ahead: Forward) -> None:
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
    parts: tuple[tuple[slice, slice], ...]
    """Per round, where those that receive stand, and what they receive."""
    wide: int
    """How many rounds at the beginning are worth a call each."""
    tail: Ints
    """Receivers in the others, counted from ``start``."""

    def gather(self, back: Backward) -> None:
        """Accumulate in order of arrival, as many nodes at once as receive so much."""
        adjoints, contributions = back.adjoints.vector, back.contributions
        if back.rule == "sum":
            for k, (receivers, arriving) in enumerate(self.parts[: self.wide]):
                if k:
                    partial = adjoints[receivers]
                    np.add(partial, contributions[arriving], out=partial)
                else:
                    adjoints[receivers] = contributions[arriving]
            if self.tail.size:
                first = self.parts[self.wide][1].start
                add_each(adjoints[self.start :], self.tail, contributions[first : first + self.tail.size])
            return
        for k, (receivers, arriving) in enumerate(self.parts, start=1):
            partial = adjoints[receivers]
            made = accumulate(back.rule, partial if k > 1 else None, contributions[arriving], k)
            if made is not partial:
                partial[...] = made


@dataclass(slots=True)
class Taken:
    """The numbers of leaves that were taken last, and from which values; nothing where these may change in place."""

    last: tuple[Mapping[str, Value], Array] | None = None


@dataclass(frozen=True, slots=True)
class Leaves(Step):
    """Inputs, parameters and constants."""

    names: tuple[str, ...]
    """In file order: so they are found side by side in memory."""
    places: Ints
    rounds: Rounds
    nodes: int
    visits: int
    taken: Taken = field(default_factory=Taken, compare=False, repr=False)

    def forward(self, ahead: Forward) -> None:
        """Take their numbers. Raises BadInput when a tensor file is at fault."""
        vector, given = ahead.values.vector, ahead.network.values
        found = self.taken.last
        if found is None or found[0] is not given:
            found = given, np.array(self.numbers(ahead.network), vector.dtype)
            values = [given[name] for name in self.names]
            fixed = all(type(value) is Numbers and not value.numbers.flags.writeable for value in values)
            self.taken.last = found if fixed else None
        vector[self.places] = found[1]

    def numbers(self, network: Network) -> list[float]:
        """Return the number of each leaf."""
        try:
            return [network.values[name].array().item() for name in self.names]
        except TensorFault:  # which says no name
            return [leaf_value(network, network[name]).item() for name in self.names]

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
    visited: tuple[Ints, ...]
    """The same of those that the reverse pass visits, which come first."""
    sendings: tuple[Sending, ...]
    rounds: Rounds
    nodes: int
    visits: int

    def forward(self, ahead: Forward) -> None:
        """Compute all of them at once."""
        vector, start = ahead.values.vector, self.rounds.start
        vector[start : start + self.nodes] = self.operator.forward(*[vector.take(places) for places in self.inputs])

    def reverse(self, back: Backward) -> None:
        """Apply each slot's VJP once."""
        self.rounds.gather(back)
        if not self.sendings:
            return
        start, stop = self.rounds.start, self.rounds.start + self.visits
        vector = back.values.vector
        inputs = [vector.take(places) for places in self.visited]
        ybar, y = back.adjoints.vector[start:stop], vector[start:stop]
        for sending in self.sendings:
            sent = self.operator.vjp(sending.position, ybar, y, inputs)
            back.contributions[sending.to] = sent if sending.senders is None else sent[sending.senders]


@dataclass(frozen=True, slots=True)
class Walk(Step):
    """Scalars of levels too narrow for batches, one after the other, as numpy's own numbers: arrays cost more."""

    start: int
    operators: tuple[Operator, ...]
    slots: tuple[int, ...]
    """Where each node's slots begin in the two that follow, and after the last where they end."""
    operands: tuple[int, ...]
    """Per slot, the place of what stands there."""
    to: tuple[int, ...]
    """Per slot, where the contribution goes; -1 where none does."""
    arrivals: tuple[int, ...]
    """Where the contributions to each node begin, and after the last where they end."""
    active: tuple[bool, ...]
    nodes: int
    visits: int

    def forward(self, ahead: Forward) -> None:
        """Compute number by number."""
        vector: Any = ahead.values.vector
        slots, operands = self.slots, self.operands
        for k, operator in enumerate(self.operators):
            inputs = [vector[place] for place in operands[slots[k] : slots[k + 1]]]
            vector[self.start + k] = operator.forward(*inputs)

    def reverse(self, back: Backward) -> None:
        """Complete one adjoint after the other."""
        values: Any = back.values.vector
        adjoints: Any = back.adjoints.vector
        contributions: Any = back.contributions
        slots, arrivals = self.slots, self.arrivals
        for k in reversed(range(self.nodes)):
            if not self.active[k]:
                continue
            place, first, stop = self.start + k, arrivals[k], arrivals[k + 1]
            if first < stop:
                ybar = adjoints[place] = gathered(back, first, stop)
            else:
                ybar = adjoints[place]
            of = slice(slots[k], slots[k + 1])
            y, operator = values[place], self.operators[k]
            inputs = [values[source] for source in self.operands[of]]
            for position, to in enumerate(self.to[of]):
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

    def forward(self, ahead: Forward) -> None:
        """Compute one node. Raises BadInput for an index out of range or a tensor file at fault."""
        node = self.node
        made = leaf_value(ahead.network, node) if node.is_leaf else result(node, ahead.values)
        ahead.values[node.index] = made

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


def gathered(back: Backward, first: int, stop: int) -> Any:
    """Return what the contributions to one scalar accumulate to, as a number of numpy's own."""
    if back.rule == "sum" and stop - first > FEW:
        return left_to_right(back.contributions[first:stop])
    partial: Any = back.contributions[first]
    for k in range(2, stop - first + 1):
        partial = accumulate(back.rule, partial, back.contributions[first + k - 1], k)[()]
    return partial
