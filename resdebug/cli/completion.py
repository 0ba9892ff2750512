"""``resdebug completion``: scripts that let a shell complete the command line."""

from __future__ import annotations

import argparse

import shtab

from resdebug.cli.parser import build


def run(options: argparse.Namespace) -> int:
    """Print the script for a shell."""
    parser, _ = build()
    print(shtab.complete(parser, options.shell))
    return 0
