"""``help`` and ``quit``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from resdebug.debugger.commands.command import Command, Reply, nothing, say
from resdebug.debugger.commands.interpreter import Interpreter

WIDTH: Final = 100


def _help(interpreter: Interpreter, rest: str) -> Reply:
    if not rest:
        return say(*overview(interpreter.commands.values()))
    from resdebug.debugger.topics import TOPICS

    if rest in TOPICS and rest not in interpreter.commands:
        return say(*TOPICS[rest][1]())
    return say(*in_full(interpreter.find(rest)))


def _quit(interpreter: Interpreter, rest: str) -> Reply:
    nothing("quit", rest)
    interpreter.finished = True
    return say()


def overview(commands: Iterable[Command]) -> list[str]:
    """Return a line per command, by sections."""
    rows = list(commands)
    width = max(len(_heading(c)) for c in rows)
    lines: list[str] = []
    order = list(dict.fromkeys(c.section for c in rows))
    for section, members in groupby(sorted(rows, key=lambda c: order.index(c.section)), lambda c: c.section):
        lines += ["", section] if lines else [section]
        for command in members:
            text = f"{_heading(command):<{width}}  {command.about}"
            lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent=" " * (width + 4))
    more = "help COMMAND tells more, help conditions what can be stopped at; a command may be shortened"
    return [*lines, "", more]


def _heading(command: Command) -> str:
    short = [a for a in command.aliases if len(a) <= 2]
    return command.usage + (f"  ({', '.join(short)})" if short else "")


def in_full(command: Command) -> list[str]:
    """Return all about one command."""
    lines = [command.usage, *textwrap.wrap(f"{command.about[0].upper()}{command.about[1:]}.", WIDTH)]
    if command.aliases:
        lines.append(f"also: {', '.join(command.aliases)}")
    more = [part for line in command.more.splitlines() for part in _wrapped(line)]
    return [*lines, *(["", *more] if more else [])]


def _wrapped(line: str) -> list[str]:
    """Break a line that is too long; what is laid out in columns stays as it is."""
    return textwrap.wrap(line, WIDTH) if len(line) > WIDTH else [line]


COMMANDS: Final = (
    Command("help", ("h", "?"), "[COMMAND]", "list the commands, or tell all about one", _help, "Other",
            candidates=lambda i: i.commands),
    Command("quit", ("q", "exit"), "", "end the script", _quit, "Other"),
)  # fmt: skip
