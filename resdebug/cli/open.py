"""``resdebug FILE``: the debugger on the screen."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from resdebug.cli.arguments import Parser, input_file, screen_options
from resdebug.errors import Fault, UsageError, render
from resdebug.network import limits
from resdebug.network.source import open_regular
from resdebug.text import visible

if TYPE_CHECKING:
    from resdebug.network.progress import Report
    from resdebug.passes.protocol import Pass
    from resdebug.tui.app import DebuggerApp


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    input_file(sub, "a network (node-link JSON) or a trace", optional=True)
    sub.add_argument("--resume", action="store_true", help="go on where the last session on this file was left")
    sub.add_argument("--beside", metavar="OTHER", help="another network or trace beside it, in step")
    sub.add_argument("--tour", action="store_true", help="a guided tour on a residual block, in ten steps")
    sub.add_argument("--recover", action="store_true", help="take what is whole of a trace that was cut off or damaged")
    screen_options(sub)


def run(options: argparse.Namespace) -> int:
    """Open the debugger; returns its exit code. Raises UsageError without a terminal, MissingInput without a file."""
    if options.tour:
        from resdebug.tui.tour import network_path

        options.file = options.file or str(network_path())
    elif options.file is None:
        raise UsageError(Fault("U001", "no file is named", "resdebug graphs/resblock.json, or resdebug --tour"))
    path = Path(options.file)
    os.close(open_regular(path, limits.GRAPH_FILE_BYTES))
    check_terminal(f"resdebug trace {visible(options.file)} -o trace.jsonl")
    from resdebug.tui.app import run as run_app

    def load(report: Report) -> Pass:
        from resdebug.api import begin_pass

        return begin_pass(
            path,
            target=options.target,
            rule=options.rule,
            memory=options.memory,
            report=report,
            recover=options.recover,
        )

    def key() -> str:
        from resdebug.debugger.state import content_key

        return content_key(path.read_bytes(), options.target or "", options.rule)

    app = run_app(
        load,
        path.name,
        ascii_only=options.ascii or not locale_has_unicode(),
        theme=options.theme,
        mouse=not options.no_mouse,
        tour=options.tour,
        beside=options.beside,
        resume=key if options.resume else None,
        source=path,
    )
    if app.failure is not None:
        print(render(app.failure.faults, options.diagnostics), file=sys.stderr)
        return app.failure.exit_code
    keep(app, key)
    if app.crash is not None:
        from resdebug.cli import report_bug

        return report_bug(app.crash)
    return app.return_code or 0


def keep(app: DebuggerApp, key: Callable[[], str]) -> None:
    """Keep where the person left, for ``--resume``; where that is not possible, they are told."""
    session = app.left
    if session is None:
        return
    from resdebug.debugger.state import save
    from resdebug.errors import IOFailure

    try:
        save(session.debugger, key(), sorted(session.folded))
    except (IOFailure, OSError) as error:
        faults = (
            error.faults if isinstance(error, IOFailure) else [Fault("X004", f"the session cannot be kept: {error}")]
        )
        print(render(faults), file=sys.stderr)


def check_terminal(headless: str) -> None:
    """Raise UsageError when there is no terminal to draw on, or it cannot move its cursor; the hint is what to do."""
    if os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver"):
        return  # a browser is the terminal
    hint = f"without a screen: {headless}"
    for name, stream in (("stdin", sys.stdin), ("stderr", sys.stderr)):
        if stream is None or not stream.isatty():
            raise UsageError(Fault("U002", f"{name} is not a terminal", hint))
    if os.environ.get("TERM", "") in {"dumb", ""} and sys.platform != "win32":
        raise UsageError(Fault("U002", "this terminal cannot draw (TERM is dumb or not set)", hint))


def locale_has_unicode() -> bool:
    """Whether the locale, as far as one is set, is UTF-8."""
    chosen = next((v for v in map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG")) if v), "UTF-8")
    return "utf" in chosen.lower()
