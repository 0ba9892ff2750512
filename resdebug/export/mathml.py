"""Formulas as MathML, from the small part of LaTeX that this package writes.

Converters for all of LaTeX set a name letter by letter and put text into the page unescaped; this one knows few
commands, refuses all others, and escapes every character. MathML Core is what browsers draw without a script; the
few things that it lacks are in ``STYLE``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final

from resdebug.ops.notation import SYMBOLS

_TOKEN: Final = re.compile(r"\\[A-Za-z]+ ?|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.", re.DOTALL)
_LETTERS: Final = {
    latex: symbol for symbol, (_, latex) in SYMBOLS.items() if re.fullmatch(r"\\[A-Za-z]+", latex) and len(symbol) == 1
}
_FENCES: Final = frozenset("()[]|‖⌊⌋")
_OPERATORS: Final = {
    r"\|": "‖", r"\lVert": "‖", r"\rVert": "‖", r"\vert": "|", r"\top": "⊤", r"\backslash": "\\", r"\sim": "~",
    r"\quad": "\u2003", r"\,": "\u2009", r"\;": "\u2005", r"\ ": "\u00a0", r"\cdot": "·", r"\ldots": "…", r"\prod": "∏",
    r"\sum": "∑",
}  # fmt: skip
_IDENTIFIERS: Final = frozenset(("∂", "∞", "α", "β", "γ", "δ", "ε", "λ", "μ", "π", "σ", "φ", "Φ"))
_FUNCTIONS: Final = frozenset(
    (r"\exp", r"\log", r"\max", r"\min", r"\tanh", r"\sin", r"\cos", r"\cosh", r"\sinh", r"\det", r"\arg")
)
_SPACES: Final = {"\u2003": "1em", "\u2009": "0.17em", "\u2005": "0.28em", "\u00a0": "0.35em"}
_PLAIN: Final = {r"\backslash": "\\", r"\sim": "~", r"\hat": "^", r"\ ": "\u00a0"}
_DEEPEST: Final = 100

STYLE: Final = """
math .bar { border-top: .06em solid; padding-top: .12em; } math .unseen { font-size: 0; }
mtd.left { text-align: right; padding: .25em 0; } mtd.right { text-align: left; padding: .25em 0 .25em .3em; }
math .bold { font-weight: bold; }
"""


class NotWritten(ValueError):
    """A command that is not of the small part of LaTeX."""


def mathml(lines: Sequence[tuple[str, str]]) -> str:
    """Return displayed mathematics: lines of two parts, aligned where they meet."""
    if len(lines) == 1:
        return _math(" ".join(part for part in lines[0] if part), display=True)
    rows = "".join(
        f'<mtr><mtd class="left">{_row(left)}</mtd><mtd class="right">{_row(right)}</mtd></mtr>'
        for left, right in lines
    )
    return f'<math display="block"><mtable displaystyle="true">{rows}</mtable></math>'


def inline(latex: str) -> str:
    """Return mathematics within a line."""
    return _math(latex, display=False)


def _math(latex: str, *, display: bool) -> str:
    block = ' display="block"' if display else ""
    return f"<math{block}>{_row(latex)}</math>"


def _row(latex: str) -> str:
    reader = _Reader(latex)
    return _grouped(reader.until(""))


def _grouped(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


class _Reader:
    """Reads LaTeX from left to right."""

    def __init__(self, latex: str) -> None:
        self.tokens: list[str] = [t.rstrip() if len(t) > 2 and t[0] == "\\" else t for t in _TOKEN.findall(latex)]
        self.at = 0
        self.depth = 0

    def next(self) -> str:
        """Return the next token, nothing at the end."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        self.at += 1
        return token

    def peek(self) -> str:
        """Return the next token that is no space, without taking it."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def until(self, *ends: str) -> list[str]:
        """Return the elements up to one of ``ends``, which is taken too; indices go with what they follow."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotWritten("brackets are too deep")
        parts: list[str] = []
        while True:
            token = self.peek()
            self.at += 1
            if token in ends:
                break
            if not token:
                raise NotWritten(f"{ends} is missing")
            if token in {"_", "^"}:
                self._attached(parts, token)
            else:
                part = self._one(token)
                if part:
                    parts.append(part)
        self.depth -= 1
        return parts

    def _attached(self, parts: list[str], token: str) -> None:
        base = parts.pop() if parts else "<mrow></mrow>"
        first = self.group()
        other = ""
        if self.peek() in {"_", "^"} and self.peek() != token:
            self.at += 1
            other = self.group()
        below, above = (first, other) if token == "_" else (other, first)  # noqa: S105 - a subscript
        large = base.startswith(("<munder class", "<mo>∑", "<mo>∏"))
        if large:
            tag = "munderover" if below and above else "munder" if below else "mover"
        else:
            tag = "msubsup" if below and above else "msub" if below else "msup"
        parts.append(f"<{tag}>{base}{below}{above}</{tag}>")

    def group(self) -> str:
        """Return what stands in the next braces, or the next token alone."""
        token = self.peek()
        self.at += 1
        return _grouped(self.until("}")) if token == "{" else self._one(token)  # noqa: S105 - a brace

    def words(self) -> str:
        """Return the text that stands in the next braces, as it is."""
        if self.peek() != "{":
            raise NotWritten("text needs braces")
        self.at += 1
        depth = 1
        out: list[str] = []
        while True:
            token = self.next()
            if not token:
                raise NotWritten("a brace is missing")
            if token == "}":  # noqa: S105 - a brace
                depth -= 1
                if not depth:
                    return "".join(out)
            elif token == "{":  # noqa: S105 - a brace
                depth += 1
            elif token in _PLAIN:
                out.append(_PLAIN[token])
            elif token == r"\text":  # noqa: S105 - a command
                out.append(self.words())
            elif len(token) == 2 and token[0] == "\\":
                out.append(token[1])
            elif len(token) > 2 and token[0] == "\\":
                raise NotWritten(f"{token} in text")
            else:
                out.append(token)

    def _one(self, token: str) -> str:
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha() and len(token) == 1:
            return f"<mi>{escape(token)}</mi>"
        if token[0] != "\\":
            return self._symbol(token)
        if token in _FUNCTIONS:
            return f"<mi>{token[1:]}</mi>"
        if token in _OPERATORS or token in _LETTERS:
            return self._symbol(_OPERATORS.get(token) or _LETTERS[token])
        if len(token) == 2:
            return f"<mo>{escape(token[1])}</mo>"
        return self._command(token)

    def _symbol(self, symbol: str) -> str:
        if symbol == "{":
            return _grouped(self.until("}")) if self.peek() != "}" else self._empty()
        if symbol in _SPACES:
            return f'<mspace width="{_SPACES[symbol]}"></mspace>'
        if symbol in _IDENTIFIERS:
            return f'<mi mathvariant="normal">{symbol}</mi>' if symbol in {"∂", "∞"} else f"<mi>{symbol}</mi>"
        if symbol in _FENCES:
            return f'<mo stretchy="false" form="{_form(symbol)}">{symbol}</mo>'.replace(' form=""', "")
        return f"<mo>{escape('−' if symbol == '-' else symbol)}</mo>"

    def _empty(self) -> str:
        self.at += 1
        return ""

    def _command(self, token: str) -> str:
        match token:
            case r"\mathrm":
                return f'<mi mathvariant="normal">{escape(self.words())}</mi>'
            case r"\operatorname":
                return f"<mi>{escape(self.words())}</mi>"
            case r"\text":
                text = re.sub("^ | $", "\u00a0", self.words())
                return f"<mtext>{escape(text)}</mtext>"
            case r"\mathbf":
                return f'<mn class="bold">{escape(self.words())}</mn>'
            case r"\mathrel":
                return f"<mo>{escape(self.words())}</mo>"
            case r"\frac":
                return f"<mfrac>{self.group()}{self.group()}</mfrac>"
            case r"\sqrt":
                return f"<msqrt>{self.group()}</msqrt>"
            case r"\bar" | r"\overline":
                # No font has a bar that grows with a name: the style sheet draws it, the sign is for reading aloud.
                return f'<mover accent="true"><mrow class="bar">{self.group()}</mrow><mo class="unseen">‾</mo></mover>'
            case r"\hat":
                return f'<mover accent="true">{self.group()}<mo stretchy="false">^</mo></mover>'
            case r"\underbrace":
                return f'<munder class="brace">{self.group()}<mo stretchy="true">⏟</mo></munder>'
            case r"\left":
                return self._fenced()
            case r"\begin":
                return self._matrix()
        raise NotWritten(token)

    def _fenced(self) -> str:
        opening = self._fence()
        inner = "".join(self.until(r"\right"))
        return _between(opening, inner, self._fence())

    def _fence(self) -> str:
        token = self.next()
        if token not in _FENCES:
            raise NotWritten(f"{token} as a fence")
        return token

    def _matrix(self) -> str:
        if self.words() != "bmatrix":
            raise NotWritten("an environment that is no bmatrix")
        rows: list[list[str]] = [[]]
        while True:
            cell, ended = self._cell()
            rows[-1].append(f"<mtd>{cell}</mtd>")
            if ended == r"\\":
                rows.append([])
            elif ended == r"\end":
                self.words()
                break
        body = "".join(f"<mtr>{''.join(row)}</mtr>" for row in rows)
        return _between("[", f"<mtable>{body}</mtable>", "]")

    def _cell(self) -> tuple[str, str]:
        parts = self.until("&", r"\\", r"\end")
        return _grouped(parts), self.tokens[self.at - 1]


def _between(opening: str, inner: str, closing: str) -> str:
    """Return what grows with what is between."""
    left, right = (f'<mo stretchy="true" form="{form}">' for form in ("prefix", "postfix"))
    return f"<mrow>{left}{opening}</mo>{inner}{right}{closing}</mo></mrow>"


def _form(symbol: str) -> str:
    return {"(": "prefix", "[": "prefix", "⌊": "prefix", ")": "postfix", "]": "postfix", "⌋": "postfix"}.get(symbol, "")
