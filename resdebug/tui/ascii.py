"""The drawing in ASCII, for terminals whose locale or font has nothing else."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from resdebug.text import MACRON
from resdebug.tui.lines import Line

_TABLE = {
    "│": "|", "▕": "|", "┊": ":", "┃": "#", **dict.fromkeys("─╌", "-"), "┄": ".", "━": "=",
    **dict.fromkeys("╮╭┐┌", "."), **dict.fromkeys("╯╰┘└", "'"), **dict.fromkeys("┓┏┛┗┣┫┳┻╋", "#"),
    **dict.fromkeys("├┤┬┴┼⊕", "+"), "●": "*", "◉": "@", "○": "o", "◎": "0", "◌": "o", "◐": "%",
    "✓": "v", "✗": "x", "▶": ">", "◀": "<", "▼": "V", "◂": "<", "▸": ">", "■": "B", "◆": "&", "▲": "^",
    **dict.fromkeys("▀▄█▐", "#"), **dict.fromkeys("▏▎▍", "."), **dict.fromkeys("▌▋", ":"), **dict.fromkeys("▊▉", "#"),
    **dict.fromkeys("▁▂", "."), "▃": ":", **dict.fromkeys("▅▆", "="), "▇": "#",
    "Σ": "S", "∂": "d", "⊙": "*", "⊘": "/", "·": "*", "×": "x", "−": "-", "√": "V", "ᵀ": "T", "∞": "I", "‖": "|",
    "μ": "m", "σ": "s", "²": "2", "…": "~", "→": ">", "↳": "-", "←": "<", "↑": "^", "↓": "v", "≤": "<", "≥": ">",
    "↦": ">", "›": ">", "↱": "-", "≠": "!", "–": "-",
    MACRON: "'",
}  # fmt: skip
_TRANSLATION = {ord(k): v for k, v in _TABLE.items()}
_BARS_AND_GAPS: Final = re.compile(f"{MACRON}|  +")


def to_ascii(text: str) -> str:
    """Return ``text`` in ASCII, a cell for a cell but for adjoints: ``x̄`` becomes ``x'``."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFD", text).translate(_TRANSLATION).encode("ascii", "replace").decode("ascii")


def ascii_line(line: Line) -> Line:
    """Return a line in ASCII, as wide as it was: what adjoints take more is taken from the next gaps."""
    owed = 0

    def paid(found: re.Match[str]) -> str:
        nonlocal owed
        if found[0] == MACRON:
            owed += 1
            return MACRON
        taken = min(owed, len(found[0]) - 1)
        owed -= taken
        return found[0][taken:]

    pieces = [(_BARS_AND_GAPS.sub(paid, unicodedata.normalize("NFD", text)), role) for text, role in line]
    return [(to_ascii(text), role) for text, role in pieces]
