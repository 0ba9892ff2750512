"""A pass after its network was changed: only what depends on the change is computed again.

Values are computed again downstream of what changed, and only as far as the bits of a result differ; then adjoints, in
order of the reverse pass, where a contribution may differ: because its consumer's adjoint, value, operands or operator
did, or because contributions arrive in another order. Everything else is shared with the pass before, which stays as it
was. The result is that of a fresh pass, bit for bit.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from resdebug.engine.accumulation import accumulate
from resdebug.engine.batches import program
from resdebug.engine.forward import frozen, leaf_value, result
from resdebug.engine.kept import ByNode
from resdebug.engine.reverse import seed_of, sent
from resdebug.errors import BadInput, Fault
from resdebug.network.model import Network
from resdebug.network.order import Schedule, schedule
from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.passes.live import LivePass
from resdebug.text import human_bytes

MANY: Final = 2000
"""More scalars than this, and all of them in batches are sooner done than these one by one."""
_BITS: Final[dict[int, Any]] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@dataclass(frozen=True, slots=True)
class Work:
    """How much was computed again."""

    values: int
    """Nodes that were evaluated."""
    adjoints: int
    """Nodes whose contributions were added up."""
    changed_values: tuple[int, ...]
    """Indices of nodes whose value has other bits than before (or that are new)."""
    changed_adjoints: tuple[int, ...]
    nbytes: int
    """What the new arrays take."""
    whole: bool = False
    """Whether the pass was run whole, in batches, because that was quicker."""


class Layered:
    """What a pass keeps, as differences from another pass; arrays that are the same are shared."""

    def __init__(self, base: ByNode, count: int, changes: dict[int, Array | None] | None = None) -> None:
        self.base = base
        self.count = count
        """How many nodes the other pass has."""
        self.changes: dict[int, Array | None] = dict(changes or {})

    def __getitem__(self, index: int, /) -> Array | None:
        if index in self.changes:
            return self.changes[index]
        return self.base[index] if index < self.count else None

    def __setitem__(self, index: int, array: Any, /) -> None:
        self.changes[index] = array


def same_bits(a: Array | None, b: Array | None) -> bool:
    """Whether two arrays have the same shape, element type and bits: 0 is not −0, and NaN is NaN."""
    if a is None or b is None:
        return a is b
    if a is b:
        return True
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.size < 64:
        return a.tobytes() == b.tobytes()
    bits = _BITS[a.dtype.itemsize]
    return bool(np.array_equal(a.view(bits), b.view(bits)))


def changed(old: LivePass, network: Network, touched: Iterable[int], *, rule: str, room: int) -> tuple[LivePass, Work]:
    """Return the pass of ``network``, which differs from that of ``old`` at the nodes ``touched``.

    Nodes that both have stand at the same indices; new ones come after them. Touched are leaves with other numbers, and
    nodes with other settings or other inputs. ``room`` is how many bytes new arrays may take. Raises BadInput when they
    take more (S002), an index is out of range or a tensor file is at fault; ``old`` is as it was in any case.
    """
    return _Again(old, network, set(touched), rule, room).run()


class _TooMany(Exception):
    """Running all in batches is quicker."""


class _Again:
    def __init__(self, old: LivePass, network: Network, touched: set[int], rule: str, room: int) -> None:
        self.old = old
        self.network = network
        self.touched = touched
        self.rule = rule
        self.room = room
        self.before: Schedule = old.schedule
        self.plan = schedule(network)
        self.values = _layered(old.values_by_node, len(old.network.nodes))
        self.adjoints = _layered(old.adjoints_by_node, len(old.network.nodes))
        self.computed = [0, 0]
        self.changed: tuple[set[int], set[int]] = (set(), set())
        self.nbytes = 0
        scalars = not network.nodes[self.plan.target].shape and len(network.nodes) > MANY
        self.most = max(MANY, len(network.nodes) // 20) if scalars else len(network.nodes) + 1

    def run(self) -> tuple[LivePass, Work]:
        with threads.ours():
            try:
                self.forward()
                self.reverse()
            except _TooMany:
                return self.whole()
        made = LivePass.of(self.network, self.plan, self.rule, self.values, self.adjoints)
        return made, self.work(whole=False)

    def work(self, *, whole: bool) -> Work:
        values, adjoints = (tuple(sorted(s)) for s in self.changed)
        return Work(self.computed[0], self.computed[1], values, adjoints, self.nbytes, whole)

    def whole(self) -> tuple[LivePass, Work]:
        """Run all in batches, and compare."""
        made = LivePass(self.network, self.network.nodes[self.plan.target].name, self.rule)
        self.computed = [len(self.plan.order), len(self.plan.reverse)]
        for i in self.plan.order:
            if not same_bits(made.values_by_node[i], self._old(self.old.values_by_node, i)):
                self.changed[0].add(i)
            if not same_bits(made.adjoints_by_node[i], self._old(self.old.adjoints_by_node, i)):
                self.changed[1].add(i)
        self.nbytes = sum(self.network.nodes[i].type.nbytes for i in self.plan.order) * 2
        self.check_room()
        return made, self.work(whole=True)

    def _old(self, kept: ByNode, i: int) -> Array | None:
        return kept[i] if i < len(self.old.network.nodes) else None

    def count(self, what: int) -> None:
        self.computed[what] += 1
        if self.computed[what] > self.most and program(self.network, self.plan) is not None:
            raise _TooMany

    def kept(self, array: Array) -> Array:
        self.nbytes += array.nbytes
        self.check_room()
        return array

    def check_room(self) -> None:
        if self.nbytes > self.room:
            what = (
                f"what the change computes again takes over {human_bytes(self.nbytes)}, and {human_bytes(self.room)} "
            )
            raise BadInput(Fault("S002", f"{what}are left", "raise the limit with --memory"))

    def forward(self) -> None:
        network, place = self.network, self.plan.place
        waiting = [-place[i] for i in self.touched if i in place]
        for i in self.outside():
            self.values[i] = None
        if self.plan is not self.before:
            waiting += [-place[i] for i in self.plan.order if self.values[i] is None]
        heapq.heapify(waiting)
        last = 1
        while waiting:
            turn = heapq.heappop(waiting)
            if turn == last:
                continue
            last = turn
            i = self.plan.order[-turn]
            node = network.nodes[i]
            made = leaf_value(network, node) if node.is_leaf else result(node, self.values)
            self.count(0)
            if same_bits(made, self.values[i]):
                continue
            self.values[i] = self.kept(made)
            self.changed[0].add(i)
            for edge in network.consumers[i]:
                if edge.consumer_index in place:
                    heapq.heappush(waiting, -place[edge.consumer_index])

    def outside(self) -> list[int]:
        """Return nodes that the target does not depend on, but that were evaluated because somebody asked."""
        if len(self.plan.place) == len(self.network.nodes):
            return []
        return [
            node.index
            for node in self.network.nodes
            if node.index not in self.plan.place and self.values[node.index] is not None
        ]

    def reverse(self) -> None:
        plan, place = self.plan, self.plan.place
        waiting = [place[i] for i in self.disturbed()]
        heapq.heapify(waiting)
        last = -1
        while waiting:
            turn = heapq.heappop(waiting)
            if turn == last:
                continue
            last = turn
            i = plan.order[turn]
            made = self.added_up(i)
            self.count(1)
            if same_bits(made, self.adjoints[i]):
                continue
            self.adjoints[i] = self.kept(made)
            self.changed[1].add(i)
            for edge in plan.deliveries[i]:
                heapq.heappush(waiting, place[edge.source_index])

    def disturbed(self) -> set[int]:
        """Return the nodes to which another contribution may come than before, or in another order."""
        plan, network = self.plan, self.network
        found: set[int] = set()
        senders = self.changed[0] | self.touched
        for i in self.changed[0]:
            senders.update(edge.consumer_index for edge in network.consumers[i])
        for i in senders:
            if i < len(plan.active) and plan.active[i]:
                found.update(edge.source_index for edge in plan.deliveries[i])
        if plan is not self.before:
            for node in network.nodes:
                i = node.index
                if not plan.active[i]:
                    if self.adjoints[i] is not None:
                        self.adjoints[i] = None
                        self.changed[1].add(i)
                elif self.adjoints[i] is None or not self.same_arrivals(i):
                    found.add(i)
        if self.rule != self.old.rule:
            found.update(i for i in plan.reverse if len(plan.arrivals[i]) > 1)
        return found

    def same_arrivals(self, i: int) -> bool:
        old, new = self.before.arrivals[i], self.plan.arrivals[i]
        return len(old) == len(new) and all(
            a.consumer_index == b.consumer_index and a.position == b.position for a, b in zip(old, new, strict=True)
        )

    def added_up(self, i: int) -> Array:
        """Return the adjoint of a node, as the reverse pass adds it up."""
        if i == self.plan.target:
            return seed_of(self.network, self.plan)
        partial: Array | None = None
        for k, edge in enumerate(self.plan.arrivals[i], start=1):
            ybar = self.adjoints[edge.consumer_index]
            if ybar is None:
                raise AssertionError(f"{edge.consumer} sends before anything arrived")
            partial = accumulate(self.rule, partial, sent(self.network, edge, ybar, self.values), k)
        if partial is None:
            raise AssertionError(f"nothing arrives at {self.network.nodes[i].name}")
        return frozen(partial)


def _layered(kept: ByNode, count: int) -> Layered:
    """Return a layer over what another pass keeps; layers do not pile up."""
    if isinstance(kept, Layered):
        return Layered(kept.base, kept.count, kept.changes)
    return Layered(kept, count)
