"""Two reports side by side: every number they share in one table, and their curves in one plot."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from resdebug.analysis.report.structure import Curve, Number, Quantity, Report, Series


@dataclass(frozen=True, slots=True)
class ComparedNumber:
    """One number of both networks; None where one of them has no such number."""

    section: str
    kind: Quantity
    first: int | float | None
    second: int | float | None

    @property
    def ratio(self) -> float | None:
        """The second in terms of the first; None where that is no number."""
        if self.first is None or self.second is None or not self.first:
            return None
        ratio = self.second / self.first
        return ratio if math.isfinite(ratio) else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two networks have in common, side by side."""

    first: str
    second: str
    numbers: tuple[ComparedNumber, ...]
    curves: tuple[Curve, ...]


def compare(first: Report, second: Report) -> Comparison:
    """Lay two reports side by side."""
    names = first.network, second.network
    if names[0] == names[1]:
        names = f"{names[0]} (1)", f"{names[1]} (2)"
    numbers: list[ComparedNumber] = []
    curves: list[Curve] = []
    others = {section.kind.name: section for section in second.sections}
    for section in first.sections:
        other = others.get(section.kind.name)
        if other is None:
            continue
        known: dict[str, Number] = {number.kind.name: number for number in other.numbers}
        for number in section.numbers:
            beside = known.get(number.kind.name)
            value = None if beside is None else beside.value
            numbers.append(ComparedNumber(section.kind.name, number.kind, number.value, value))
        drawn = {curve.kind.name: curve for curve in other.curves}
        for curve in section.curves:
            if curve.kind.name in drawn:
                lines = _named(curve, names[0]) + _named(drawn[curve.kind.name], names[1])
                curves.append(Curve(curve.kind, lines))
    return Comparison(*names, tuple(numbers), tuple(curves))


def _named(curve: Curve, network: str) -> tuple[Series, ...]:
    if len(curve.series) == 1:
        return (replace(curve.series[0], name=network),)
    return tuple(replace(series, name=f"{network}: {series.name}") for series in curve.series)
