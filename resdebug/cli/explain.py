"""``resdebug explain``: the derivation of a network's own backward pass, with formulas and numbers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resdebug.cli.arguments import Parser, count, input_file
from resdebug.cli.progress import ProgressBar
from resdebug.errors import CannotCreate, Fault, IOFailure, Place, UsageError, render
from resdebug.text import human_bytes, visible

if TYPE_CHECKING:
    from resdebug.analysis.derivation.document import Document

FORMS: Final = {"markdown": (".md", ".markdown"), "latex": (".tex",), "html": (".html", ".htm")}


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    input_file(sub, "a network (node-link JSON) or a trace")
    sub.add_argument("-o", "--output", metavar="FILE", help="write .md, .tex or .html; else Markdown on stdout")
    sub.add_argument("--format", choices=tuple(FORMS), help="how it is written; without it the suffix decides")
    sub.add_argument(
        "--node", action="append", default=[], metavar="NAME", help="explain this node only; may be given again"
    )
    sub.add_argument("--blocks", action="store_true", help="make each block one step")
    sub.add_argument(
        "--steps", type=count(0), metavar="N", help="steps to write out (200; 0 is all): blocks are folded beyond"
    )
    sub.add_argument("--recover", action="store_true", help="take what is whole of a trace that was cut off or damaged")
    sub.add_argument("--force", action="store_true", help="replace the output if it exists")
    sub.add_argument("--json", action="store_true", help="say what was written as JSON")


def run(options: argparse.Namespace) -> int:
    """Write the derivation."""
    output = None if options.output in {None, "-"} else Path(options.output)
    form = _form(options.format, output)
    if options.json and output is None:
        raise UsageError(Fault("U001", "--json says what was written, and nothing is", "name a file with -o"))
    if options.node and options.blocks:
        raise UsageError(Fault("U001", "--node and --blocks exclude each other", "leave one of them out"))
    if output is not None:
        _check(output, options)
    from resdebug.analysis.derivation.derive import MOST_STEPS, Settings, derive
    from resdebug.api import open_pass

    steps = MOST_STEPS if options.steps is None else options.steps
    settings = Settings(tuple(options.node), options.blocks, steps)
    with ProgressBar() as bar:
        pass_ = open_pass(
            Path(options.file), target=options.target, rule=options.rule, memory=options.memory, report=bar.report,
            recover=options.recover,
        )  # fmt: skip
        if pass_.network.warnings:
            print(render(pass_.network.warnings, options.diagnostics), file=sys.stderr)
        document = derive(pass_, settings, bar.report)
    text = _writer(form)(document)
    if output is None:
        if sys.stdout is None:
            raise IOFailure(Fault("X004", "stdout is closed", "name a file with -o"))
        sys.stdout.write(text)
        return 0
    from resdebug.export.writing import whole_file

    data = text.encode("utf-8", "backslashreplace")
    with whole_file(output, force=options.force) as stream:
        stream.write(data)
    if options.json:
        print(json.dumps({"file": str(output), "format": form, "bytes": len(data), "rule": pass_.rule}))
    else:
        rule = "" if pass_.rule == "sum" else f" (rule {pass_.rule}: wrong on purpose)"
        print(f"{visible(str(output))}: {visible(document.title)}, {human_bytes(len(data))}{rule}")
    return 0


def _form(asked: str | None, output: Path | None) -> str:
    if asked is not None or output is None:
        return asked or "markdown"
    found = next((form for form, suffixes in FORMS.items() if output.suffix.lower() in suffixes), "")
    if not found:
        what = f'no form of a derivation goes with the suffix "{visible(output.suffix)}"'
        raise UsageError(Fault("X005", what, "use .md, .tex or .html, or --format"))
    return found


def _check(output: Path, options: argparse.Namespace) -> None:
    from resdebug.export.writing import check_destination

    if output.exists() and Path(options.file).exists() and output.samefile(options.file):
        what = "is what is to be read: it would be lost"
        raise CannotCreate(Fault("X002", what, "choose another name", Place(file=str(output))))
    check_destination(output, force=options.force)


def _writer(form: str) -> Callable[[Document], str]:
    write: Callable[[Document], str] = getattr(import_module(f"resdebug.export.derivation_{form}"), f"as_{form}")
    return write
