"""A report as one HTML page: no script, nothing loaded from elsewhere, every text escaped.

The page forbids itself everything but its own style sheet, which its policy names by hash (CSP level 3).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Final

from resdebug.analysis.report.comparison import Comparison
from resdebug.analysis.report.structure import Finding, Label, Quantity, Report, Section, Table
from resdebug.export.plot_points import axis_title, written
from resdebug.export.report_text import WORDS
from resdebug.export.svg_plot import plot
from resdebug.text import visible
from resdebug.version import __version__

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5b636b; --paper: #fff; --card: #f5f6f8; --line: #d5d9de;
  --bad: #b3261e; --warn: #8a5a00; --c0: #1f6fb2; --c1: #c4500f; --c2: #2b7a3d; --c3: #7a3fa0; --c4: #9c6b00;
  --c5: #a8325e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #a0a8b0; --paper: #15181b; --card: #1f2327;
  --line: #3a4047; --bad: #ff8a80; --warn: #f3c05a; --c0: #6db3f2; --c1: #ff9a5c; --c2: #7fce91; --c3: #c79be8;
  --c4: #e0b84c; --c5: #f08cb0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 56rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; }
h2 small { font-weight: 400; color: var(--soft); font-size: 1rem; }
p { margin: .4rem 0; } .soft, .note { color: var(--soft); } .note { font-size: .875rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .875rem; margin: .3rem 0 1rem;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .3rem 0; } th, td { padding: .25rem .7rem; text-align: left;
  border-bottom: 1px solid var(--line); vertical-align: baseline; overflow-wrap: normal; }
thead th { vertical-align: bottom; }
td.text, th[scope=row] { overflow-wrap: anywhere; min-width: 7rem; font-weight: 400; }
.number { text-align: right; white-space: nowrap; } th.number { white-space: normal; }
ol.findings { list-style: none; padding: 0; } ol.findings li { background: var(--card); border-left: 4px solid
  var(--soft); padding: .5rem .8rem; margin: .5rem 0; } ol.findings li.fault { border-color: var(--bad); }
ol.findings li.warning { border-color: var(--warn); } li b { text-transform: uppercase; font-size: .75rem;
  letter-spacing: .05em; }
li.fault b { color: var(--bad); } li.warning b { color: var(--warn); }
details summary { cursor: pointer; color: var(--soft); } figure { margin: .8rem 0; } figure > svg { width: 100%;
  height: auto; } figcaption { color: var(--soft); font-size: .875rem; }
svg text { fill: var(--soft); font-size: 12px; } .axis { stroke: var(--soft); } .grid { stroke: var(--line); }
.line { fill: none; stroke-width: 1.8; } .legend { list-style: none; padding: 0; margin: .2rem 0; display: flex;
  flex-wrap: wrap; gap: .3rem 1.2rem; font-size: .875rem; } .ring { fill: none; stroke-width: 1.8; }
""" + "".join(
    f".line.s{k}, .s{k} .ring {{ stroke: var(--c{k}); }} .s{k} .dot {{ fill: var(--c{k}); }}\n" for k in range(6)
)

ROWS: Final = 40
"""Longer tables are folded."""
MOST: Final = 1000
"""Rows that a page shows of a table."""


def as_html(reports: Sequence[Report], comparison: Comparison | None = None) -> str:
    """Return the page for one report, or for two side by side."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    names = " beside ".join(visible(report.network, limit=80) or "network" for report in reports)
    body = [f"<h1>{escape(names)}</h1>"]
    if comparison is not None:
        body += _comparison(comparison)
    for report in reports:
        body += _report(report, named=comparison is not None)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="resdebug {escape(__version__)}">\n'
        f"<title>{escape(names)}: gradient report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _report(report: Report, *, named: bool) -> list[str]:
    source = "" if report.source == "live" else ", recorded"
    rule = "" if report.rule == "sum" else f", under the rule {report.rule}: wrong on purpose"
    parts = [f"<h2>{escape(visible(report.network))}</h2>"] if named else []
    parts.append(f'<p class="soft">target {_text(report.target)}{source}{escape(rule)}</p>')
    parts += _findings(report.findings)
    sections = [line for section in report.sections for line in _section(section)]
    if named:
        about = f"<summary>All sections of {_text(report.network, 80)}</summary>"
        sections = [f"<details>{about}", *sections, "</details>"]
    parts += sections
    parts += [f'<p class="note">Left out: {escape(left.name)}: {_text(left.why, 500)}</p>' for left in report.left_out]
    return parts


def _findings(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return ["<p>Nothing found that needs attention.</p>"]
    items = []
    for finding in findings:
        word = WORDS[finding.weight]
        advice = f"<br>→ {_text(finding.suggestion, 600)}" if finding.suggestion else ""
        items.append(f'<li class="{word}"><b>{word}</b> {_text(finding.what, 600)}{advice}</li>')
    return [f'<ol class="findings">{"".join(items)}</ol>']


def _section(section: Section) -> list[str]:
    kind = section.kind
    parts = [f"<section><h2>{escape(kind.name)} <small>{escape(kind.question)}</small></h2>"]
    if section.numbers:
        rows = "".join(
            f'<tr><th scope="row">{escape(axis_title(number.kind.title, number.kind.unit))}</th>'
            f'<td class="number">{escape(written(number.value))}</td>'
            f'<td class="text">{escape(number.kind.about)}</td></tr>'
            for number in section.numbers
        )
        parts.append(f'<div class="wide"><table><tbody>{rows}</tbody></table></div>')
    parts += [plot(curve) for curve in section.curves]
    parts += [_table(table) for table in section.tables]
    parts += [f'<p class="note">Note: {_text(note, 500)}</p>' for note in section.notes]
    return [*parts, "</section>"]


def _table(table: Table) -> str:
    kind = table.kind
    heads = "".join(
        f'<th scope="col"{_numeric(column)} title="{escape(column.about)}">{escape(_title(column))}</th>'
        for column in kind.columns
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="text">{_text(cell)}</td>'
            if isinstance(cell, str)
            else f'<td class="number">{escape(written(cell))}</td>'
            for cell in row
        )
        + "</tr>"
        for row in table.rows[:MOST]
    )
    if len(table.rows) > MOST:
        more = f"… and {len(table.rows) - MOST:,} rows more: --json holds them"
        rows += f'<tr><td class="text" colspan="{len(kind.columns)}">{more}</td></tr>'
    whole = (
        f'<div class="wide"><table><caption>{escape(kind.about)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    if len(table.rows) <= ROWS:
        return whole
    return f"<details><summary>{escape(kind.about)} {len(table.rows):,} rows</summary>{whole}</details>"


def _comparison(comparison: Comparison) -> list[str]:
    rows = "".join(
        f'<tr><th scope="row">{escape(row.section)}: {escape(axis_title(row.kind.title, row.kind.unit))}</th>'
        + "".join(f'<td class="number">{escape(written(n))}</td>' for n in (row.first, row.second, row.ratio))
        + f'<td class="text">{escape(row.kind.about)}</td></tr>'
        for row in comparison.numbers
    )
    heads = "".join(
        f'<th scope="col" class="number">{_text(name, 60)}</th>'
        for name in (comparison.first, comparison.second, "second / first")
    )
    table = (
        f'<div class="wide"><table><thead><tr><th scope="col">number</th>{heads}<th scope="col">what it is</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )
    return [table, *(plot(curve) for curve in comparison.curves)]


def _numeric(column: Quantity | Label) -> str:
    return "" if isinstance(column, Label) else ' class="number"'


def _title(column: Quantity | Label) -> str:
    return column.title if isinstance(column, Label) else axis_title(column.title, column.unit)


def _text(text: str, limit: int = 200) -> str:
    """Return text from a file: made visible, then escaped."""
    return escape(visible(text, limit=limit))
