"""Mermaid: a flowchart as GitHub and many wikis draw it, forks as hexagons, blocks as boxes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO, Final

from resdebug.export.drawing import Arrow, Drawing, Drawn, arrow_label, estimate, node_lines
from resdebug.export.registry import Progress, Request, Size
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.text import visible

MOST_EDGES: Final = 500
"""What Mermaid draws unless its host allows more."""
_PLAIN: Final = re.compile(r"[^\w .,:/=+()|-]|^ | $")
"""What is written as a number; all else cannot end a label, or be taken for markup."""


def write(pass_: Pass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Write the flowchart. Adjoints flow against the arrows; a thick line is the skip of a block."""
    drawing = Drawing(pass_, request.selection)
    total, done = len(drawing.chosen) + len(drawing.edges), 0
    stream.write(b"flowchart TD\n")
    for number, (block, members) in enumerate(drawing.blocks().items()):
        if block:
            stream.write(f"subgraph b{number}[{quoted([block])}]\n".encode())
        for drawn in members:
            stream.write(_node(drawn).encode())
            done += 1
            progress(done, total)
        if block:
            stream.write(b"end\n")
    for arrow in drawing.arrows():
        stream.write(_edge(arrow).encode())
        done += 1
        progress(done, total)


def note(pass_: Pass, selection: Selection) -> str:
    """Return what whoever asks for the chart should know, or nothing."""
    edges = len(Drawing(pass_, selection).edges)
    if edges <= MOST_EDGES:
        return ""
    return f"Mermaid draws {MOST_EDGES} edges unless its host allows more, and this has {edges}: choose with --nodes"


def size(pass_: Pass, request: Request) -> Size:
    """Estimate the bytes that will be written."""
    return estimate(pass_, request.selection, _node, _edge)


def _node(drawn: Drawn) -> str:
    begin, end = ("{{", "}}") if drawn.fork else ("([", "])") if drawn.node.is_leaf else ("[", "]")
    return f"{drawn.id}{begin}{quoted(node_lines(drawn))}{end}\n"


def _edge(arrow: Arrow) -> str:
    line = "-.->" if arrow.contribution is None else "==>" if arrow.way == "skip" else "-->"
    return f"{arrow.source} {line}|{quoted([arrow_label(arrow)])}| {arrow.consumer}\n"


def quoted(lines: Iterable[str]) -> str:
    """Return lines of text as a quoted label in which whatever could be markup is written as a number."""
    return '"' + "<br/>".join(_PLAIN.sub(_numbered, visible(line)) for line in lines) + '"'


def _numbered(match: re.Match[str]) -> str:
    return f"#{ord(match.group())};"


def content(pass_: Pass, selection: Selection) -> str:
    """Return what would be in the file."""
    return Drawing(pass_, selection).content()
