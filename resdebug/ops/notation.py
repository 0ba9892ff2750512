"""The notation of formulas: Unicode mathematics, read as tokens, so that it can be written in other forms too.

A formula is written once, as text with placeholders: ``{x}`` is the value in slot x, ``{x̄}`` its adjoint, ``{y}`` and
``{ȳ}`` the operator's own, ``{stride}`` an attribute. What stands in ``⟦ ⟧`` is left out when a placeholder in it
names an empty slot. The rest is numbers, words, and the symbols of one table; any other symbol is refused.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

HAT: Final = "\u0302"
OPEN, CLOSE = "⟦", "⟧"

SYMBOLS: Final[dict[str, tuple[str, str]]] = {
    "⊙": (".*", r"\odot"), "⊘": ("./", r"\oslash"), "·": ("*", r"\cdot"), "×": ("x", r"\times"),
    "⊗": ("(x)", r"\otimes"),
    "−": ("-", "-"), "+": ("+", "+"), "±": ("+-", r"\pm"), "=": ("=", "="), "≠": ("!=", r"\neq"),
    "+=": ("+=", r"\mathrel{+}="),
    "<": ("<", "<"), ">": (">", ">"), "≤": ("<=", r"\leq"), "≥": (">=", r"\geq"), "≈": ("~=", r"\approx"),
    "∈": ("in", r"\in"), "→": ("->", r"\to"), "↦": ("|->", r"\mapsto"), "¬": ("not ", r"\neg"),
    "∧": ("and", r"\wedge"), "∨": ("or", r"\vee"),
    "Σ": ("sum", r"\sum"), "Π": ("prod", r"\prod"), "√": ("sqrt", r"\sqrt"), "∂": ("d", r"\partial"),
    "∞": ("inf", r"\infty"), "…": ("...", r"\ldots"),
    "‖": ("||", r"\|"), "|": ("|", "|"), "⌊": ("floor(", r"\lfloor"), "⌋": (")", r"\rfloor"),
    "α": ("alpha", r"\alpha"), "β": ("beta", r"\beta"), "γ": ("gamma", r"\gamma"), "δ": ("delta", r"\delta"),
    "ε": ("eps", r"\varepsilon"), "λ": ("lambda", r"\lambda"), "μ": ("mu", r"\mu"), "π": ("pi", r"\pi"),
    "σ": ("sigma", r"\sigma"), "φ": ("phi", r"\varphi"), "Φ": ("Phi", r"\Phi"),
    "²": ("^2", "^{2}"), "³": ("^3", "^{3}"), "ᵀ": ("^T", r"^{\top}"), "⁻¹": ("^-1", "^{-1}"),
    "^": ("^", "^"), "/": ("/", "/"), ",": (",", ","), ";": (";", ";"), ":": (":", ":"),
    "'": ("'", "'"), ".": (".", "."),
    "(": ("(", "("), ")": (")", ")"), "[": ("[", "["), "]": ("]", "]"),
}  # fmt: skip
"""Every symbol of the notation, in ASCII and in LaTeX; elementwise operations have a dot, as in Matlab and Julia."""


class Kind(enum.Enum):
    """What a token is."""

    PLACE = enum.auto()
    NUMBER = enum.auto()
    WORD = enum.auto()
    SYMBOL = enum.auto()
    SPACE = enum.auto()
    OPTIONAL = enum.auto()


class Token(NamedTuple):
    """One piece of a formula; a placeholder's text is the name that it stands for, adjoints with their macron."""

    kind: Kind
    text: str


_SYMBOL = "|".join(map(re.escape, sorted(SYMBOLS, key=len, reverse=True)))
_TOKEN = re.compile(
    r"\{(?P<PLACE>[^{}]+)\}|(?P<SPACE>[ ]+)|(?P<NUMBER>[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)|(?P<OPTIONAL>[⟦⟧])"
    rf"|(?P<WORD>[A-Za-z]+(?:[0-9]+|{HAT})?)|(?P<SYMBOL>{_SYMBOL})"
)


@cache
def tokens(text: str) -> tuple[Token, ...]:
    """Read a formula. Raises ValueError at a symbol that the notation does not have."""
    text = unicodedata.normalize("NFD", text).replace("=\u0338", "≠")
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ValueError(f"{text[at]!r} at {at} of {text!r} is no symbol of the notation")
        found.append(Token(Kind[match.lastgroup], match[match.lastgroup]))
        at = match.end()
    return tuple(found)


def present(text: str, words: Mapping[str, str]) -> list[Token]:
    """Return the tokens without the optional parts that name a placeholder for which there is no word."""
    kept: list[Token] = []
    part: list[Token] | None = None
    for token in tokens(text):
        if token.text == OPEN:
            part = []
        elif token.text == CLOSE and part is not None:
            if all(t.text in words for t in part if t.kind is Kind.PLACE):
                kept += part
            part = None
        else:
            (kept if part is None else part).append(token)
    return kept
