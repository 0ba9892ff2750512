"""Blocks at every level, and which of them are drawn as a single row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from resdebug.network.model import Network
from resdebug.network.parts import block_of

OPENS_FOLDED = 200
"""From so many rows on a network with blocks opens with them folded."""


class Unit(NamedTuple):
    """What one row shows: a node, or a folded block; the first of its nodes speaks for it."""

    block: str
    nodes: list[int]


class Blocks:
    """The blocks of a network: a block called ``layer1.0`` lies within ``layer1``.

    ``rows`` are the nodes that have a row, in the order of the reverse pass; only they count as members.
    ``taking_part`` are the nodes of the pass: the others may stand anywhere.
    """

    def __init__(self, network: Network, rows: Sequence[int], taking_part: Collection[int]) -> None:
        self.network = network
        self.taking_part = taking_part
        found: dict[str, list[int]] = {}
        said = network.nodes.written
        for i in rows:
            for name in _levels(block_of(said[i])):
                found.setdefault(name, []).append(i)
        # A block that holds one inner block and nothing else is no level of its own.
        largest: dict[str, int] = {}
        for name, members in found.items():
            outer = name.rpartition(".")[0]
            largest[outer] = max(largest.get(outer, 0), len(members))
        self.members: Mapping[str, Sequence[int]] = {
            name: members for name, members in found.items() if len(members) > 1 and len(members) > largest.get(name, 0)
        }
        """Node indices by block, in the order of the reverse pass; blocks of a single row are left out."""

    def around(self, node: int) -> list[str]:
        """Return the blocks that a node (by index) lies in, the innermost first."""
        return [name for name in reversed(_levels(self.network.nodes[node].block)) if name in self.members]

    @cached_property
    def innermost(self) -> frozenset[str]:
        """The blocks that no other block lies within."""
        outer = {name.rpartition(".")[0] for name in self.members}
        return frozenset(name for name in self.members if name not in outer)

    @cached_property
    def outermost(self) -> frozenset[str]:
        """The blocks that lie within no other."""
        return frozenset(n for n in self.members if not any(o in self.members for o in _levels(n)[:-1]))

    def folded(self, rows: Sequence[int], folded: Collection[str]) -> list[Unit]:
        """Return the rows that are left when some blocks are folded, every consumer above its inputs.

        A block that both needs a node outside and is needed by it cannot be one row: it stays unfolded.
        """
        chosen = set(folded)
        while True:
            units = self._units(rows, chosen)
            order = _order(self.network, units, self.taking_part)
            stuck = {unit.block for k, unit in enumerate(units) if unit.block and k not in set(order)}
            if not stuck:
                return [units[k] for k in order]
            chosen -= stuck

    def _units(self, rows: Sequence[int], chosen: Collection[str]) -> list[Unit]:
        units: list[Unit] = []
        at: dict[str, Unit] = {}
        for i in rows:
            block = next((name for name in reversed(self.around(i)) if name in chosen), "") if chosen else ""
            if block in at:
                at[block].nodes.append(i)
                continue
            units.append(Unit(block, [i]))
            if block:
                at[block] = units[-1]
        return units


def _levels(block: str) -> list[str]:
    """Return the names of a block and of those around it, the outermost first."""
    if not block:
        return []
    parts = block.split(".")
    return [".".join(parts[: k + 1]) for k in range(len(parts))]


def _order(network: Network, units: Sequence[Unit], taking_part: Collection[int]) -> Sequence[int]:
    """Return the units in an order with consumers first, as near to the given one as can be; those on a cycle lack."""
    if not any(unit.block for unit in units):
        return range(len(units))
    unit_of = {i: k for k, unit in enumerate(units) for i in unit.nodes}
    needs: list[set[int]] = [set() for _ in units]
    awaited = [0] * len(units)
    for k, unit in enumerate(units):
        for i in unit.nodes:
            for edge in network.nodes[i].inputs if i in taking_part else ():
                source = unit_of.get(edge.source_index, k) if edge is not None else k
                if source != k and source not in needs[k]:
                    needs[k].add(source)
                    awaited[source] += 1
    if all(source > k for k, sources in enumerate(needs) for source in sources):
        return range(len(units))
    ready = [k for k, count in enumerate(awaited) if not count]
    heapify(ready)
    order = []
    while ready:
        k = heappop(ready)
        order.append(k)
        for source in needs[k]:
            awaited[source] -= 1
            if not awaited[source]:
                heappush(ready, source)
    return order
