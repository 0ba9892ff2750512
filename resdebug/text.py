"""The one gate through which text from a file passes before anybody sees it.

Names, descriptions and messages may come from strangers. What a terminal could act upon (control characters,
escape sequences, bidirectional and zero-width controls, lone surrogates) is made visible as ``⟨U+202E⟩``; the
original text stays untouched for files.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

MACRON = "\u0304"
ELLIPSIS = "…"


def visible(text: str, *, limit: int = 200, keep: str = "") -> str:
    """Return ``text`` with every unprintable character spelled out, shortened in the middle to ``limit`` characters.

    Characters in ``keep`` (say, a newline) pass as they are.
    """
    text = _shortened(text, limit)
    if text.isprintable():
        return text
    return _shortened("".join(c if c.isprintable() or c in keep else f"⟨U+{ord(c):04X}⟩" for c in text), limit)


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return text[: limit - 1 - tail] + ELLIPSIS + text[len(text) - tail :]


def adjoint_of(name: str) -> str:
    """Write the adjoint of ``name``: ``x`` gives ``x̄``, ``x1`` gives ``x̄1``, ``conv1`` gives ``conv1̄``."""
    if len(name) > 1 and name[0].isalpha() and name[1:].isdigit():
        return unicodedata.normalize("NFC", name[0] + MACRON) + name[1:]
    return name[:-1] + unicodedata.normalize("NFC", name[-1:] + MACRON)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint naming the nearest of ``known``, or all of them when they are few, or nothing."""
    words = list(known)
    close = difflib.get_close_matches(word[:100], words, n=1, cutoff=0.6) if len(words) <= 5000 else []
    if close:
        return f'did you mean "{visible(close[0])}"?'
    if 0 < len(words) <= 12:
        return "there is: " + ", ".join(visible(w, limit=60) for w in words)
    return ""


def plural(count: int, noun: str, many: str = "") -> str:
    """Return ``1 node``, ``2 nodes``; ``many`` is the plural where an s is not enough."""
    return f"{count} {noun}" if count == 1 else f"{count} {many or noun + 's'}"


def human_bytes(count: float) -> str:
    """Return a number of bytes in binary units with three digits: ``1.46 MiB``."""
    if count >= 1 << 100:
        return f"2^{int(count).bit_length() - 1} B"
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    unit = 0
    while count >= 1024 and unit < len(units) - 1:
        count /= 1024
        unit += 1
    digits = 0 if unit == 0 or count >= 99.95 else 1 if count >= 9.995 else 2
    number = f"{count:.{digits}f}"
    return f"{number.rstrip('0').rstrip('.') if digits else number} {units[unit]}"
