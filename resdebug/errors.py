"""The one family of errors: each says where, what, and what to do, and carries the exit code it ends a run with.

::

    ResdebugError
    ├── UsageError      2   the command line is at fault, or there is no terminal
    ├── BadInput       65   a file's content is at fault, or over a limit
    ├── MissingInput   66   a file is not there
    ├── CannotCreate   73   an output exists already or may not be written
    └── IOFailure      74   reading or writing broke off
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from resdebug.text import plural, visible

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault lies: a file, a line and column in it (from 1), a JSON pointer, a node's name."""

    file: str = ""
    line: int = 0
    column: int = 0
    pointer: str = ""
    node: str = ""

    def __str__(self) -> str:
        """Return ``file:line:column`` as far as it is known, else the JSON pointer."""
        file = visible(self.file, limit=500)
        if self.line:
            return f"{file}:{self.line}:{self.column}"
        if self.pointer:
            return f"{file}#{visible(self.pointer)}" if file else visible(self.pointer)
        return file


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong (or, as a warning, suspicious), with a stable code that ``explain-code`` documents."""

    code: str
    what: str
    hint: str = ""
    place: Place = field(default_factory=Place)
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """Return the diagnostic as it is printed: a line, and a second one with the hint."""
        where = str(self.place)
        line = (
            f"{where}: {self.severity}[{self.code}]: {self.what}"
            if where
            else f"{self.severity}[{self.code}]: {self.what}"
        )
        return f"{line}\n  hint: {self.hint}" if self.hint else line

    def located(self, file: str, line: int = 0, column: int = 0) -> Fault:
        """Return this fault with its file, and its line and column where they are known."""
        return replace(self, place=replace(self.place, file=file, line=line, column=column))

    def as_json(self) -> dict[str, Any]:
        """Return this fault as plain data for machines."""
        place = self.place
        return {
            "code": self.code,
            "severity": self.severity,
            "what": self.what,
            "hint": self.hint,
            "file": place.file,
            "line": place.line or None,
            "column": place.column or None,
            "pointer": place.pointer,
            "node": place.node or None,
        }


class ResdebugError(Exception):
    """Base of every error that resdebug raises on purpose."""

    exit_code: ClassVar[int] = 70

    def __init__(self, faults: Fault | Sequence[Fault]) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__(render(self.faults))


class UsageError(ResdebugError):
    """The command line asks for something that cannot be, or there is no terminal to draw on."""

    exit_code = 2


class BadInput(ResdebugError):
    """A file's content is at fault, or over a limit."""

    exit_code = 65


class MissingInput(ResdebugError):
    """A file that is to be read is not there, or is not a file."""

    exit_code = 66


class CannotCreate(ResdebugError):
    """An output exists already, or cannot be created where it was asked for."""

    exit_code = 73


class IOFailure(ResdebugError):
    """Reading or writing broke off: a full disk, a device error, a closed pipe."""

    exit_code = 74


def render(faults: Sequence[Fault], form: Literal["text", "json"] = "text") -> str:
    """Write faults for stderr: text shows at most twenty and counts the rest; JSON has all of them."""
    if form == "json":
        return json.dumps({"diagnostics": [f.as_json() for f in faults]}, ensure_ascii=True, indent=1)
    lines = [str(f) for f in faults[:MOST_SHOWN]]
    if len(faults) > MOST_SHOWN:
        lines.append(f"… and {plural(len(faults) - MOST_SHOWN, 'more fault')}")
    return "\n".join(lines)


def quoted(names: Iterable[str], most: int = 8) -> str:
    """Return names in quotes for a message, made visible, at most ``most`` of them."""
    listed = list(names)
    shown = ", ".join(f'"{visible(n, limit=60)}"' for n in listed[:most])
    return f"{shown}, … ({len(listed)} in all)" if len(listed) > most else shown
