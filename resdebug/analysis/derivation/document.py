"""What a derivation consists of: prose with mathematics in it, equations, tables, a drawing.

Mathematics is LaTeX of the small part that ``resdebug.ops.latex`` writes. All other text is as it is: names from files
have been through ``visible``, and whoever writes a format escapes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from resdebug.analysis.rails import Rails


@dataclass(frozen=True, slots=True)
class Code:
    """A name, or a command, to be set as code."""

    text: str


@dataclass(frozen=True, slots=True)
class Maths:
    """Mathematics within a line."""

    latex: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that matter."""

    text: str


Piece: TypeAlias = str | Code | Maths | Strong
Prose: TypeAlias = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Prose."""

    prose: Prose


@dataclass(frozen=True, slots=True)
class Equation:
    """Lines of mathematics, each of two parts that are aligned where they meet; a part may be empty."""

    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[Prose, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads; ``numeric`` are the columns that are set to the right."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Prose, ...], ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Drawing:
    """The graph on rails: per row the node's glyph, its name, and what it is."""

    rails: Rails
    rows: tuple[tuple[str, str, str], ...]
    legend: Prose


Block: TypeAlias = Paragraph | Equation | Bullets | Table | Drawing


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what stands under it, and the sections within."""

    title: Prose
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The whole: a plain title, a warning where the pass is wrong on purpose, the sections."""

    title: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]


def paragraph(*pieces: Piece) -> Paragraph:
    """Return prose of pieces."""
    return Paragraph(pieces)


def listed(pieces: Sequence[Piece], separator: str = ", ") -> Prose:
    """Return pieces with a separator between them."""
    told: list[Piece] = []
    for k, piece in enumerate(pieces):
        told += [separator, piece] if k else [piece]
    return tuple(told)
