"""Two passes walked in step, node by node: where they part first, and what that looks like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any, Final

import numpy as np

from resdebug.analysis.likeness import Likeness, likeness, ulps
from resdebug.network.model import Edge, Network
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Contributed, Evaluated, Seeded
from resdebug.passes.protocol import Of, Pass

TOLERANCES: Final = {"float64": 1e-9, "float32": 1e-4}
"""Relative error up to which two tensors are the same, by the narrower of their types."""
_UNIT: Final = {"float64": 2.0**-53, "float32": 2.0**-24}
SLACK: Final = 64.0
"""Roundings that a sum of adjoints is allowed where what is left of it is nothing but rounding."""
JOINS: Final = frozenset({"add", "concat", "sub"})
"""Operators in which a skip and its branch meet."""
EVERYTHING: Final = (Of.VALUE, Of.CONTRIBUTION, Of.ADJOINT)


@dataclass(frozen=True, slots=True)
class Divergence:
    """A tensor that is not the same in both passes."""

    of: Of
    node: str
    """Whose value or adjoint, or who receives the contribution; the name in the first pass."""
    other: str
    """The same node's name in the second pass."""
    consumer: str = ""
    slot: str = ""
    index: tuple[int, ...] | None = None
    """The element that is furthest off, None where there are no two numbers to compare."""
    first: float | None = None
    second: float | None = None
    ulps: int | None = None
    """Numbers of the narrower type between the two, None where they are not finite."""
    relative: float = float("inf")
    """Largest error of an element, relative to the larger of its size and the tensor's root mean square."""
    weight: float = float("inf")
    """``‖first − second‖ / ‖first‖``."""
    elements: int = 0
    differing: int = 0
    looks: tuple[Likeness, ...] = ()
    """What it looks like, likeliest first."""
    event: int = 0
    """Position in the first pass after the event."""


@dataclass
class Comparison:
    """What two passes have in common, and where they part."""

    divergences: list[Divergence] = field(default_factory=list)
    """In the order of the first pass; the first alone unless all were asked for."""
    only_first: list[str] = field(default_factory=list)
    only_second: list[str] = field(default_factory=list)
    rewired: list[tuple[str, str]] = field(default_factory=list)
    """Nodes that are not the same operator of the same inputs, and how they differ."""
    compared: dict[Of, int] = field(default_factory=lambda: dict.fromkeys(EVERYTHING, 0))
    absent: int = 0
    """Tensors that one of the passes does not hold."""
    worst: float = 0.0
    """Largest relative error among tensors that count as the same."""
    worst_at: str = ""

    @property
    def first(self) -> Divergence | None:
        """The first divergence in the order of the pass."""
        return self.divergences[0] if self.divergences else None

    @property
    def same(self) -> bool:
        """Whether both passes have the same nodes and numbers."""
        return not (self.divergences or self.only_first or self.only_second or self.rewired)

    def by_weight(self) -> list[Divergence]:
        """Return all divergences, the heaviest first."""
        return sorted(self.divergences, key=lambda d: -d.weight)


class Renames:
    """What nodes of the first pass are called in the second: ``old.*=new.*``, the stars standing for the same."""

    def __init__(self, maps: Iterable[tuple[str, str]] = ()) -> None:
        """Raises ValueError for a rule whose sides have different numbers of stars."""
        self._rules: list[tuple[re.Pattern[str], str]] = []
        for old, new in maps:
            if old.count("*") != new.count("*"):
                raise ValueError(f"{old}={new}: both sides have the same number of stars")
            pattern = "".join("(.*)" if part == "*" else re.escape(part) for part in re.split(r"(\*)", old))
            self._rules.append((re.compile(pattern, re.DOTALL), new))

    def __call__(self, name: str) -> str:
        """Return the name in the second pass."""
        for pattern, new in self._rules:
            match = pattern.fullmatch(name)
            if match:
                parts = iter(match.groups())
                return "".join(next(parts) if part == "*" else part for part in re.split(r"(\*)", new))
        return name


def compare(
    a: Pass,
    b: Pass,
    *,
    renames: Renames | None = None,
    tolerance: float | None = None,
    only: Iterable[Of] = EVERYTHING,
    nodes: Iterable[str] = (),
    everything: bool = False,
) -> Comparison:
    """Walk two passes in step, in the order of ``a``, up to the first divergence (``everything``: to the end).

    ``tolerance`` is a relative error (``TOLERANCES`` by element type), ``only`` what is compared, ``nodes`` patterns of
    the nodes that are looked at.
    """
    walk = _Walk(a, b, renames or Renames(), tolerance, frozenset(only), tuple(nodes))
    result = walk.structure()
    with np.errstate(all="ignore"):
        for divergence in walk.divergences(result):
            result.divergences.append(divergence)
            if not everything:
                break
    return result


class _Walk:
    def __init__(
        self, a: Pass, b: Pass, renames: Renames, tolerance: float | None, only: frozenset[Of], nodes: tuple[str, ...]
    ) -> None:
        self.a, self.b, self.tolerance, self.only = a, b, tolerance, only
        taking_part = {a.network.nodes[i].name for i in a.schedule.order}
        self.names = {name: renames(name) for name in taking_part}
        self.others = {b.network.nodes[i].name for i in b.schedule.order}
        self.edges = {(e.consumer, e.slot): e for i in b.schedule.reverse for e in b.schedule.deliveries[i]}
        self.floors: dict[str, float] = {}
        self.wrong_values: set[str] = set()
        self.pattern = re.compile("|".join(map(translate, nodes))) if nodes else None

    def looked_at(self, name: str) -> bool:
        return self.pattern is None or self.pattern.match(name) is not None

    def structure(self) -> Comparison:
        """Compare nodes and edges."""
        result = Comparison()
        met = set()
        for name, other in self.names.items():
            if not self.looked_at(name):
                met.add(other)
            elif other not in self.others:
                result.only_first.append(name)
            else:
                met.add(other)
                difference = self.rewired(name, other)
                if difference:
                    result.rewired.append((name, difference))
        result.only_second = [name for name in self.others if name not in met and self.looked_at(name)]
        place = {self.a.network.nodes[i].name: k for k, i in enumerate(reversed(self.a.schedule.order))}
        result.only_first.sort(key=place.__getitem__)
        result.rewired.sort(key=lambda pair: place[pair[0]])
        result.only_second.sort()
        return result

    def rewired(self, name: str, other: str) -> str:
        """Return how a node differs from its counterpart, nothing where it does not."""
        first, second = self.a.network[name], self.b.network[other]
        if first.op != second.op:
            return f"{first.op}, and {second.op}"
        if first.attributes != second.attributes:
            keys = [k for k, v in first.attributes.items() if second.attributes.get(k) != v]
            told = (f"{k} {first.attributes[k]}, and {second.attributes.get(k)}" for k in keys)
            return "; ".join(told)
        ours = {e.slot: self.names[e.source] for e in first.inputs if e}
        theirs = {e.slot: e.source for e in second.inputs if e}
        slots = [s for s in {**ours, **theirs} if ours.get(s) != theirs.get(s)]
        return "; ".join(f"{s} from {ours.get(s, 'nowhere')}, and from {theirs.get(s, 'nowhere')}" for s in slots)

    def divergences(self, result: Comparison) -> Iterator[Divergence]:
        """Yield what differs, in the order of the first pass."""
        for k, event in enumerate(self.a.events, start=1):
            found: Divergence | None = None
            match event:
                case Evaluated(node=node):
                    found = self.node(result, Of.VALUE, node, k)
                    if found:
                        self.wrong_values.add(node)
                case Seeded(node=node) | Completed(node=node):
                    found = self.node(result, Of.ADJOINT, node, k)
                case Contributed(edge=edge):
                    found = self.contribution(result, edge, k)
            if found:
                yield found

    def node(self, result: Comparison, of: Of, name: str, k: int) -> Divergence | None:
        """Compare a value or an adjoint."""
        other = self.names[name]
        if of not in self.only or not self.looked_at(name) or other not in self.others:
            return None
        if not (self.a.holds(of, name) and self.b.holds(of, other)):
            result.absent += 1
            return None
        ask = (self.a.value(name), self.b.value(other)) if of is Of.VALUE else (
            self.a.adjoint(name), self.b.adjoint(other)
        )  # fmt: skip
        first, second = ask
        if first is None or second is None:
            if (first is None) == (second is None):
                return None
            look = Likeness("no path", "no path leads from it to the target in one of the two")
            return Divergence(of, name, other, looks=(look,), event=k)
        result.compared[of] += 1
        found = self.tensors(result, of, name, first, second, self.floors.get(name, 0.0))
        if found is None:
            return None
        looks = self.ledger_looks(name, other, second) if of is Of.ADJOINT else self.value_looks(name)
        return self.told(found, of, name, k, (*looks, *found.looks))

    def contribution(self, result: Comparison, edge: Edge, k: int) -> Divergence | None:
        """Compare a contribution, and remember what rounding may leave of its node's adjoint."""
        name, other = edge.source, self.names[edge.source]
        if not self.a.holds(Of.CONTRIBUTION, edge):
            result.absent += 1
            return None
        wanted = {Of.CONTRIBUTION, Of.ADJOINT} & self.only and self.looked_at(name)
        if not wanted:
            return None
        self.floors[name] = self.floors.get(name, 0.0) + self.floor(edge)
        if Of.CONTRIBUTION not in self.only or other not in self.others or self.names[edge.consumer] not in self.others:
            return None
        theirs = self.edges.get((self.names[edge.consumer], edge.slot))
        if theirs is None or theirs.source != other:
            look = Likeness("no such edge", f"the second pass sends nothing through slot {edge.slot} to this node")
            return Divergence(Of.CONTRIBUTION, name, other, edge.consumer, edge.slot, looks=(look,), event=k)
        if not self.b.holds(Of.CONTRIBUTION, theirs):
            result.absent += 1
            return None
        result.compared[Of.CONTRIBUTION] += 1
        first, second = self.a.contribution(edge), self.b.contribution(theirs)
        found = self.tensors(result, Of.CONTRIBUTION, name, first, second, self.floors[name])
        if found is None:
            return None
        looks = (*self.operand_looks(edge), *found.looks)
        return self.told(found, Of.CONTRIBUTION, name, k, looks, edge)

    def floor(self, edge: Edge) -> float:
        """Return what rounding alone may make of a sum of adjoints that cancels."""
        if not self.a.holds(Of.ADJOINT, edge.consumer):
            return 0.0
        arriving = self.a.adjoint(edge.consumer)
        if arriving is None or arriving.dtype.name not in _UNIT:
            return 0.0
        size = max(self.a.network.nodes[edge.source_index].type.size, 1)
        if arriving.size <= size:
            return 0.0
        return SLACK * _UNIT[arriving.dtype.name] * float(np.abs(arriving).sum(dtype=np.float64)) / size

    def tensors(
        self, result: Comparison, of: Of, name: str, first: Array, second: Array, floor: float
    ) -> _Found | None:
        """Compare two tensors; remember the largest error that is none."""
        dtype = min((first.dtype, second.dtype), key=lambda d: d.itemsize if d.kind == "f" else 9)
        tolerance = self.tolerance if self.tolerance is not None else TOLERANCES.get(dtype.name, 0.0)
        if first.shape != second.shape:
            return _Found(None, None, None, None, float("inf"), float("inf"), first.size, first.size,
                          likeness(first, second, tolerance))  # fmt: skip
        x, y = first.astype(np.float64), second.astype(np.float64)
        finite = np.isfinite(x)
        typical = float(np.sqrt(np.mean(np.square(x[finite])))) if finite.any() else 0.0
        scale = np.maximum(np.maximum(np.abs(x), np.abs(y)), typical)
        gap = np.abs(x - y)
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        if same.all():
            return None
        error = np.where(same, 0.0, np.divide(gap, scale, out=np.full(x.shape, np.inf), where=scale > 0))
        error = np.where(np.isnan(error), np.inf, error)
        differ = (error > tolerance) & ~(gap <= floor)
        if not differ.any():
            most = float(np.where(gap <= floor, 0.0, error).max())
            if most > result.worst:
                result.worst, result.worst_at = most, f"{of.value} of {name}"
            return None
        index = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.where(differ, error, -1))), x.shape))
        length = float(np.linalg.norm(x))
        away = float(np.linalg.norm(x - y))
        weight = away / length if length > 0 and np.isfinite(away) else float("inf")
        looks = likeness(first, second, max(tolerance, 1e-12))
        return _Found(
            index, float(x[index]), float(y[index]), ulps(float(x[index]), float(y[index]), dtype.name),
            float(error[index]), weight, first.size, int(np.count_nonzero(differ)), looks,
        )  # fmt: skip

    def told(
        self, found: _Found, of: Of, name: str, k: int, looks: tuple[Likeness, ...], edge: Edge | None = None
    ) -> Divergence:
        return Divergence(
            of, name, self.names[name], edge.consumer if edge else "", edge.slot if edge else "",
            found.index, found.first, found.second, found.ulps, found.relative, found.weight, found.elements,
            found.differing, looks, k,
        )  # fmt: skip

    # What it looks like, seen from its surroundings

    def value_looks(self, name: str) -> Iterator[Likeness]:
        """Say which operand differs already, or that none does."""
        node = self.a.network[name]
        if node.is_leaf:
            yield Likeness("other numbers", "a leaf: the two passes were run on other numbers")
            return
        for edge, theirs in zip(node.inputs, self.b.network[self.names[name]].inputs, strict=False):
            if edge is None or theirs is None or theirs.source == self.names[edge.source]:
                continue
            join = self.a.network[edge.source]
            parts = [self.names[e.source] for e in join.inputs if e]
            if join.op in JOINS and theirs.source in parts:
                rest = ", ".join(f'"{part}"' for part in parts if part != theirs.source)
                yield Likeness(
                    "missing skip", f'it takes "{theirs.source}" where the first takes it joined with {rest}'
                )
            else:
                yield Likeness("wired differently", f'slot {edge.slot} comes from "{theirs.source}" in the second pass')
            return
        wrong = [e.source for e in node.inputs if e and e.source in self.wrong_values]
        if wrong:
            yield Likeness("operand", f'its operand "{wrong[0]}" differs already')

    def operand_looks(self, edge: Edge) -> Iterator[Likeness]:
        """Say which saved value, or the arriving adjoint, differs already."""
        node = self.a.network[edge.consumer]
        pairs = [(e.source, Of.VALUE) for e in node.inputs if e]
        pairs += [(edge.consumer, Of.VALUE), (edge.consumer, Of.ADJOINT)]
        quiet = Comparison()
        for name, of in pairs:
            other = self.names[name]
            if other not in self.others or not (self.a.holds(of, name) and self.b.holds(of, other)):
                continue
            first = self.a.value(name) if of is Of.VALUE else self.a.adjoint(name)
            second = self.b.value(other) if of is Of.VALUE else self.b.adjoint(other)
            if first is None or second is None:
                continue
            if self.tensors(quiet, of, name, first, second, self.floors.get(name, 0.0)):
                where = "in the forward pass" if of is Of.VALUE else "in the reverse pass"
                yield Likeness("operand", f'an operand differs already: the {of.value} of "{name}", {where}')
                return

    def ledger_looks(self, name: str, other: str, second: Array) -> Iterator[Likeness]:
        """Say which mistake in adding up the first pass's contributions gives the second's adjoint."""
        arrivals = self.a.arrivals(name)
        if not arrivals or not all(self.a.holds(Of.CONTRIBUTION, edge) for edge in arrivals) or len(arrivals) > 64:
            return
        rows = [self.a.contribution(edge).astype(np.float64) for edge in arrivals]
        if any(row.shape != second.shape for row in rows):
            return
        total = np.sum(rows, axis=0)
        y = second.astype(np.float64)
        near = max(self.tolerance or 0.0, TOLERANCES.get(second.dtype.name, 1e-9))

        def is_it(x: Array) -> bool:
            size = float(np.linalg.norm(x))
            return bool(np.linalg.norm(x - y) <= near * size) if size > 0 else not y.any()

        theirs = {(e.consumer, e.slot) for e in self.b.arrivals(other)}
        for edge in arrivals:
            if (self.names[edge.consumer], edge.slot) not in theirs:
                yield Likeness("not sent", f'"{edge.consumer}" sends nothing here in the second pass')
        if len(rows) < 2:
            return
        for edge, row in zip(arrivals, rows, strict=True):
            kind = _kind(edge, arrivals, self.a.network)
            if is_it(total - row):
                yield Likeness("forgotten", f'{kind} contribution from "{edge.consumer}" (slot {edge.slot}) is missing')
        if is_it(total / len(rows)):
            yield Likeness("averaged", f"the {len(rows)} contributions were averaged in place of added")
        if is_it(rows[-1]):
            yield Likeness("overwritten", "only the last contribution is left: = in place of +=")
        if is_it(rows[0]):
            yield Likeness("first only", "only the first contribution counts: the node was visited once and for all")
        for edge, row in zip(arrivals, rows, strict=True):
            if is_it(total + row):
                yield Likeness("twice", f'the contribution from "{edge.consumer}" (slot {edge.slot}) counts twice')


@dataclass(frozen=True, slots=True)
class _Found:
    index: tuple[int, ...] | None
    first: float | None
    second: float | None
    ulps: int | None
    relative: float
    weight: float
    elements: int
    differing: int
    looks: tuple[Likeness, ...]


def _kind(edge: Edge, arrivals: tuple[Edge, ...], network: Network) -> str:
    """Return whether a fork's contribution came straight from the join, over the skip, or through the branch."""
    joins = [network[e.consumer].op in JOINS for e in arrivals]
    if all(joins) or not any(joins):
        return "the"
    return "the skip's" if network[edge.consumer].op in JOINS else "the branch's"


def as_json(comparison: Comparison, *, everything: bool) -> Iterator[dict[str, Any]]:
    """Yield what is to be told as plain data, one object a line: what is only in one, divergences, then the sum."""
    for side, names in (("first", comparison.only_first), ("second", comparison.only_second)):
        for name in names:
            yield {"kind": "only_in", "pass": side, "node": name}
    for name, how in comparison.rewired:
        yield {"kind": "rewired", "node": name, "how": how}
    for d in comparison.by_weight() if everything else comparison.divergences[:1]:
        yield {
            "kind": "divergence", "of": d.of.value, "node": d.node, "other": d.other, "consumer": d.consumer or None,
            "slot": d.slot or None, "event": d.event, "index": None if d.index is None else list(d.index),
            "first": _strict(d.first), "second": _strict(d.second), "ulps": d.ulps,
            "relative_error": _strict(d.relative), "weight": _strict(d.weight), "elements": d.elements,
            "differing_elements": d.differing, "looks_like": [{"kind": k.kind, "says": k.says} for k in d.looks],
        }  # fmt: skip
    yield {
        "kind": "summary",
        "same": comparison.same,
        "compared": {of.value: n for of, n in comparison.compared.items()},
        "absent": comparison.absent,
        "divergences": len(comparison.divergences),
        "stopped_at_first": not everything,
        "largest_relative_error_within": comparison.worst,
        "at": comparison.worst_at or None,
        "units": {
            "relative_error": "1 (of the larger of the element and the root mean square of its tensor)",
            "ulps": "numbers of the narrower element type from one to the other",
            "weight": "1 (norm of the difference over the norm of the first)",
            "event": "events of the first pass that have happened",
        },
    }


def _strict(number: float | None) -> float | str | None:
    if number is None or np.isfinite(number):
        return number
    return "NaN" if np.isnan(number) else "Infinity" if number > 0 else "-Infinity"
