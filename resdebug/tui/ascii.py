"""The drawing in ASCII, for terminals whose locale or font has nothing else."""

from __future__ import annotations

import unicodedata

from resdebug.text import MACRON

_TABLE = {
    **dict.fromkeys("│┃┊", "|"), **dict.fromkeys("─━", "-"),
    **dict.fromkeys("╮╭┐┌┓┏", "."), **dict.fromkeys("╯╰┘└┛┗", "'"),
    **dict.fromkeys("├┤┬┴┼┣┫┳┻╋⊕", "+"), **dict.fromkeys("●◉", "*"), **dict.fromkeys("○◎◌", "o"), "◐": "%",
    "✓": "v", "✗": "x", "▶": ">", "◂": "<", "▸": ">", "■": "#", "◆": "^", "▲": "^", "▀": "#", "█": "#",
    **dict.fromkeys("▏▎▍▌▋▊▉", ":"), **dict.fromkeys("▁▂▃", "."), **dict.fromkeys("▄▅▆▇", ":"),
    "Σ": "S", "∂": "d", "⊙": "*", "⊘": "/", "·": "*", "×": "x", "−": "-", "√": "V", "ᵀ": "T", "∞": "I", "‖": "|",
    "μ": "m", "σ": "s", "²": "2", "…": "~", "→": ">", "↳": "-", "←": "<", "↑": "^", "↓": "v", "≤": "<", "≥": ">",
    "↦": ">", "›": ">", "↱": "-", "≠": "!", "╌": "-", "▐": "#", "–": "-",
    MACRON: "'",
}  # fmt: skip
_TRANSLATION = {ord(k): v for k, v in _TABLE.items()}


def to_ascii(text: str) -> str:
    """Return ``text`` in ASCII, a cell for a cell; an adjoint ``x̄`` becomes ``x'``."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFD", text).translate(_TRANSLATION).encode("ascii", "replace").decode("ascii")
