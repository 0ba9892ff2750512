"""The command line's answers, and the table of what is watched."""

from __future__ import annotations

from rich.cells import cell_len

from resdebug.debugger.commands.describing import short
from resdebug.debugger.watches import Watched
from resdebug.text import visible
from resdebug.tui.lines import Line, fit, wrap
from resdebug.tui.session import Session

MOST_LINES = 2000


def transcript_lines(transcript: list[tuple[str, str]], width: int) -> list[Line]:
    """Return commands and answers as lines that fit; what is too long for one goes on in the next."""
    lines: list[Line] = []
    for text, role in transcript[-MOST_LINES:]:
        if cell_len(text) <= width:
            lines.append([(text, role)])
            continue
        indent = " " * (len(text) - len(text.lstrip()) + 4)
        lines += [[(part, role)] for part in wrap(text, width, indent=indent[: width // 2])]
    return lines


def watch_lines(session: Session, width: int) -> list[Line]:
    """Return one line per watched expression: before the last step, and now."""
    rows = session.debugger.watched()
    name = min(max((len(row.text) for row in rows), default=0), width // 2)
    return [_row(row, name) for row in rows]


def _row(row: Watched, name: int) -> Line:
    changed = row.changed
    return [
        (f" {row.number} ", "dim"),
        (fit(visible(row.text, limit=200), name), "strong"),
        (f"  {fit(short(row.before), 12)} ", "dim"),
        ("→ " if changed else "  ", "now"),
        (short(row.now), "now" if changed else ""),
    ]
