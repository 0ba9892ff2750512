"""The derivation in Markdown, with mathematics as GitHub and GitLab write it: ``$`…`$`` and blocks fenced as ``math``.

In those forms nothing within is taken for markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import IO, Final

from resdebug.analysis.derivation.document import (
    Block,
    Bullets,
    Code,
    Document,
    Drawing,
    Equation,
    Maths,
    Paragraph,
    Piece,
    Section,
    Strong,
    Table,
)
from resdebug.analysis.rails import as_text
from resdebug.export.derivation import document_of
from resdebug.export.registry import Progress, Size
from resdebug.passes.protocol import Pass
from resdebug.version import __version__

LINES: Final = 20
"""Lines of one block of mathematics."""
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|$~#&{}])|(?<=http)(:)|(?<=https)(:)|(?<=www)(\.)")
_BEGINS: Final = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))")


def write(pass_: Pass, stream: IO[bytes], progress: Progress) -> None:
    """Write the derivation of a pass."""
    stream.write(as_markdown(document_of(pass_, progress)).encode("utf-8", "backslashreplace"))


def size(pass_: Pass, _request: object) -> Size:
    """Return the bytes that will be written."""
    return Size(len(as_markdown(document_of(pass_)).encode("utf-8", "backslashreplace")), exact=True)


def as_markdown(document: Document) -> str:
    """Return the document as a page of Markdown."""
    lines = [f"# {_text(document.title)}", ""]
    for block in document.lead:
        lines += _block(block)
    for section in document.sections:
        lines += _section(section, 2)
    return "\n".join([*lines, f"<sub>Written by resdebug {__version__}.</sub>", ""])


def _section(section: Section, depth: int) -> Iterator[str]:
    yield f"{'#' * min(depth, 6)} {_prose(section.title)}"
    yield ""
    for block in section.blocks:
        yield from _block(block)
    for inner in section.sections:
        yield from _section(inner, depth + 1)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _BEGINS.sub(_shielded, _prose(block.prose))
        case Equation():
            yield "\n\n".join(_equations(block))
        case Bullets():
            yield "\n".join(f"- {_prose(item)}" for item in block.items)
        case Table():
            yield from _table(block)
        case Drawing():
            drawn = as_text(block.rails, [glyph for glyph, _, _ in block.rows])
            wide = max(map(len, drawn), default=0)
            rows = [
                f"{line:<{wide}}  {name}  ({about})" for line, (_, name, about) in zip(drawn, block.rows, strict=True)
            ]
            fence = "`" * max(3, 1 + _longest_run("\n".join(rows)))
            yield "\n".join([f"{fence}text", *rows, fence])
            yield ""
            yield _prose(block.legend)
    yield ""


def _equations(block: Equation) -> Iterator[str]:
    for start in range(0, len(block.lines), LINES):
        lines = block.lines[start : start + LINES]
        if len(lines) == 1:
            body = " ".join(part for part in lines[0] if part)
        else:
            inner = " \\\\\n".join(f"{left} & {right}".strip() for left, right in lines)
            body = f"\\begin{{aligned}}\n{inner}\n\\end{{aligned}}"
        # No line of mathematics begins with a fence: each begins with a command, a letter or an ampersand.
        yield f"```math\n{body}\n```"


def _table(table: Table) -> Iterator[str]:
    rules = ["---:" if k in table.numeric else "---" for k in range(len(table.heads))]
    yield _row(_text(head) for head in table.heads)
    yield _row(rules)
    for row in table.rows:
        yield _row(_prose(cell, in_table=True) for cell in row)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _prose(pieces: Iterable[Piece], *, in_table: bool = False) -> str:
    return "".join(_piece(piece, in_table=in_table) for piece in pieces)


def _piece(piece: Piece, *, in_table: bool) -> str:
    match piece:
        case Code(text):
            return _code(text, in_table=in_table)
        case Maths(latex):
            # A backtick would end the formula, and a stroke the cell.
            written = latex.replace("`", "‘")
            return f"$`{written.replace('|', chr(92) + 'vert ') if in_table else written}`$"
        case Strong(text):
            return f"**{_text(text.rstrip())}**{' ' * (len(text) - len(text.rstrip()))}"
        case _:
            return _text(piece)


def _code(text: str, *, in_table: bool) -> str:
    fence = "`" * (1 + _longest_run(text))
    pad = " " if text[:1] in {"`", " "} or text[-1:] in {"`", " "} else ""
    shown = text.replace("|", r"\|") if in_table else text
    return f"{fence}{pad}{shown or '⟨nothing⟩'}{pad}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _text(text: str) -> str:
    """Return text in which nothing is markup, a link or a reference."""
    return _MARKUP.sub(r"\\\g<0>", text)


def _shielded(match: re.Match[str]) -> str:
    """What begins a list or underlines a heading at the start of a line does not after a backslash."""
    if match[2].isdigit():
        return f"{match[1]}{match[2]}\\"
    return f"{match[1]}\\{match[2]}"
