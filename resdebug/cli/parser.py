"""The command line's grammar: every command by name, imported only when it is the one that was typed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Final

from resdebug.cli.arguments import Parser
from resdebug.errors import Fault, UsageError
from resdebug.version import __version__

COMMANDS: Final = {
    "open": "open the debugger on a graph or a trace (the default)",
    "trace": "run the pass without a screen and export it",
    "verify": "check a trace rule by rule, with none of the code that made it",
    "diff": "walk two passes in step, stop at the first divergence",
    "serve": "the debugger in a browser, on this machine alone",
    "check": "every derivative against finite differences, or your gradients against ours",
    "report": "say what a network does to its gradient, in text, JSON or HTML",
    "explain": "derive a network's own backward pass, with formulas and numbers: Markdown, LaTeX, HTML",
    "new": "generate a residual network; without KIND, list what there is",
    "run": "run the debugger's commands without a screen: a script, a transcript",
    "help": "explain conditions, commands, scripts",
    "ops": "list the operators, or explain one with its formulas",
    "schema": "print the JSON Schema of the network file",
    "explain-code": "explain a diagnostic's code, such as G021",
    "completion": "print a completion script for a shell",
}
"""What each command does; its module in this package has ``arguments`` and ``run``."""

_EPILOG = """\
Exit codes: 0 done, 1 done and the answer is no, 2 command line or no terminal, 65 bad data, 66 input missing,
70 a bug of ours, 73 cannot create the output, 74 input/output error, 128+n ended by signal n.
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options; ``options.run`` is the command. A file name alone means ``open``.

    Raises UsageError; leaves with 0 after ``--help`` and ``--version``.
    """
    if not arguments:
        build(()).print_help(sys.stderr)
        raise UsageError(Fault("U001", "no file is named", "resdebug graphs/resblock.json"))
    if arguments[0] not in COMMANDS and not {"-h", "--help", "--version"} & set(arguments):
        arguments = ["open", *arguments]
    return build(arguments[:1]).parse_args(arguments)


def build(complete: Iterable[str] = COMMANDS) -> Parser:
    """Return the parser; the commands in ``complete`` have their arguments, the others only a line of help."""
    parser = Parser(
        prog="resdebug",
        description="Step through the backward pass of a network, forward and backward in time.",
        usage="resdebug FILE | resdebug COMMAND ...",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"resdebug {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser, prog="resdebug")
    for name, about in COMMANDS.items():
        sub = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        sub.add_argument("--diagnostics", choices=("text", "json"), default="text", help="form of faults on stderr")
        if name in complete:
            module = import_module(f"resdebug.cli.{name.replace('-', '_')}")
            sub.set_defaults(run=module.run)
            module.arguments(sub)
    return parser
