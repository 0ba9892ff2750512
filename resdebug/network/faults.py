"""The list in which the checks of a network file collect what is wrong, so that it all comes out in one run."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from resdebug.errors import MOST_SHOWN, BadInput, Fault, MissingInput, Place, ResdebugError
from resdebug.text import did_you_mean


class FaultList:
    """Collects faults, placed by JSON pointer and node."""

    def __init__(self) -> None:
        self.all: list[Fault] = []

    def add(
        self,
        code: str,
        what: str,
        hint: str = "",
        *,
        pointer: str = "",
        node: str = "",
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Note one fault."""
        self.all.append(Fault(code, what, hint, Place(pointer=pointer, node=node), severity))

    def suggest(self, word: str, known: Collection[str]) -> str:
        """Return a hint that names what ``word`` could have meant, while few enough faults are noted to be shown."""
        return did_you_mean(word, known) if len(self.all) < MOST_SHOWN else ""

    @property
    def errors(self) -> list[Fault]:
        """The faults that are no mere warnings."""
        return [f for f in self.all if f.severity == "error"]

    @property
    def warnings(self) -> list[Fault]:
        """What is odd but no fault."""
        return [f for f in self.all if f.severity == "warning"]

    def stop_if_any(self) -> None:
        """Raise what was collected: MissingInput when files are missing and nothing else is wrong, else BadInput."""
        if self.errors:
            kind: type[ResdebugError] = MissingInput if all(f.code == "W010" for f in self.errors) else BadInput
            raise kind(self.errors)
