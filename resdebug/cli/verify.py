"""``resdebug verify``: a trace checked rule by rule."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from resdebug.cli.arguments import Parser, count
from resdebug.cli.progress import ProgressBar
from resdebug.errors import Fault, UsageError
from resdebug.text import plural, visible

if TYPE_CHECKING:
    from resdebug.verification.report import Report
    from resdebug.verification.rules import Finding

_EPILOG = """\
Exit codes: 0 every rule holds, 1 a rule is broken, 65 the file is no whole trace (cut off, a line that is not as it
was written), 66 it is not there. Additions must agree bit for bit, and so must derivations that round once or not at
all; the others up to 16 times what rounding explains to first order in the trace's own precision.
"""


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    sub.formatter_class = argparse.RawDescriptionHelpFormatter
    sub.epilog = _EPILOG
    sub.add_argument("file", metavar="TRACE", nargs="?", help="a trace (JSON Lines, or one JSON document)")
    sub.add_argument("--rules", action="store_true", help="list the rules, and check nothing")
    sub.add_argument("--exhaustive", action="store_true", help="derive every element of large convolutions too")
    sub.add_argument("--most", type=count(1), default=20, metavar="N", help="show at most so many findings (20)")
    sub.add_argument("--json", action="store_true", help="all findings and counts as JSON")


def run(options: argparse.Namespace) -> int:
    """Check; says on stdout what was found."""
    from resdebug.verification.rules import RULES

    if options.rules:
        if options.json:
            print(json.dumps({"rules": [{"rule": rule, "says": says} for rule, says in RULES.items()]}, indent=1))
        else:
            print("\n".join(f"{rule}  {says}" for rule, says in RULES.items()))
        return 0
    if options.file is None:
        raise UsageError(Fault("U001", "no trace is named", "resdebug verify trace.jsonl"))
    from resdebug.verification.verifier import BUDGET, verify

    with ProgressBar() as bar:
        report = verify(options.file, budget=0 if options.exhaustive else BUDGET, report=bar.report)
    print(json.dumps(_as_json(options.file, report)) if options.json else _as_text(options, report))
    return report.exit_code


def _as_json(file: str, report: Report) -> dict[str, object]:
    return {
        "file": file,
        "holds": report.holds,
        "findings": [finding.as_json() for finding in report.findings],
        "more_findings": report.more,
        "events": report.events,
        "ledgers": report.ledgers,
        "contributions": report.contributions,
        "values": report.values,
        "derived": dict(report.derived),
        "sampled": dict(report.sampled),
        "not_derived": dict(report.not_derived),
        "elements_not_judged": report.open,
        "notes": report.notes,
    }


def _as_text(options: argparse.Namespace, report: Report) -> str:
    lines = [_line(options.file, finding) for finding in report.findings[: options.most]]
    hidden = len(report.findings) - options.most + report.more if len(report.findings) > options.most else report.more
    if hidden:
        lines.append(f"… and {plural(hidden, 'more finding')} (--most, --json)")
    lines += _looked_at(report)
    lines += [f"note: {note}" for note in report.notes]
    name = visible(options.file, limit=500)
    if report.holds:
        lines.append(f"{name}: every rule holds")
    else:
        rules = ", ".join(sorted({finding.rule for finding in report.findings}))
        found = plural(len(report.findings) + report.more, "finding")
        lines.append(f"{name}: {found}; broken: {rules} (resdebug verify --rules)")
    return "\n".join(lines)


def _line(file: str, finding: Finding) -> str:
    place = visible(file, limit=500) + (f":{finding.line}" if finding.line else "")
    parts = [f"event {finding.event}"] if finding.event is not None else []
    if finding.node:
        parts.append(f'"{visible(finding.node)}"' + (f" slot {visible(finding.slot)}" if finding.slot else ""))
    about = f" {', '.join(parts)}:" if parts else ""
    line = f"{place}: {finding.rule}:{about} {finding.what}"
    if finding.index is not None:
        at = f"[{', '.join(map(str, finding.index))}]" if finding.index else "it"
        line += f"\n  {at} is {finding.found!r}, derived {finding.expected!r}"
        line += f", rounding explains {finding.allowed:.1e}" if finding.allowed else ", and must be equal"
    return line


def _looked_at(report: Report) -> list[str]:
    derived, values = report.derived["contributions"], report.derived["values"]
    contributions = plural(report.contributions, "contribution")
    added = f"{plural(report.events, 'event')}; {plural(report.ledgers, 'ledger')} of {contributions} added again"
    computed = f"{values} of {plural(report.values, 'value')} (leaves are given, not computed)"
    lines = [added, f"derived again: {derived} of {contributions}, {computed}"]
    if report.sampled:
        kinds = ", ".join(f"{op} {n}" for op, n in sorted(report.sampled.items()))
        lines.append(f"of large ones only some channels: {kinds} (--exhaustive takes all)")
    for reason, n in sorted(report.not_derived.items()):
        lines.append(f"not re-derived: {plural(n, 'tensor')}: {reason}")
    if report.open:
        lines.append(f"not judged: {plural(report.open, 'element')} that come of infinities or NaN")
    return lines
