"""``resdebug report``: what can be said of a pass without stepping through it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resdebug.cli.arguments import Parser, count, input_file
from resdebug.cli.progress import ProgressBar
from resdebug.errors import Fault, IOFailure, UsageError, render
from resdebug.text import human_bytes, visible

if TYPE_CHECKING:
    from resdebug.analysis.report.comparison import Comparison
    from resdebug.analysis.report.structure import Report, Settings

LEAST = 60
"""Columns that tables need."""


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    input_file(sub, "a network (node-link JSON) or a trace", optional=True)
    sub.add_argument("--compare", metavar="OTHER", help="a second network or trace, to be laid beside the first")
    sub.add_argument(
        "--section",
        action="append",
        metavar="NAME",
        help="this section only, also where it takes long; may be given more than once (--list names them)",
    )
    sub.add_argument("--list", action="store_true", help="list the sections, and when they are in a report")
    sub.add_argument("-o", "--output", metavar="FILE", help="write .html (a page with plots), .json or .txt")
    sub.add_argument("--json", action="store_true", help="as JSON on stdout")
    sub.add_argument("--schema", action="store_true", help="print the JSON Schema: every number's name, unit, sentence")
    sub.add_argument("--force", action="store_true", help="replace the output if it exists")
    sub.add_argument("--width", type=count(LEAST), metavar="N", help="columns of text (the terminal's; 80 in a pipe)")
    sub.add_argument("--rows", type=count(0), default=12, metavar="N", help="rows of a table in text (12; 0 is all)")
    sub.add_argument("--seed", type=count(0), default=0, metavar="N", help="of what is drawn at random (0)")
    sub.add_argument(
        "--elements", type=count(1), default=3, metavar="N", help="elements of a large tensor compared with differences"
    )
    sub.add_argument("--pairs", type=count(3), default=8, metavar="N", help="pairs of nearby inputs (shattering)")


def run(options: argparse.Namespace) -> int:
    """Print or write the report."""
    if options.schema:
        from resdebug.export.report_json import json_schema

        print(json.dumps(json_schema(), ensure_ascii=False, indent=1))
        return 0
    if options.list:
        return _list(as_json=options.json)
    if options.file is None:
        raise UsageError(Fault("U001", "no file is named", "resdebug report graphs/resblock.json"))
    output = _destination(options)
    from resdebug.analysis.report.comparison import compare
    from resdebug.analysis.report.structure import Settings

    asked = frozenset(options.section or ())
    settings = Settings(seed=options.seed, elements=options.elements, pairs=options.pairs, asked=asked)
    files = [options.file] if options.compare is None else [options.file, options.compare]
    with ProgressBar() as bar:
        reports = [_report(file, options, settings, bar) for file in files]
    comparison = compare(reports[0], reports[1]) if len(reports) == 2 else None
    if output is not None:
        return _write(output, reports, comparison, options)
    if sys.stdout is None:
        raise IOFailure(Fault("X004", "stdout is closed", "name a file with -o"))
    sys.stdout.write(_json(reports, comparison) if options.json else _text(reports, comparison, options))
    return 0


def _report(file: str, options: argparse.Namespace, settings: Settings, bar: ProgressBar) -> Report:
    from resdebug.analysis.report.registry import make_report
    from resdebug.api import open_pass

    pass_ = open_pass(Path(file), target=options.target, rule=options.rule, memory=options.memory, report=bar.report)
    if pass_.network.warnings:
        print(render(pass_.network.warnings, options.diagnostics), file=sys.stderr)
    return make_report(pass_, settings, bar.report)


def _destination(options: argparse.Namespace) -> Path | None:
    from resdebug.export.writing import check_destination, check_not_source

    if options.output is None:
        return None
    output = Path(options.output)
    if output.suffix.lower() not in {".html", ".htm", ".json", ".txt"}:
        what = f'no form of a report goes with the suffix "{visible(output.suffix)}"'
        raise UsageError(Fault("X005", what, "use .html, .json or .txt"))
    check_not_source(output, *(Path(f) for f in (options.file, options.compare) if f))
    check_destination(output, force=options.force)
    return output


def _write(output: Path, reports: list[Report], comparison: Comparison | None, options: argparse.Namespace) -> int:
    from resdebug.export.report_html import as_html
    from resdebug.export.writing import whole_file

    suffix = output.suffix.lower()
    if suffix == ".json":
        text = _json(reports, comparison)
    elif suffix == ".txt":
        text = _text(reports, comparison, options, written=True)
    else:
        text = as_html(reports, comparison)
    data = text.encode("utf-8", "backslashreplace")
    with whole_file(output, force=options.force) as stream:
        stream.write(data)
    findings = sum(len(report.findings) for report in reports)
    if options.json:
        print(json.dumps({"file": str(output), "bytes": len(data), "findings": findings}))
    else:
        print(f"{visible(str(output))}: {human_bytes(len(data))}, findings: {findings}")
    return 0


def _json(reports: list[Report], comparison: Comparison | None) -> str:
    from resdebug.export.report_json import as_json

    return json.dumps(as_json(reports, comparison), indent=1, allow_nan=False) + "\n"


def _text(
    reports: list[Report], comparison: Comparison | None, options: argparse.Namespace, *, written: bool = False
) -> str:
    from resdebug.export.report_text import Look, as_text, comparison_text

    terminal = not written and sys.stdout is not None and sys.stdout.isatty()
    width = options.width or (max(LEAST, min(120, shutil.get_terminal_size().columns)) if terminal else 80)
    look = Look(width, terminal and not os.environ.get("NO_COLOR"), options.rows)
    if comparison is not None:
        return "\n".join(comparison_text(comparison, reports, look)) + "\n"
    return "\n".join(as_text(reports[0], look)) + "\n"


def _list(*, as_json: bool) -> int:
    from resdebug.analysis.report.registry import SECTIONS

    rows = [(row.name, row.cost.value, row.kind().question) for row in SECTIONS.values()]
    if as_json:
        print(json.dumps([{"section": name, "asked": when, "question": about} for name, when, about in rows], indent=1))
        return 0
    wide = [max(len(row[k]) for row in rows) for k in (0, 1)]
    for name, when, about in rows:
        print(f"{name:<{wide[0]}}  {when:<{wide[1]}}  {about}")
    return 0
