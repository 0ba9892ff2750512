"""``resdebug trace``: the pass without a screen, written to a file."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resdebug.cli.arguments import Parser, input_file, screen_size, seconds
from resdebug.cli.progress import ProgressBar
from resdebug.errors import BadInput, Fault, IOFailure, UsageError, render
from resdebug.text import human_bytes, plural, visible

if TYPE_CHECKING:
    from resdebug.export.registry import Format, Recording, Size, Written
    from resdebug.passes.protocol import Pass
    from resdebug.passes.selection import Selection
    from resdebug.passes.streamed import StreamedPass


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    input_file(sub, "a network (node-link JSON) or a trace")
    sub.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write; - is stdout")
    sub.add_argument(
        "--format",
        metavar="NAME",
        help="jsonl, npz, csv, dot, ...; an unknown name lists them all; without it the suffix decides",
    )
    sub.add_argument(
        "--level",
        choices=("full", "adjoints", "stats"),
        help="full: every number; adjoints: those of adjoints; stats: only statistics of every tensor",
    )
    sub.add_argument(
        "--nodes",
        action="append",
        default=[],
        metavar="PATTERN",
        help="numbers only of these nodes, such as 'layer3.*', and statistics of the others; may be given again",
    )
    sub.add_argument("--inline", action="store_true", help="all numbers in one file, large tensors too (jsonl)")
    sub.add_argument("--recover", action="store_true", help="take what is whole of a trace that was cut off or damaged")
    recording = sub.add_argument_group("recording a session (.cast)")
    recording.add_argument("--size", type=screen_size, metavar="WxH", help="columns and rows of the screen (100x30)")
    recording.add_argument("--pace", type=seconds, metavar="SECONDS", help="time from key to key (1)")
    recording.add_argument("--keys", metavar="KEYS", help="keys to press, such as 'n n 5 s tab'; else n to the end")
    recording.add_argument("--theme", choices=("dark", "light", "contrast", "mono"), help="colours (dark)")
    sub.add_argument("--force", action="store_true", help="replace the output if it exists")
    sub.add_argument("--json", action="store_true", help="say what was written as JSON")


def run(options: argparse.Namespace) -> int:
    """Run and export; says on stdout what was written."""
    from resdebug.export.registry import (
        Request,
        check_room,
        choose_format,
        expected,
        export_files,
        narrowed,
        note,
        register,
        write_to,
    )
    from resdebug.export.writing import check_destination, check_not_source
    from resdebug.passes.selection import selection
    from resdebug.passes.streamed import StreamedPass
    from resdebug.tui.recording import ASCIICAST

    to_stdout = options.output == "-"
    output = None if to_stdout else Path(options.output)
    register(ASCIICAST)
    format_ = choose_format(output, options.format)
    recording = _recording(options, format_)
    if output is not None:
        check_not_source(output, Path(options.file))
        check_destination(output, force=options.force)
    wanted = selection(options.level, options.nodes)
    with ProgressBar() as bar:
        pass_ = _open(options, format_, wanted, bar)
        if pass_.network.warnings:
            print(render(pass_.network.warnings, options.diagnostics), file=sys.stderr)

        def progress(done: int, total: int) -> None:
            bar.report("events", done, total)

        if output is None:
            if sys.stdout is None:
                raise IOFailure(Fault("X004", "stdout is closed", "name a file with -o"))
            request = Request(narrowed(pass_, wanted, format_), recording=recording)
            write_to(pass_, sys.stdout.buffer, format_, request, progress)
            return 0
        size = expected(pass_, output, format_, selection=wanted, inline=options.inline, recording=recording)
        check_room(output, size)
        room = _room(pass_) if isinstance(pass_, StreamedPass) else ""
        for said in (note(pass_, format_, wanted), "" if size is None else f"{size} to write", room):
            if said:
                print(f"{visible(str(output))}: {said}", file=sys.stderr)
        written = export_files(
            pass_,
            output,
            format_,
            force=options.force,
            progress=progress,
            selection=wanted,
            inline=options.inline,
            recording=recording,
        )
    _tell(options, pass_, format_, written, size)
    return 0


def _room(pass_: StreamedPass) -> str:
    """Return how much memory a pass takes that is run while it is written."""
    return f"at most {human_bytes(pass_.needed)} of memory, {human_bytes(pass_.tensors)} of it for tensors"


def _recording(options: argparse.Namespace, format_: Format) -> Recording | None:
    """Return how the screen is recorded. Raises UsageError where something is said of it and nothing is recorded."""
    from resdebug.export.registry import Recording

    said = [name for name in ("size", "pace", "keys", "theme") if getattr(options, name) is not None]
    if not format_.records:
        if said:
            what = f"--{said[0]} is about a recording of the screen, and {format_.name} is none"
            raise UsageError(Fault("U001", what, "end the name in .cast"))
        return None
    usual = Recording()
    columns, rows = options.size or (usual.columns, usual.rows)
    keys = tuple((options.keys or "").split())
    return Recording(columns, rows, options.pace or usual.pace, options.theme or usual.theme, keys)


def _open(options: argparse.Namespace, format_: Format, wanted: Selection, bar: ProgressBar) -> Pass | StreamedPass:
    """Open or run; what does not fit into memory is run while it is written, where the format allows it."""
    from resdebug.api import open_pass, open_streamed
    from resdebug.passes.selection import Level

    path = Path(options.file)
    if wanted.level is Level.STATS and format_.streams and not options.recover:
        return open_streamed(path, target=options.target, rule=options.rule, memory=options.memory, report=bar.report)
    try:
        return open_pass(
            path,
            target=options.target,
            rule=options.rule,
            memory=options.memory,
            report=bar.report,
            recover=options.recover,
        )
    except BadInput as error:
        if not format_.streams or any(fault.code != "S002" for fault in error.faults):
            raise
        pass_ = open_streamed(path, target=options.target, rule=options.rule, memory=options.memory, report=bar.report)
        print(f"{error.faults[0].what}: each part of it is run when it is written", file=sys.stderr)
        return pass_


def _tell(
    options: argparse.Namespace, pass_: Pass | StreamedPass, format_: Format, written: Written, size: Size | None
) -> None:
    """Say what was written."""
    events = len(pass_.events)
    output, _ = written.files[-1]
    if options.json:
        told: dict[str, object] = {"file": str(output), "format": format_.name, "events": events, "bytes": written.size}
        told["rule"] = pass_.rule
        if len(format_.levels) > 1:
            told["level"] = pass_.selection.level.value if options.level is None else options.level
        if size is not None:
            told["expected"] = {"bytes": size.bytes, "exact": size.exact}
        if len(written.files) > 1:
            told["tensors"] = str(written.files[0][0])
        print(json.dumps(told))
        return
    rule = "" if pass_.rule == "sum" else f" (rule {pass_.rule}: wrong on purpose)"
    beside = f", tensors in {visible(written.files[0][0].name)}" if len(written.files) > 1 else ""
    print(f"{visible(str(output))}: {plural(events, 'event')}, {human_bytes(written.size)}{beside}{rule}")
