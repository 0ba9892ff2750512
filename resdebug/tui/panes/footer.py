"""The keys at the bottom: as many as fit, the most wanted first; a click is a key press."""

from __future__ import annotations

from typing import NamedTuple

from resdebug.tui.commands import ONE_PASS, Command, KeysOf, written
from resdebug.tui.lines import Line

_ORDER = ("?", "q", "n →", "N ←", "d", "a", "A", "s", "S", "x", "tab", "c", "/", "b", "v")
"""Which keys stay when there is little room."""


class Button(NamedTuple):
    """A stretch of the footer, from one cell to another, and its command."""

    start: int
    end: int
    command: Command


def footer(
    width: int, keys_of: KeysOf = written, commands: tuple[Command, ...] = ONE_PASS
) -> tuple[Line, list[Button]]:
    """Return the footer's line and where its commands are."""
    listed = [command for command in commands if command.footer]
    listed.sort(key=lambda c: _ORDER.index(c.keys_text) if c.keys_text in _ORDER else len(_ORDER))
    room, chosen = width, []
    for command in listed:
        size = len(keys_of(command)) + len(command.footer) + 3
        if size <= room:
            chosen.append(command)
            room -= size
    line: Line = []
    buttons: list[Button] = []
    at = 0
    for command in (c for c in commands if c in chosen):
        line += [(f" {keys_of(command)}", "accent"), (f" {command.footer} ", "dim")]
        size = len(keys_of(command)) + len(command.footer) + 3
        buttons.append(Button(at, at + size, command))
        at += size
    return line, buttons
