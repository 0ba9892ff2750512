"""What commands share of their grammar: the parser, sizes, counts, the file to read."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

from resdebug.errors import Fault, UsageError
from resdebug.text import visible

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Parser(argparse.ArgumentParser):
    """Reports faults of the command line with whatever was typed made visible."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError in place of leaving."""
        raise UsageError(Fault("U001", visible(message, limit=500), f"{self.prog} --help"))


def count(least: int) -> Callable[[str], int]:
    """Return what reads a whole number from ``least`` up."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
        return int(text)

    return read


def input_file(sub: Parser, about: str, *, optional: bool = False) -> None:
    """Add the file to read, and how its pass is run."""
    sub.add_argument("file", metavar="FILE", help=about, nargs="?" if optional else None)
    sub.add_argument("--target", metavar="NODE", help="differentiate this node in place of the file's target")
    sub.add_argument(
        "--rule",
        default="sum",
        choices=("sum", "mean", "overwrite", "first", "twice"),
        help="how contributions accumulate; all but sum are wrong on purpose",
    )
    sub.add_argument(
        "--memory", type=size, metavar="SIZE", help="most that tensors may take, such as 4G (80%% of free)"
    )


def screen_options(sub: argparse._ActionsContainer) -> None:
    """Add how the screen looks."""
    sub.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    sub.add_argument(
        "--theme", choices=("dark", "light", "contrast", "mono"), help="colours; T in the app changes them"
    )
    sub.add_argument("--light", action="store_const", const="light", dest="theme", help="the same as --theme light")
    sub.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")


def size(text: str) -> int:
    """Read a number of bytes, such as 500M or 4G."""
    digits = text.lower().removesuffix("b").removesuffix("i")
    unit = digits[-1:] if digits[-1:] in _UNITS else ""
    try:
        number = float(digits.removesuffix(unit))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write 500M or 4G") from None
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range")
    return int(number * _UNITS[unit])


def screen_size(text: str) -> tuple[int, int]:
    """Read columns and rows of a screen, such as 100x30."""
    columns, _, rows = text.lower().partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 20 <= int(columns) <= 400 and 5 <= int(rows) <= 200):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size of a screen; write 100x30 (20x5 to 400x200)")
    return int(columns), int(rows)


def seconds(text: str) -> float:
    """Read a time, such as 0.5."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.01 <= number <= 60:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time from 0.01 to 60 seconds")
    return number
