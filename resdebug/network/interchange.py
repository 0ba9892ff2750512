"""Networks to and from networkx, in memory and as node-link JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resdebug.errors import BadInput, MissingInput
from resdebug.network.building import build
from resdebug.network.document import decode, locate
from resdebug.network.model import Network
from resdebug.network.pause import collection_paused
from resdebug.network.progress import Report, Step, tell
from resdebug.network.signature import Catalogue, slot_names
from resdebug.network.source import read_text

if TYPE_CHECKING:
    import networkx as nx


def read_network(
    path: str | Path,
    catalogue: Catalogue,
    *,
    target: str | None = None,
    limit: int | None = None,
    report: Report | None = None,
) -> Network:
    """Read and check a network file. Raises MissingInput, BadInput and IOFailure, with every fault and its place."""
    path = Path(path)
    return parse_network(read_text(path), path, catalogue, target=target, limit=limit, report=report)


def parse_network(
    data: bytes,
    path: Path,
    catalogue: Catalogue,
    *,
    target: str | None = None,
    limit: int | None = None,
    kept: bool = True,
    report: Report | None = None,
) -> Network:
    """Check the text ``data`` of the network file ``path``; tensor files are looked for beside it."""
    with collection_paused():
        tell(report, Step.READ)
        raw = decode(data, str(path), slot_names(catalogue), report)
        try:
            network = build(raw, catalogue, folder=path.parent, target=target, limit=limit, kept=kept, report=report)
        except (BadInput, MissingInput) as error:
            raise type(error)(locate(error.faults, data, str(path))) from None
    return network.with_warnings(locate(network.warnings, data, str(path))) if network.warnings else network


def from_networkx(
    graph: nx.Graph[Any],
    catalogue: Catalogue,
    *,
    target: str | None = None,
    folder: str | Path | None = None,
    limit: int | None = None,
) -> Network:
    """Check a graph built with networkx; values may be numpy arrays. ``folder`` is where tensor files may lie.

    Raises BadInput with every fault, placed by node and edge.
    """
    raw = {
        "directed": graph.is_directed(),
        "multigraph": graph.is_multigraph(),
        "graph": _attributes(graph.graph),
        "nodes": [{**_attributes(data), "id": _plain(name)} for name, data in graph.nodes(data=True)],
        "edges": [
            {**_attributes(data), "source": _plain(u), "target": _plain(v)} for u, v, data in graph.edges(data=True)
        ],
    }
    return build(raw, catalogue, folder=None if folder is None else Path(folder), target=target, limit=limit)


def to_networkx(network: Network) -> nx.MultiDiGraph[Any]:
    """Return the network as a networkx graph; ``networkx.node_link_data(graph, edges="edges")`` gives the file."""
    import networkx as nx

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    graph.graph.update(network.about)
    for node in network.nodes:
        graph.add_node(node.name)
        graph.nodes[node.name].update({key: value for key, value in node.written.items() if key != "id"})
    for edge in network.edges:
        graph.add_edge(edge.source, edge.consumer, slot=edge.slot)
    return graph


def _plain(value: Any) -> Any:
    """Return numbers of numpy as numbers and tuples as lists, as JSON would have them; arrays stay."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Return attributes as plain data; keys that are no text cannot be in a file and are left out."""
    return {key: _plain(value) for key, value in attributes.items() if isinstance(key, str)}
