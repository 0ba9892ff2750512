"""A pass that is run while somebody reads its events, and of which no tensor is kept."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final, TypeVar

import numpy as np

from resdebug.engine.forward import leaf_value, operator_of
from resdebug.network.digest import digest
from resdebug.network.model import Network
from resdebug.network.order import schedule
from resdebug.ops.onednn.plans import works
from resdebug.passes.events import Timeline
from resdebug.passes.segments import Look, Seen, Segments
from resdebug.passes.selection import EVERYTHING

T = TypeVar("T")

PROCESS: Final = 12 << 20
"""Bytes of modules that all passes load, of buffers, and of gaps between tensors."""

PER_NODE: Final = 1 << 10
"""Bytes of its events, and of what the header of a file says of it."""

LIBRARY: Final = 24 << 20
"""Bytes of oneDNN, most of which is its code."""


class StreamedPass:
    """What can be known of a pass without keeping it: the network, the events, and each tensor once, in order."""

    selection = EVERYTHING
    whole = True
    absent = ""

    def __init__(self, network: Network, target: str | None = None, rule: str = "sum") -> None:
        self.network = network
        self.schedule = schedule(network, target)
        self.rule = rule

    @property
    def target(self) -> str:
        """Name of the node that is differentiated."""
        return self.network.nodes[self.schedule.target].name

    @cached_property
    def events(self) -> Timeline:
        """All events in order."""
        return Timeline(self.network, self.schedule)

    def digest(self) -> str:
        """Return the fingerprint of the network with its numbers."""
        return digest(self.network, lambda name: leaf_value(self.network, self.network[name]))

    @cached_property
    def needed(self) -> int:
        """At most how many bytes the process grows by while the pass runs."""
        return self.tensors + self.beside

    @property
    def tensors(self) -> int:
        """At most how many of these bytes are tensors and what operators take for themselves."""
        return self._segments.needed

    def check(self, limit: int) -> None:
        """Raise BadInput when even so tensors need more than ``limit`` bytes."""
        self._segments.check(limit)

    @cached_property
    def _segments(self) -> Segments[None]:
        return Segments(self.network, self.schedule, _nothing, rule=self.rule)

    @cached_property
    def beside(self) -> int:
        """At most how many bytes are taken beside tensors: modules, oneDNN, and what is known of every node."""
        network = self.network
        library = works(np.dtype(network.dtype)) if network.dtype else False
        loaded = max((kind.loads for kind in {type(operator_of(n)) for n in network.nodes if not n.is_leaf}), default=0)
        return PROCESS + loaded + PER_NODE * len(network) + LIBRARY * library

    def seen(self, look: Look[T]) -> Iterable[Seen[T]]:
        """Run the pass, once for each time that the events are gone through."""
        return Segments(self.network, self.schedule, look, rule=self.rule)


def _nothing(*_: object) -> None:
    """Look away."""
