"""A report as text for a terminal or a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from resdebug.analysis.report.comparison import Comparison
from resdebug.analysis.report.structure import Cell, Finding, Label, Quantity, Report, Section, Table, Weight
from resdebug.export.plot_points import axis_title, written
from resdebug.export.terminal_plot import plot
from resdebug.text import plural, visible

NAME: Final = 26
"""Columns that a name may take in a table, at most."""

_BOLD, _RED, _YELLOW, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m"

WORDS: Final = {Weight.FAULT: "fault", Weight.WARNING: "warning", Weight.NOTE: "note"}


@dataclass(frozen=True, slots=True)
class Look:
    """How a report is laid out: its width in columns, with colour or without, how many rows of a table."""

    width: int = 80
    colour: bool = False
    rows: int = 12
    """Rows of a table that are shown; 0 shows all."""

    def bold(self, text: str) -> str:
        """Return a heading."""
        return f"{_BOLD}{text}{_PLAIN}" if self.colour else text

    def weighed(self, weight: Weight, text: str) -> str:
        """Return a word in the colour of its weight."""
        code = {Weight.FAULT: _BOLD + _RED, Weight.WARNING: _YELLOW, Weight.NOTE: ""}[weight]
        return f"{code}{text}{_PLAIN}" if self.colour and code else text


def as_text(report: Report, look: Look) -> list[str]:
    """Return the lines of a report: findings first, then the sections."""
    source = "" if report.source == "live" else ", recorded"
    rule = "" if report.rule == "sum" else f", rule {report.rule} (wrong on purpose)"
    title = f"{visible(report.network) or 'network'}: target {visible(report.target, limit=60)}{source}{rule}"
    lines = [*_wrapped(title, look, bold=True), "", *_findings(report.findings, look)]
    for section in report.sections:
        lines += ["", *_section(section, look)]
    for left in report.left_out:
        lines += ["", *_wrapped(f"{left.name}: left out: {visible(left.why, limit=500)}", look)]
    return lines


def comparison_text(comparison: Comparison, reports: Sequence[Report], look: Look) -> list[str]:
    """Return two networks in one table, their curves in one plot each, and the findings of both."""
    names = [visible(comparison.first, limit=16), visible(comparison.second, limit=16)]
    lines = _wrapped(f"{visible(comparison.first)} beside {visible(comparison.second)}", look, bold=True)
    rows: list[list[str]] = []
    section = ""
    for row in comparison.numbers:
        if row.section != section:
            section = row.section
            rows.append([section, "", "", ""])
        name = "  " + axis_title(row.kind.title, row.kind.unit)
        rows.append([name, written(row.first), written(row.second), written(row.ratio)])
    lines += ["", *_columns(["", *names, "second / first"], rows, [False, True, True, True], look)]
    for curve in comparison.curves:
        lines += ["", *_wrapped(curve.kind.about, look), *plot(curve, look.width, colour=look.colour)]
    for name, report in zip((comparison.first, comparison.second), reports, strict=True):
        lines += ["", *_wrapped(f"Findings in {visible(name)}", look, bold=True), *_findings(report.findings, look)]
        lines += [line for left in report.left_out for line in _wrapped(f"{left.name}: left out: {left.why}", look)]
    return lines


def _findings(findings: Sequence[Finding], look: Look) -> list[str]:
    if not findings:
        return _wrapped("Nothing found that needs attention.", look)
    lines: list[str] = []
    for finding in findings:
        word = WORDS[finding.weight]
        body = _wrapped(f"{word}: {visible(finding.what, limit=600)}", look, indent="  ")
        lines.append(body[0].replace(word, look.weighed(finding.weight, word), 1))
        lines += body[1:]
        if finding.suggestion:
            lines += _wrapped(f"→ {visible(finding.suggestion, limit=600)}", look, indent="    ", first="  ")
    return lines


def _section(section: Section, look: Look) -> list[str]:
    kind = section.kind
    lines = _wrapped(f"{kind.name}: {kind.question}", look, bold=True)
    if section.numbers:
        width = max(len(axis_title(number.kind.title, number.kind.unit)) for number in section.numbers)
        for number in section.numbers:
            name = axis_title(number.kind.title, number.kind.unit)
            lines += _wrapped(f"{name:<{width}}  {written(number.value)}", look, first="  ", indent="    ")
    for table in section.tables:
        lines += ["", *_table(table, look)]
    for curve in section.curves:
        lines += ["", *_wrapped(curve.kind.about, look), *plot(curve, look.width, colour=look.colour)]
    for note in section.notes:
        lines += _wrapped(f"Note: {visible(note, limit=500)}", look, indent="  ")
    return lines


def _table(table: Table, look: Look) -> list[str]:
    kind = table.kind
    lines = _wrapped(kind.about, look)
    if not table.rows:
        return [*lines, "  (none)"]
    shown = table.rows if not look.rows else table.rows[: look.rows]
    titles = [_title(column) for column in kind.columns]
    right = [isinstance(column, Quantity) for column in kind.columns]
    lines += _columns(titles, [[_cell(cell) for cell in row] for row in shown], right, look)
    more = len(table.rows) - len(shown)
    if more:
        lines.append(f"  … and {plural(more, 'row')} more: --rows 0 shows all, --json and HTML hold them")
    return lines


def _title(column: Quantity | Label) -> str:
    return column.title if isinstance(column, Label) else axis_title(column.title, column.unit)


def _cell(cell: Cell) -> str:
    return visible(cell, limit=200) if isinstance(cell, str) else written(cell)


def _columns(titles: list[str], rows: list[list[str]], right: list[bool], look: Look) -> list[str]:
    """Lay out a table within the width: titles are wrapped, and text is shortened in the middle where it must be."""
    widths = []
    for k, title in enumerate(titles):
        longest = max((len(row[k]) for row in rows), default=0)
        word = max((len(part) for part in title.split()), default=0)
        widths.append(max(min(longest, NAME) if not right[k] else longest, word))
    room = look.width - 2 - 2 * (len(widths) - 1)
    texts = [k for k, numeric in enumerate(right) if not numeric]
    spare = room - sum(widths)
    if texts and spare > 0:
        for k in texts:
            wish = max(len(row[k]) for row in rows) - widths[k]
            given = max(0, min(spare, wish))
            widths[k] += given
            spare -= given
    while spare < 0 and texts and max(widths[k] for k in texts) > 8:
        widest = max(texts, key=lambda k: widths[k])
        widths[widest] -= 1
        spare += 1
    heads = [textwrap.wrap(title, widths[k]) or [""] for k, title in enumerate(titles)]
    tall = max(map(len, heads))
    lines = [_row([([""] * (tall - len(head)) + head)[k] for head in heads], widths, right) for k in range(tall)]
    lines.append("  " + "  ".join("─" * width for width in widths))
    shortened = [[visible(cell, limit=widths[k]) for k, cell in enumerate(row)] for row in rows]
    return lines + [_row(row, widths, right) for row in shortened]


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if numeric else cell.ljust(width)
        for cell, width, numeric in zip(cells, widths, right, strict=True)
    ]
    return ("  " + "  ".join(padded)).rstrip()


def _wrapped(text: str, look: Look, *, indent: str = "", first: str = "", bold: bool = False) -> list[str]:
    lines = textwrap.wrap(text, look.width, initial_indent=first, subsequent_indent=indent) or [""]
    return [look.bold(line) for line in lines] if bold else lines
