"""What a pass is to those who look at it: its network, its events, and three questions.

Two providers answer them: a live pass from the engine, a recorded pass from a trace. Debugger, analyses, exporters
and screens see no difference.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

from resdebug.engine.accumulation import accumulate
from resdebug.engine.forward import frozen
from resdebug.engine.norms import norm
from resdebug.errors import BadInput, Fault
from resdebug.network.digest import digest
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule
from resdebug.ops.base import Array
from resdebug.passes.events import Timeline
from resdebug.passes.selection import EVERYTHING, Selection
from resdebug.passes.summary import Summary, summarise
from resdebug.text import visible


class Of(Enum):
    """What a tensor of a pass is."""

    VALUE = "value"
    ADJOINT = "adjoint"
    CONTRIBUTION = "contribution"
    PARTIAL = "partial"

    __hash__ = object.__hash__
    """As good for members of an enumeration, and several times as quick as that of their names."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One contribution as it arrived at a node, and the partial adjoint after it."""

    edge: Edge
    contribution: Array
    running: Array

    @property
    def consumer(self) -> str:
        """The node that sent it."""
        return self.edge.consumer

    @property
    def slot(self) -> str:
        """The consumer's slot that it came through."""
        return self.edge.slot


class Pass(ABC):
    """One whole forward and reverse pass.

    Arrays handed out are read-only and have the shape of the node they belong to.
    """

    live: bool = True
    """Whether the engine answers, or a file."""
    selection: Selection = EVERYTHING
    """Which tensors there are: all of them, but for a trace that holds statistics in place of some."""
    whole: bool = True
    """Whether all events are there; a recorded pass may break off."""

    def __init__(self, network: Network, schedule: Schedule, rule: str) -> None:
        self.network = network
        self.schedule = schedule
        self.rule = rule

    @property
    def target(self) -> str:
        """Name of the node that is differentiated."""
        return self.network.nodes[self.schedule.target].name

    @cached_property
    def events(self) -> Timeline:
        """All events in order, as far as the pass goes."""
        return Timeline(self.network, self.schedule)

    def digest(self) -> str:
        """Return the fingerprint of the network with the numbers that this pass was run on."""
        return digest(self.network, self.value)

    @abstractmethod
    def value(self, node: str) -> Array | None:
        """Return what the forward pass computed at ``node``. Raises KeyError for an unknown node."""

    @abstractmethod
    def adjoint(self, node: str) -> Array | None:
        """Return ``∂target/∂node``; None where no differentiable path leads to the target, zeros where one does but
        carries nothing. Raises KeyError for an unknown node."""

    @abstractmethod
    def contribution(self, edge: Edge) -> Array:
        """Return what ``edge.consumer`` sends to ``edge.source``. Raises KeyError when nothing goes through it."""

    def norm(self, edge: Edge) -> float:
        """Return the Euclidean norm of a contribution. Raises KeyError when nothing goes through ``edge``."""
        return norm(self.contribution(edge))

    @property
    def absent(self) -> str:
        """What is not here of the pass, in a sentence; nothing when all of it is."""
        return ""

    def holds(self, of: Of, which: str | Edge) -> bool:  # noqa: ARG002 - a live pass has everything
        """Whether the numbers of a node's value or adjoint, or of the contribution through an edge, are here."""
        return True

    def exists(self, of: Of, which: str | Edge) -> bool:
        """Whether the pass makes such a tensor at all, here or not: a node may have no path, an edge carry nothing."""
        schedule = self.schedule
        if isinstance(which, Edge):
            return schedule.active[which.source_index] and which in schedule.deliveries[which.consumer_index]
        index = self.network[which].index
        return schedule.active[index] if of is Of.ADJOINT else self.events.after_evaluation(index) is not None

    def lacking(self, of: Of, which: str | Edge) -> str:  # noqa: ARG002 - a live pass lacks nothing
        """Why the numbers of a tensor that the pass makes are not here, in a phrase; nothing where they are."""
        return ""

    def needed(self, of: Of, which: str | Edge) -> Array | None:
        """Return a value, an adjoint or a contribution; None where the pass makes none.

        Raises BadInput (T014) where it makes one that is not here.
        """
        why = self.lacking(of, which)
        if why:
            name = visible(which.source if isinstance(which, Edge) else which, limit=60)
            whose = "to" if isinstance(which, Edge) else "of"
            what = f'this takes the {of.value} {whose} "{name}" in full: {why}'
            raise BadInput(Fault("T014", what, "trace the network again without --level and --nodes"))
        if isinstance(which, Edge):
            return self.contribution(which) if self.exists(of, which) else None
        return self.value(which) if of is Of.VALUE else self.adjoint(which)

    def demanding(self) -> Pass:
        """Return this pass as one that raises BadInput (T014) where it lacks what it is asked for, in place of None."""
        return self

    def summary(self, of: Of, which: str | Edge) -> Summary | None:
        """Return the statistics of a value, an adjoint or a contribution; None where there is none to be had."""
        if isinstance(which, Edge):
            return summarise(self.contribution(which)) if self.exists(of, which) else None
        array = self.value(which) if of is Of.VALUE else self.adjoint(which)
        return None if array is None else summarise(array)

    def size_of(self, of: Of, which: str | Edge) -> float | None:
        """Return the norm of a value, an adjoint or a contribution; None where it cannot be had."""
        if isinstance(which, Edge):
            return self.norm(which) if self.exists(of, which) else None
        array = self.value(which) if of is Of.VALUE else self.adjoint(which)
        return None if array is None else norm(array)

    def arrivals(self, node: str) -> tuple[Edge, ...]:
        """Return the edges through which contributions reach ``node``, in order of arrival."""
        return self.schedule.arrivals[self.network[node].index]

    def accumulate(self, partial: Array | None, contribution: Array, k: int) -> Array:
        """Return the partial adjoint after the ``k``-th contribution (from 1), as the reverse pass has it."""
        with np.errstate(all="ignore"):
            return frozen(accumulate(self.rule, partial, contribution, k))

    def ledger(self, node: str) -> tuple[LedgerRow, ...]:
        """Return the contributions to ``node`` in order of arrival, with the running sum under the pass's rule.

        The last row's ``running`` is the adjoint, bit for bit. The target has no rows: it was seeded. Where numbers are
        not here, rows end before them.
        """
        rows: list[LedgerRow] = []
        running: Array | None = None
        for k, edge in enumerate(self.arrivals(node), start=1):
            if not self.holds(Of.CONTRIBUTION, edge):
                break
            sent = self.contribution(edge)
            running = self.accumulate(running, sent, k)
            rows.append(LedgerRow(edge, sent, running))
        return tuple(rows)
