"""Two passes walked in step, node by node: what differs, in the order of the first."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Final

import numpy as np

from resdebug.analysis.divergence.found import EVERYTHING, Comparison, Divergence
from resdebug.analysis.divergence.pairing import Pairing
from resdebug.analysis.divergence.renames import Renames
from resdebug.analysis.divergence.surroundings import Surroundings
from resdebug.analysis.divergence.tensors import Gap, by_statistics, measured
from resdebug.analysis.likeness import Likeness
from resdebug.network.model import Edge
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Contributed, Evaluated, Event, Seeded
from resdebug.passes.protocol import Of, Pass

SLACK: Final = 64.0
"""Roundings that a sum of adjoints is allowed where what is left of it is nothing but rounding."""
_UNIT: Final = {"float64": 2.0**-53, "float32": 2.0**-24}
Report = Callable[[str, int, int], None]
"""Called with what is done, how many events of the first pass are compared, and how many there are."""


def compare(
    a: Pass,
    b: Pass,
    *,
    renames: Renames | None = None,
    tolerance: float | None = None,
    only: Iterable[Of] = EVERYTHING,
    nodes: Iterable[str] = (),
    everything: bool = False,
    report: Report | None = None,
) -> Comparison:
    """Walk two passes in step, in the order of ``a``, up to the first divergence (``everything``: to the end).

    ``tolerance`` is a relative error (``TOLERANCES`` by element type), ``only`` what is compared, ``nodes`` patterns of
    the nodes that are looked at.
    """
    walk = Walk(a, b, renames=renames, tolerance=tolerance, only=only, nodes=nodes)
    walk.go_on(report, everything=everything)
    return walk.result


class Walk:
    """Two passes on the way through them: what has been found so far, and going on to find more."""

    def __init__(
        self,
        a: Pass,
        b: Pass,
        *,
        renames: Renames | None = None,
        tolerance: float | None = None,
        only: Iterable[Of] = EVERYTHING,
        nodes: Iterable[str] = (),
    ) -> None:
        self.a, self.b, self.tolerance, self.only = a, b, tolerance, frozenset(only)
        self.pairing = Pairing(a, b, renames)
        self.done = 0
        """How many events of the first pass have been compared."""
        self.total = len(a.events)
        patterns = tuple(nodes)
        self._pattern = re.compile("|".join(map(translate, patterns))) if patterns else None
        self._floors: dict[str, float] = {}
        self._complete = not (a.absent or b.absent)
        self._around = Surroundings(self.pairing, tolerance, self._differs)
        self._events = iter(a.events)
        self.result = self.pairing.structure(self._looked_at)
        """What has been found so far."""

    @property
    def finished(self) -> bool:
        """Whether all events have been compared."""
        return self.done >= self.total

    def go_on(self, report: Report | None = None, *, everything: bool = True) -> Divergence | None:
        """Compare up to the next divergence, or with ``everything`` to the end; returns what was found last, if any.

        ``report`` may raise to break off; the walk can be taken up again after that.
        """
        found: Divergence | None = None
        with np.errstate(all="ignore"):
            while not self.finished and (everything or found is None):
                if report is not None:
                    report("comparing", self.done, self.total)
                divergence = self._compared(next(self._events), self.done + 1)
                if divergence is not None:
                    found = divergence
                    self.result.divergences.append(divergence)
                self.done += 1
        return found

    def after(self, position: int) -> Divergence | None:
        """Return the first divergence that has been found after a position of the first pass."""
        found = self.result.divergences
        at = bisect_right(found, position, key=lambda d: d.event)
        return found[at] if at < len(found) else None

    def before(self, position: int) -> Divergence | None:
        """Return the last divergence before a position of the first pass."""
        found = self.result.divergences
        at = bisect_left(found, position, key=lambda d: d.event)
        return found[at - 1] if at else None

    def at(self, position: int) -> int | None:
        """Return which divergence, counted from 0, stands at a position of the first pass; None where none does."""
        found = self.result.divergences
        k = bisect_left(found, position, key=lambda d: d.event)
        return k if k < len(found) and found[k].event == position else None

    def _looked_at(self, name: str) -> bool:
        return self._pattern is None or self._pattern.match(name) is not None

    def _compared(self, event: Event, k: int) -> Divergence | None:
        match event:
            case Evaluated(node=node):
                found = self._node(Of.VALUE, node, k)
                if found:
                    self._around.wrong_values.add(node)
                return found
            case Seeded(node=node) | Completed(node=node):
                return self._node(Of.ADJOINT, node, k)
            case Contributed(edge=edge):
                return self._contribution(edge, k)

    def _node(self, of: Of, name: str, k: int) -> Divergence | None:
        """Compare a value or an adjoint."""
        if of not in self.only or not self._looked_at(name) or not self.pairing.has(name):
            return None
        other = self.pairing.names[name]
        if not (self._complete or (_known(self.a, of, name) and _known(self.b, of, other))):
            gap = self._gap_of_statistics(of, name, name, other)
            return None if gap is None else self._told(gap, of, name, k, gap.looks)
        first, second = _asked(self.a, of, name), _asked(self.b, of, other)
        if first is None or second is None:
            if (first is None) == (second is None):
                return None
            look = Likeness("no path", "no path leads from it to the target in one of the two")
            return Divergence(of, name, other, looks=(look,), event=k)
        self.result.compared[of] += 1
        gap = self._gap(of, name, first, second)
        if gap is None:
            return None
        around = self._around
        looks = around.ledger_looks(name, other, second) if of is Of.ADJOINT else around.value_looks(name)
        # Nothing is computed at a leaf that rounding could have grown in.
        given = of is Of.VALUE and self.a.network[name].is_leaf
        return self._told(gap, of, name, k, (*looks, *(x for x in gap.looks if not given or x.kind != "rounding")))

    def _contribution(self, edge: Edge, k: int) -> Divergence | None:
        """Compare a contribution, and remember what rounding may leave of its node's adjoint."""
        name, names = edge.source, self.pairing.names
        if not ({Of.CONTRIBUTION, Of.ADJOINT} & self.only and self._looked_at(name)):
            return None
        self._floors[name] = self._floors.get(name, 0.0) + self._floor(edge)
        if Of.CONTRIBUTION not in self.only or not (self.pairing.has(name) and self.pairing.has(edge.consumer)):
            return None
        theirs = self.pairing.edges.get((names[edge.consumer], edge.slot))
        if theirs is None or theirs.source != names[name]:
            look = Likeness("no such edge", f"the second pass sends nothing through slot {edge.slot} to this node")
            return Divergence(Of.CONTRIBUTION, name, names[name], edge.consumer, edge.slot, looks=(look,), event=k)
        if not (self._complete or (self.a.holds(Of.CONTRIBUTION, edge) and self.b.holds(Of.CONTRIBUTION, theirs))):
            gap = self._gap_of_statistics(Of.CONTRIBUTION, name, edge, theirs)
            return None if gap is None else self._told(gap, Of.CONTRIBUTION, name, k, gap.looks, edge)
        self.result.compared[Of.CONTRIBUTION] += 1
        gap = self._gap(Of.CONTRIBUTION, name, self.a.contribution(edge), self.b.contribution(theirs))
        if gap is None:
            return None
        return self._told(gap, Of.CONTRIBUTION, name, k, (*self._around.operand_looks(edge), *gap.looks), edge)

    def _floor(self, edge: Edge) -> float:
        """Return what rounding alone may make of a sum of adjoints that cancels."""
        consumer = self.a.network[edge.consumer]
        size = max(self.a.network.nodes[edge.source_index].type.size, 1)
        if consumer.dtype not in _UNIT or consumer.type.size <= size:
            return 0.0
        if self.a.holds(Of.ADJOINT, edge.consumer):
            arriving = self.a.adjoint(edge.consumer)
            total = 0.0 if arriving is None else float(np.abs(arriving).sum(dtype=np.float64))
        else:
            # The sum of magnitudes is at most √n times the norm.
            total = (self.a.size_of(Of.ADJOINT, edge.consumer) or 0.0) * consumer.type.size**0.5
        return SLACK * _UNIT[consumer.dtype] * total / size

    def _gap_of_statistics(self, of: Of, name: str, first: str | Edge, second: str | Edge) -> Gap | None:
        """Compare what there is of two tensors of which one pass does not hold the numbers."""
        a, b = self.a.summary(of, first), self.b.summary(of, second)
        if a is None or b is None:
            self.result.absent += 1
            return None
        self.result.by_statistics += 1
        types = (self.a.network[name].dtype, self.b.network[self.pairing.names[name]].dtype)
        dtype = min(types, key=lambda d: np.dtype(d).itemsize if d.startswith("float") else 9)
        return self._worth(by_statistics(a, b, dtype, self.tolerance, self._floors.get(name, 0.0)), of, name)

    def _gap(self, of: Of, name: str, first: Array, second: Array) -> Gap | None:
        """Compare two tensors; remember the largest error that is none."""
        return self._worth(measured(first, second, self.tolerance, self._floors.get(name, 0.0)), of, name)

    def _worth(self, found: Gap | float, of: Of, name: str) -> Gap | None:
        if isinstance(found, Gap):
            return found
        if found > self.result.worst:
            self.result.worst, self.result.worst_at = found, f"{of.value} of {name}"
        return None

    def _differs(self, name: str, first: Array, second: Array) -> bool:
        return isinstance(measured(first, second, self.tolerance, self._floors.get(name, 0.0)), Gap)

    def _told(
        self, gap: Gap, of: Of, name: str, k: int, looks: tuple[Likeness, ...], edge: Edge | None = None
    ) -> Divergence:
        return Divergence(
            of, name, self.pairing.names[name], edge.consumer if edge else "", edge.slot if edge else "",
            gap.index, gap.first, gap.second, gap.ulps, gap.relative, gap.weight, gap.elements, gap.differing, looks, k,
        )  # fmt: skip


def _asked(pass_: Pass, of: Of, name: str) -> Array | None:
    return pass_.value(name) if of is Of.VALUE else pass_.adjoint(name)


def _known(pass_: Pass, of: Of, name: str) -> bool:
    """Whether a pass knows a tensor, if only that there is none."""
    return pass_.holds(of, name) or (of is Of.ADJOINT and not pass_.schedule.active[pass_.network[name].index])
