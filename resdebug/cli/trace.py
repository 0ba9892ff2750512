"""``resdebug trace``: the pass without a screen, written to a file."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from resdebug.cli.arguments import Parser, input_file
from resdebug.cli.progress import ProgressBar
from resdebug.errors import CannotCreate, Fault, IOFailure, Place, UsageError, render
from resdebug.text import human_bytes, visible


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    input_file(sub, "a network (node-link JSON) or a trace")
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


def run(options: argparse.Namespace) -> int:
    """Run and export; says on stdout what was written."""
    from resdebug.api import open_pass
    from resdebug.export.registry import choose_format, export
    from resdebug.export.writing import check_destination

    to_stdout = options.output == "-"
    output = None if to_stdout else Path(options.output)
    format_ = choose_format(output, options.format)
    if output is not None and output.exists() and Path(options.file).exists() and output.samefile(options.file):
        what = "is what is to be read: it would be lost"
        raise CannotCreate(Fault("X002", what, "choose another name", Place(file=str(output))))
    if output is not None:
        check_destination(output, force=options.force)
    if options.level == "stats":
        return _statistics(options, output)
    with ProgressBar() as bar:
        pass_ = open_pass(
            Path(options.file), target=options.target, rule=options.rule, memory=options.memory, report=bar.report
        )
        if pass_.network.warnings:
            print(render(pass_.network.warnings, options.diagnostics), file=sys.stderr)
        if output is None:
            if sys.stdout is None:
                raise IOFailure(Fault("X004", "stdout is closed", "name a file with -o"))
            format_.writer()(pass_, sys.stdout.buffer, lambda done, total: bar.report("events", done, total))
            return 0
        size = export(
            pass_,
            output,
            format=format_.name,
            force=options.force,
            progress=lambda done, total: bar.report("events", done, total),
        )
    events = len(pass_.events)
    if options.json:
        told = {"file": str(output), "format": format_.name, "events": events, "bytes": size, "rule": pass_.rule}
        print(json.dumps(told))
    else:
        rule = "" if pass_.rule == "sum" else f" (rule {pass_.rule}: wrong on purpose)"
        print(f"{visible(str(output))}: {events} events, {human_bytes(size)}{rule}")
    return 0


def _statistics(options: argparse.Namespace, output: Path | None) -> int:
    from resdebug.api import open_statistics
    from resdebug.export.registry import choose_format
    from resdebug.export.statistics import write
    from resdebug.export.writing import whole_file

    if choose_format(output, options.format).name != "jsonl":
        raise UsageError(Fault("X005", "statistics are written as JSONL", "end the name in .jsonl"))
    with ProgressBar() as bar:
        header, events = open_statistics(
            Path(options.file), target=options.target, rule=options.rule, memory=options.memory
        )

        def progress(done: int, total: int) -> None:
            bar.report("events", done, total)

        if output is None:
            if sys.stdout is None:
                raise IOFailure(Fault("X004", "stdout is closed", "name a file with -o"))
            write(header, events, sys.stdout.buffer, progress)
            return 0
        with whole_file(output, force=options.force) as stream:
            write(header, events, stream, progress)
            size = stream.tell()
    told = {"file": str(output), "format": "statistics", "events": header["events"], "bytes": size}
    if options.json:
        print(json.dumps(told | {"rule": header["rule"]}))
    else:
        print(f"{visible(str(output))}: statistics of {header['events']} events, {human_bytes(size)}")
    return 0
