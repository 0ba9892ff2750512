"""Which scalars of a network are computed in one call, and in which order then.

On a graph of many scalars nearly all time goes into calls, not arithmetic. So nodes that an elementwise operator makes
from scalars are sorted by level (the longest way from a leaf) and operator, and those of one level and operator are a
batch: none needs another. What is not elementwise, or no scalar, runs alone, in the order of the schedule among its
like: so tensors receive their contributions in the order of arrival without anybody having to wait. (Batching by depth
and operator: Neubig, Goldberg and Dyer 2017, arXiv 1705.07860.)

A contribution to a scalar is written where its receiver will look for it: all first arrivals at the nodes of a batch
side by side, then all second ones, and so on. So sums are added up in the order of arrival, to the last bit as they
would be one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

import numpy as np

from resdebug.engine.program import Program
from resdebug.engine.steps import Alone, Batch, Leaves, Rounds, Sending, Step, Walk
from resdebug.engine.survey import ALONE, LEAF, Survey
from resdebug.network.model import Network
from resdebug.network.order import Schedule
from resdebug.network.wires import Ints
from resdebug.ops.base import Operator

WORTH: Final = 64
"""With fewer scalars to compute, nodes run one after the other in the order of the schedule."""
NARROW: Final = 8
"""A batch of fewer nodes costs more than calls with one number each."""
SHORT: Final = 8
"""Sums over rounds narrower than so many narrow batches are made number by number, all in one call."""
STRETCH: Final = 1024
"""At most so many nodes of narrow batches are one step."""


def program(network: Network, schedule: Schedule) -> Program | None:
    """Return the pass laid out in batches; None where there are too few scalars for it to pay."""
    key = ("batches", network.nodes.names[schedule.target])
    if key not in network.programs:
        survey = Survey(network, schedule)
        network.programs[key] = Layout(network, schedule, survey).program() if survey.together >= WORTH else None
    return cast("Program | None", network.programs[key])


class Layout:
    """Gives places to scalars and to contributions, and makes the steps. Vectors are by place, but for ``to``."""

    def __init__(self, network: Network, schedule: Schedule, survey: Survey, narrow: int = NARROW) -> None:
        self.nodes = network.nodes
        self.operators = cast("Sequence[Operator]", network.nodes.operators.things)
        self.schedule = schedule
        self.survey = survey
        self.narrow = narrow
        self.count = len(survey.order)
        arrivals = np.bincount(survey.source[survey.delivers], minlength=len(network.nodes))
        kinds, levels = survey.kinds[survey.order], survey.levels[survey.order]
        sorted_ = np.lexsort((-arrivals[survey.order], kinds, levels))
        self.order: Ints = survey.order[sorted_]
        """Node indices."""
        self.kinds = kinds[sorted_]
        self.active = survey.active[self.order]
        self.arrivals = arrivals[self.order]
        changes = (np.diff(levels[sorted_]) != 0) | (np.diff(self.kinds) != 0)
        self.starts: Ints = np.append(0, np.flatnonzero(changes) + 1)
        self.sizes = np.diff(self.starts, append=self.count)
        self.places: Ints = np.full(len(network.nodes), -1)
        self.places[self.order] = np.arange(self.count)
        self._number()
        self._connect()

    def program(self) -> Program:
        """Return the steps in order of the forward pass."""
        values = np.where(self.survey.scalar, self.places, -1)
        adjoints = np.where(self.survey.active, values, -1)
        return Program(
            tuple(self._steps()),
            self.survey.dtype,
            self.count,
            values.tolist(),
            adjoints.tolist(),
            self.to.tolist(),
            int(self.ends[-1]),
        )

    def _number(self) -> None:
        """Say where the contribution of each edge is written: by batch, round, and place of the receiver."""
        narrow = np.repeat((self.sizes < self.narrow) & (self.kinds[self.starts] > ALONE), self.sizes)
        narrow[self.starts] = True
        row, heads = np.cumsum(narrow) - 1, np.flatnonzero(narrow)
        edges, receivers = self._arriving()
        rounds = np.arange(len(edges)) - np.repeat(np.cumsum(self.arrivals) - self.arrivals, self.arrivals)
        most = self.arrivals[heads]
        key = (np.cumsum(most) - most)[row[receivers]] + rounds
        self.widths = np.bincount(key, minlength=int(most.sum()))
        self.ends: Ints = np.append(0, np.cumsum(self.widths))
        self.rounds: Ints = np.append(0, np.cumsum(np.where(narrow, self.arrivals, 0)))
        """Number of the first round of the batch that begins here."""
        self.to: Ints = np.full(len(self.survey.source), -1)
        self.to[edges] = self.ends[key] + receivers - heads[row[receivers]]

    def _arriving(self) -> tuple[Ints, Ints]:
        """Return the edges that carry contributions to scalars, and their receivers, by receiver and time."""
        survey = self.survey
        edges = np.flatnonzero(survey.delivers)
        visited: Ints = np.empty(len(self.nodes), np.intp)
        visited[survey.order] = -np.arange(self.count)
        receivers = self.places[survey.source[edges]]
        sorted_ = np.lexsort((survey.position[edges], visited[survey.consumer[edges]], receivers))
        return edges[sorted_], receivers[sorted_]

    def _connect(self) -> None:
        """Collect operands and destinations, by place of the consumer and slot."""
        survey = self.survey
        arity = np.where(self.kinds > ALONE, survey.arity[self.order], 0)
        self.slots: Ints = np.append(0, np.cumsum(arity))
        """Where the slots of the node at each place begin."""
        begin = (np.cumsum(survey.arity) - survey.arity)[self.order]
        edges = survey.incoming[np.repeat(begin - self.slots[:-1], arity) + np.arange(self.slots[-1])]
        self.operands = self.places[survey.source[edges]]
        self.destinations = self.to[edges]

    def _steps(self) -> Iterator[Step]:
        waiting = 0
        kinds = self.kinds[self.starts].tolist()
        for start, size, kind in zip(self.starts.tolist(), self.sizes.tolist(), kinds, strict=True):
            if kind > ALONE and size < self.narrow and start + size - waiting < STRETCH:
                continue
            if kind > ALONE and size < self.narrow:
                yield self._walk(waiting, start + size)
            else:
                if waiting < start:
                    yield self._walk(waiting, start)
                if kind == ALONE:
                    yield self._alone(start)
                else:
                    yield self._leaves(start, size) if kind == LEAF else self._batch(start, size)
            waiting = start + size
        if waiting < self.count:
            yield self._walk(waiting, self.count)

    def _visits(self, start: int, size: int) -> int:
        return int(np.count_nonzero(self.active[start : start + size]))

    def _rounds(self, start: int) -> Rounds:
        part = slice(self.rounds[start], self.rounds[start] + self.arrivals[start])
        widths = self.widths[part]
        wide = max(1, int(np.count_nonzero(widths >= SHORT * self.narrow)))
        rest = widths[wide:]
        tail = np.arange(rest.sum()) - np.repeat(np.cumsum(rest) - rest, rest)
        parts = [
            (slice(start, start + width), slice(first, first + width))
            for first, width in zip(self.ends[part].tolist(), widths.tolist(), strict=True)
        ]
        return Rounds(start, tuple(parts), wide, tail)

    def _leaves(self, start: int, size: int) -> Leaves:
        leaves = np.sort(self.order[start : start + size])
        names = tuple(map(self.nodes.names.__getitem__, leaves.tolist()))
        return Leaves(names, self.places[leaves], self._rounds(start), size, self._visits(start, size))

    def _batch(self, start: int, size: int) -> Batch:
        part = slice(self.slots[start], self.slots[start + size])
        visits = self._visits(start, size)
        inputs = np.ascontiguousarray(self.operands[part].reshape(size, -1).T)
        sendings = []
        for position, row in enumerate(self.destinations[part].reshape(size, -1)[:visits].T):
            senders = np.flatnonzero(row >= 0)
            if senders.size:
                sendings.append(Sending(position, None if senders.size == visits else senders, row[senders]))
        operator = self.operators[self.nodes.operators.number[self.order[start]]]
        visited = tuple(places[:visits] for places in inputs)
        return Batch(operator, tuple(inputs), visited, tuple(sendings), self._rounds(start), size, visits)

    def _walk(self, start: int, stop: int) -> Walk:
        part = slice(self.slots[start], self.slots[stop])
        return Walk(
            start,
            tuple(map(self.operators.__getitem__, self.nodes.operators.number[self.order[start:stop]].tolist())),
            tuple((self.slots[start : stop + 1] - part.start).tolist()),
            tuple(self.operands[part].tolist()),
            tuple(self.destinations[part].tolist()),
            tuple(self.ends[self.rounds[start : stop + 1]].tolist()),
            tuple(self.active[start:stop].tolist()),
            stop - start,
            self._visits(start, stop - start),
        )

    def _alone(self, start: int) -> Alone:
        node = self.nodes[self.order[start]]
        deliveries = self.schedule.deliveries[node.index]
        first, stop = self.ends[self.rounds[start : start + 2]].tolist()
        to = tuple(self.to[[edge.index for edge in deliveries]].tolist())
        return Alone(node, deliveries, to, (first, stop), 1, self._visits(start, 1))
