"""What a section of a report is made of: first the kinds, declared once; then the answers, which refer to them.

Whatever number a report holds belongs to a ``Quantity``, so every number has a name, a unit and a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much."""

Cell: TypeAlias = str | int | float | None
"""A place in a table: text, a number, or None where there is no such number."""


class CannotAnswer(Exception):
    """A section has no answer for this pass; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a number is: its name, its unit (``1`` where it has none), and a sentence."""

    name: str
    unit: str
    about: str
    whole: bool = False
    """Whether it counts something."""

    @property
    def title(self) -> str:
        """The name as people read it."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Label:
    """A column of text: its name, and a sentence."""

    name: str
    about: str

    @property
    def title(self) -> str:
        """The name as people read it."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class TableKind:
    """A table: its name, what its rows are, and its columns."""

    name: str
    about: str
    columns: tuple[Quantity | Label, ...]


@dataclass(frozen=True, slots=True)
class CurveKind:
    """A plot: its name, what it shows, and its axes."""

    name: str
    about: str
    x: Quantity
    y: Quantity
    log: bool = False
    """Whether the upright axis is logarithmic."""


@dataclass(frozen=True, slots=True)
class SectionKind:
    """A section: its name on the command line, the question it answers, and all that may stand in it."""

    name: str
    question: str
    numbers: tuple[Quantity, ...] = ()
    tables: tuple[TableKind, ...] = ()
    curves: tuple[CurveKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A number and what it is; None where there is no such number for this network."""

    kind: Quantity
    value: int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table's rows, the telling ones first where they are many."""

    kind: TableKind
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot; ``places`` name the nodes that the points belong to, where they do."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """A plot's lines."""

    kind: CurveKind
    series: tuple[Series, ...]


class Weight(IntEnum):
    """How much a finding matters."""

    NOTE = 1
    """Worth knowing; nothing need be wrong."""
    WARNING = 2
    """Training will suffer."""
    FAULT = 3
    """Nothing can be learnt here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth acting upon: a sentence with its place, a number, and what to do."""

    weight: Weight
    place: str
    """A node's name; empty where it is about the whole network."""
    number: Number
    what: str
    suggestion: str
    subject: str = ""
    """Of findings with one subject at one place, two sections need not both tell."""


@dataclass(frozen=True, slots=True)
class Section:
    """The answer to one question."""

    kind: SectionKind
    numbers: tuple[Number, ...] = ()
    tables: tuple[Table, ...] = ()
    curves: tuple[Curve, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    """What was sampled, left out or approximated."""

    def number(self, name: str) -> int | float | None:
        """Return the value of the number called ``name``. Raises KeyError."""
        for number in self.numbers:
            if number.kind.name == name:
                return number.value
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A section that was not asked for and takes long, or one that cannot be answered, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """All sections of one pass."""

    network: str
    target: str
    rule: str
    source: str
    """``live`` or ``recorded``."""
    sections: tuple[Section, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all sections, the weightiest first."""
        found = [finding for section in self.sections for finding in section.findings]
        told: set[tuple[str, str]] = set()
        kept = []
        for finding in sorted(found, key=lambda finding: -finding.weight):
            if not finding.subject or (finding.subject, finding.place) not in told:
                kept.append(finding)
                told.add((finding.subject, finding.place))
        return tuple(kept)


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be chosen for a report."""

    seed: int = 0
    """Of whatever is drawn at random."""
    elements: int = 3
    """How many elements of a large tensor are compared with differences."""
    pairs: int = 8
    """How many pairs of nearby inputs the gradients are compared at."""
    asked: frozenset[str] = field(default_factory=frozenset)
    """Sections asked for by name; empty for those that are quick."""
