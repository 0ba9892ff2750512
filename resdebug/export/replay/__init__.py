"""The replay: the debugger's panes and keys in one self-contained HTML page, forward and backward in time.

The page computes no derivative: everything it shows is the pass's, and it only moves a cursor along its events.
"""

from __future__ import annotations

from typing import IO

from resdebug.export.registry import Progress, Request, Size
from resdebug.export.replay.bounds import choose
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection

_NODE, _EDGE, _FORMULA, _NUMBERS = 34, 44, 70, 40
"""Bytes of a node, an edge, a formula, and of one with numbers."""


def write(pass_: Pass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Write the page. Raises UsageError for a pass that is too long for one."""
    from resdebug.export.replay.collecting import Collector
    from resdebug.export.replay.page import page

    held = choose(pass_, request.selection)
    document = Collector(pass_, request.selection, held).document(progress)
    for piece in page(document):
        stream.write(piece)


def note(pass_: Pass, selection: Selection) -> str:
    """Return what the page leaves out, or nothing. Raises UsageError for a pass that is too long for one."""
    return "; ".join(choose(pass_, selection).notes(pass_, selection))


def size(pass_: Pass, request: Request) -> Size:
    """Estimate the bytes that will be written. Raises UsageError for a pass that is too long for a page."""
    from resdebug.export.replay.page import frame

    held = choose(pass_, request.selection)
    nodes, edges = pass_.network.nodes, len(pass_.network.edges)
    share = held.formulas / max(1, len(nodes))
    total = frame() + held.tensor_bytes + sum(len(node.name) for node in nodes) + _NODE * len(nodes) + _EDGE * edges
    total += round(share * _FORMULA * (len(nodes) + edges))
    total += round(share * _NUMBERS * sum(node.type.size <= 4 for node in nodes))
    return Size(total, exact=False)
