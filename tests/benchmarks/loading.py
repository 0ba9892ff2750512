"""The time to read a large network: ``python -m ... ours|peer FILE`` prints JSON.

Ours reads, checks and lays out the pass; the peer decodes JSON and builds the networkx graph, unchecked.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import networkx as nx

import resdebug
from resdebug.network.order import schedule
from tests.benchmarks.serving import timed

RUNS = 5


def ours(path: Path) -> object:
    """Load a network, ready to be run."""
    return schedule(resdebug.load(path))


def peer(path: Path) -> object:
    """Load a network as networkx has it."""
    with path.open(encoding="utf-8") as stream:
        return nx.node_link_graph(json.load(stream), edges="edges")


def main() -> None:
    """Print the median and the best time in milliseconds."""
    load = {"ours": ours, "peer": peer}[sys.argv[1]]
    path = Path(sys.argv[2])
    times = [1e3 * timed(lambda: load(path)) for _ in range(RUNS)]
    print(json.dumps({"median": statistics.median(times), "best": min(times)}))


if __name__ == "__main__":
    main()
