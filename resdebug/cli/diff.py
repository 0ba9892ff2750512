"""``resdebug diff``: two passes side by side, up to where they part."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resdebug.cli.arguments import Parser, count, screen_options, size
from resdebug.cli.progress import ProgressBar
from resdebug.errors import Fault, UsageError, render
from resdebug.text import plural, visible

if TYPE_CHECKING:
    from resdebug.analysis.divergence.found import Comparison, Divergence
    from resdebug.analysis.divergence.renames import Renames
    from resdebug.analysis.divergence.walk import Report, Walk
    from resdebug.passes.protocol import Pass

MOST: Final = 20
"""Divergences that are listed unless more are asked for."""
_INTERRUPTED: Final = 130
_EPILOG = """\
Errors are relative to the larger of an element's size and the root mean square of its tensor. Without --tolerance two
float64 tensors are the same up to 1e-9, float32 up to 1e-4, whole numbers when equal; what is left of a sum of adjoints
that cancels is the same within what rounding makes of it. Exit codes: 0 the same, 1 different, with --screen too (130
when left before that was known).
"""


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    sub.formatter_class = argparse.RawDescriptionHelpFormatter
    sub.epilog = _EPILOG
    sub.add_argument("first", metavar="A", help="a network (it is run) or a trace: what is right")
    sub.add_argument("second", metavar="B", help="a network or a trace, also one captured elsewhere")
    sub.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="what a node of A is called in B, such as 'old.*=new.*'; may be given again, the first that fits counts",
    )
    sub.add_argument("--tolerance", type=_tolerance, metavar="X", help="largest relative error that is none")
    only = sub.add_mutually_exclusive_group()
    only.add_argument("--values-only", action="store_const", const="value", dest="only", help="the forward pass alone")
    only.add_argument("--adjoints-only", action="store_const", const="adjoint", dest="only", help="adjoints alone")
    only.add_argument(
        "--contributions-only", action="store_const", const="contribution", dest="only", help="contributions alone"
    )
    sub.add_argument("--nodes", action="append", default=[], metavar="PATTERN", help="only these nodes of A")
    sub.add_argument("--all", action="store_true", help="do not stop at the first divergence; list all by weight")
    sub.add_argument("--most", type=count(1), metavar="N", help="list at most so many (20)")
    sub.add_argument("--target", metavar="NODE", help="differentiate this node of networks")
    sub.add_argument("--memory", type=size, metavar="SIZE", help="most that tensors may take, such as 4G")
    sub.add_argument(
        "--json", action="store_true", help="one JSON object a line; errors have no unit, gaps are in ulps"
    )
    screen = sub.add_argument_group("on the screen")
    screen.add_argument(
        "--screen", action="store_true", help="both passes side by side, in step, where they part first; q leaves"
    )
    screen_options(screen)


def _tolerance(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a relative error from 0 to 1")
    return number


def run(options: argparse.Namespace) -> int:
    """Compare; says on stdout where the passes part, or shows it. Raises as opening both does, UsageError, BadInput."""
    renames = _renames(options.map)
    if options.screen:
        return _on_screen(options, renames)
    from resdebug.analysis.divergence.plain import as_json

    with ProgressBar() as bar:
        first, second = (_open(name, options, bar.report) for name in (options.first, options.second))
        _warn(options, first, second)
        walk = _walk(options, renames, first, second)
        walk.go_on(bar.report, everything=options.all)
    comparison = walk.result
    if options.json:
        for line in as_json(comparison, everything=options.all):
            print(json.dumps(line))
    else:
        print("\n".join(_as_text(options, comparison)))
    return 0 if comparison.same else 1


def _on_screen(options: argparse.Namespace, renames: Renames) -> int:
    """Show both passes side by side; returns whether they differ. Raises UsageError without a terminal."""
    from resdebug.cli import report_bug
    from resdebug.cli.open import check_terminal, locale_has_unicode
    from resdebug.network import limits
    from resdebug.network.source import open_regular

    useless = next((name for name in ("json", "all", "most") if getattr(options, name)), None)
    if useless:
        raise UsageError(Fault("U001", f"--{useless} is about what is printed, and --screen prints nothing"))
    for name in (options.first, options.second):
        os.close(open_regular(Path(name), limits.GRAPH_FILE_BYTES))
    check_terminal(f"resdebug diff {visible(options.first)} {visible(options.second)}, without --screen")
    from resdebug.tui.app import Opposite
    from resdebug.tui.app import run as run_app

    def opposite(first: Pass, report: Report) -> Walk:
        walk = _walk(options, renames, first, _open(options.second, options, report))
        walk.go_on(report, everything=False)
        return walk

    app = run_app(
        lambda report: _open(options.first, options, report),
        Path(options.first).name,
        ascii_only=options.ascii or not locale_has_unicode(),
        theme=options.theme,
        mouse=not options.no_mouse,
        source=Path(options.first),
        opposite=Opposite(Path(options.second).name, opposite, options.second),
    )
    if app.failure is not None:
        print(render(app.failure.faults, options.diagnostics), file=sys.stderr)
        return app.failure.exit_code
    if app.crash is not None:
        return report_bug(app.crash)
    if app.walk is None:
        print("left before the passes were compared", file=sys.stderr)
    if app.walk is None or app.return_code:
        return app.return_code or _INTERRUPTED
    _warn(options, app.walk.a, app.walk.b)
    return 0 if app.walk.result.same else 1


def _renames(maps: list[str]) -> Renames:
    """Read what nodes are called in the other pass. Raises UsageError."""
    from resdebug.analysis.divergence.renames import Renames

    hint = "--map 'old.*=new.*'"
    pairs = []
    for rule in maps:
        old, equals, new = rule.partition("=")
        if not (old and equals and new):
            raise UsageError(Fault("U001", f'"{visible(rule)}" is no rename', hint))
        pairs.append((old, new))
    try:
        return Renames(pairs)
    except ValueError as error:
        raise UsageError(Fault("U001", visible(str(error)), hint)) from None


def _walk(options: argparse.Namespace, renames: Renames, first: Pass, second: Pass) -> Walk:
    """Return the walk through both passes, at its beginning."""
    from resdebug.analysis.divergence.found import EVERYTHING
    from resdebug.analysis.divergence.walk import Walk
    from resdebug.passes.protocol import Of

    only = EVERYTHING if options.only is None else (Of(options.only),)
    return Walk(first, second, renames=renames, tolerance=options.tolerance, only=only, nodes=options.nodes)


def _open(name: str, options: argparse.Namespace, report: Report) -> Pass:
    from resdebug.api import open_pass

    return open_pass(Path(name), target=options.target, memory=options.memory, report=report)


def _warn(options: argparse.Namespace, *passes: Pass) -> None:
    """Say on stderr what is to be known of the passes."""
    for name, pass_ in zip((options.first, options.second), passes, strict=True):
        if pass_.network.warnings:
            print(render(pass_.network.warnings, options.diagnostics), file=sys.stderr)
        if pass_.rule != "sum":
            told = (
                f"{visible(name, limit=200)}: its contributions accumulate by {pass_.rule}, which is wrong on purpose"
            )
            print(told, file=sys.stderr)


def _as_text(options: argparse.Namespace, comparison: Comparison) -> list[str]:
    from resdebug.analysis.divergence.telling import counts, rest, structure

    a, b = (visible(name, limit=200) for name in (options.first, options.second))
    most = options.most or MOST
    lines = structure(comparison, a, b, most)
    divergence = comparison.first
    if divergence is not None:
        lines += ["first divergence in the order of the pass:", *_described(divergence)]
        if options.all:
            lines.append(f"all {plural(len(comparison.divergences), 'divergence')}, the heaviest first:")
            lines += [_row(d) for d in comparison.by_weight()[:most]]
            if len(comparison.divergences) > most:
                lines.append(f"  … and {len(comparison.divergences) - most} more (--most)")
    stopped = "" if divergence is None or options.all else ", then stopped (--all goes on)"
    lines += [f"compared: {counts(comparison)}{stopped}", *rest(comparison)]
    far = ", as far as both hold it" if comparison.same and comparison.absent + comparison.by_statistics else ""
    lines.append(f"{a} and {b} are " + (f"the same{far}" if comparison.same else "different"))
    return lines


def _described(d: Divergence) -> list[str]:
    from resdebug.analysis.divergence.telling import distance, looks, place, what

    lines = [f"  event {d.event}: {what(d)}"]
    if d.index is not None:
        at = place(d) or "  "
        lines += [f"  {at} A {d.first!r}", f"  {' ' * len(at)} B {d.second!r}", f"  {distance(d)}"]
    return lines + [f"  looks like: {text}" for text in looks(d)]


def _row(d: Divergence) -> str:
    from resdebug.analysis.divergence.telling import what

    look = f"  {d.looks[0].kind}" if d.looks else ""
    return f"  {d.weight:9.3g}  {what(d)}{look}"
