"""Which nodes have a row in the graph pane, and where: the order of the reverse pass."""

from __future__ import annotations

from collections.abc import Sequence

from resdebug.network.model import Network, Node
from resdebug.passes.protocol import Pass
from resdebug.tui.rails import Rails


class Rows:
    """The rows of the graph pane and their drawing.

    Nodes of the pass come in the order of the reverse pass, then those that take no part. Unless ``with_leaves``,
    parameters and constants have no row of their own; they stand with their first consumer.
    """

    def __init__(self, pass_: Pass, *, with_leaves: bool) -> None:
        network = pass_.network
        taking_part = list(pass_.schedule.order)
        known = set(taking_part)
        everything = taking_part + [node.index for node in network.nodes if node.index not in known]
        shown = [i for i in everything if with_leaves or not _tucked(network.nodes[i])]
        self.nodes: Sequence[int] = shown or everything
        """Node index per row."""
        self.row_of = {i: row for row, i in enumerate(self.nodes)}
        """Row per node index."""
        self.rails = Rails(self._operands(network))
        for i in everything:
            if i not in self.row_of:
                hosts = [self.row_of[e.consumer_index] for e in network.consumers[i] if e.consumer_index in self.row_of]
                self.row_of[i] = min(hosts, default=0)

    def __len__(self) -> int:
        return len(self.nodes)

    def _operands(self, network: Network) -> list[list[int]]:
        return [
            [
                self.row_of[edge.source_index]
                for edge in network.nodes[i].inputs
                if edge is not None and self.row_of.get(edge.source_index, -1) > row
            ]
            for row, i in enumerate(self.nodes)
        ]


def _tucked(node: Node) -> bool:
    return node.op in {"parameter", "constant"} or (node.op == "input" and not node.type.is_float)
