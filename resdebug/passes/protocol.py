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
from resdebug.network.digest import digest
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule
from resdebug.ops.base import Array
from resdebug.passes.events import Timeline
from resdebug.passes.selection import EVERYTHING, Selection


class Of(Enum):
    """What a tensor of a pass is."""

    VALUE = "value"
    ADJOINT = "adjoint"
    CONTRIBUTION = "contribution"
    PARTIAL = "partial"


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

    def arrivals(self, node: str) -> tuple[Edge, ...]:
        """Return the edges through which contributions reach ``node``, in order of arrival."""
        return self.schedule.arrivals[self.network[node].index]

    def accumulate(self, partial: Array | None, contribution: Array, k: int) -> Array:
        """Return the partial adjoint after the ``k``-th contribution (from 1), as the reverse pass has it."""
        with np.errstate(all="ignore"):
            return frozen(accumulate(self.rule, partial, contribution, k))

    def ledger(self, node: str) -> tuple[LedgerRow, ...]:
        """Return the contributions to ``node`` in order of arrival, with the running sum under the pass's rule.

        The last row's ``running`` is the adjoint, bit for bit. The target has no rows: it was seeded.
        """
        rows: list[LedgerRow] = []
        running: Array | None = None
        for k, edge in enumerate(self.arrivals(node), start=1):
            sent = self.contribution(edge)
            running = self.accumulate(running, sent, k)
            rows.append(LedgerRow(edge, sent, running))
        return tuple(rows)
