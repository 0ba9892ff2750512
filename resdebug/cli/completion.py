"""``resdebug completion``: scripts that let a shell complete the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from resdebug.cli.arguments import Parser


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    sub.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell")


def run(options: argparse.Namespace) -> int:
    """Print the script for a shell."""
    import shtab

    from resdebug.cli.parser import build
    from resdebug.generators.kinds import KINDS
    from resdebug.ops import CATALOGUE

    parser = build()
    known: dict[str, tuple[str, Iterable[str]]] = {"ops": ("name", CATALOGUE), "new": ("kind", KINDS)}
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    for command, (argument, words) in known.items():
        for action in commands.choices[command]._actions:
            if action.dest == argument:
                action.choices = list(words)
    print(shtab.complete(parser, options.shell))
    return 0
