"""Somebody's gradients against ours: which are right, which is the first wrong one in reverse order, and why.

What counts as right is measured: beside a part of the tensor's largest element, as much as single precision changes in
the same pass, scaled to the precision of the numbers given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import permutations
from typing import Any, Final

import numpy as np

from resdebug.analysis.diagnosis import Diagnosis, Explanation, Report, relative_distance
from resdebug.analysis.matching import Match, match_names
from resdebug.analysis.mistakes_of_layers import wrong_sums
from resdebug.analysis.mutation import Mutator, known
from resdebug.analysis.rounding import DOUBLE, SINGLE, single_rounding
from resdebug.errors import BadInput, Fault
from resdebug.network.model import Network, Node
from resdebug.network.precision import in_precision
from resdebug.ops.base import Array
from resdebug.passes.live import LivePass, differentiate
from resdebug.text import visible

RELATIVE: Final = {"float64": 1e-8, "float32": 1e-4}
"""Most that an element may be off, relative to the largest of its tensor."""
ROUNDINGS: Final = 64
PLAIN_BITS: Final = 12
"""Numbers with fewer significant bits say nothing about the precision they were computed in."""


Wanted = Callable[[str], bool]
"""Whether the gradient of a node of this name is to be compared."""


class State(Enum):
    """What one given gradient is."""

    RIGHT = "right"
    WRONG = "WRONG"
    SHAPE = "WRONG SHAPE"
    FORGOTTEN = "not filled in"
    NO_ADJOINT = "takes no adjoint"


@dataclass(frozen=True, slots=True)
class Compared:
    """One given gradient beside ours. ``error`` is relative to the largest element of ours."""

    node: str
    given_as: str
    op: str
    shape: tuple[int, ...]
    given_shape: tuple[int, ...]
    state: State
    error: float = math.nan
    tolerance: float = math.nan
    index: tuple[int, ...] = ()
    """The element that is farthest off."""
    yours: float = math.nan
    ours: float = math.nan
    remark: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        numbers = {"error": self.error, "tolerance": self.tolerance, "yours": self.yours, "ours": self.ours}
        return {
            "node": self.node,
            "given_as": self.given_as,
            "op": self.op,
            "shape": list(self.shape),
            "given_shape": list(self.given_shape),
            "state": self.state.name.lower(),
            "index": list(self.index),
            "remark": self.remark or None,
            **{key: x if math.isfinite(x) else None for key, x in numbers.items()},
        }


@dataclass(frozen=True)
class Comparison:
    """All given gradients in reverse order, those of unknown name, and what explains the wrong ones."""

    network: Network
    target: str
    precision: str
    rows: tuple[Compared, ...]
    unknown: tuple[Match, ...]
    not_given: tuple[str, ...]
    """Inputs and parameters for which there was no gradient."""
    explanations: tuple[Explanation, ...]

    @property
    def right(self) -> bool:
        """Whether every gradient that was given is right."""
        return all(row.state is State.RIGHT for row in self.rows)

    @property
    def first_wrong(self) -> Compared | None:
        """The first wrong one in reverse order."""
        return next((row for row in self.rows if row.state in {State.WRONG, State.SHAPE}), None)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        first = self.first_wrong
        return {
            "network": self.network.name,
            "target": self.target,
            "precision": self.precision,
            "right": self.right,
            "first_wrong": None if first is None else first.as_json(),
            "diagnosis": [e.as_json() for e in self.explanations],
            "gradients": [row.as_json() for row in self.rows],
            "unknown": [{"name": m.name, "hint": m.hint} for m in self.unknown],
            "not_given": list(self.not_given),
        }


def compare_gradients(
    network: Network,
    given: Mapping[str, Array],
    *,
    target: str | None = None,
    tolerance: float | None = None,
    wanted: Wanted | None = None,
    report: Report | None = None,
) -> Comparison:
    """Compare ``given`` gradients, by name of a node, with those of ``network``, and find what explains the wrong ones.

    ``tolerance`` is relative to the largest element of each tensor; by default it follows from the precision of the
    numbers. ``wanted`` says by name which nodes to compare. Raises UsageError and BadInput as ``differentiate`` does,
    and BadInput when no name fits.
    """
    double = in_precision(network, "float64")
    pass_ = differentiate(double, target, report=report)
    matched, unknown = match_names(double, given)
    if wanted is not None:
        matched = {node: name for node, name in matched.items() if wanted(node)}
    if not matched:
        what = "no name in it is that of a node" if given else "it holds no gradients"
        hints = [f'"{visible(m.name, limit=60)}": {m.hint}' for m in unknown if m.hint]
        hint = "; ".join(hints[:3]) or "resdebug check GRAPH --template FILE writes the names"
        raise BadInput(Fault("A001", what, hint))
    return _Comparing(pass_, given, matched, tolerance, report).compare(unknown)


class _Comparing:
    def __init__(
        self,
        pass_: LivePass,
        given: Mapping[str, Array],
        matched: Mapping[str, str],
        tolerance: float | None,
        report: Report | None,
    ) -> None:
        self.pass_ = pass_
        self.report = report
        self.tolerance = tolerance
        self.given_as = matched
        self.numbers = {node: np.asarray(given[name], np.float64) for node, name in matched.items()}
        self.precision = precision_of([given[name] for name in matched.values()])
        self.noise = single_rounding(pass_)
        self.mutator = Mutator(pass_)

    def compare(self, unknown: Sequence[Match]) -> Comparison:
        network = self.pass_.network
        last = len(self.mutator.order)
        names = sorted(self.numbers, key=lambda name: (self.mutator.turn.get(network[name].index, last), name))
        rows = [self.row(network[name]) for name in names]
        by_index = {network[row.node].index: row for row in rows}
        judged = [i for i, row in by_index.items() if row.state in {State.RIGHT, State.WRONG}]
        wrong = [i for i in judged if by_index[i].state is State.WRONG]
        found: list[Explanation] = []
        if wrong:
            found = Diagnosis(self.mutator, judged, wrong, self.distance, self.report).explanations()
        leaves = (n for n in network.nodes if n.is_differentiable_leaf and n.index in self.mutator.turn)
        missing = tuple(n.name for n in leaves if n.name not in self.numbers)
        return Comparison(
            network, self.pass_.target, self.precision, tuple(rows), tuple(unknown), missing, tuple(found)
        )  # fmt: skip

    def row(self, node: Node) -> Compared:
        given, name = self.numbers[node.name], self.given_as[node.name]
        row = Compared(node.name, name, node.op, node.shape, given.shape, State.RIGHT)
        ours = self.pass_.adjoint(node.name)
        if ours is None:
            return self.without_adjoint(row, node, given)
        if given.size and np.isnan(given).all() and not np.isnan(ours).any():
            return replace(row, state=State.FORGOTTEN)
        if given.shape != ours.shape:
            stripped = tuple(n for n in given.shape if n != 1)
            if stripped != tuple(n for n in ours.shape if n != 1):
                return replace(row, state=State.SHAPE, remark=self.of_shape(node, given, ours))
            given = self.numbers[node.name] = given.reshape(ours.shape)
        allowed = self.allowed(node.index, ours)
        distance = relative_distance(given, ours, allowed)
        index = _farthest(given, ours)
        largest = _largest(ours)
        gap = abs(float(given[index]) - float(ours[index])) if given.size else 0.0
        row = replace(
            row,
            state=State.RIGHT if distance <= 1 else State.WRONG,
            error=gap / largest if largest else gap,
            tolerance=allowed / largest if largest else allowed,
            index=index,
            yours=float(given[index]) if given.size else math.nan,
            ours=float(ours[index]) if given.size else math.nan,
        )
        return row if distance <= 1 else replace(row, remark=_remark(given, ours))

    def without_adjoint(self, row: Compared, node: Node, given: Array) -> Compared:
        """Judge a gradient of a node that has none: zeros are right, NaN is not filled in."""
        if given.size and np.isnan(given).all():
            return replace(row, state=State.FORGOTTEN)
        if not np.count_nonzero(given):
            return replace(row, remark="no path leads from it to the target")
        why = "whole numbers take none" if not node.type.is_float else "no path leads from it to the target"
        return replace(row, state=State.NO_ADJOINT, remark=why)

    def allowed(self, index: int, of: Array) -> float:
        """Return the largest difference that is rounding at a node where these are the numbers."""
        largest = _largest(of)
        if self.tolerance is not None:
            return self.tolerance * largest
        name = self.pass_.network.nodes[index].name
        ours = _largest(known(self.pass_.adjoint(name)))
        noise = ROUNDINGS * self.noise.get(name, 0.0) * max(1.0, largest / ours if ours else 1.0)
        share = 1.0 if self.precision == "float32" else DOUBLE / SINGLE
        return RELATIVE[self.precision] * largest + noise * share

    def distance(self, index: int, found: Array) -> float:
        given = self.numbers[self.pass_.network.nodes[index].name]
        if found.shape != given.shape:
            return math.inf
        return relative_distance(given, found, self.allowed(index, found))

    def equal(self, node: Node, given: Array, ours: Array) -> bool:
        return given.shape == ours.shape and relative_distance(given, ours, self.allowed(node.index, ours)) <= 1

    def of_shape(self, node: Node, given: Array, ours: Array) -> str:
        """Return what became of a gradient of the wrong shape, where that can be told."""
        if given.ndim == ours.ndim and given.ndim <= 5:
            for axes in permutations(range(given.ndim)):
                if self.equal(node, np.transpose(given, axes), ours):
                    return "transposed: the numbers are right, with axes in another order"
        if given.size == ours.size and self.equal(node, given.reshape(ours.shape), ours):
            return "reshaped: the numbers are right, in order"
        if given.ndim == ours.ndim + 1 and self.equal(node, np.sum(given, axis=0), ours):
            return "the sum over the batch is missing: summed over the first axis the numbers are right"
        for edge in self.pass_.schedule.arrivals[node.index]:
            ybar = known(self.pass_.adjoint(edge.consumer))
            if edge.slot == "bias" and ybar.ndim <= 6:
                for axes, total in wrong_sums(ybar, given.shape):
                    if self.equal(node, given, total):
                        over = "no axis" if not axes else "axes " + ", ".join(map(str, axes))
                        return f"{visible(edge.consumer)} sums its bias gradient over the wrong axes: {over}"
        if given.ndim == 2 and given.shape == ours.shape[::-1]:
            return "transposed, and the numbers are not right either"
        return ""


def precision_of(arrays: Sequence[Array]) -> str:
    """Return in which precision numbers were computed, as far as they show it."""
    floats = [a for a in arrays if a.dtype.kind == "f" and a.size]
    if any(a.dtype.itemsize < 8 for a in floats):
        return "float32"
    if not floats:
        return "float64"
    flat = np.concatenate([a.ravel() for a in floats])
    flat = flat[np.isfinite(flat) & (flat != 0)]
    with np.errstate(all="ignore"):
        if not flat.size or (flat.astype(np.float32) != flat).any():
            return "float64"
    mantissas = np.frexp(flat)[0] * 2.0**PLAIN_BITS
    return "float32" if (mantissas != np.round(mantissas)).any() else "float64"


def _largest(array: Array) -> float:
    with np.errstate(all="ignore"):
        sizes = np.abs(array)
    return float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))


def _farthest(given: Array, ours: Array) -> tuple[int, ...]:
    if not given.size:
        return ()
    with np.errstate(all="ignore"):
        gap = np.abs(np.subtract(given, ours, out=np.zeros(ours.shape), where=given != ours))
    flat = int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))
    return tuple(int(k) for k in np.unravel_index(flat, ours.shape))


def _remark(given: Array, ours: Array) -> str:
    """Return what can be seen of wrong numbers without trying anything."""
    if np.isnan(given).any() and not np.isnan(ours).any():
        return f"{int(np.isnan(given).sum())} of {given.size} are NaN"
    if not np.count_nonzero(given):
        return "all zeros"
    product, square = float(np.vdot(ours, given)), float(np.vdot(ours, ours))
    if square and math.isfinite(product):
        factor = product / square
        if factor and np.allclose(given, factor * ours, rtol=1e-6, atol=1e-9 * abs(factor) * _largest(ours)):
            return f"{factor:.6g} times ours"
    return ""
