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
"""Columns that a name may take in a table where numbers need the room."""
LEAST: Final = 14
"""Columns that it keeps at least."""
DIGITS: Final = (4, 3, 2)
"""Digits of the numbers in a table: as many as there is room for."""

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
    lines += [""] if report.left_out else []
    for left in report.left_out:
        lines += _wrapped(f"Left out: {left.name}: {visible(left.why, limit=500)}", look, indent="  ")
    return lines


def comparison_text(comparison: Comparison, reports: Sequence[Report], look: Look) -> list[str]:
    """Return two networks in one table, their curves in one plot each, and the findings of both."""
    names = [visible(comparison.first, limit=16), visible(comparison.second, limit=16)]
    lines = _wrapped(f"{visible(comparison.first)} beside {visible(comparison.second)}", look, bold=True)
    rows: list[list[Cell]] = []
    section = ""
    for row in comparison.numbers:
        if row.section != section:
            section = row.section
            rows.append([section, "", "", ""])
        name = "  " + axis_title(row.kind.title, row.kind.unit)
        rows.append([name, row.first, row.second, row.ratio])
    lines += ["", *_columns(["", *names, "second / first"], rows, [False, True, True, True], look)]
    for curve in comparison.curves:
        lines += ["", *_wrapped(curve.kind.about, look), *plot(curve, look.width, colour=look.colour)]
    for name, report in zip((comparison.first, comparison.second), reports, strict=True):
        lines += ["", *_wrapped(f"Findings in {visible(name)}", look, bold=True), *_findings(report.findings, look)]
        lines += [
            line
            for left in report.left_out
            for line in _wrapped(f"Left out: {left.name}: {visible(left.why, limit=500)}", look, indent="  ")
        ]
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
    lines += _columns(titles, shown, right, look)
    more = len(table.rows) - len(shown)
    if more:
        lines.append(f"  … and {plural(more, 'row')} more: --rows 0 shows all, --json holds them")
    return lines


def _title(column: Quantity | Label) -> str:
    """Name a column; a count needs no unit where its name stands above it."""
    if isinstance(column, Label) or column.whole:
        return column.title
    return axis_title(column.title, column.unit)


def _columns(titles: list[str], rows: Sequence[Sequence[Cell]], right: list[bool], look: Look) -> list[str]:
    """Lay out a table within the width.

    Titles are wrapped; where it must be, numbers get fewer digits, then text is shortened in the middle, and in the
    end the table is split into two that both begin with the first column.
    """
    for digits in DIGITS:
        cells = [[_cell(cell, digits) for cell in row] for row in rows]
        widths = _widths(titles, cells, right, look.width)
        if _total(widths) <= look.width:
            return _laid_out(titles, cells, widths, right)
    half = len(titles) // 2 + 1
    if half >= len(titles):
        return _laid_out(titles, cells, widths, right)
    lines: list[str] = []
    for kept in (range(half), [0, *range(half, len(titles))]):
        part = [[row[k] for k in kept] for row in rows]
        lines += _columns([titles[k] for k in kept], part, [right[k] for k in kept], look)
    return lines


def _widths(titles: list[str], cells: list[list[str]], right: list[bool], width: int) -> list[int]:
    words = [max((len(part) for part in title.split()), default=0) for title in titles]
    longest = [max((len(row[k]) for row in cells), default=0) for k in range(len(titles))]
    widths = [
        max(word, length if right[k] else min(length, NAME))
        for k, (word, length) in enumerate(zip(words, longest, strict=True))
    ]
    texts = [k for k, numeric in enumerate(right) if not numeric]
    spare = width - _total(widths)
    for k in texts:
        given = max(0, min(spare, longest[k] - widths[k]))
        widths[k] += given
        spare -= given
    while spare < 0 and texts and max(widths[k] for k in texts) > LEAST:
        widths[max(texts, key=lambda k: widths[k])] -= 1
        spare += 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return 2 * len(widths) + sum(widths)


def _laid_out(titles: list[str], cells: list[list[str]], widths: list[int], right: list[bool]) -> list[str]:
    heads = [textwrap.wrap(title, widths[k]) or [""] for k, title in enumerate(titles)]
    tall = max(map(len, heads))
    lines = [_row([([""] * (tall - len(head)) + head)[k] for head in heads], widths, right) for k in range(tall)]
    lines.append("  " + "  ".join("─" * width for width in widths))
    return lines + [
        _row([visible(cell, limit=widths[k]) for k, cell in enumerate(row)], widths, right) for row in cells
    ]


def _cell(cell: Cell, digits: int = 4) -> str:
    return visible(cell, limit=200) if isinstance(cell, str) else written(cell, digits)


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if numeric else cell.ljust(width)
        for cell, width, numeric in zip(cells, widths, right, strict=True)
    ]
    return ("  " + "  ".join(padded)).rstrip()


def _wrapped(text: str, look: Look, *, indent: str = "", first: str = "", bold: bool = False) -> list[str]:
    lines = textwrap.wrap(text, look.width, initial_indent=first, subsequent_indent=indent) or [""]
    return [look.bold(line) for line in lines] if bold else lines
