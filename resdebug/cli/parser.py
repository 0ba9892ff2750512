"""The command line's grammar; knows every command, imports none of what they need."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import NoReturn

from resdebug.errors import Fault, UsageError
from resdebug.text import visible
from resdebug.version import __version__

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_EPILOG = """\
Exit codes: 0 done, 1 done and the answer is no, 2 command line or no terminal, 65 bad data, 66 input missing,
70 a bug of ours, 73 cannot create the output, 74 input/output error, 128+n ended by signal n.
"""


class Parser(argparse.ArgumentParser):
    """Reports faults of the command line with whatever was typed made visible."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError in place of leaving."""
        raise UsageError(Fault("U001", visible(message, limit=500), f"{self.prog} --help"))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options; ``options.run`` is the command. A file name alone means ``open``.

    Raises UsageError; leaves with 0 after ``--help`` and ``--version``.
    """
    parser, names = build()
    if not arguments:
        parser.print_help(sys.stderr)
        raise UsageError(Fault("U001", "no file is named", "resdebug graphs/resblock.json"))
    if arguments[0] not in names and not {"-h", "--help", "--version"} & set(arguments):
        arguments = ["open", *arguments]
    return parser.parse_args(arguments)


def build() -> tuple[Parser, list[str]]:
    """Return the parser, and the names of the commands."""
    parser = Parser(
        prog="resdebug",
        description="Step through the backward pass of a network, forward and backward in time.",
        usage="resdebug FILE | resdebug COMMAND ...",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"resdebug {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser, prog="resdebug")

    def command(name: str, about: str, module: str) -> Parser:
        sub = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        sub.set_defaults(run=_late(module))
        sub.add_argument("--diagnostics", choices=("text", "json"), default="text", help="form of faults on stderr")
        return sub

    sub = command("open", "open the debugger on a graph or a trace (the default)", "open")
    _input(sub, "a network (node-link JSON) or a trace")
    sub.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    sub.add_argument("--light", action="store_true", help="colours for a light background")
    sub.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")

    sub = command("trace", "run the pass without a screen and export it", "trace")
    _input(sub, "a network (node-link JSON) or a trace")
    sub.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write; - is stdout")
    sub.add_argument("--format", metavar="NAME", help="jsonl or json; without it the suffix decides")
    sub.add_argument(
        "--level",
        choices=("full", "stats"),
        default="full",
        help="every number, or statistics of every tensor: for networks that do not fit into memory (jsonl)",
    )
    sub.add_argument("--force", action="store_true", help="replace the output if it exists")
    sub.add_argument("--json", action="store_true", help="say what was written as JSON")

    _new(command("new", "generate a residual network; without KIND, list what there is", "new"))

    sub = command("ops", "list the operators, or explain one with its formulas", "ops")
    sub.add_argument("name", nargs="?", metavar="OPERATOR", help="the operator to explain")
    sub.add_argument("--form", choices=("unicode", "ascii", "latex"), help="how formulas are written")
    sub.add_argument("--json", action="store_true", help="as JSON")

    command("schema", "print the JSON Schema of the network file", "schema")

    sub = command("explain-code", "explain a diagnostic's code, such as G021", "explain_code")
    sub.add_argument("code", nargs="?", metavar="CODE", help="the code; without it all are listed")
    sub.add_argument("--json", action="store_true", help="as JSON")

    sub = command("completion", "print a completion script for a shell", "completion")
    sub.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell")
    return parser, list(commands.choices)


def _new(sub: Parser) -> None:
    sub.add_argument("kind", nargs="?", metavar="KIND", help="resnet20, resnet50, unet, transformer, ...")
    sub.add_argument(
        "-o", "--output", metavar="FILE", help="the JSON file; large tensors go into .safetensors beside it"
    )
    sub.add_argument("--seed", type=_count(0), default=0, metavar="N", help="same seed, same network (0)")
    sub.add_argument("--batch", type=_count(1), default=1, metavar="N", help="examples in the input (1)")
    sub.add_argument("--dtype", choices=("float32", "float64"), help="element type (float32; random: float64)")
    sub.add_argument("--force", action="store_true", help="replace the files if they exist")
    sub.add_argument("--json", action="store_true", help="say what was written as JSON")
    group = sub.add_argument_group("settings of some kinds")
    group.add_argument("--image-size", type=_count(1), metavar="N", help="height and width of the input image")
    group.add_argument("--classes", type=_count(1), metavar="N", help="how many classes")
    group.add_argument("--preact", action="store_true", help="normalise and activate before every convolution")
    group.add_argument("--plain", action="store_true", help="leave the skips out")
    group.add_argument("--rezero", action="store_true", help="scale every branch by a parameter that starts at 0")
    group.add_argument("--fixup", action="store_true", help="no normalisation, Fixup initialisation")
    group.add_argument("--depth", type=_count(1), metavar="N", help="layers (wide_resnet), halvings (unet)")
    group.add_argument("--width", type=_count(1), metavar="N", help="channels or features, or how many times as many")
    group.add_argument("--blocks", type=_count(1), metavar="N", help="how many blocks")
    group.add_argument("--heads", type=_count(1), metavar="N", help="attention heads in a block")
    group.add_argument("--tokens", type=_count(1), metavar="N", help="length of the text")
    group.add_argument("--vocabulary", type=_count(1), metavar="N", help="how many different tokens")
    group.add_argument("--norm", choices=("pre", "post", "rms"), help="where and how a transformer normalises")
    group.add_argument("--steps", type=_count(1), metavar="N", help="how often a recurrent network is applied")
    group.add_argument("--nodes", type=_count(1), metavar="N", help="size of a random graph")


def _count(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
        return int(text)

    return read


def _input(sub: Parser, about: str) -> None:
    sub.add_argument("file", metavar="FILE", help=about)
    sub.add_argument("--target", metavar="NODE", help="differentiate this node in place of the file's target")
    sub.add_argument(
        "--rule",
        default="sum",
        choices=("sum", "mean", "overwrite", "first"),
        help="how contributions accumulate; all but sum are wrong on purpose",
    )
    sub.add_argument(
        "--memory", type=_bytes, metavar="SIZE", help="most that tensors may take, such as 4G (80%% of free)"
    )


def _bytes(text: str) -> int:
    digits = text.lower().removesuffix("b").removesuffix("i")
    unit = digits[-1:] if digits[-1:] in _UNITS else ""
    try:
        size = float(digits.removesuffix(unit))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write 500M or 4G") from None
    if not 0 < size < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range")
    return int(size * _UNITS[unit])


def _late(module: str) -> Callable[[argparse.Namespace], int]:
    """Return a function that imports the command's module when it is run."""

    def run(options: argparse.Namespace) -> int:
        code: int = import_module(f"resdebug.cli.{module}").run(options)
        return code

    return run
