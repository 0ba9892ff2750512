"""What the row of a folded block tells: how far it has come, the gradient's norm in and out, the skip's share."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property

from resdebug.debugger.debugger import State
from resdebug.network.model import Edge
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.routes import Routes, Way


class FoldedBlock:
    """The nodes of a block as one, in the order of the reverse pass."""

    def __init__(
        self, pass_: Pass, routes: Routes, norm_of: Callable[[int], float | None], nodes: Sequence[int]
    ) -> None:
        self.pass_ = pass_
        self.routes = routes
        self.norm_of = norm_of
        self.nodes = nodes
        timeline = pass_.events
        self._completed = sorted(at for i in nodes if (at := timeline.after_completion(i)) is not None)
        self._evaluated = sorted(at for i in nodes if (at := timeline.after_evaluation(i)) is not None)

    def completed(self, position: int) -> int:
        """Return how many of its adjoints are complete."""
        return bisect_right(self._completed, position)

    def state(self, position: int) -> State:
        """Return how far the block has come: complete when all its adjoints are."""
        done = self.completed(position)
        if not self._evaluated:
            return State.IDLE
        if done:
            return State.COMPLETE if done == len(self._completed) else State.PARTIAL
        return State.EVALUATED if position >= self._evaluated[-1] else State.WAITING

    @cached_property
    def source(self) -> int | None:
        """The node outside that the block takes its input from, the last of them in the reverse pass."""
        found = [e for e in self._incoming if self.pass_.events.after_completion(e.source_index) is not None]
        return max((e.source_index for e in found), key=self._completion, default=None)

    def _completion(self, node: int) -> int:
        return self.pass_.events.after_completion(node) or 0

    @cached_property
    def _incoming(self) -> Sequence[Edge]:
        nodes, inside = self.pass_.network.nodes, set(self.nodes)
        edges = (e for i in self.nodes for e in nodes[i].inputs if e is not None)
        return [e for e in edges if e.source_index not in inside and nodes[e.source_index].op != "parameter"]

    @cached_property
    def norms(self) -> tuple[float | None, float | None]:
        """The norm of the adjoint that comes in from above, and of the one that it has become below."""
        return self.norm_of(self.nodes[0]), None if self.source is None else self.norm_of(self.source)

    @cached_property
    def skip_share(self) -> float | None:
        """The share of the skip's contributions in the norms of all that the block sends to its fork."""
        sizes = {Way.SKIP: 0.0, Way.BRANCH: 0.0}
        joins = {self.pass_.network.nodes[i].name for i in self.nodes}
        for edge in self.pass_.schedule.arrivals[self.source] if self.source is not None else ():
            route = self.routes.route(edge)
            if route is not None and route.join in joins:
                sizes[route.way] += self.pass_.size_of(Of.CONTRIBUTION, edge) or 0.0
        total = sum(sizes.values())
        return sizes[Way.SKIP] / total if sizes[Way.SKIP] and total else None
