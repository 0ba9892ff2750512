"""Which nodes have a row in the graph pane, and where: the order of the reverse pass."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

import numpy as np

from resdebug.analysis.folding import Blocks, Unit
from resdebug.analysis.rails import Rails
from resdebug.network.model import Network
from resdebug.network.parts import Nodes
from resdebug.network.pause import collection_paused
from resdebug.network.progress import Report
from resdebug.network.signature import name_of
from resdebug.network.wires import Flags
from resdebug.passes.protocol import Pass


class Arrangement:
    """What every drawing of a pass starts from: its nodes in order, those with a row of their own, their blocks."""

    def __init__(self, pass_: Pass) -> None:
        network = pass_.network
        taking_part = list(pass_.schedule.order)
        self._taking_part = known = frozenset(taking_part)
        self.network = network
        self.everything: Sequence[int] = taking_part + [i for i in range(len(network.nodes)) if i not in known]
        tucked = _tucked(network.nodes).tolist()
        self.main: Sequence[int] = [i for i in self.everything if not tucked[i]] or self.everything
        """Nodes that are drawn on rails: all but parameters, constants and labels."""

    @cached_property
    def blocks(self) -> Blocks:
        """The blocks that can be folded."""
        return Blocks(self.network, self.main, self._taking_part)


class Rows:
    """The rows of the graph pane and their drawing.

    Nodes of the pass come in the order of the reverse pass, then those that take no part; with ``forward`` the other
    way round. Parameters and constants are not drawn on rails: they stand beside their first consumer,
    ``with_leaves`` in rows of their own next to it, else tucked away. A folded block is one row.
    """

    def __init__(
        self,
        arrangement: Arrangement,
        *,
        with_leaves: bool = False,
        folded: Collection[str] = (),
        forward: bool = False,
        report: Report | None = None,
    ) -> None:
        network = arrangement.network
        self.forward = forward
        self.units: Sequence[Unit] = (
            arrangement.blocks.folded(arrangement.main, folded) if folded else [Unit("", [i]) for i in arrangement.main]
        )
        """What stands in each row of the rails."""
        self.main: Sequence[int] = [unit.nodes[0] for unit in self.units]
        """The node that speaks for each row of the rails."""
        self.rail_of = {i: row for row, unit in enumerate(self.units) for i in unit.nodes}
        """Row of the rails per node index; a leaf has that of its first consumer."""
        self.drawn = frozenset(self.rail_of)
        """Nodes that are on the rails, alone or within a folded block."""
        with collection_paused():
            self.rails = Rails(self._operands(network), report)
        guests: dict[int, list[int]] = {}
        for i in arrangement.everything:
            if i not in self.rail_of:
                hosts = [
                    self.rail_of[e.consumer_index] for e in network.consumers[i] if e.consumer_index in self.rail_of
                ]
                guests.setdefault(min(hosts, default=len(self.main) - 1), []).append(i)
        self.nodes: list[int] = []
        """Node index per row of the pane."""
        for row, unit in enumerate(self.units):
            shown = guests.get(row, []) if with_leaves and not unit.block else []
            self.nodes += [unit.nodes[0], *shown]
        if forward:
            self.nodes.reverse()
        self.row_of = {i: row for row, i in enumerate(self.nodes)}
        """Row of the pane per node index; what has no row of its own has that of its block or first consumer."""
        for unit in self.units:
            for i in unit.nodes[1:]:
                self.row_of[i] = self.row_of[unit.nodes[0]]
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

    def unit(self, row: int) -> Unit:
        """Return what stands in a row of the pane: a node, a leaf, or a folded block."""
        return self.units[self.rail_of[self.nodes[row]]] if self.on_rails(row) else Unit("", [self.nodes[row]])

    def _operands(self, network: Network) -> list[list[int]]:
        rails = np.full(len(network.nodes) + 1, -1)
        rails[list(self.rail_of)] = list(self.rail_of.values())
        sources, begin = rails[network.wires.operands].tolist(), network.wires.begin.tolist()
        return [
            [source for i in unit.nodes for source in sources[begin[i] : begin[i + 1]] if source > row]
            for row, unit in enumerate(self.units)
        ]


def _tucked(nodes: Nodes) -> Flags:
    """Return per node whether it stands beside its consumer."""
    labels = nodes.operators.where(lambda operator: name_of(operator) == "input") & ~nodes.floating
    return labels | nodes.operators.where(lambda operator: name_of(operator) in {"parameter", "constant"})
