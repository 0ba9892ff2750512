"""``resdebug run``: the debugger's commands without a screen."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resdebug.cli.arguments import Parser, input_file
from resdebug.errors import BadInput, Fault, Place, ResdebugError, UsageError, render

if TYPE_CHECKING:
    from resdebug.debugger.commands.interpreter import Interpreter

MOST_SCRIPT: Final = 10 << 20
"""Bytes of a script."""


@dataclass(frozen=True, slots=True)
class Line:
    """A command, and where it was written."""

    text: str
    source: str
    number: int


def _command(text: str) -> tuple[str, str]:
    return "command", text


def _script_name(text: str) -> tuple[str, str]:
    return "script", text


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    input_file(sub, "a network (node-link JSON) or a trace")
    sub.add_argument(
        "-c", "--command", dest="given", action="append", type=_command, metavar="COMMAND", help="run this command"
    )
    sub.add_argument(
        "--script", dest="given", action="append", type=_script_name, metavar="FILE",
        help="run the commands of a file, one a line; - is stdin",
    )  # fmt: skip
    sub.add_argument("--recover", action="store_true", help="take what is whole of a trace that was cut off or damaged")
    sub.add_argument("--json", action="store_true", help="answer every command with a line of JSON")
    sub.add_argument("--quiet", action="store_true", help="print the answers only, not the commands")


def run(options: argparse.Namespace) -> int:
    """Run all commands in order and print the transcript; the first fault ends it."""
    from resdebug.api import Debugger, open_pass
    from resdebug.cli.progress import ProgressBar
    from resdebug.debugger.commands.interpreter import Interpreter
    from resdebug.export.for_commands import Files

    lines = list(_lines(options.given or ()))
    if not lines:
        hint = 'such as -c "break fork" -c continue -c ledger; resdebug help commands lists them'
        raise UsageError(Fault("U001", "no command is given: -c or --script", hint))
    with ProgressBar() as bar:
        pass_ = open_pass(
            Path(options.file), target=options.target, rule=options.rule, memory=options.memory, report=bar.report,
            recover=options.recover,
        )  # fmt: skip
    if pass_.network.warnings:
        print(render(pass_.network.warnings, options.diagnostics), file=sys.stderr)
    interpreter = Interpreter(Debugger(pass_))
    Files(interpreter, Path(options.file))
    for line in lines:
        _run(interpreter, line, as_json=options.json, quiet=options.quiet)
        if interpreter.finished:
            break
    return 0


def _run(interpreter: Interpreter, line: Line, *, as_json: bool, quiet: bool) -> None:
    from resdebug.text import visible

    text = line.text.rstrip()
    if not text.strip() or text.lstrip().startswith("#"):
        return
    try:
        reply = interpreter.execute(text)
    except ResdebugError as error:
        if not as_json and not quiet:
            print(f"> {visible(text, limit=500)}")
        sys.stdout.flush()
        raise type(error)([_placed(fault, line) for fault in error.faults]) from None
    if as_json:
        print(json.dumps({"command": text, **reply.data, "lines": reply.lines}, ensure_ascii=True, allow_nan=False))
        return
    if not quiet:
        print(f"> {visible(text, limit=500)}")
    for answer in reply.lines:
        print(answer)


def _placed(fault: Fault, line: Line) -> Fault:
    if fault.place.file:
        return replace(fault, what=f"{fault.place}: {fault.what}", place=Place(line.source, line.number, 1))
    return fault.located(line.source, line.number, max(fault.place.column, 1))


def _lines(given: Iterable[tuple[str, str]]) -> Iterator[Line]:
    typed = 0
    for kind, text in given:
        if kind == "command":
            for command in text.split("\n"):
                typed += 1
                yield Line(command, "-c", typed)
        else:
            source = "stdin" if text == "-" else text
            for number, command in enumerate(_script(text).split("\n"), start=1):
                yield Line(command.rstrip("\r"), source, number)


def _script(name: str) -> str:
    """Read a script. Raises MissingInput, BadInput."""
    from resdebug.network.source import open_regular

    if name == "-":
        if sys.stdin is None:
            raise UsageError(Fault("U001", "stdin is closed", "name a file with --script"))
        data = sys.stdin.buffer.read(MOST_SCRIPT + 1)
    else:
        with os.fdopen(open_regular(Path(name), MOST_SCRIPT), "rb") as stream:
            data = stream.read(MOST_SCRIPT + 1)
    place = Place("stdin" if name == "-" else name, 1, 1)
    if len(data) > MOST_SCRIPT:
        raise BadInput(Fault("C013", f"the script is longer than {MOST_SCRIPT} bytes", "", place))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(Fault("J010", f"is not UTF-8: byte {error.start}", "save it as UTF-8", place)) from None
