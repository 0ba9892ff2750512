"""``resdebug check``: every VJP against finite differences, and somebody's gradients against ours."""

from __future__ import annotations

import argparse
import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from resdebug.cli.arguments import Parser, count, input_file
from resdebug.cli.progress import ProgressBar
from resdebug.errors import Fault, Place, UsageError, quoted, render
from resdebug.text import human_bytes, plural, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from resdebug.network.model import Network, Node
    from resdebug.passes.protocol import Pass


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    input_file(sub, "a network (node-link JSON), or a trace, whose adjoints are checked")
    sub.add_argument(
        "--against",
        metavar="GRADIENTS",
        help="compare your gradients (.npz, .safetensors, .json, or .pt) with ours, and say which mistake made them",
    )
    sub.add_argument(
        "--template",
        metavar="OUTPUT",
        help="write the names and shapes expected, filled with NaN (.npz, .safetensors, .json); inputs and parameters "
        "unless --node chooses",
    )
    sub.add_argument("--force", action="store_true", help="replace the template if it exists")
    sub.add_argument(
        "--node", action="append", default=[], metavar="GLOB", help="only nodes with names like this; may be repeated"
    )
    sub.add_argument(
        "--elements",
        type=_elements,
        metavar="N",
        help="how many elements to check at each place, or all (10 of a slot, 3 of a node, fewer on big networks)",
    )
    sub.add_argument(
        "--only",
        choices=("local", "global"),
        help="local: each operator by itself; global: the whole rest of the network (both)",
    )
    sub.add_argument("--seed", type=count(0), default=0, metavar="N", help="which elements are drawn (0)")
    sub.add_argument(
        "--tolerance", type=_tolerance, metavar="T", help="most that may differ, relative (follows from the arithmetic)"
    )
    sub.add_argument("--details", action="store_true", help="everything about the worst element of every place")
    sub.add_argument("--json", action="store_true", help="as JSON, every element checked")


def _elements(text: str) -> int:
    return 0 if text == "all" else count(1)(text)


def _tolerance(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1, such as 1e-6")
    return number


def run(options: argparse.Namespace) -> int:
    """Check, compare, or write a template; returns 1 when something is wrong."""
    if options.against is not None and options.template is not None:
        raise UsageError(Fault("U001", "--against and --template do not go together", "write the template first"))
    if options.force and options.template is None:
        raise UsageError(Fault("U001", "--force is for --template", "leave it out"))
    if options.rule != "sum" and (options.against is not None or options.template is not None):
        what = f"--rule {options.rule} makes our own gradients wrong on purpose"
        raise UsageError(Fault("U001", what, "compare with the right ones: leave --rule out"))
    from resdebug.api import open_network

    with ProgressBar() as bar:
        network, recorded = open_network(
            Path(options.file), target=options.target, memory=options.memory, report=bar.report
        )
    if network.warnings:
        print(render(network.warnings, options.diagnostics), file=sys.stderr)
    if options.template is not None:
        return _template(options, network)
    if recorded is not None and options.rule != "sum":
        what = f'a trace is what it is: its rule is "{recorded.rule}"'
        raise UsageError(Fault("U001", what, "leave --rule out"))
    return _against(options, network) if options.against is not None else _check(options, network, recorded)


def _wanted(options: argparse.Namespace, network: Network) -> Callable[[str], bool] | None:
    """Return which nodes ``--node`` chooses; None where it was not given. Raises UsageError when it chooses nothing."""
    if not options.node:
        return None
    from resdebug.network.order import schedule

    plan = schedule(network, options.target)
    names = [network.nodes[i].name for i in plan.reverse]
    chosen = {name for name in names if any(name == glob or fnmatchcase(name, glob) for glob in options.node)}
    if not chosen:
        what = f"no node that takes part in the reverse pass is called {quoted(options.node)}"
        raise UsageError(Fault("A006", what, f"there is {quoted(names)}"))
    return chosen.__contains__


def _check(options: argparse.Namespace, network: Network, recorded: Pass | None) -> int:
    from resdebug.analysis.gradient_check import check_gradients
    from resdebug.analysis.verdicts import Scope
    from resdebug.export.check_text import check_lines

    with ProgressBar() as bar:
        found = check_gradients(
            network,
            target=options.target,
            rule=options.rule,
            wanted=_wanted(options, network),
            elements=options.elements,
            seed=options.seed,
            tolerance=options.tolerance,
            scopes=tuple(scope for scope in Scope if options.only in {None, scope.value}),
            recorded=recorded,
            report=bar.report,
        )
    if options.json:
        print(json.dumps(found.as_json()))
    else:
        print("\n".join(check_lines(found, details=options.details)))
    return 0 if found.passed else 1


def _against(options: argparse.Namespace, network: Network) -> int:
    from resdebug.analysis.comparison import compare_gradients
    from resdebug.api import read_gradients
    from resdebug.cli.comparison_text import comparison_lines
    from resdebug.errors import BadInput

    given = read_gradients(options.against)
    wanted = _wanted(options, network)
    with ProgressBar() as bar:
        try:
            found = compare_gradients(
                network, given, target=options.target, tolerance=options.tolerance, wanted=wanted, report=bar.report
            )
        except BadInput as error:
            if error.faults[0].code != "A001":
                raise
            raise BadInput([fault.located(options.against) for fault in error.faults]) from None
    if found.unknown:
        place = Place(file=options.against)
        faults = [
            Fault("A005", f'"{visible(m.name, limit=60)}" is no node, and is not compared', m.hint, place, "warning")
            for m in found.unknown
        ]
        print(render(faults, options.diagnostics), file=sys.stderr)
    if options.json:
        print(json.dumps(found.as_json()))
    else:
        print("\n".join(comparison_lines(found)))
    return 0 if found.right else 1


def _template(options: argparse.Namespace, network: Network) -> int:
    from resdebug.export.gradient_template import write_template
    from resdebug.export.writing import check_not_source

    output = Path(options.template)
    check_not_source(output, Path(options.file))
    nodes = _expected(options, network)
    size = write_template(nodes, output, force=options.force)
    if options.json:
        expected = {node.name: list(node.shape) for node in nodes}
        print(json.dumps({"file": str(output), "bytes": size, "gradients": expected}))
    else:
        told = f"{plural(len(nodes), 'gradient')} to fill in, all NaN, {human_bytes(size)}"
        print(f"{visible(str(output))}: {told}")
        print(f"then: resdebug check {visible(options.file)} --against {visible(str(output))}")
    return 0


def _expected(options: argparse.Namespace, network: Network) -> Sequence[Node]:
    from resdebug.network.order import schedule

    wanted = _wanted(options, network)
    active = schedule(network, options.target).active
    nodes = [node for node in network.nodes if active[node.index]]
    if wanted is not None:
        return [node for node in nodes if wanted(node.name)]
    return [node for node in nodes if node.is_differentiable_leaf]
