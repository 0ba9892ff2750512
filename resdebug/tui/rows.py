"""Which nodes have a row in the graph pane, and where: the order of the reverse pass."""

from __future__ import annotations

from collections.abc import Sequence

from resdebug.network.model import Network, Node
from resdebug.passes.protocol import Pass
from resdebug.tui.rails import Rails


class Rows:
    """The rows of the graph pane and their drawing.

    Nodes of the pass come in the order of the reverse pass, then those that take no part. Parameters and constants
    are not drawn on rails: they stand beside their first consumer, ``with_leaves`` in rows of their own under it,
    else tucked away.
    """

    def __init__(self, pass_: Pass, *, with_leaves: bool) -> None:
        network = pass_.network
        taking_part = list(pass_.schedule.order)
        known = set(taking_part)
        everything = taking_part + [node.index for node in network.nodes if node.index not in known]
        self.main: Sequence[int] = [i for i in everything if not _tucked(network.nodes[i])] or everything
        """Node index per row of the rails."""
        self.rail_of = {i: row for row, i in enumerate(self.main)}
        """Row of the rails per node index; a leaf has that of its first consumer."""
        self.rails = Rails(self._operands(network))
        guests: dict[int, list[int]] = {}
        for i in everything:
            if i not in self.rail_of:
                hosts = [
                    self.rail_of[e.consumer_index] for e in network.consumers[i] if e.consumer_index in self.rail_of
                ]
                guests.setdefault(min(hosts, default=len(self.main) - 1), []).append(i)
        self.nodes: list[int] = []
        """Node index per row of the pane."""
        for row, i in enumerate(self.main):
            self.nodes += [i, *guests.get(row, [])] if with_leaves else [i]
        self.row_of = {i: row for row, i in enumerate(self.nodes)}
        """Row of the pane per node index; a tucked leaf has that of its first consumer."""
        for host, leaves in guests.items():
            for i in leaves:
                self.rail_of[i] = host
                self.row_of.setdefault(i, self.row_of[self.main[host]])

    def __len__(self) -> int:
        return len(self.nodes)

    def on_rails(self, row: int) -> bool:
        """Whether the node of a pane's row is drawn on the rails, and not a leaf beside its consumer."""
        i = self.nodes[row]
        return self.main[self.rail_of[i]] == i

    def _operands(self, network: Network) -> list[list[int]]:
        return [
            [
                self.rail_of[edge.source_index]
                for edge in network.nodes[i].inputs
                if edge is not None and self.rail_of.get(edge.source_index, -1) > row
            ]
            for row, i in enumerate(self.main)
        ]


def _tucked(node: Node) -> bool:
    return node.op in {"parameter", "constant"} or (node.op == "input" and not node.type.is_float)
