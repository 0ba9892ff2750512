"""The derivation as one HTML page: formulas in MathML, the graph in SVG; no script, nothing loaded from elsewhere.

The page forbids itself everything but its own style sheet, which its policy names by hash (CSP level 3).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
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
from resdebug.analysis.rails import arms
from resdebug.export.derivation import document_of
from resdebug.export.mathml import STYLE as MATHS
from resdebug.export.mathml import inline, mathml
from resdebug.export.registry import Progress, Size
from resdebug.passes.protocol import Pass
from resdebug.version import __version__

STYLE: Final = (
    """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5b636b; --paper: #fff; --card: #f5f6f8; --line: #d5d9de;
  --rail: #1f6fb2; --fork: #c4500f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #a0a8b0; --paper: #15181b; --card: #1f2327;
  --line: #3a4047; --rail: #6db3f2; --fork: #ff9a5c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; margin: 0 0 .4rem; } h2 { font-size: 1.35rem; margin: 2.4rem 0 .4rem;
  border-bottom: 1px solid var(--line); } h3 { font-size: 1.05rem; margin: 1.8rem 0 .3rem; }
p { margin: .5rem 0; } .soft { color: var(--soft); font-size: .875rem; }
code { font: .92em ui-monospace, monospace; background: var(--card); padding: .05em .3em; border-radius: .2em; }
.wide { overflow-x: auto; padding: .1rem 0; } math { font-size: 1.08em; } math[display=block] { margin: .5rem 0; }
table { border-collapse: collapse; font-size: .875rem; margin: .5rem 0 1rem;
  font-variant-numeric: tabular-nums; } th, td { padding: .25rem .7rem; text-align: left; vertical-align: baseline;
  border-bottom: 1px solid var(--line); } th, td { overflow-wrap: normal; }
.number { text-align: right; white-space: nowrap; } th.number { white-space: normal; }
td code { overflow-wrap: normal; }
nav ol { columns: 2 18rem; font-size: .9rem; } a { color: var(--rail); } svg text { fill: var(--ink); font: 13px
  ui-monospace, monospace; } svg .about { fill: var(--soft); font-family: system-ui, sans-serif; }
.rail { stroke: var(--rail); stroke-width: 2; fill: none; } .node { fill: var(--rail); } .fork { fill: var(--fork); }
.ring { fill: var(--paper); stroke: var(--fork); stroke-width: 2; }
"""
    + MATHS
)

STEP: Final = 9
"""Pixels from one cell of the drawing to the next."""
ROW: Final = 22


def write(pass_: Pass, stream: IO[bytes], progress: Progress) -> None:
    """Write the derivation of a pass."""
    stream.write(as_html(document_of(pass_, progress)).encode("utf-8", "xmlcharrefreplace"))


def size(pass_: Pass, _request: object) -> Size:
    """Return the bytes that will be written."""
    return Size(len(as_html(document_of(pass_)).encode("utf-8", "xmlcharrefreplace")), exact=True)


def as_html(document: Document) -> str:
    """Return the document as a page."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = escape(document.title)
    body = [f"<h1>{title}</h1>", *(_block(block) for block in document.lead), *_contents(document)]
    for k, section in enumerate(document.sections, start=1):
        body += _section(section, 2, f"s{k}")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="resdebug {escape(__version__)}">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + f'\n<p class="soft">Written by resdebug {escape(__version__)}.</p>\n</body>\n</html>\n'
    )


def _contents(document: Document) -> list[str]:
    if len(document.sections) < 2:
        return []
    items = "".join(
        f'<li><a href="#s{k}">{_prose(section.title)}</a></li>' for k, section in enumerate(document.sections, start=1)
    )
    return [f'<nav aria-label="Contents"><ol>{items}</ol></nav>']


def _section(section: Section, depth: int, anchor: str) -> Iterator[str]:
    yield f'<section id="{anchor}"><h{min(depth, 6)}>{_prose(section.title)}</h{min(depth, 6)}>'
    yield from (_block(block) for block in section.blocks)
    for k, inner in enumerate(section.sections, start=1):
        yield from _section(inner, depth + 1, f"{anchor}-{k}")
    yield "</section>"


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return f"<p>{_prose(block.prose)}</p>"
        case Equation():
            return f'<div class="wide">{mathml(block.lines)}</div>'
        case Bullets():
            return f"<ul>{''.join(f'<li>{_prose(item)}</li>' for item in block.items)}</ul>"
        case Table():
            return _table(block)
        case Drawing():
            caption = f'<figcaption class="soft">{_prose(block.legend)}</figcaption>'
            return f'<figure class="wide">{_svg(block)}{caption}</figure>'


def _table(table: Table) -> str:
    kinds = [' class="number"' if k in table.numeric else "" for k in range(len(table.heads))]
    heads = "".join(f'<th scope="col"{kind}>{escape(head)}</th>' for head, kind in zip(table.heads, kinds, strict=True))
    rows = "".join(
        "<tr>" + "".join(f"<td{kind}>{_prose(cell)}</td>" for cell, kind in zip(row, kinds, strict=False)) + "</tr>"
        for row in table.rows
    )
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _svg(drawing: Drawing) -> str:
    left = (2 * drawing.rails.columns + 1) * STEP
    height = ROW * len(drawing.rows)
    longest = max((len(name) + len(about) for _, name, about in drawing.rows), default=0)
    parts = []
    for row, (glyph, name, about) in enumerate(drawing.rows):
        middle = ROW * row + ROW // 2
        strokes, marks = [], []
        for k, cell in enumerate(drawing.rails.draw(row, glyph)):
            x = STEP * (k + 1)
            if cell.glyph == glyph:
                marks.append(_mark(glyph, x, middle))
                path = drawing.rails.paths[drawing.rails.path_of[row]]
                if path.top < row:
                    strokes.append(f"M{x} {middle}V{middle - ROW // 2}")
                if row < path.bottom:
                    strokes.append(f"M{x} {middle}V{middle + ROW // 2}")
                continue
            for dx, dy in arms(cell.glyph):
                strokes.append(f"M{x} {middle}h{dx * STEP}" if dx else f"M{x} {middle}v{-dy * ROW // 2}")
        parts.append(f'<path class="rail" d="{"".join(strokes)}"></path>{"".join(marks)}')
        parts.append(
            f'<text x="{left + 6}" y="{middle + 4}">{escape(name)} <tspan class="about">{escape(about)}</tspan></text>'
        )
    width = left + 8 * longest + 40
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
        f"<title>The computational graph, one row a node</title>{''.join(parts)}</svg>"
    )


def _mark(glyph: str, x: int, y: int) -> str:
    match glyph:
        case "◉":
            ring = f'<circle class="ring" cx="{x}" cy="{y}" r="6"></circle>'
            return f'{ring}<circle class="fork" cx="{x}" cy="{y}" r="3"></circle>'
        case "⊕":
            cross = f"M{x - 6} {y}h12M{x} {y - 6}v12"
            return f'<circle class="ring" cx="{x}" cy="{y}" r="6"></circle><path class="rail" d="{cross}"></path>'
        case "■":
            return f'<rect class="node" x="{x - 5}" y="{y - 5}" width="10" height="10"></rect>'
    return f'<circle class="node" cx="{x}" cy="{y}" r="4.5"></circle>'


def _prose(pieces: Iterable[Piece]) -> str:
    return "".join(_piece(piece) for piece in pieces)


def _piece(piece: Piece) -> str:
    match piece:
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Maths(latex):
            return inline(latex)
        case Strong(text):
            return f"<strong>{escape(text)}</strong>"
        case _:
            return escape(piece)
