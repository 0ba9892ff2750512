"""Edges: which node stands in which slot of which other, and whether the wiring runs in a circle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec

from resdebug.network.faults import FaultList
from resdebug.network.model import Edge
from resdebug.network.signature import Signature, slots_of
from resdebug.text import plural, visible


class EdgeEntry(msgspec.Struct, gc=False):
    """An edge as it stands in the file; ``slot`` is a name, an index, or left out."""

    source: str | int
    target: str | int
    slot: str | int | None = None


class Wiring:
    """Fits edges into slots and reports what does not fit."""

    def __init__(
        self,
        key: str,
        names: Sequence[str | None],
        operators: Sequence[Signature | None],
        multigraph: bool,
        faults: FaultList,
    ) -> None:
        self.key = key
        self.names = names
        self.index = {name: i for i, name in enumerate(names) if name is not None}
        self.operators = operators
        self.broken: set[int | None] = set()
        """Nodes that an edge was to lead to but was refused; None when it is not known where to."""
        self.multigraph = multigraph
        self.faults = faults

    def connect(self, entries: Sequence[EdgeEntry | None]) -> tuple[list[Edge], list[tuple[Edge | None, ...]]]:
        """Return all edges, and per node its inputs by slot."""
        usual = self.connect_usual(entries)
        if usual is not None:
            return usual
        incoming: list[list[tuple[int, int, str | int | None]]] = [[] for _ in self.names]
        self.broken = {None} if None in entries else set()
        seen: dict[tuple[int, int], int] = {}
        for k, entry in enumerate(entries):
            if entry is None:
                continue
            source, consumer = self.end(k, "source", entry.source), self.end(k, "target", entry.target)
            if source is None or consumer is None:
                self.broken.add(consumer)
                continue
            if not self.multigraph and seen.setdefault((source, consumer), k) != k:
                first = seen[source, consumer]
                what = f'edges {first} and {k} both lead from "{self.name(source)}" to "{self.name(consumer)}"'
                hint = 'set "multigraph": true (networkx.MultiDiGraph): a plain graph would lose one of them'
                self.faults.add("G016", what, hint, pointer=f"/{self.key}/{k}")
                self.broken.add(consumer)
                continue
            incoming[consumer].append((k, source, entry.slot))
        edges: list[Edge] = []
        inputs = [self.fit(i, arriving, edges) for i, arriving in enumerate(incoming)]
        edges.sort(key=lambda edge: edge.index)
        return edges, inputs

    def connect_usual(
        self, entries: Sequence[EdgeEntry | None]
    ) -> tuple[list[Edge], list[tuple[Edge | None, ...]]] | None:
        """Do the same where every edge names its slot, and nothing is wrong; None where that is not so."""
        if not self.multigraph or None in self.names:
            return None
        usual = []
        for operator in self.operators:
            if operator is None or operator.variadic:
                return None
            usual.append(_usual(type(operator)))
        given = [entry for entry in entries if entry is not None]
        names, to = [entry.source for entry in given], [entry.target for entry in given]
        slots: list[Any] = [entry.slot for entry in given]
        find: Callable[[Any], Any] = self.index.get
        sources, consumers = list(map(find, names)), list(map(find, to))
        if len(given) < len(entries) or None in sources or None in consumers:
            return None
        places = [row.places for row in usual]
        positions = [places[i].get(slot) for i, slot in zip(consumers, slots, strict=True)]
        if None in positions:
            return None
        edges: list[Edge] = list(map(Edge, range(len(given)), names, to, slots, positions, sources, consumers))
        filled = [row.empty.copy() for row in usual]
        for edge in edges:
            filled[edge.consumer_index][edge.position] = edge
        inputs = list(map(tuple, filled))
        empty = [(row, expected.needed) for row, expected in zip(inputs, usual, strict=True) if None in row]
        if sum(map(len, inputs)) - sum(row.count(None) for row, _ in empty) < len(edges):
            return None
        return None if any(row[k] is None for row, needed in empty for k in needed) else (edges, inputs)

    def name(self, i: int) -> str:
        """A node's name, for a message."""
        return visible(self.names[i] or f"#{i}")

    def end(self, k: int, which: str, name: str | int) -> int | None:
        """Find the node at one end of edge ``k``."""
        found = self.index.get(str(name))
        if found is None:
            hint = self.faults.suggest(str(name), self.index)
            what = f'edge {k} names unknown node "{visible(str(name))}"'
            self.faults.add("G021", what, hint, pointer=f"/{self.key}/{k}/{which}")
        return found

    def fit(
        self, i: int, arriving: Sequence[tuple[int, int, str | int | None]], edges: list[Edge]
    ) -> tuple[Edge | None, ...]:
        """Put the edges that arrive at node ``i`` into its operator's slots."""
        operator = self.operators[i]
        name = self.names[i]
        if operator is None or name is None:
            return ()
        slots = slots_of(operator, len(arriving)) if operator.slots else ()
        places = {slot.name: position for position, slot in enumerate(slots)}
        filled: list[Edge | None] = [None] * len(slots)
        for place, (k, source, given) in enumerate(arriving):
            pointer = f"/{self.key}/{k}" + ("/slot" if given is not None else "")
            wanted = place if given is None else given
            position = wanted if isinstance(wanted, int) else places.get(wanted, -1)
            if not 0 <= position < len(slots):
                self.no_such_slot(i, wanted, places, pointer)
                continue
            held = filled[position]
            if held is not None:
                what = f'slot {slots[position].name} of "{visible(name)}" is filled twice (edges {held.index} and {k})'
                hint = f"its slots: {', '.join(places)}"
                self.faults.add("G041", what, hint, pointer=pointer, node=name)
                continue
            edge = Edge(k, self.names[source] or "", name, slots[position].name, position, source, i)
            filled[position] = edge
            edges.append(edge)
        self.check_filled(i, [slot.name for slot in slots if not slot.optional], places, filled)
        return tuple(filled)

    def no_such_slot(self, i: int, wanted: str | int, places: dict[str, int], pointer: str) -> None:
        """Report an edge into a slot that the operator does not have."""
        operator, name = self.operators[i], self.names[i] or ""
        if not places:
            what, hint = f'"{visible(name)}" takes no inputs', "inputs, parameters and constants only have a value"
        else:
            kind = operator_name(operator)
            what = f'"{visible(name)}": {kind} has no slot {visible(str(wanted))}'
            hint = (
                self.faults.suggest(wanted, places) if isinstance(wanted, str) else ""
            ) or f"its slots: {', '.join(places)}"
        self.faults.add("G040", what, hint, pointer=pointer, node=name)

    def check_filled(
        self, i: int, needed: Sequence[str], places: dict[str, int], filled: Sequence[Edge | None]
    ) -> None:
        """Report slots that must be filled and are not, unless an edge into this node was refused already."""
        if None in self.broken or i in self.broken:
            return
        missing = [slot for slot in needed if filled[places[slot]] is None]
        if missing:
            name = self.names[i] or ""
            what = f'"{visible(name)}": {operator_name(self.operators[i])} lacks {", ".join(missing)}'
            hint = f"it takes {plural(len(places), 'slot')}: {', '.join(places)}"
            self.faults.add("G042", what, hint, pointer=f"/nodes/{i}", node=name)


class _Usual(NamedTuple):
    """The slots of an operator that has always the same."""

    places: dict[str, int]
    empty: list[Edge | None]
    needed: list[int]


@cache
def _usual(operator: type[Signature]) -> _Usual:
    slots = operator.slots
    needed = [k for k, slot in enumerate(slots) if not slot.optional]
    return _Usual({slot.name: k for k, slot in enumerate(slots)}, [None] * len(slots), needed)


def operator_name(operator: Signature | None) -> str:
    """Name an operator as files name it."""
    return "" if operator is None else str(operator.__struct_config__.tag)  # type: ignore[attr-defined]


def topological(count: int, edges: Sequence[Edge]) -> list[int]:
    """Return node indices with inputs before consumers, ties by place in the file; none in or behind a cycle."""
    if all(edge.source_index < edge.consumer_index for edge in edges):
        return list(range(count))
    waiting = [0] * count
    leads: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        consumer = edge.consumer_index
        waiting[consumer] += 1
        leads[edge.source_index].append(consumer)
    order = [i for i, inputs in enumerate(waiting) if not inputs]
    for i in order:
        for consumer in leads[i]:
            waiting[consumer] -= 1
            if not waiting[consumer]:
                order.append(consumer)
    return order


def uses(count: int, edges: Sequence[Edge]) -> list[int]:
    """Return how many edges use each node."""
    result = [0] * count
    for edge in edges:
        result[edge.source_index] += 1
    return result


def all_lead_to(target: int, uses: Sequence[int]) -> bool:
    """Whether, without a cycle, all nodes must lead to ``target``: because no other is without use."""
    return not uses[target] and uses.count(0) == 1


def find_cycle(count: int, edges: Sequence[Edge], order: Sequence[int]) -> list[Edge]:
    """Return the edges of one cycle among the nodes that a topological ``order`` left out."""
    left = set(range(count)) - set(order)
    into: dict[int, Edge] = {}
    for edge in edges:
        if edge.source_index in left and edge.consumer_index in left:
            into.setdefault(edge.consumer_index, edge)
    at = min(left)
    path: list[Edge] = []
    when: dict[int, int] = {}
    while at not in when:
        when[at] = len(path)
        path.append(into[at])
        at = into[at].source_index
    return path[when[at] :][::-1]
