"""DOT, for Graphviz: the network from its inputs down, norms on nodes and edges, blocks as boxes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import IO

from resdebug.export.drawing import Arrow, Drawing, Drawn, arrow_label, estimate, node_lines
from resdebug.export.registry import Progress, Request, Size
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.text import visible


def write(pass_: Pass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Write the graph. Adjoints flow against the arrows; a thicker line carries a larger contribution."""
    drawing = Drawing(pass_, request.selection)
    blocks = drawing.blocks()
    total, done = len(drawing.chosen) + len(drawing.edges), 0
    title = quoted([pass_.network.name, drawing.about()])
    head = f'digraph {{\ngraph [label={title}, labelloc=t, rankdir=TB]\nnode [shape=box, fontname="monospace"]\n'
    stream.write(head.encode())
    stream.write(b'edge [fontname="monospace", fontsize=10]\n')
    for number, (block, members) in enumerate(blocks.items()):
        if block:
            stream.write(f"subgraph cluster_{number} {{\nlabel={quoted([block])}\n".encode())
        for drawn in members:
            stream.write(_node(drawn).encode())
            done += 1
            progress(done, total)
        if block:
            stream.write(b"}\n")
    for arrow in drawing.arrows():
        stream.write(_edge(arrow).encode())
        done += 1
        progress(done, total)
    stream.write(b"}\n")


def size(pass_: Pass, request: Request) -> Size:
    """Estimate the bytes that will be written."""
    return estimate(pass_, request.selection, _node, _edge)


def _node(drawn: Drawn) -> str:
    style = ", peripheries=2" if drawn.fork else ""
    if drawn.node.is_leaf:
        style += ", shape=ellipse"
    if drawn.adjoint is None:
        style += ", style=dashed"
    return f"{drawn.id} [label={quoted(node_lines(drawn))}{style}]\n"


def _edge(arrow: Arrow) -> str:
    style = ", style=dashed" if arrow.contribution is None else ""
    if arrow.way == "skip":
        style += ", style=bold"
    if arrow.contribution is not None and 0 < arrow.contribution < math.inf:
        style += f", penwidth={min(6.0, max(0.5, 3 + math.log10(arrow.contribution))):.2f}"
    return f"{arrow.source} -> {arrow.consumer} [label={quoted([arrow_label(arrow)])}{style}]\n"


def quoted(lines: Iterable[str]) -> str:
    """Return lines of text as a quoted string in which nothing is an escape, an entity or markup."""
    escaped = (
        visible(line).replace("\\", "\\\\").replace("&", "&amp;").replace('"', '\\"').replace("<", "&lt;")
        for line in lines
    )
    return '"' + "\\n".join(escaped) + '"'


def content(pass_: Pass, selection: Selection) -> str:
    """Return what would be in the file."""
    return Drawing(pass_, selection).content()
