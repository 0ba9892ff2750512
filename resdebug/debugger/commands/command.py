"""What a command is: its names, what it takes, its help, and what it does."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from resdebug.errors import BadInput, Fault
from resdebug.text import did_you_mean, visible

if TYPE_CHECKING:
    from resdebug.debugger.commands.interpreter import Interpreter

MOST_COUNT: Final = 10**9


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answers: lines for a person, and the same as plain data for a machine."""

    lines: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def say(*lines: str, **data: Any) -> Reply:
    """Return a reply of these lines and data."""
    return Reply(lines, data)


Run = Callable[["Interpreter", str], Reply]
"""Takes the interpreter and the rest of the line. Raises BadInput where the rest of the line is at fault."""
Candidates = Callable[["Interpreter"], Iterable[str]]
"""What the argument of a command may be, for completion."""


def no_candidates(_: Interpreter) -> Iterable[str]:
    """Return nothing to complete with."""
    return ()


@dataclass(frozen=True, slots=True)
class Command:
    """One command. A new one is a row in a table that is handed to the interpreter."""

    name: str
    aliases: tuple[str, ...]
    arguments: str
    about: str
    run: Run
    section: str
    more: str = ""
    """Further help: a paragraph, and examples."""
    candidates: Candidates = no_candidates

    @property
    def usage(self) -> str:
        """The command as it is written: ``break STOP``."""
        return f"{self.name} {self.arguments}".rstrip()


def bad(code: str, what: str, hint: str = "") -> BadInput:
    """Return the error for a line that is at fault."""
    return BadInput(Fault(code, what, hint))


def whole_number(text: str, *, default: int = 1, least: int = 1) -> int:
    """Read a count; nothing means ``default``. Raises BadInput."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or not least <= int(text) <= MOST_COUNT:
        raise bad("C002", f'"{visible(text, limit=60)}" is not a whole number from {least} up')
    return int(text)


def nothing(command: str, text: str) -> None:
    """Raise BadInput where a command that takes no argument got one."""
    if text:
        raise bad("C002", f'{command} takes no argument, not "{visible(text, limit=60)}"', f"help {command}")


def words(text: str) -> list[str]:
    """Split a line at blanks; what stands in quotes is one word. Raises BadInput for a quote that is not closed."""
    try:
        return shlex.split(text)
    except ValueError:
        raise bad("C002", f"a quote is not closed in: {visible(text, limit=100)}") from None


def node_name(interpreter: Interpreter, text: str) -> str:
    """Return the node that an argument names, by default the one at the cursor. Raises BadInput for an unknown one."""
    network = interpreter.debugger.pass_.network
    if not text:
        return interpreter.debugger.focus()
    if text in network:
        return text
    parts = words(text)
    if len(parts) == 1 and parts[0] in network:
        return parts[0]
    hint = did_you_mean(text, (node.name for node in network.nodes)) or "search NAME looks for nodes"
    raise bad("C003", f'there is no node "{visible(text, limit=100)}"', hint)


def node_names(interpreter: Interpreter) -> Iterable[str]:
    """Return the names of all nodes, for completion."""
    return (node.name for node in interpreter.debugger.pass_.network.nodes)
