"""The Python face: what ``import resdebug`` offers, with the operators handed in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from resdebug.debugger.debugger import Debugger
from resdebug.network import interchange
from resdebug.network.model import Network
from resdebug.ops import CATALOGUE
from resdebug.passes.live import LivePass, differentiate
from resdebug.passes.protocol import LedgerRow, Pass
from resdebug.passes.recorded import RecordedPass, load_trace

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "Debugger", "LedgerRow", "LivePass", "Network", "Pass", "RecordedPass", "differentiate", "from_networkx", "load",
    "load_trace",
]  # fmt: skip


def load(path: str | Path, *, target: str | None = None, memory: int | None = None) -> Network:
    """Read and check a network file.

    ``target`` overrides the file's; ``memory`` is how many bytes values and adjoints may take together (80 % of what
    is free). Raises MissingInput, BadInput (every fault with its place) or IOFailure.
    """
    return interchange.read_network(path, CATALOGUE, target=target, limit=memory)


def from_networkx(
    graph: nx.Graph[Any],
    *,
    target: str | None = None,
    folder: str | Path | None = None,
    memory: int | None = None,
) -> Network:
    """Check a graph built with networkx; values may be numpy arrays, tensor files are looked for in ``folder``.

    Raises BadInput with every fault, placed by node and edge.
    """
    return interchange.from_networkx(graph, CATALOGUE, target=target, folder=folder, limit=memory)
