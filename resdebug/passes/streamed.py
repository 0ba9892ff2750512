"""A pass that is run while somebody reads its events, and of which no tensor is kept."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TypeVar

from resdebug.engine.forward import leaf_value
from resdebug.network.digest import digest
from resdebug.network.model import Network
from resdebug.network.order import schedule
from resdebug.passes.events import Timeline
from resdebug.passes.segments import Look, Seen, Segments
from resdebug.passes.selection import EVERYTHING

T = TypeVar("T")


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

    def check(self, limit: int) -> None:
        """Raise BadInput when even so more than ``limit`` bytes are needed."""
        Segments(self.network, self.schedule, _nothing, rule=self.rule).check(limit)

    def seen(self, look: Look[T]) -> Iterable[Seen[T]]:
        """Run the pass, once for each time that the events are gone through."""
        return Segments(self.network, self.schedule, look, rule=self.rule)


def _nothing(*_: object) -> None:
    """Look away."""
