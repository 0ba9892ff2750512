"""Reads the text of a condition into a tree.

::

    condition   either
    either      both ("or" both)*
    both        negated ("and" negated)*
    negated     "not" negated | comparison
    comparison  sum (("<" | "<=" | ">" | ">=" | "==" | "!=" | "~" | "!~") sum)* | sum ["not"] "in" "(" sum, ... ")"
    sum         product (("+" | "-") product)*
    product     sign (("*" | "/" | "%") sign)*
    sign        "-" sign | power
    power       part ["**" sign]
    part        number | "text" | word | word "(" condition, ... ")" | "(" condition ")" | part "." word
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from resdebug.debugger.conditions.tree import (
    Among,
    Arithmetic,
    Both,
    Call,
    Comparison,
    Either,
    Member,
    Negative,
    Not,
    Number,
    Text,
    Tree,
    Word,
    fault,
)
from resdebug.text import visible

LONGEST: Final = 2000
DEEPEST: Final = 40
MOST_PARTS: Final = 400

_TOKEN: Final = re.compile(
    r"""(?P<blank>\s+)
    |(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<word>[^\W\d]\w*)
    |(?P<sign><=|>=|==|!=|!~|\*\*|[-+*/%<>~().,])""",
    re.VERBOSE | re.DOTALL,
)
_COMPARING: Final = frozenset(("<", "<=", ">", ">=", "==", "!=", "~", "!~"))
_RESERVED: Final = frozenset(("and", "or", "not", "in"))
_ADVICE: Final = {
    "=": "to compare, write ==",
    "&": "write and",
    "|": "write or",
    "!": "write not",
    "^": "for a power, write **",
    "[": "a list is written in round brackets",
    "{": "a list is written in round brackets",
    "‖": "a norm is written norm(x)",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int

    def __str__(self) -> str:
        return f'"{visible(self.text, limit=40)}"' if self.kind != "end" else "the end"


def parse(text: str) -> Tree:
    """Return the tree of a condition. Raises BadInput with the column; nothing in it is looked up yet."""
    if len(text) > LONGEST:
        raise fault("C013", f"the condition has {len(text)} characters; {LONGEST} are the most", LONGEST + 1)
    tokens = _tokens(text)
    if len(tokens) == 1:
        raise fault("C010", "the condition is empty", 1, "such as norm(adj) < 1e-7; help conditions tells more")
    if len(tokens) > MOST_PARTS:
        what = f"the condition has {len(tokens)} parts; {MOST_PARTS} are the most"
        raise fault("C013", what, tokens[MOST_PARTS].column)
    reader = _Reader(tokens)
    tree = reader.either()
    if reader.next.kind != "end":
        raise fault("C010", f"{reader.next} was not expected here", reader.next.column, reader.advice())
    return tree


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            char = text[at]
            if char in "\"'":
                raise fault("C010", "a quote is not closed", at + 1)
            hint = _ADVICE.get(char, "")
            raise fault("C010", f'"{visible(char)}" does not belong into a condition', at + 1, hint)
        if match.lastgroup != "blank":
            tokens.append(_Token(match.lastgroup or "", match.group(), at + 1))
        at = match.end()
    return [*tokens, _Token("end", "", len(text) + 1)]


class _Reader:
    """Reads by recursive descent; how deep is counted, so that no text exhausts the stack."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def accept(self, *texts: str) -> _Token | None:
        if self.next.kind in {"sign", "word"} and self.next.text in texts:
            return self.take()
        return None

    def expect(self, text: str, after: str) -> None:
        if not self.accept(text):
            raise fault("C010", f'expected "{text}" {after}, got {self.next}', self.next.column, self.advice())

    def advice(self) -> str:
        if self.next.kind in {"number", "word", "text"} and self.at:
            return f"an operator is missing between {self.tokens[self.at - 1]} and {self.next}"
        return ""

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise fault("C013", f"the condition is nested more than {DEEPEST} deep", self.next.column)

    def either(self) -> Tree:
        self.deeper()
        column = self.next.column
        parts = [self.both()]
        while self.accept("or"):
            parts.append(self.both())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Either(tuple(parts), column)

    def both(self) -> Tree:
        column = self.next.column
        parts = [self.negated()]
        while self.accept("and"):
            parts.append(self.negated())
        return parts[0] if len(parts) == 1 else Both(tuple(parts), column)

    def negated(self) -> Tree:
        token = self.accept("not")
        if token is None:
            return self.comparison()
        self.deeper()
        of = self.negated()
        self.depth -= 1
        return Not(of, token.column)

    def comparison(self) -> Tree:
        column = self.next.column
        first = self.sum()
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else self.next
        if self.next.text == "not" and following.text == "in":
            self.take()
            return Not(self.among(first), column)
        if self.next.kind == "word" and self.next.text == "in":
            return self.among(first)
        others: list[tuple[str, Tree, int]] = []
        while self.next.kind == "sign" and self.next.text in _COMPARING:
            token = self.take()
            others.append((token.text, self.sum(), token.column))
        return Comparison(first, tuple(others), column) if others else first

    def among(self, of: Tree) -> Tree:
        column = self.take().column
        self.expect("(", "after in")
        choices = [self.sum()]
        while self.accept(","):
            choices.append(self.sum())
        self.expect(")", "at the end of the list")
        return Among(of, tuple(choices), column)

    def sum(self) -> Tree:
        return self.chain(("+", "-"), self.product)

    def product(self) -> Tree:
        return self.chain(("*", "/", "%"), self.sign)

    def chain(self, operators: tuple[str, ...], read: Callable[[], Tree]) -> Tree:
        left = read()
        links = 0
        while token := self.accept(*operators):
            links += 1
            if links > DEEPEST:
                raise fault("C013", f"more than {DEEPEST} operations in a row", token.column)
            left = Arithmetic(token.text, left, read(), token.column)
        return left

    def sign(self) -> Tree:
        token = self.accept("-", "+")
        if token is None:
            return self.power()
        self.deeper()
        of = self.sign()
        self.depth -= 1
        return Negative(of, token.column) if token.text == "-" else of

    def power(self) -> Tree:
        base = self.part()
        token = self.accept("**")
        if token is None:
            return base
        self.deeper()
        exponent = self.sign()
        self.depth -= 1
        return Arithmetic("**", base, exponent, token.column)

    def part(self) -> Tree:
        tree = self.plain()
        links = 0
        while token := self.accept("."):
            links += 1
            if links > DEEPEST:
                raise fault("C013", f"more than {DEEPEST} dots in a row", token.column)
            name = self.take()
            if name.kind != "word":
                hint = 'a node\'s name with dots and digits is written in quotes: adj("layer1.0.conv1")'
                raise fault("C010", f"expected a word after the dot, got {name}", name.column, hint)
            tree = Member(tree, name.text, name.column)
        return tree

    def plain(self) -> Tree:
        token = self.take()
        if token.kind == "number":
            value = float(token.text)
            if math.isinf(value):
                raise fault("C010", f"{token} is beyond the range of float64", token.column, "write inf for infinity")
            return Number(value, token.column)
        if token.kind == "text":
            return Text(re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL), token.column)
        if token.text == "(":
            tree = self.either()
            self.expect(")", f"to close the bracket of column {token.column}")
            return tree
        if token.kind != "word" or token.text in _RESERVED:
            what = f"expected a number, a text or a word, got {token}"
            raise fault("C010", what, token.column)
        if not self.accept("("):
            return Word(token.text, token.column)
        arguments: list[Tree] = []
        if not self.accept(")"):
            arguments.append(self.either())
            while self.accept(","):
                arguments.append(self.either())
            self.expect(")", f"after the arguments of {token.text}")
        return Call(token.text, tuple(arguments), token.column)
