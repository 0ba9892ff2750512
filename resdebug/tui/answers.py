"""What the screen asks a pass about its nodes, each answer kept for a while."""

from __future__ import annotations

from typing import Final

from resdebug.errors import ResdebugError
from resdebug.ops.base import Array
from resdebug.passes.changed import same_bits
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.routes import Routes
from resdebug.passes.summary import Summary, summarise
from resdebug.tui.parts import Part, parts_of
from resdebug.tui.shared import Shared

LEDGER_BYTES: Final = 48 << 20
"""Room for the contributions of ledgers that were looked at."""
_PART_BYTES: Final = 1 << 10
SUMMARIES: Final = 1024


class Answers:
    """Nothing here depends on where the cursor is."""

    def __init__(self, pass_: Pass, routes: Routes) -> None:
        self.pass_ = pass_
        self.routes = routes
        self.parts = Shared(lambda name: parts_of(pass_, routes, name), LEDGER_BYTES, _weight)
        """The whole ledger of a node."""
        self.summaries = Shared(self._summaries, SUMMARIES)
        """The statistics of a node's value and of its adjoint, each None where there is none."""
        self.closes = Shared(self._closes, SUMMARIES)
        """Whether the last row of a node's ledger is its adjoint, bit for bit."""
        self._troubles: dict[str, str] = {}

    def value(self, name: str) -> Array | None:
        """Return a node's value; None where there is none, or where it cannot be had: ``trouble`` says why."""
        if name in self._troubles:
            return None
        try:
            return self.pass_.value(name)
        except ResdebugError as error:
            self._troubles[name] = str(error.faults[0])
            return None

    def trouble(self, name: str) -> str:
        """Return why a node outside the pass cannot be evaluated, or nothing."""
        self.value(name)
        return self._troubles.get(name, "")

    def foresee(self, name: str) -> None:
        """Work out what a look at a node will ask for."""
        self.parts(name)
        self.summaries(name)
        self.closes(name)

    def foreseen(self, name: str) -> bool:
        """Whether that has been done."""
        return name in self.closes and name in self.parts and name in self.summaries

    def _summaries(self, name: str) -> tuple[Summary | None, Summary | None]:
        value = self.value(name)
        told = None if name in self._troubles else self.pass_.summary(Of.VALUE, name)
        return told if value is None else summarise(value), self.pass_.summary(Of.ADJOINT, name)

    def _closes(self, name: str) -> bool:
        adjoint = self.pass_.adjoint(name)
        parts = self.parts(name)
        last = parts[-1].row if parts else None
        return adjoint is not None and last is not None and same_bits(last.running, adjoint)


def _weight(parts: tuple[Part, ...]) -> int:
    held = {id(array): array.nbytes for p in parts if p.row for array in (p.row.contribution, p.row.running)}
    return sum(held.values()) + _PART_BYTES * (1 + len(parts))
