"""The quantities of a pass as columns over places; what is costly is computed once a pass and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np

from resdebug.debugger.conditions.from_statistics import FROM_STATISTICS
from resdebug.debugger.conditions.places import Ints, Map, Moment, Places, Truths
from resdebug.errors import ResdebugError
from resdebug.network.model import Edge
from resdebug.ops.base import Array
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.routes import Routes, Way

LEDGERS: Final = 64
"""How many running sums of forks are kept at a time."""


@dataclass(frozen=True, slots=True)
class Column:
    """One entry a place: numbers, truths or texts; ``known`` says where there is one at all."""

    data: np.ndarray[Any, Any]
    known: Truths

    def __len__(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Tensors:
    """One tensor a place, taken when asked for.

    ``identity`` tells same tensors by same numbers (-1: no tensor), so that what is computed of one is kept under
    ``name``; None where nothing is to be kept.
    """

    get: Callable[[int], Array | None]
    count: int
    name: str = ""
    identity: Ints | None = None
    known_as: Callable[[int], Array | None] | None = None
    """Takes a tensor by such a number in place of a row, where that is quicker."""
    whose: Callable[[int], tuple[Of, str | Edge]] | None = None
    """Says which tensor of the pass such a number means, for what a trace has only statistics of."""


Reducer: TypeAlias = Callable[[Array], float]
"""Makes a number of a tensor."""
Quick: TypeAlias = Callable[[Array], Array]
"""Does so for many tensors of one number each, given as a vector."""


class Columns:
    """Everything that conditions ask of one pass."""

    def __init__(self, pass_: Pass) -> None:
        self.pass_ = pass_
        self.nodes = pass_.network.nodes
        self.edges = pass_.network.edges
        self.map = Map(pass_.events)
        self.routes = Routes(pass_)
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._ledgers: OrderedDict[int, dict[int, Array]] = OrderedDict()
        self._structure: dict[str, np.ndarray[Any, Any]] = {}
        self.lacking: dict[tuple[str, int], str] = {}
        """What was asked for and could not be answered, for the trace does not hold it: the tensor, and why."""

    # -- structure ---------------------------------------------------------------------------------------------------

    def of_nodes(self, name: str, make: Callable[[], np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """Return a column over all nodes of the network, made once."""
        if name not in self._structure:
            self._structure[name] = make()
        return self._structure[name]

    @cached_property
    def depths(self) -> Ints:
        """Per node, the longest way to the target, in edges; -1 for what takes no part."""
        depth = np.full(len(self.nodes), -1, np.int64).tolist()
        depth[self.pass_.schedule.target] = 0
        for i in self.pass_.schedule.order:
            below = depth[i] + 1
            for edge in self.nodes[i].inputs:
                if edge is not None and depth[edge.source_index] < below:
                    depth[edge.source_index] = below
        return np.array(depth, np.int64)

    @cached_property
    def fan_out(self) -> Ints:
        """Per node, the number of consuming edges."""
        return np.array([len(uses) for uses in self.pass_.network.consumers], np.int64)

    @cached_property
    def arrivals(self) -> Ints:
        """Per node, the number of contributions that come to it."""
        return np.array([len(edges) for edges in self.pass_.schedule.arrivals], np.int64)

    @cached_property
    def joins(self) -> Truths:
        """Per node, whether the ways from a fork first meet again there."""
        found = np.zeros(len(self.nodes), bool)
        forks = np.flatnonzero(self.arrivals > 1).tolist()
        meetings = self.routes.joins if forks else {}
        for fork in forks:
            join = meetings.get(fork)
            if join is not None:
                found[join] = True
        return found

    @cached_property
    def ranks(self) -> Ints:
        """Per edge, which contribution to its receiver it is, from 1; 0 where nothing goes through."""
        rank = np.zeros(len(self.edges), np.int64)
        for edges in self.pass_.schedule.arrivals:
            for k, edge in enumerate(edges, start=1):
                rank[edge.index] = k
        return rank

    def arrived(self, places: Places) -> Ints:
        """Return how many contributions have come to each place's node by then."""
        count = np.zeros(len(places), np.int64)
        complete = places.moment == Moment.COMPLETED
        count[complete] = self.arrivals[places.node[complete]]
        partial = places.moment == Moment.CONTRIBUTED
        count[partial] = self.ranks[places.edge[partial]]
        return count

    # -- tensors -----------------------------------------------------------------------------------------------------

    def value(self, places: Places) -> Tensors:
        """Return the value of each place's node."""
        return Tensors(
            lambda k: self.value_of(int(places.node[k])), len(places), "value", places.node, self.value_of,
            lambda i: (Of.VALUE, self.nodes[i].name),
        )  # fmt: skip

    def value_of(self, node: int) -> Array | None:
        """Return a node's value; None where there is none to be had."""
        try:
            found = self.pass_.value(self.nodes[node].name)
        except ResdebugError:
            return None
        if found is None:
            self._missed("value", node, Of.VALUE, self.nodes[node].name)
        return found

    def _missed(self, name: str, number: int, of: Of, which: str | Edge) -> None:
        """Remember a tensor that was asked for and that the trace does not hold."""
        why = self.pass_.lacking(Of.CONTRIBUTION if of is Of.PARTIAL else of, which)
        if why:
            self.lacking[name, number] = why

    def adjoint(self, places: Places) -> Tensors:
        """Return the adjoint of each place's node as far as it has come by then."""
        moment, node, edge = places.moment, places.node, places.edge
        identity = np.full(len(places), -1, np.int64)
        whole = (moment == Moment.COMPLETED) | (moment == Moment.SEEDED)
        partial = moment == Moment.CONTRIBUTED
        identity[whole] = node[whole]
        identity[partial] = len(self.nodes) + edge[partial]
        return Tensors(
            lambda k: self.adjoint_known_as(int(identity[k])), len(places), "adj", identity, self.adjoint_known_as,
            self._whose_adjoint,
        )  # fmt: skip

    def _whose_adjoint(self, identity: int) -> tuple[Of, str | Edge]:
        if identity < len(self.nodes):
            return Of.ADJOINT, self.nodes[identity].name
        return Of.PARTIAL, self.edges[identity - len(self.nodes)]

    def adjoint_of(self, node: int, places: Places) -> Tensors:
        """Return the adjoint of one node as far as it has come at each place."""
        timeline = self.pass_.events
        edges = self.pass_.schedule.arrivals[node]
        moments = [timeline.after_contribution(edge) or 0 for edge in edges]
        identities = [-1, *(len(self.nodes) + edge.index for edge in edges)]
        done = timeline.seeded if node == self.pass_.schedule.target else timeline.after_completion(node)
        if done is not None:
            moments.append(done)
            identities.append(node)
        arrived = np.searchsorted(np.array(moments, np.int64), places.position, side="right")
        identity = np.array(identities, np.int64)[arrived]
        return Tensors(
            lambda k: self.adjoint_known_as(int(identity[k])), len(places), "adj", identity, self.adjoint_known_as,
            self._whose_adjoint,
        )  # fmt: skip

    def adjoint_known_as(self, identity: int) -> Array | None:
        """Return an adjoint by its number: a node's, or, beyond them, the running sum after an edge; -1 is none."""
        if identity < 0:
            return None
        if identity < len(self.nodes):
            name = self.nodes[identity].name
            found = self.pass_.adjoint(name)
            if found is None:
                self._missed("adj", identity, Of.ADJOINT, name)
            return found
        return self.partial(identity - len(self.nodes))

    def sent(self, places: Places) -> Tensors:
        """Return the contribution that each place's event delivered."""

        def get(k: int) -> Array | None:
            return self.contribution_of(int(places.edge[k])) if places.edge[k] >= 0 else None

        return Tensors(get, len(places), "sent", places.edge, whose=lambda i: (Of.CONTRIBUTION, self.edges[i]))

    def contribution_of(self, edge: int) -> Array | None:
        """Return what goes through an edge; None where the trace does not hold it."""
        if self.pass_.holds(Of.CONTRIBUTION, self.edges[edge]):
            return self.pass_.contribution(self.edges[edge])
        self._missed("sent", edge, Of.CONTRIBUTION, self.edges[edge])
        return None

    def partial(self, edge: int) -> Array | None:
        """Return the running sum just after a contribution; None where the trace does not hold its parts."""
        receiver = self.edges[edge].source_index
        if receiver not in self._ledgers:
            rows = self.pass_.ledger(self.nodes[receiver].name)
            self._ledgers[receiver] = {row.edge.index: row.running for row in rows}
            if len(self._ledgers) > LEDGERS:
                self._ledgers.popitem(last=False)
        self._ledgers.move_to_end(receiver)
        found = self._ledgers[receiver].get(edge)
        if found is None:
            self._missed("adj", len(self.nodes) + edge, Of.PARTIAL, self.edges[edge])
        return found

    def way(self, way: Way, places: Places) -> Tensors:
        """Return what has come to each place's node through its skip, or through its branches, summed."""
        whole = places.moment == Moment.COMPLETED
        identity = np.where(whole, places.node, -1)

        def get(k: int) -> Array | None:
            return self.through(int(places.node[k])).get(way) if whole[k] else None

        return Tensors(get, len(places), way.value, identity)

    def through(self, node: int) -> Mapping[Way, Array]:
        """Return the sums of a fork's contributions by way; nothing for what is no fork of a block."""
        found: dict[Way, Array] = {}
        for edge in self.pass_.schedule.arrivals[node] if self.arrivals[node] > 1 else ():
            route = self.routes.route(edge)
            if route is not None:
                sent = self.contribution_of(edge.index)
                if sent is None:
                    return {}
                with np.errstate(all="ignore"):
                    found[route.way] = found[route.way] + sent if route.way in found else sent
        return found

    def skip_share(self, node: int) -> float | None:
        """Return the skip's share of the norms of all contributions to a fork; None for what has no skip."""
        edges = self.pass_.schedule.arrivals[node]
        routes = [self.routes.route(edge) for edge in edges] if len(edges) > 1 else []
        if not any(route is not None and route.way is Way.SKIP for route in routes):
            return None
        norms = [self.pass_.size_of(Of.CONTRIBUTION, edge) or 0.0 for edge in edges]
        skip = sum(n for n, route in zip(norms, routes, strict=True) if route is not None and route.way is Way.SKIP)
        total = sum(norms)
        return skip / total if total else 0.0

    # -- kept --------------------------------------------------------------------------------------------------------

    def kept(self, key: tuple[str, str], wanted: Ints, fill: Callable[[Ints], Column]) -> Column:
        """Return the entries ``wanted`` of a column that is kept; those that nobody asked for yet are filled in."""
        if key not in self._kept:
            size = len(self.nodes) + len(self.edges)
            self._kept[key] = _Kept(np.full(size, np.nan), np.zeros(size, bool), np.zeros(size, bool))
        kept = self._kept[key]
        missing = np.unique(wanted[~kept.done[wanted]])
        if len(missing):
            made = fill(missing)
            kept.data[missing] = made.data
            kept.known[missing] = made.known
            kept.done[missing] = True
        return Column(kept.data[wanted], kept.known[wanted])

    def reduce(self, name: str, of: Reducer, quick: Quick | None, tensors: Tensors) -> Column:
        """Return ``of`` of every tensor; ``quick`` does the same for a vector of single numbers at once."""
        identity = tensors.identity
        if identity is None:
            return _reduced(map(tensors.get, range(tensors.count)), of, quick)
        rows = np.flatnonzero(identity >= 0)
        chosen = identity[rows]

        def fill(missing: Ints) -> Column:
            numbers = missing.tolist()
            if tensors.known_as is not None:
                made = _reduced(map(tensors.known_as, numbers), of, quick)
            else:
                row_of = dict(zip(chosen.tolist(), rows.tolist(), strict=True))
                made = _reduced((tensors.get(row_of[i]) for i in numbers), of, quick)
            return self._from_statistics(name, tensors, numbers, made)

        made = self.kept((name, tensors.name), chosen, fill)
        if self.pass_.absent and tensors.whose is not None:
            for i in np.unique(chosen[~made.known]).tolist():
                self._missed(tensors.name, i, *tensors.whose(i))
        data, known = np.full(tensors.count, np.nan), np.zeros(tensors.count, bool)
        data[rows], known[rows] = made.data, made.known
        return Column(data, known)

    def _from_statistics(self, name: str, tensors: Tensors, numbers: list[int], made: Column) -> Column:
        """Fill in what the statistics of a trace tell of tensors whose numbers it does not hold."""
        tell = FROM_STATISTICS.get(name)
        if tell is None or tensors.whose is None or not self.pass_.absent or made.known.all():
            return made
        data, known = made.data.copy(), made.known.copy()
        for k in np.flatnonzero(~known).tolist():
            told = self.pass_.summary(*tensors.whose(numbers[k]))
            found = None if told is None else tell(told)
            if found is not None:
                data[k], known[k] = found, True
                self.lacking.pop((tensors.name, numbers[k]), None)
        return Column(data, known)


@dataclass(frozen=True, slots=True)
class _Kept:
    data: np.ndarray[Any, Any]
    known: Truths
    done: Truths


def _reduced(arrays: Iterable[Array | None], of: Reducer, quick: Quick | None) -> Column:
    numbers: list[float] = []
    known: list[bool] = []
    single: list[int] = []
    with np.errstate(all="ignore"):
        for array in arrays:
            known.append(array is not None)
            if array is None:
                numbers.append(np.nan)
            elif quick is not None and array.size == 1:
                single.append(len(numbers))
                numbers.append(array.item())
            else:
                numbers.append(of(array))
        data = np.array(numbers, np.float64)
        if quick is not None and single:
            data[single] = quick(data[single])
    return Column(data, np.array(known, bool))
