"""What a check of derivatives found: per element, per slot or node, and in all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from resdebug.analysis.slopes import Doubt, Method
from resdebug.network.model import Network


class Verdict(Enum):
    """Whether a derivative is right, as far as numbers can tell."""

    PASS = "pass"  # noqa: S105
    FAIL = "FAIL"
    INCONCLUSIVE = "inconclusive"


class Scope(Enum):
    """What was moved, and what was watched."""

    LOCAL = "local"
    """One operator by itself: its VJP with a random ``ȳ`` against differences of ``⟨ȳ, f⟩``."""
    GLOBAL = "global"
    """The whole rest of the network: a node's adjoint against differences of the target."""


@dataclass(frozen=True, slots=True)
class ElementCheck:
    """One element: what the reverse pass says, what the differences say, and how sure they are."""

    index: tuple[int, ...]
    analytic: float
    numeric: float
    h: float
    method: Method
    scale: float
    """What the error is relative to: the sizes of the terms that the slope is a sum of."""
    tolerance: float
    """Most that the two may differ."""
    truncation: float
    roundoff: float
    left: float
    right: float
    verdict: Verdict
    doubt: Doubt

    @property
    def error(self) -> float:
        """How far the two numbers are apart."""
        return abs(self.analytic - self.numeric)

    @property
    def scaled(self) -> float:
        """The same, relative to the sizes of the terms; 0 where both are 0."""
        return self.error / self.scale if self.scale else 0.0 if not self.error else math.inf

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data; numbers that are not finite are None."""
        return {
            "index": list(self.index),
            "analytic": number(self.analytic),
            "numeric": number(self.numeric),
            "h": number(self.h),
            "method": self.method.value,
            "absolute_error": number(self.error),
            "scaled_error": number(self.scaled),
            "tolerance": number(self.tolerance),
            "truncation": number(self.truncation),
            "roundoff": number(self.roundoff),
            "left_slope": number(self.left),
            "right_slope": number(self.right),
            "verdict": self.verdict.name.lower(),
            "doubt": self.doubt.value or None,
        }


def number(x: float) -> float | None:
    """Return a number as strict JSON can say it."""
    return x if math.isfinite(x) else None


@dataclass(frozen=True)
class PlaceCheck:
    """All elements checked at one place: a slot of a node (local) or a node's adjoint (global)."""

    scope: Scope
    node: str
    slot: str
    """Empty for a global check."""
    source: str
    """The node that was moved."""
    op: str
    size: int
    """How many elements there are."""
    elements: tuple[ElementCheck, ...]

    @property
    def name(self) -> str:
        """How the place is called: ``conv1.weight``, or a node's name."""
        return f"{self.node}.{self.slot}" if self.slot else self.node

    def count(self, verdict: Verdict) -> int:
        """Return how many of the elements got this verdict."""
        return sum(e.verdict is verdict for e in self.elements)

    @property
    def verdict(self) -> Verdict:
        """FAIL where any element fails; PASS where none does and one passes, or there are none."""
        if self.count(Verdict.FAIL):
            return Verdict.FAIL
        return Verdict.PASS if self.count(Verdict.PASS) or not self.elements else Verdict.INCONCLUSIVE

    @cached_property
    def worst(self) -> ElementCheck | None:
        """The element of the gravest verdict, among those the one with the largest scaled error."""
        gravity = {Verdict.FAIL: 2, Verdict.PASS: 1, Verdict.INCONCLUSIVE: 0}
        return max(self.elements, key=lambda e: (gravity[e.verdict], _rank(e.scaled)), default=None)

    @property
    def doubts(self) -> Mapping[Doubt, int]:
        """How many elements were inconclusive for which reason."""
        found: dict[Doubt, int] = {}
        for e in self.elements:
            if e.verdict is Verdict.INCONCLUSIVE:
                found[e.doubt] = found.get(e.doubt, 0) + 1
        return found

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "scope": self.scope.value,
            "node": self.node,
            "slot": self.slot or None,
            "source": self.source,
            "op": self.op,
            "verdict": self.verdict.name.lower(),
            "elements": self.size,
            "checked": len(self.elements),
            "inconclusive": self.count(Verdict.INCONCLUSIVE),
            "worst": None if self.worst is None else self.worst.as_json(),
            "checks": [e.as_json() for e in self.elements],
        }


def _rank(x: float) -> float:
    return math.inf if math.isnan(x) else x


@dataclass(frozen=True)
class GradientCheck:
    """The whole check of a network. ``left_out`` counts places that the budget left out, by scope."""

    network: Network
    """As it was checked: in float64."""
    target: str
    dtype: str
    """The network's own element type."""
    rule: str
    seed: int
    places: tuple[PlaceCheck, ...]
    left_out: Mapping[Scope, int]
    of_trace: bool = False
    """Whether the adjoints checked are those of a trace."""

    @property
    def failed(self) -> tuple[PlaceCheck, ...]:
        """The places that fail, in reverse order."""
        return tuple(p for p in self.places if p.verdict is Verdict.FAIL)

    @property
    def passed(self) -> bool:
        """Whether nothing fails."""
        return not self.failed

    def of(self, scope: Scope) -> tuple[PlaceCheck, ...]:
        """Return the places of one scope, in reverse order."""
        return tuple(p for p in self.places if p.scope is scope)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        counts = {v.name.lower(): sum(p.verdict is v for p in self.places) for v in Verdict}
        return {
            "network": self.network.name,
            "target": self.target,
            "dtype": self.dtype,
            "checked_in": "float64",
            "rule": self.rule,
            "adjoints_of": "trace" if self.of_trace else "engine",
            "seed": self.seed,
            "passed": self.passed,
            **counts,
            "left_out": {scope.value: count for scope, count in self.left_out.items()},
            "places": [p.as_json() for p in self.places],
        }
