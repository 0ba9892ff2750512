"""A pass laid out in batches, to be run as often as somebody likes: it knows the wiring, and no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resdebug.engine.forward import Progress
from resdebug.engine.kept import Kept
from resdebug.engine.reverse import seed_of
from resdebug.engine.steps import Backward, Forward, Step
from resdebug.network.model import Network
from resdebug.network.order import Schedule
from resdebug.ops import threads
from resdebug.ops.base import Array


@dataclass(frozen=True, slots=True)
class Program:
    """The steps of a pass, and where scalars lie in the vectors of values and adjoints."""

    steps: tuple[Step, ...]
    """In order of the forward pass; the reverse pass takes them from the end."""
    dtype: str
    count: int
    """Length of the vectors."""
    values: Sequence[int]
    """Per node index, the place of its value, -1 for a node that is no scalar of this element type."""
    adjoints: Sequence[int]
    """The same of its adjoint; -1 also for a node that takes no part in the reverse pass."""
    contributions: Sequence[int]
    """Per edge, the place of its contribution among all that go to scalars; -1 where none does."""
    sent: int
    """How many these are."""

    def forward(self, network: Network, progress: Progress | None = None) -> Kept:
        """Return the values of all nodes that the target depends on.

        Raises BadInput when an index is out of range or a tensor file turns out to be at fault.
        """
        values = Kept(self.values, self.count, self.dtype)
        ahead = Forward(network, values)
        done = 0
        with threads.ours():
            for step in self.steps:
                step.forward(ahead)
                done += step.nodes
                if progress is not None:
                    progress(done)
        return values

    def reverse(
        self, network: Network, schedule: Schedule, values: Kept, rule: str = "sum", progress: Progress | None = None
    ) -> tuple[Kept, Array]:
        """Return the adjoints, bit for bit those of ``reverse_pass``, and all contributions to scalars."""
        adjoints = Kept(self.adjoints, self.count, self.dtype)
        adjoints[schedule.target] = seed_of(network, schedule)
        contributions: Array = np.empty(self.sent, self.dtype)
        back = Backward(network, rule, values, adjoints, contributions, {})
        done = 0
        with threads.ours():
            for step in reversed(self.steps):
                step.reverse(back)
                done += step.visits
                if progress is not None and step.visits:
                    progress(done)
        return adjoints, contributions
