"""Formulas filled with the names (or numbers) of a real node, in Unicode, ASCII or LaTeX.

All forms are made from the same tokens, so that they name the same things.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping, Sequence

from resdebug.ops import latex
from resdebug.ops.notation import HAT, SYMBOLS, Kind, Token, present, tokens
from resdebug.text import MACRON, adjoint_of


class Form(enum.Enum):
    """How a formula is written."""

    UNICODE = "unicode"
    ASCII = "ascii"
    LATEX = "latex"


def placeholders(template: str) -> set[str]:
    """Return the names that a template speaks of; an adjoint counts as ``x`` + macron."""
    return {token.text for token in tokens(template) if token.kind is Kind.PLACE}


def bar(name: str) -> str:
    """Return the placeholder of the adjoint of slot ``name``."""
    return name + MACRON


def fill(template: str, words: Mapping[str, str], form: Form = Form.UNICODE) -> str:
    """Replace every placeholder by its word, itself in ``form``; drop optional parts whose words are missing.

    Raises KeyError when a placeholder outside an optional part has no word.
    """
    kept = present(template, words)
    return latex.write(kept, words) if form is Form.LATEX else _plain(kept, words, form)


def generic(template: str, form: Form = Form.UNICODE) -> str:
    """Fill a template with the placeholders' own names."""
    named = placeholders(template) - SYMBOLS.keys()
    return fill(template, {p: adjoint(p[:-1], form) if p.endswith(MACRON) else name(p, form) for p in named}, form)


def name(text: str, form: Form) -> str:
    """Write the name of a node or slot."""
    return latex.name(text) if form is Form.LATEX else text


def adjoint(text: str, form: Form) -> str:
    """Write the adjoint of a node or slot: ``x̄``, ``x'``, ``\\bar{x}``."""
    if form is Form.LATEX:
        return latex.adjoint(text)
    return adjoint_of(text) if form is Form.UNICODE else f"{text}'"


def setting(text: str, form: Form) -> str:
    """Write an attribute's value, or any word that an operator hands out, in ``form``."""
    if form is Form.UNICODE:
        return text
    try:
        return fill(text.replace("-", "−"), {}, form)
    except (ValueError, KeyError):
        return latex.name(text) if form is Form.LATEX else text


def _plain(kept: Sequence[Token], words: Mapping[str, str], form: Form) -> str:
    out = []
    for i, (kind, text) in enumerate(kept):
        if kind is Kind.PLACE:
            out.append(words[text])
        elif form is Form.UNICODE:
            out.append(unicodedata.normalize("NFC", text))
        elif kind is Kind.SYMBOL:
            written = SYMBOLS[text][0]
            out.append(written)
            # "sum x" needs the gap that "Σx" does not.
            following = kept[i + 1].kind if i + 1 < len(kept) else Kind.SPACE
            if written.isalpha() and following not in {Kind.SPACE, Kind.SYMBOL}:
                out.append(" ")
        else:
            out.append(text.replace(HAT, "hat"))
    return "".join(out)
