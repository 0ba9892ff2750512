"""Networks to and from networkx, in memory and as node-link JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from resdebug.errors import BadInput, MissingInput
from resdebug.network.building import build
from resdebug.network.document import decode, locate
from resdebug.network.model import Network
from resdebug.network.signature import Catalogue
from resdebug.network.source import read_text

if TYPE_CHECKING:
    import networkx as nx


def read_network(
    path: str | Path, catalogue: Catalogue, *, target: str | None = None, limit: int | None = None
) -> Network:
    """Read and check a network file. Raises MissingInput, BadInput and IOFailure, with every fault and its place."""
    path = Path(path)
    return parse_network(read_text(path), path, catalogue, target=target, limit=limit)


def parse_network(
    data: bytes, path: Path, catalogue: Catalogue, *, target: str | None = None, limit: int | None = None
) -> Network:
    """Check the text ``data`` of the network file ``path``; tensor files are looked for beside it."""
    raw = decode(data, str(path))

    try:
        network = build(raw, catalogue, folder=path.parent, target=target, limit=limit)
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
        "graph": dict(graph.graph),
        "nodes": [{**attributes, "id": name} for name, attributes in graph.nodes(data=True)],
        "edges": [{**attributes, "source": u, "target": v} for u, v, attributes in graph.edges(data=True)],
    }
    return build(raw, catalogue, folder=None if folder is None else Path(folder), target=target, limit=limit)


def to_networkx(network: Network) -> nx.MultiDiGraph[Any]:
    """Return the network as a networkx graph; ``networkx.node_link_data(graph, edges="edges")`` gives the file."""
    import networkx as nx

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(**{str(k): v for k, v in network.about.items()})
    for node in network.nodes:
        graph.add_node(node.name, **{k: v for k, v in node.written.items() if k != "id"})
    for edge in network.edges:
        graph.add_edge(edge.source, edge.consumer, slot=edge.slot)
    return graph
