"""Why is an adjoint zero, or absent: the smallest set of edges that cuts the node off from the target.

An edge is *blocked* where its consumer has an adjoint that is not zero, and yet nothing goes through it; or where
nothing ever could (stop_gradient, an index). Where contributions that are not zero add up to zero, the node itself is
the cut: cancellation. Every way from the node to the target passes one of these places, for the target's adjoint is 1;
the fewest that all ways pass are found as a minimum cut (Ford and Fulkerson 1956; Dinic's algorithm, of SciPy). Edges
whose consumer is itself without a gradient count as open: they are not the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from resdebug.debugger.cut_reasons import Reason, differentiable, why_not_differentiable, why_zero
from resdebug.network.model import Edge
from resdebug.passes.protocol import Of, Pass
from resdebug.text import visible


class Verdict(Enum):
    """What can be said of a node's adjoint."""

    NOT_ZERO = "the adjoint is not zero"
    CUT = "cut off"
    NO_PATH = "no path leads to the target"
    NOT_ASKED = "no adjoint is asked for"


@dataclass(frozen=True, slots=True)
class Cut:
    """One place where what comes from the target ends."""

    reason: Reason
    what: str
    edge: Edge | None
    """The blocked edge; None where contributions cancel at a node, or an accumulation rule drops them."""
    node: str
    """The node that gets nothing: the edge's source."""
    edges: tuple[Edge, ...] = ()
    """In a cancellation, the edges whose contributions add up to zero."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a node has no gradient."""

    node: str
    verdict: Verdict
    what: str
    cuts: tuple[Cut, ...] = ()
    """As few as possible, in order of the reverse pass."""
    blocked: int = 0
    """How many blocked edges there are between the node and the part that has a gradient; the cut is of these."""


def whyzero(pass_: Pass, node: str) -> Explanation:
    """Say why the adjoint of ``node`` is zero or absent. Raises KeyError for an unknown node, BadInput (T014) where a
    trace holds not even statistics of what is asked.

    Looks at the nodes that can be reached from it before any with a gradient; costs a contribution an edge there.
    """
    return _Why(pass_, pass_.network[node].index).explain()


SOURCE: Final = 0
SINK: Final = 1


class _Why:
    def __init__(self, pass_: Pass, start: int) -> None:
        self.pass_ = pass_
        self.nodes = pass_.network.nodes
        self.start = start
        self.places: dict[tuple[int, bool], int] = {}
        self.arcs: list[tuple[int, int, int]] = []
        """From, to, and which cut it is (-1: it cannot be cut)."""
        self.cuts: list[tuple[Edge | None, int]] = []

    def explain(self) -> Explanation:
        node = self.nodes[self.start]
        name = f'"{visible(node.name)}"'
        exists = self.pass_.exists(Of.ADJOINT, node.name)
        if exists and self._anything(Of.ADJOINT, node.name):
            return Explanation(node.name, Verdict.NOT_ZERO, f"the adjoint of {name} is not zero")
        target = f'"{visible(self.pass_.target)}"'
        if self.start not in set(self.pass_.schedule.order):
            return Explanation(node.name, Verdict.NO_PATH, f"no path leads from {name} to the target {target}")
        if not node.type.is_float:
            return Explanation(
                node.name, Verdict.NOT_ASKED, f"{name} holds {node.dtype}: whole numbers have no adjoint"
            )
        if not exists and not self._depends_on_a_variable():
            what = f"{name} is a constant" if node.is_leaf else f"no input or parameter leads to {name} differentiably"
            return Explanation(node.name, Verdict.NOT_ASKED, f"{what}: no adjoint is asked for")
        self._build()
        chosen = self._minimum()
        state = "zero" if exists else "absent"
        turn = {self.nodes[i].name: k for k, i in enumerate(self.pass_.schedule.order)}
        told = [self._told(k) for k in chosen]
        cuts = tuple(sorted(told, key=lambda cut: turn[cut.node if cut.edge is None else cut.edge.consumer]))
        what = (
            f"the adjoint of {name} is {state}: {len(cuts)} of {len(self.cuts)} blocked places cut it off from {target}"
        )
        return Explanation(node.name, Verdict.CUT, what, cuts, len(self.cuts))

    def _depends_on_a_variable(self) -> bool:
        """Whether a differentiable way leads from an input or parameter to the node."""
        seen, stack = {self.start}, [self.start]
        while stack:
            node = self.nodes[stack.pop()]
            if node.is_differentiable_leaf:
                return True
            for edge in node.inputs:
                if edge is not None and edge.source_index not in seen and differentiable(self.pass_, edge):
                    seen.add(edge.source_index)
                    stack.append(edge.source_index)
        return False

    def _build(self) -> None:
        """Lay out all ways from the node to where there is a gradient; all that has one is the sink."""
        taking_part = set(self.pass_.schedule.order)
        stack, seen = [self.start], {self.start}
        while stack:
            i = stack.pop()
            here = self._leave(i)
            for edge in self.pass_.network.consumers[i]:
                c = edge.consumer_index
                if c not in taking_part:
                    continue
                live = self._live(c)
                to = SINK if live else self._place(c)
                if not differentiable(self.pass_, edge):
                    self._cut(here, to, edge, i)
                elif live and self._sends(edge) is False:
                    self._cut(here, SINK, edge, i)
                else:
                    self.arcs.append((here, to, -1))
                if not live and c not in seen:
                    seen.add(c)
                    stack.append(c)

    def _leave(self, i: int) -> int:
        """Return the place from which a node's edges leave: beyond a cut of its own where contributions cancel."""
        here = SOURCE if i == self.start else self._place(i)
        if not any(self._sends(edge) and self._live(edge.consumer_index) for edge in self.pass_.schedule.arrivals[i]):
            return here
        beyond = self.places.setdefault((i, True), len(self.places) + 2)
        self._cut(here, beyond, None, i)
        return beyond

    def _place(self, i: int) -> int:
        return self.places.setdefault((i, False), len(self.places) + 2)

    def _cut(self, start: int, end: int, edge: Edge | None, i: int) -> None:
        self.arcs.append((start, end, len(self.cuts)))
        self.cuts.append((edge, i))

    def _live(self, i: int) -> bool:
        return self._anything(Of.ADJOINT, self.nodes[i].name)

    def _anything(self, of: Of, which: str | Edge) -> bool:
        """Whether a tensor is not all zeros, which statistics tell as well. Raises BadInput (T014) without either."""
        if self.pass_.lacking(of, which):
            told = self.pass_.summary(of, which)
            if told is not None:
                return told.zeros < told.size
        array = self.pass_.needed(of, which)
        return array is not None and bool(np.any(array))

    def _sends(self, edge: Edge) -> bool | None:
        """Whether something that is not zero goes through; None where the pass sends nothing there."""
        if edge not in self.pass_.schedule.deliveries[edge.consumer_index]:
            return None
        return self._anything(Of.CONTRIBUTION, edge)

    def _minimum(self) -> list[int]:
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow

        count, uncut = len(self.places) + 2, len(self.cuts) + 1
        start, end, which = (np.array(column) for column in zip(*self.arcs, strict=True))
        # Arcs between the same two places are one in a matrix: their capacities add up, and they are cut together.
        capacity = np.where(which < 0, uncut, 1).astype(np.int64)
        graph = csr_matrix((capacity, (start, end)), shape=(count, count))
        graph.data = np.minimum(graph.data, uncut).astype(np.int32)
        graph = graph.astype(np.int32)
        flow = maximum_flow(graph, SOURCE, SINK).flow
        left = (graph - flow).tocsr()
        left.data = (left.data > 0).astype(np.int32)
        left.eliminate_zeros()
        reached = np.zeros(count, bool)
        reached[breadth_first_order(left, SOURCE, return_predecessors=False)] = True
        return [int(k) for s, t, k in zip(start, end, which, strict=True) if reached[s] and not reached[t] and k >= 0]

    def _told(self, k: int) -> Cut:
        edge, i = self.cuts[k]
        name = self.nodes[i].name
        if edge is None:
            edges = tuple(e for e in self.pass_.schedule.arrivals[i] if self._sends(e))
            if self.pass_.rule != "sum":
                what = (
                    f"{len(edges)} contributions arrive, and the accumulation rule {self.pass_.rule} makes zero of them"
                )
                return Cut(Reason.RULE, what, None, name, edges)
            what = f"{len(edges)} contributions are not zero, and their sum is: " + ", ".join(
                f"{visible(e.consumer)}.{visible(e.slot)}" for e in edges[:4]
            )
            return Cut(Reason.CANCELLATION, what, None, name, edges)
        if not differentiable(self.pass_, edge):
            reason, what = why_not_differentiable(self.pass_, edge)
        else:
            reason, what = why_zero(self.pass_, edge)
        return Cut(reason, what, edge, name)
