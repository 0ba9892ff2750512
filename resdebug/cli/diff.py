"""``resdebug diff``: two passes side by side, up to where they part."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resdebug.cli.arguments import Parser, count, size
from resdebug.cli.progress import ProgressBar
from resdebug.errors import Fault, UsageError, render
from resdebug.text import plural, visible

if TYPE_CHECKING:
    from resdebug.analysis.divergence import Comparison, Divergence
    from resdebug.passes.protocol import Pass

_EPILOG = """\
Errors are relative to the larger of an element's size and the root mean square of its tensor. Without --tolerance two
float64 tensors are the same up to 1e-9, float32 up to 1e-4, whole numbers when equal; what is left of a sum of adjoints
that cancels is the same within what rounding makes of it. Exit codes: 0 the same, 1 different.
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
    sub.add_argument("--most", type=count(1), default=20, metavar="N", help="list at most so many (20)")
    sub.add_argument("--target", metavar="NODE", help="differentiate this node of networks")
    sub.add_argument("--memory", type=size, metavar="SIZE", help="most that tensors may take, such as 4G")
    sub.add_argument(
        "--json", action="store_true", help="one JSON object a line; errors have no unit, gaps are in ulps"
    )


def _tolerance(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a relative error from 0 to 1")
    return number


def run(options: argparse.Namespace) -> int:
    """Compare; says on stdout where the passes part."""
    from resdebug.analysis.divergence import EVERYTHING, Renames, as_json, compare
    from resdebug.passes.protocol import Of

    pairs = []
    for rule in options.map:
        old, equals, new = rule.partition("=")
        if not (old and equals and new):
            raise UsageError(Fault("U001", f'"{visible(rule)}" is no rename', "--map 'old.*=new.*'"))
        pairs.append((old, new))
    try:
        renames = Renames(pairs)
    except ValueError as error:
        raise UsageError(Fault("U001", visible(str(error)), "--map 'old.*=new.*'")) from None
    with ProgressBar() as bar:
        first, second = (_open(name, options, bar) for name in (options.first, options.second))
        comparison = compare(
            first,
            second,
            renames=renames,
            tolerance=options.tolerance,
            only=EVERYTHING if options.only is None else (Of(options.only),),
            nodes=options.nodes,
            everything=options.all,
        )
    for name, pass_ in ((options.first, first), (options.second, second)):
        if pass_.rule != "sum":
            told = (
                f"{visible(name, limit=200)}: its contributions accumulate by {pass_.rule}, which is wrong on purpose"
            )
            print(told, file=sys.stderr)
    if options.json:
        for line in as_json(comparison, everything=options.all):
            print(json.dumps(line))
    else:
        print("\n".join(_as_text(options, comparison)))
    return 0 if comparison.same else 1


def _open(name: str, options: argparse.Namespace, bar: ProgressBar) -> Pass:
    from resdebug.api import open_pass

    pass_ = open_pass(Path(name), target=options.target, memory=options.memory, report=bar.report)
    if pass_.network.warnings:
        print(render(pass_.network.warnings, options.diagnostics), file=sys.stderr)
    return pass_


def _as_text(options: argparse.Namespace, comparison: Comparison) -> list[str]:
    a, b = (visible(name, limit=200) for name in (options.first, options.second))
    lines = []
    for name, only in ((a, comparison.only_first), (b, comparison.only_second)):
        if only:
            shown = ", ".join(visible(node, limit=60) for node in only[: options.most])
            more = f", … and {len(only) - options.most} more" if len(only) > options.most else ""
            lines.append(f"only in {name}: {plural(len(only), 'node')}: {shown}{more}")
    lines += [f'"{visible(node)}" differs: {visible(how)}' for node, how in comparison.rewired[: options.most]]
    if len(comparison.rewired) > options.most:
        lines.append(f"… and {len(comparison.rewired) - options.most} more that differ in operator or inputs")
    divergence = comparison.first
    if divergence is not None:
        lines += ["first divergence in the order of the pass:", *_described(divergence)]
        if options.all:
            lines.append(f"all {plural(len(comparison.divergences), 'divergence')}, the heaviest first:")
            lines += [_row(d) for d in comparison.by_weight()[: options.most]]
            if len(comparison.divergences) > options.most:
                lines.append(f"  … and {len(comparison.divergences) - options.most} more (--most)")
    counts = ", ".join(plural(n, of.value) for of, n in comparison.compared.items())
    lines.append(
        f"compared: {counts}" + ("" if divergence is None or options.all else ", then stopped (--all goes on)")
    )
    if comparison.absent:
        lines.append(f"not compared: {plural(comparison.absent, 'tensor')} that one of the traces does not hold")
    if comparison.worst:
        lines.append(f"largest relative error within tolerance: {comparison.worst:.2g}, {visible(comparison.worst_at)}")
    lines.append(f"{a} and {b} are " + ("the same" if comparison.same else "different"))
    return lines


def _what(d: Divergence) -> str:
    name = f'"{visible(d.node)}"' + (f' ("{visible(d.other)}" in B)' if d.other != d.node else "")
    if d.slot:
        return f'contribution from "{visible(d.consumer)}" (slot {visible(d.slot)}) to {name}'
    return f"{d.of.value} of {name}"


def _described(d: Divergence) -> list[str]:
    lines = [f"  event {d.event}: {_what(d)}"]
    if d.index is not None:
        at = f"[{', '.join(map(str, d.index))}]" if d.index else "  "
        lines.append(f"  {at} A {d.first!r}")
        lines.append(f"  {' ' * len(at)} B {d.second!r}")
        gap = "" if d.ulps is None else f", {d.ulps} ulp" + ("s" if d.ulps != 1 else "")
        lines.append(f"  relative error {d.relative:.3g}{gap}; {d.differing} of {plural(d.elements, 'element')} differ")
    lines += [f"  looks like: {look.kind}: {visible(look.says, limit=300)}" for look in d.looks]
    return lines


def _row(d: Divergence) -> str:
    look = f"  {d.looks[0].kind}" if d.looks else ""
    return f"  {d.weight:9.3g}  {_what(d)}{look}"
