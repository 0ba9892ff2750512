"""Reads command lines, runs them on a debugger, and completes them.

The same lines do the same wherever they come from: the app's command line, a script, a test. Replies hold nothing
that differs from run to run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from resdebug.debugger.commands.command import Command, Reply, bad
from resdebug.debugger.conditions.tree import shifted
from resdebug.debugger.debugger import Debugger
from resdebug.errors import BadInput, ResdebugError
from resdebug.text import did_you_mean, plural, visible

if TYPE_CHECKING:
    from resdebug.debugger.editor import Editor

LONGEST_LINE: Final = 10_000
MOST_CANDIDATES: Final = 500

Exporter = Callable[[str, bool], str]
"""Writes the pass to the file named, replacing one where the second argument says so; returns what was done."""


class Interpreter:
    """Runs commands on a debugger.

    ``export`` writes files, where there is somebody who can; ``commands`` come on top of the built-in ones.
    """

    def __init__(self, debugger: Debugger, *, export: Exporter | None = None, commands: Iterable[Command] = ()) -> None:
        from resdebug.debugger.commands.table import BUILT_IN

        self.debugger = debugger
        self.export = export
        self.save: Exporter | None = None
        """Writes the network to the file named, as ``export`` does the pass."""
        self.editor: Editor | None = None
        """What is changed, and can be undone; None before the first change."""
        self.finished = False
        """Whether ``quit`` was given."""
        self.commands: dict[str, Command] = {}
        self._by_word: dict[str, Command] = {}
        self.register(*BUILT_IN, *commands)

    def register(self, *commands: Command) -> None:
        """Add commands. Raises ValueError where a name or alias is taken already."""
        for command in commands:
            for word in (command.name, *command.aliases):
                if word in self._by_word:
                    raise ValueError(f"{word} is a command already: {self._by_word[word].name}")
                self._by_word[word] = command
            self.commands[command.name] = command

    def find(self, word: str) -> Command:
        """Return the command of a name, an alias, or the beginning of exactly one name. Raises BadInput."""
        if word in self._by_word:
            return self._by_word[word]
        begun = [name for name in self.commands if name.startswith(word)]
        if len(begun) == 1:
            return self.commands[begun[0]]
        if begun:
            raise bad("C001", f'"{visible(word)}" may mean ' + ", ".join(begun), "write more of it")
        hint = did_you_mean(word, self._by_word) or "help lists all commands"
        raise bad("C001", f'there is no command "{visible(word, limit=60)}"', hint)

    def execute(self, line: str) -> Reply:
        """Run one line; empty lines and comments (``#``) do nothing. Raises BadInput, and what a command raises."""
        if len(line) > LONGEST_LINE:
            raise bad("C013", f"the line has {len(line)} characters; {LONGEST_LINE} are the most")
        command_line = line.strip()
        if not command_line or command_line.startswith("#"):
            return Reply()
        word, rest = split_off(command_line)
        command = self.find(word)
        lacking = self.debugger.finder.columns.lacking
        lacking.clear()
        try:
            reply = command.run(self, rest)
        except BadInput as error:
            raise shifted(error, max(line.rfind(rest), 0)) from None
        if not lacking:
            return reply
        why = next(iter(lacking.values()))
        return replace(reply, lines=(*reply.lines, f"{plural(len(lacking), 'tensor')} that this asks for: {why}"))

    def lines(self, line: str) -> Iterator[str]:
        """Yield what a line answers as text; a line at fault answers with the fault."""
        try:
            yield from self.execute(line).lines
        except ResdebugError as error:
            for fault in error.faults:
                yield from str(fault).splitlines()

    def complete(self, line: str) -> list[str]:
        """Return whole lines that ``line`` may become, sorted: commands, then what their arguments may be."""
        head = line.lstrip()
        word, rest = split_off(head)
        if not rest and not head.endswith(" "):
            return sorted(name for name in self.commands if name.startswith(word))
        try:
            command = self.find(word)
        except ResdebugError:
            return []
        before, begun = _last_word(rest)
        found = (c for c in command.candidates(self) if c.startswith(begun) and c.isprintable())
        lines: list[str] = []
        for candidate in found:
            lines.append(f"{word} {before}{candidate}")
            if len(lines) == MOST_CANDIDATES:
                break
        return sorted(set(lines))


def split_off(line: str) -> tuple[str, str]:
    """Return the first word of a line and the rest; ``5n`` is ``n 5``."""
    word, _, rest = line.partition(" ")
    digits = len(word) - len(word.lstrip("0123456789"))
    if 0 < digits < len(word) and word[digits:].isalpha():
        return word[digits:], f"{word[:digits]} {rest.strip()}".strip()
    return word, rest.strip()


def _last_word(text: str) -> tuple[str, str]:
    """Split an argument where its last word begins: after a blank, a bracket, a comma."""
    cut = max(text.rfind(c) for c in " (,")
    return text[: cut + 1], text[cut + 1 :]
