"""Where did NaN or infinity begin: the node, the element, the operands there, and which operator made it of what.

A *birth* is a place where a number that is not finite comes out and none like it went in: NaN where no operand was NaN,
infinity where every operand was finite. It may happen in the forward pass, in a VJP, or where contributions are added
up. What only passes NaN on is no birth, however many nodes it fills.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from resdebug.debugger.nonfinite_words import forward_words, reverse_words, sum_words
from resdebug.debugger.operands import Operand, forward_operands, reverse_operands
from resdebug.engine.forward import operator_of
from resdebug.engine.kept import ByNode, Kept
from resdebug.network.model import Edge, Node
from resdebug.ops.base import Array
from resdebug.passes.live import LivePass
from resdebug.passes.protocol import Of, Pass
from resdebug.text import plural

Index = tuple[int, ...]


class Stage(Enum):
    """Where something that is not finite comes from."""

    GIVEN = "given"
    """An input, parameter or constant holds it."""
    FORWARD = "forward pass"
    """An operator made it of its operands."""
    REVERSE = "reverse pass"
    """A VJP made it of a finite adjoint and finite values."""
    SUM = "sum of contributions"
    """Finite contributions overflowed, or infinite ones of both signs met."""


@dataclass(frozen=True, slots=True)
class Birth:
    """A number that is not finite, at the place where it began."""

    stage: Stage
    node: str
    """The node whose operator made it (in a sum: the node where contributions met)."""
    op: str
    index: Index
    """Of the output; in the reverse pass of the contribution, in a sum of the adjoint."""
    made: float
    what: str
    """Which operation made it of what, in a sentence."""
    operands: tuple[Operand, ...]
    edge: Edge | None = None
    """In the reverse pass, the edge whose contribution it is."""
    roots: tuple[Birth, ...] = ()
    """For NaN made of infinities: where those began."""

    @property
    def root(self) -> Birth:
        """What started it all: the birth of the first infinity it was made of, or itself."""
        birth = self
        while birth.roots:
            birth = birth.roots[0]
        return birth


def births(pass_: Pass, node: str | None = None) -> Iterator[Birth]:
    """Yield where NaN and infinities began, in order of time; one place (the first element) a tensor and kind.

    With ``node``, only those from which something that is not finite reaches its value or adjoint. Looks at every value
    and adjoint once; contributions are asked for only where an adjoint is not finite. Raises KeyError for an unknown
    node.
    """
    with np.errstate(all="ignore"):
        yield from _Search(pass_, node).run()


def origin(pass_: Pass, node: str | None = None) -> Birth | None:
    """Return where the first NaN began, where there is none the first infinity; None when everything is finite.

    The birth of a NaN that was made of infinities says in ``roots`` where those began.
    """
    first: Birth | None = None
    for birth in births(pass_, node):
        if math.isnan(birth.made):
            return _with_roots(pass_, birth)
        first = first or birth
    return first


def _with_roots(pass_: Pass, birth: Birth) -> Birth:
    """Say where the infinite operands of a NaN began."""
    roots: list[Birth] = []
    infinite = [o for o in birth.operands if math.isinf(o.value)]
    # Where contributions meet, the consumers may be finite all through, and only what they sent is not.
    asked = [birth.node] if birth.stage is Stage.SUM and infinite else [o.node for o in infinite]
    for name in dict.fromkeys(asked):
        for found in births(pass_, name):
            itself = (found.stage, found.node, found.edge) == (birth.stage, birth.node, birth.edge)
            if math.isinf(found.made) and not itself and found not in roots:
                roots.append(found)
                break
    return replace(birth, roots=tuple(roots))


def is_finite(array: Array | None) -> bool:
    """Whether every element is finite; what is not there and whole numbers are."""
    if array is None or array.dtype.kind != "f":
        return True
    if array.size == 1:
        return math.isfinite(array.item())
    return bool(np.isfinite(array).all())


def _finite_scalars(kept: ByNode) -> dict[int, bool]:
    """Return which of the scalars that lie side by side are finite, asked all at once."""
    if not isinstance(kept, Kept):
        return {}
    places = np.asarray(kept.places)
    scalars = np.flatnonzero(places >= 0)
    finite = np.isfinite(kept.vector)[places[scalars]]
    return dict(zip(scalars.tolist(), finite.tolist(), strict=True))


class _Search:
    def __init__(self, pass_: Pass, node: str | None) -> None:
        self.pass_ = pass_
        self.nodes = pass_.network.nodes
        self._values: dict[int, bool] = {}
        self._adjoints: dict[int, bool] = {}
        if isinstance(pass_, LivePass):
            self._values = _finite_scalars(pass_.values_by_node)
            self._adjoints = _finite_scalars(pass_.adjoints_by_node)
        self.within = None if node is None else self._reaching(pass_.network[node].index)

    def run(self) -> Iterator[Birth]:
        schedule = self.pass_.schedule
        for i in reversed(schedule.order):
            if (self.within is None or (i, False) in self.within) and not self.value_finite(i):
                yield from self.forward(self.nodes[i])
        for i in schedule.reverse:
            if (self.within is None or (i, True) in self.within) and not self.adjoint_finite(i):
                yield from self.reverse(self.nodes[i])

    def value_finite(self, i: int) -> bool:
        if i not in self._values:
            self._values[i] = self._finite(Of.VALUE, self.nodes[i].name)
        return self._values[i]

    def adjoint_finite(self, i: int) -> bool:
        if i not in self._adjoints:
            self._adjoints[i] = self._finite(Of.ADJOINT, self.nodes[i].name)
        return self._adjoints[i]

    def _finite(self, of: Of, which: str | Edge) -> bool:
        """Whether a tensor is finite, which statistics tell as well; what a trace breaks off before counts as such."""
        if self.pass_.lacking(of, which):
            told = self.pass_.summary(of, which)
            return told is None or not told.nans + told.infinities
        return is_finite(self.pass_.needed(of, which))

    def _unseen(
        self, stage: Stage, node: Node, made: tuple[Of, str | Edge], operands: Iterable[tuple[Of, str | Edge]]
    ) -> Iterator[Birth] | None:
        """Tell a birth by statistics, where the numbers that it takes are not here; None where they are."""
        operands = list(operands)
        why = next((why for of, which in (made, *operands) if (why := self.pass_.lacking(of, which))), "")
        return self._by_statistics(stage, node, made, operands, why) if why else None

    def _by_statistics(
        self, stage: Stage, node: Node, made: tuple[Of, str | Edge], operands: list[tuple[Of, str | Edge]], why: str
    ) -> Iterator[Birth]:
        told = self.pass_.summary(*made)
        if told is None or not all(self._finite(*operand) for operand in operands):
            return
        number = math.nan if told.nans else math.inf
        what = f"{told.nans} NaN and {told.infinities} infinite of {plural(told.size, 'element')}; which ones: {why}"
        edge = made[1] if isinstance(made[1], Edge) else None
        yield Birth(stage, node.name, node.op, (), number, what, (), edge)

    def _reaching(self, start: int) -> set[tuple[int, bool]]:
        """Return values (False) and adjoints (True) that are not finite, from which such things reach a node."""
        stack = [(start, False), (start, True)]
        seen = set(stack)
        while stack:
            i, is_adjoint = stack.pop()
            found: list[tuple[int, bool]] = []
            if is_adjoint:
                if self.adjoint_finite(i):
                    continue
                for edge in self.pass_.schedule.arrivals[i]:
                    if not self._finite(Of.CONTRIBUTION, edge):
                        consumer = self.nodes[edge.consumer_index]
                        found += [(consumer.index, True), (consumer.index, False)]
                        found += [(e.source_index, False) for e in consumer.inputs if e is not None]
            elif not self.value_finite(i):
                found = [(e.source_index, False) for e in self.nodes[i].inputs if e is not None]
            for state in found:
                if state not in seen:
                    seen.add(state)
                    stack.append(state)
        return seen

    def forward(self, node: Node) -> Iterator[Birth]:
        stage = Stage.GIVEN if node.is_leaf else Stage.FORWARD
        sources = [(Of.VALUE, e.source) for e in node.inputs if e is not None]
        unseen = self._unseen(stage, node, (Of.VALUE, node.name), sources)
        if unseen is not None:
            yield from unseen
            return
        y = self._array(self.pass_.value(node.name))
        inputs = [None if e is None else self.pass_.value(e.source) for e in node.inputs]
        for new in _born(y, inputs, elementwise=operator_of(node).elementwise):
            index = _first(new)
            made = float(y[index])
            if node.is_leaf:
                what = f"the {node.op} holds it"
                yield Birth(Stage.GIVEN, node.name, node.op, index, made, what, ())
                continue
            operands = forward_operands(node, index, y, inputs)
            known = {o.name: o.value for o in operands}
            what = forward_words(node.op, node.operator, known, made, node.dtype)
            yield Birth(Stage.FORWARD, node.name, node.op, index, made, what, operands)

    def reverse(self, node: Node) -> Iterator[Birth]:
        arrivals = self.pass_.schedule.arrivals[node.index]
        unseen = self._unseen(Stage.SUM, node, (Of.ADJOINT, node.name), [(Of.CONTRIBUTION, edge) for edge in arrivals])
        if unseen is not None:
            for edge in arrivals:
                if not self._finite(Of.CONTRIBUTION, edge):
                    yield from self.sent(edge)
            yield from unseen
            return
        adjoint = self._array(self.pass_.adjoint(node.name))
        sent = [(edge, self.pass_.contribution(edge)) for edge in self.pass_.schedule.arrivals[node.index]]
        for edge, contribution in sent:
            if not is_finite(contribution):
                yield from self.sent(edge)
        for new in _born(adjoint, [c for _, c in sent], elementwise=True):
            index = _first(new)
            parts = [float(c[index]) for _, c in sent]
            made = float(adjoint[index])
            operands = tuple(
                Operand(f"{edge.consumer}.{edge.slot}", edge.consumer, index, part, "contribution")
                for (edge, _), part in zip(sent, parts, strict=True)
            )
            what = sum_words(parts, node.dtype)
            yield Birth(Stage.SUM, node.name, node.op, index, made, what, operands)

    def sent(self, edge: Edge) -> Iterator[Birth]:
        """Yield what the VJP of one edge made of a finite adjoint and finite values."""
        consumer = self.nodes[edge.consumer_index]
        sources = [(Of.VALUE, e.source) for e in consumer.inputs if e is not None]
        before = [(Of.ADJOINT, consumer.name), (Of.VALUE, consumer.name), *sources]
        unseen = self._unseen(Stage.REVERSE, consumer, (Of.CONTRIBUTION, edge), before)
        if unseen is not None:
            yield from unseen
            return
        contribution = self.pass_.contribution(edge)
        ybar = self._array(self.pass_.adjoint(consumer.name))
        y = self._array(self.pass_.value(consumer.name))
        inputs = [None if e is None else self.pass_.value(e.source) for e in consumer.inputs]
        in_place = operator_of(consumer).elementwise and contribution.shape == y.shape
        for new in _born(contribution, [ybar, y, *inputs], elementwise=in_place):
            index = _first(new)
            made = float(contribution[index])
            operands = reverse_operands(self.pass_, edge, index, made)
            known = {o.name: o.value for o in operands}
            what = reverse_words(consumer.op, edge.slot, consumer.operator, known, made, consumer.dtype)
            yield Birth(Stage.REVERSE, consumer.name, consumer.op, index, made, what, operands, edge)

    def _array(self, array: Array | None) -> Array:
        if array is None:
            raise AssertionError("a pass lacks what it says took part")
        return array


def _born(made: Array, operands: list[Array | None], *, elementwise: bool) -> Iterator[np.ndarray]:
    """Yield masks of the NaN, then of the infinities, that no operand explains."""
    given = [a for a in operands if a is not None and a.dtype.kind == "f"]
    for has, explained_by in ((np.isnan, np.isnan), (np.isinf, _not_finite)):
        new = np.asarray(has(made))
        if not new.any():
            continue
        for operand in given:
            there = explained_by(operand)
            if not there.any():
                continue
            new = new & ~np.broadcast_to(there, made.shape) if elementwise else np.zeros_like(new)
        if new.any():
            yield new


def _not_finite(array: Array) -> np.ndarray:
    return np.asarray(~np.isfinite(array))


def _first(mask: np.ndarray) -> Index:
    flat = int(np.argmax(mask))
    return tuple(int(i) for i in np.unravel_index(flat, mask.shape)) if mask.shape else ()
