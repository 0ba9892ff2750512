"""Edges, one by one: which node stands in which slot of which other, and everything that is wrong with that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from resdebug.network.distinct import Distinct
from resdebug.network.entries import EdgeColumns, EdgeEntry
from resdebug.network.faults import FaultList
from resdebug.network.fitting import fit_all
from resdebug.network.signature import Signature, name_of, slots_of
from resdebug.network.wires import Wires
from resdebug.text import plural, visible

Ends: TypeAlias = tuple[int, int, int]
"""An edge's source, its consumer, and the position of its slot."""


class Wiring:
    """Fits edges into slots and reports what does not fit."""

    def __init__(
        self,
        key: str,
        names: Sequence[str | None],
        index: Mapping[str, int],
        operators: Distinct[Signature | None],
        multigraph: bool,
        faults: FaultList,
    ) -> None:
        self.key = key
        self.names = names
        self.index = index
        self.operators = operators
        self.broken: set[int | None] = set()
        """Nodes that an edge was to lead to but was refused; None when it is not known where to."""
        self.multigraph = multigraph
        self.faults = faults

    def connect(self, edges: EdgeColumns | Sequence[EdgeEntry | None]) -> Wires:
        """Return which edge fills which slot; an edge that is refused has no ends."""
        if isinstance(edges, EdgeColumns):
            usual = fit_all(edges, self.index, self.operators) if self.multigraph else None
            if usual is not None:
                return usual
            edges = edges.entries()
        incoming: list[list[tuple[int, int, str | int | None]]] = [[] for _ in self.names]
        self.broken = {None} if None in edges else set()
        seen: dict[tuple[int, int], int] = {}
        for k, entry in enumerate(edges):
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
        ends: list[Ends] = [(-1, -1, -1)] * len(edges)
        slots = [self.fit(i, arriving, ends) for i, arriving in enumerate(incoming)]
        sources, consumers, positions = np.array(ends, np.intp).reshape(-1, 3).T.copy()
        begin = np.append(0, np.cumsum([len(row) for row in slots], dtype=np.intp))
        return Wires(sources, consumers, positions, begin, np.array([k for row in slots for k in row], np.intp))

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

    def fit(self, i: int, arriving: Sequence[tuple[int, int, str | int | None]], ends: list[Ends]) -> list[int]:
        """Put the edges that arrive at node ``i`` into its operator's slots, and note their ends."""
        operator = self.operators.at(i)
        name = self.names[i]
        if operator is None or name is None:
            return []
        slots = slots_of(operator, len(arriving)) if operator.slots else ()
        places = {slot.name: position for position, slot in enumerate(slots)}
        filled = [-1] * len(slots)
        for place, (k, source, given) in enumerate(arriving):
            pointer = f"/{self.key}/{k}" + ("/slot" if given is not None else "")
            wanted = place if given is None else given
            position = wanted if isinstance(wanted, int) else places.get(wanted, -1)
            if not 0 <= position < len(slots):
                self.no_such_slot(i, wanted, places, pointer)
                continue
            held = filled[position]
            if held >= 0:
                what = f'slot {slots[position].name} of "{visible(name)}" is filled twice (edges {held} and {k})'
                hint = f"its slots: {', '.join(places)}"
                self.faults.add("G041", what, hint, pointer=pointer, node=name)
                continue
            filled[position] = k
            ends[k] = source, i, position
        self.check_filled(i, [slot.name for slot in slots if not slot.optional], places, filled)
        return filled

    def no_such_slot(self, i: int, wanted: str | int, places: dict[str, int], pointer: str) -> None:
        """Report an edge into a slot that the operator does not have."""
        operator, name = self.operators.at(i), self.names[i] or ""
        if not places:
            what, hint = f'"{visible(name)}" takes no inputs', "inputs, parameters and constants only have a value"
        else:
            kind = _called(operator)
            what = f'"{visible(name)}": {kind} has no slot {visible(str(wanted))}'
            hint = (
                self.faults.suggest(wanted, places) if isinstance(wanted, str) else ""
            ) or f"its slots: {', '.join(places)}"
        self.faults.add("G040", what, hint, pointer=pointer, node=name)

    def check_filled(self, i: int, needed: Sequence[str], places: dict[str, int], filled: Sequence[int]) -> None:
        """Report slots that must be filled and are not, unless an edge into this node was refused already."""
        if None in self.broken or i in self.broken:
            return
        missing = [slot for slot in needed if filled[places[slot]] < 0]
        if missing:
            name = self.names[i] or ""
            what = f'"{visible(name)}": {_called(self.operators.at(i))} lacks {", ".join(missing)}'
            hint = f"it takes {plural(len(places), 'slot')}: {', '.join(places)}"
            self.faults.add("G042", what, hint, pointer=f"/nodes/{i}", node=name)


def _called(operator: Signature | None) -> str:
    return "" if operator is None else name_of(operator)
