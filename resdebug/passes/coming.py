"""A pass that is about to be run, or being run: what there is of it can be looked at."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np

from resdebug.engine.reverse import contribution
from resdebug.network.model import Edge, Network
from resdebug.network.order import schedule
from resdebug.network.progress import Report
from resdebug.ops.base import Array
from resdebug.passes.live import LivePass, SoFar, check_rule
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.summary import Summary

NOT_YET: Final = "not computed yet: the pass is being run"


class ComingPass(Pass):
    """Knows all events from the start; ``run`` computes the numbers, and ``lacking`` says which are not there yet."""

    def __init__(self, network: Network, rule: str = "sum") -> None:
        """Raises UsageError for an unknown rule."""
        check_rule(rule)
        super().__init__(network, schedule(network), rule)
        self._seen = SoFar([None] * len(network.nodes), [None] * len(network.nodes))

    def run(self, report: Report | None = None) -> LivePass:
        """Run the pass and return it. Raises BadInput as evaluating does, and whatever ``report`` raises."""
        return LivePass(self.network, None, self.rule, report, norms=True, plan=self.schedule, seen=self._seen)

    @cached_property
    def _turns(self) -> dict[int, int]:
        return {node: turn for turn, node in enumerate(self.schedule.reverse)}

    def value(self, node: str) -> Array | None:
        """Return a node's value; None where there is none yet, and for nodes that take no part."""
        return self._seen.values[self.network[node].index]

    def adjoint(self, node: str) -> Array | None:
        """Return a node's adjoint; None where there is none, or none yet."""
        index = self.network[node].index
        complete = self._turns.get(index, len(self._turns)) < self._seen.visited
        return self._seen.adjoints[index] if complete else None

    def contribution(self, edge: Edge) -> Array:
        """Compute one contribution. Raises KeyError when nothing goes through the edge, or nothing yet."""
        ybar = self.adjoint(edge.consumer)
        if ybar is None or not self.exists(Of.CONTRIBUTION, edge):
            raise KeyError(f"nothing goes from {edge.consumer} through {edge.slot} to {edge.source} yet")
        with np.errstate(all="ignore"):
            return contribution(self.network, edge, ybar, self._seen.values)

    def holds(self, of: Of, which: str | Edge) -> bool:
        """Whether a tensor has been computed."""
        if isinstance(which, Edge):
            return self.adjoint(which.consumer) is not None
        return (self.value(which) if of is Of.VALUE else self.adjoint(which)) is not None

    def lacking(self, of: Of, which: str | Edge) -> str:
        """Why the numbers of a tensor are not here; nothing where they are, or where the pass makes none."""
        return NOT_YET if self.exists(of, which) and not self.holds(of, which) else ""

    def summary(self, of: Of, which: str | Edge) -> Summary | None:
        """Return the statistics of a tensor; None where there is none yet."""
        return super().summary(of, which) if self.holds(of, which) else None

    def size_of(self, of: Of, which: str | Edge) -> float | None:
        """Return the norm of a tensor; None where there is none yet."""
        return super().size_of(of, which) if self.holds(of, which) else None
