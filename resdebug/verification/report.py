"""What came of a check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from resdebug.verification.rules import TEXT, Finding

MOST: Final = 1000
"""Findings that are kept; the others are counted."""


@dataclass
class Report:
    """What was found, and what was looked at."""

    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    """Findings beyond those kept."""
    events: int = 0
    ledgers: int = 0
    contributions: int = 0
    values: int = 0
    derived: Counter[str] = field(default_factory=Counter)
    """Tensors re-derived: ``values``, ``contributions``."""
    sampled: Counter[str] = field(default_factory=Counter)
    """Tensors of which only some channels were, by operator."""
    not_derived: Counter[str] = field(default_factory=Counter)
    """Tensors not re-derived, by the reason."""
    open: int = 0
    """Elements that cannot be judged: infinite or NaN operands."""
    notes: list[str] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Keep a finding, or count it."""
        if self.is_full:
            self.more += 1
        else:
            self.findings.append(finding)

    @property
    def is_full(self) -> bool:
        """Whether further findings are only counted."""
        return len(self.findings) >= MOST

    @property
    def holds(self) -> bool:
        """Whether no rule is broken."""
        return not self.findings

    @property
    def exit_code(self) -> int:
        """0 where every rule holds, 65 where the text itself is at fault, else 1."""
        return 0 if self.holds else 65 if any(f.rule in TEXT for f in self.findings) else 1
