"""What a condition is after it was read: a tree, every part of which knows its column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from resdebug.errors import BadInput, Fault, Place


@dataclass(frozen=True, slots=True)
class Number:
    """``1e-7``."""

    value: float
    column: int


@dataclass(frozen=True, slots=True)
class Text:
    """``"relu"``."""

    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Word:
    """``adj``, ``fanout``; also ``true`` and ``false``."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """``norm(adj)``; ``adj.max`` is read as ``max(adj)``."""

    name: str
    arguments: tuple[Tree, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Member:
    """``adj.max``, or the name of a node that has a dot in it."""

    of: Tree
    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Negative:
    """``-x``."""

    of: Tree
    column: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``a + b``, and the like with ``- * / % **``."""

    operator: str
    left: Tree
    right: Tree
    column: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """``a < b <= c``: every neighbouring pair must hold."""

    first: Tree
    others: tuple[tuple[str, Tree, int], ...]
    column: int


@dataclass(frozen=True, slots=True)
class Among:
    """``op in ("relu", "gelu")``."""

    of: Tree
    choices: tuple[Tree, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Not:
    """``not a``."""

    of: Tree
    column: int


@dataclass(frozen=True, slots=True)
class Both:
    """``a and b and c``."""

    parts: tuple[Tree, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Either:
    """``a or b or c``."""

    parts: tuple[Tree, ...]
    column: int


Tree: TypeAlias = (
    Number | Text | Word | Call | Member | Negative | Arithmetic | Comparison | Among | Not | Both | Either
)


def fault(code: str, what: str, column: int, hint: str = "") -> BadInput:
    """Return the error for a fault at a column (from 1) of a condition."""
    return BadInput(Fault(code, f"{what}, at column {column} of the condition", hint, Place(column=column)))


def shifted(error: BadInput, by: int) -> BadInput:
    """Return the error with its place moved to the right, for a condition that stands in a longer line."""
    return BadInput([
        replace(f, place=replace(f.place, column=f.place.column + by)) if f.place.column else f for f in error.faults
    ])  # fmt: skip
