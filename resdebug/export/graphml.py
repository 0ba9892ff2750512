"""GraphML: the network with the norms of adjoints and contributions, for networkx, yEd, Gephi, Cytoscape.

The schema: http://graphml.graphdrawing.org/specification.html. Characters that XML 1.0 cannot say are made visible.
"""

from __future__ import annotations

import json
import math
from typing import IO, Any, Final
from xml.sax.saxutils import escape, quoteattr

from resdebug.export.drawing import Arrow, Drawing, Drawn, estimate
from resdebug.export.registry import Progress, Request, Size
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.text import visible

_NODE: Final = {
    "label": "string", "op": "string", "shape": "string", "dtype": "string", "block": "string", "attributes": "string",
    "takes_part": "boolean", "fork": "boolean", "join": "boolean", "adjoint_norm": "double",
}  # fmt: skip
_EDGE: Final = {"slot": "string", "contribution_norm": "double", "share": "double", "way": "string"}
_GRAPH: Final = {"name": "string", "target": "string", "rule": "string", "digest": "string"}


def write(pass_: Pass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Write the graph; holds one element at a time."""
    drawing = Drawing(pass_, request.selection)
    total, done = len(drawing.chosen) + len(drawing.edges), 0
    stream.write(b"<?xml version='1.0' encoding='utf-8'?>\n")
    stream.write(b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
    for domain, keys in (("graph", _GRAPH), ("node", _NODE), ("edge", _EDGE)):
        for name, kind in keys.items():
            key = f'<key id="{domain}_{name}" for="{domain}" attr.name="{name}" attr.type="{kind}"/>\n'
            stream.write(key.encode())
    stream.write(b'<graph edgedefault="directed">\n')
    about = {"name": pass_.network.name, "target": pass_.target, "rule": pass_.rule, "digest": pass_.digest()}
    stream.write(_data("graph", about).encode())
    for done, drawn in enumerate(drawing.nodes(), start=1):
        stream.write(_node(drawn).encode())
        progress(done, total)
    for done, arrow in enumerate(drawing.arrows(), start=len(drawing.chosen) + 1):
        stream.write(_edge(arrow).encode())
        progress(done, total)
    stream.write(b"</graph>\n</graphml>\n")


def size(pass_: Pass, request: Request) -> Size:
    """Estimate the bytes that will be written."""
    return estimate(pass_, request.selection, _node, _edge, head=1700)


def _node(drawn: Drawn) -> str:
    return f"<node id={quoteattr(drawn.id)}>{_data('node', _of_node(drawn))}</node>\n"


def _edge(arrow: Arrow) -> str:
    ends = f"id={quoteattr(arrow.id)} source={quoteattr(arrow.source)} target={quoteattr(arrow.consumer)}"
    return f"<edge {ends}>{_data('edge', _of_edge(arrow))}</edge>\n"


def _of_node(drawn: Drawn) -> dict[str, Any]:
    node = drawn.node
    return {
        "label": node.name, "op": node.op, "shape": json.dumps(node.shape), "dtype": node.dtype, "block": node.block,
        "attributes": json.dumps(node.attributes), "takes_part": drawn.takes_part, "fork": drawn.fork,
        "join": drawn.join, "adjoint_norm": drawn.adjoint,
    }  # fmt: skip


def _of_edge(arrow: Arrow) -> dict[str, Any]:
    return {
        "slot": arrow.edge.slot, "contribution_norm": arrow.contribution, "share": arrow.share,
        "way": arrow.way or None,
    }  # fmt: skip


def _data(domain: str, items: dict[str, Any]) -> str:
    return "".join(f'<data key="{domain}_{k}">{_text(v)}</data>' for k, v in items.items() if v is not None)


def _text(item: Any) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, float):
        # As XML Schema spells them.
        return repr(item) if math.isfinite(item) else "NaN" if item != item else "INF" if item > 0 else "-INF"
    return escape(visible(item, limit=len(item) * 8 + 1))


def content(pass_: Pass, selection: Selection) -> str:
    """Return what would be in the file."""
    return Drawing(pass_, selection).content()
