"""Lines of styled text, as panes are written: plain data, so that they are tested without a screen.

Text is taken as it is, never as markup. Whatever came from a file has passed ``resdebug.text.visible`` before.
"""

from __future__ import annotations

from typing import TypeAlias

from rich.cells import cell_len, set_cell_size

Piece: TypeAlias = tuple[str, str]
"""Text and its role; the theme says what a role looks like."""
Line: TypeAlias = list[Piece]

ROLES = (
    "dim", "strong", "accent", "skip", "branch", "sum", "good", "bad", "head", "now", "lit", "travel", "selected",
    "negative", "positive", "cursor", "link", "found",
)  # fmt: skip


def width(line: Line) -> int:
    """Return how many terminal cells a line takes."""
    return sum([len(text) if text.isascii() else cell_len(text) for text, _ in line])


def text(line: Line) -> str:
    """Return a line without its roles."""
    return "".join(piece for piece, _ in line)


def fit(content: str, cells: int) -> str:
    """Return ``content`` in exactly so many cells, cut with an ellipsis when it is longer."""
    if cells <= 0:
        return ""
    taken = cell_len(content)
    if taken <= cells:
        return content + " " * (cells - taken)
    if cell_len(content.rstrip(" ")) <= cells:
        return set_cell_size(content, cells)
    return set_cell_size(content, cells - 1) + "…"


def shorten(name: str, cells: int) -> str:
    """Return a name in at most so many cells; what stands before its last dots goes first: ``…attention.k_split``."""
    if cell_len(name) <= cells:
        return name
    rest = name
    while "." in rest:
        rest = rest.partition(".")[2]
        if rest and cell_len(rest) < cells:
            return f"…{rest}"
    return fit(name, cells).rstrip(" ")


def wrap(content: str, cells: int, *, indent: str = "", most: int = 0) -> list[str]:
    """Break ``content`` at spaces into lines of at most ``cells``; later ones start with ``indent``.

    With ``most`` lines allowed, the last one ends in an ellipsis when there was more.
    """
    lines: list[str] = []
    current = content[: len(content) - len(content.lstrip())]
    for word in content.split():
        trial = f"{current} {word}" if current.strip() else current + word
        if cell_len(trial) <= cells or not current.strip():
            current = trial
        else:
            lines.append(current)
            current = indent + word
    lines.append(current)
    if most and len(lines) > most:
        lines = [*lines[: most - 1], fit(lines[most - 1] + " …" * cells, cells)]
    return [fit(line, cells) if cell_len(line) > cells else line for line in lines]


def between(left: Line, right: Line, cells: int) -> Line:
    """Return ``left`` and ``right`` set to the two ends of a line; the left one gives way."""
    room = cells - width(right) - 1
    return [*cut(left, room), (" " * max(1, cells - width(right) - min(width(left), max(room, 0))), ""), *right]


def cut(line: Line, cells: int) -> Line:
    """Return a line shortened to at most so many cells."""
    result: Line = []
    for content, role in line:
        taken = len(content) if content.isascii() else cell_len(content)
        if taken > cells:
            if cells > 0:
                result.append((fit(content, cells), role))
            break
        result.append((content, role))
        cells -= taken
    return result
