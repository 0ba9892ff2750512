"""Formulas as LaTeX mathematics.

A word right before a bracket is a function, a single letter a variable, any other word prose. ``a / b`` becomes a
fraction of the two factors beside the stroke, ``√`` takes the factor after it, ``^`` the next number, name or bracket.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from resdebug.ops.notation import HAT, SYMBOLS, Kind, Token
from resdebug.text import MACRON

_KNOWN = frozenset(("exp", "log", "max", "min", "tanh", "sin", "cos", "cosh", "sinh", "det", "arg"))
_RAISED = frozenset(("²", "³", "ᵀ", "⁻¹"))
_BRACKETS = {"(": ")", "[": "]", "|": "|", "‖": "‖", "⌊": "⌋"}
_PREFIXES = frozenset(("√", "−", "Σ", "Π"))
_SPECIAL = {
    "\\": r"\backslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&",
    "^": r"\hat{}", "~": r"\sim{}", " ": "\\ ", MACRON: "",
}  # fmt: skip
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


def name(text: str) -> str:
    """Write a node's or slot's name upright; a single letter stays a variable."""
    if len(text) == 1 and text.isascii() and text.isalpha():
        return text
    return rf"\mathrm{{{escaped(text)}}}"


def adjoint(text: str) -> str:
    """Write the adjoint of a name: a bar over it."""
    single = len(text) == 1 and text.isascii() and text.isalpha()
    return rf"\bar{{{text}}}" if single else rf"\overline{{{name(text)}}}"


def escaped(text: str) -> str:
    """Write text so that LaTeX shows it in mathematics and does nothing else with it.

    Letters beyond ASCII are set as text: mathematics has no accents and no other scripts.
    """
    return _FOREIGN.sub(r"\\text{\g<0>}", "".join(_SPECIAL.get(c, c) for c in text))


def write(kept: Sequence[Token], words: Mapping[str, str]) -> str:
    """Write tokens as LaTeX mathematics; ``words`` holds LaTeX for every placeholder among them."""
    return _Writer(kept, words).sequence(0, len(kept)).strip()


class _Writer:
    """Writes tokens as LaTeX mathematics, brackets and factors by recursion over ranges of tokens."""

    def __init__(self, kept: Sequence[Token], words: Mapping[str, str]) -> None:
        self.kept = kept
        self.words = words
        self.closing: dict[int, int] = {}
        self.opening: dict[int, int] = {}
        stack: list[int] = []
        for i, token in enumerate(kept):
            if token.kind is not Kind.SYMBOL:
                continue
            if stack and token.text == _BRACKETS[kept[stack[-1]].text]:
                self.closing[stack[-1]] = i
                self.opening[i] = stack.pop()
            elif token.text in _BRACKETS:
                stack.append(i)
        self.fractions = {
            self.left(i): (i, self.right(i + 1))
            for i, token in enumerate(kept)
            if token == (Kind.SYMBOL, "/") and self.left(i) is not None
        }

    def sequence(self, start: int, end: int) -> str:
        """Write the tokens from ``start`` to before ``end``."""
        out: list[str] = []
        i = start
        while i < end:
            stroke, after = self.fractions.get(i, (end, end))
            if stroke < end and after <= end:
                out.append(rf"\frac{{{self.bare(i, stroke)}}}{{{self.bare(stroke + 1, after)}}}")
                i = after
            else:
                i = self.one(i, end, out)
        return "".join(out)

    def bare(self, start: int, end: int) -> str:
        """Write a factor without the round brackets that a fraction or a root makes needless."""
        while start < end and self.kept[start].kind is Kind.SPACE:
            start += 1
        while end > start and self.kept[end - 1].kind is Kind.SPACE:
            end -= 1
        if self.kept[start].text == "(" and self.closing.get(start) == end - 1:
            return self.sequence(start + 1, end - 1)
        inner = _Writer(self.kept[start:end], self.words)
        return inner.sequence(0, end - start)

    def one(self, i: int, end: int, out: list[str]) -> int:
        """Write the token at ``i`` and what belongs to it; return where the next one starts."""
        kind, text = self.kept[i]
        following = self.kept[i + 1].text if i + 1 < end else ""
        if kind is Kind.PLACE:
            out.append(self.words[text])
        elif kind is Kind.NUMBER:
            out.append(r"\mathbf{1}" if text == "1" and following == "[" else text)
        elif kind is Kind.WORD and self.stands_alone(i, end):
            out.append(_variable(text))
        elif kind is Kind.WORD:
            return self.prose(i, end, out)
        elif text in {"√", "^"} and i + 1 < end:
            after = self.right(i + 1)
            out.append(rf"{SYMBOLS[text][1]}{{{self.bare(i + 1, after)}}}")
            return after
        elif kind is Kind.SYMBOL:
            written = SYMBOLS[text][1]
            letters = written[-1].isalpha() and following[:1].isalpha()
            out.append(written + " " * letters)
        elif kind is Kind.SPACE:
            out.append(r" \quad " if len(text) > 1 else " ")
        return i + 1

    def stands_alone(self, i: int, end: int) -> bool:
        """Whether a word is a function or a variable, not prose."""
        text = self.kept[i].text
        following = self.kept[i + 1].text if i + 1 < end else ""
        return len(text.strip(HAT)) == 1 or following in {"(", "[", *_RAISED} or _operator(text)

    def prose(self, i: int, end: int, out: list[str]) -> int:
        """Write a run of ordinary words with the spaces around it, which mathematics would drop."""
        words = []
        while i < end and (
            self.kept[i].kind is Kind.SPACE or (self.kept[i].kind is Kind.WORD and not self.stands_alone(i, end))
        ):
            words.append(self.kept[i].text)
            i += 1
        before = " " if out and out[-1] == " " else ""
        if before:
            out.pop()
        out.append(rf"\text{{{before}{''.join(words)}}}")
        return i

    def left(self, stroke: int) -> int | None:
        """Return where the factor before a stroke starts, None where there is none."""
        i = stroke - 1
        while i >= 0 and self.kept[i].kind is Kind.SPACE:
            i -= 1
        while i >= 0:
            token = self.kept[i]
            if token.kind is Kind.SYMBOL and token.text in _RAISED:
                i -= 1
            elif i in self.opening:
                i = self.opening[i]
                if not (i and self.kept[i - 1].kind in {Kind.PLACE, Kind.WORD, Kind.NUMBER}):
                    return i
                i -= 1
            elif token.kind in {Kind.PLACE, Kind.WORD, Kind.NUMBER}:
                return i
            else:
                return None
        return None

    def right(self, i: int) -> int:
        """Return where the factor that starts at or after ``i`` ends."""
        while i < len(self.kept) and self.kept[i].kind is Kind.SPACE:
            i += 1
        if i < len(self.kept) and self.kept[i].text in _PREFIXES:
            return self.right(i + 1)
        i = self.closing.get(i, i) + 1
        while i < len(self.kept) and (self.kept[i].text in _RAISED or i in self.closing):
            i = self.closing.get(i, i) + 1
        return i


def _operator(word: str) -> bool:
    return word in _KNOWN


def _variable(word: str) -> str:
    if HAT in word:
        return rf"\hat{{{word.replace(HAT, '')}}}"
    if len(word) == 1:
        return word
    return f"\\{word}" if _operator(word) else rf"\operatorname{{{word}}}"
