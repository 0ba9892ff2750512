"""What GraphML, DOT and Mermaid share: the nodes and edges of a network with norms on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from resdebug.engine.norms import norm
from resdebug.export.registry import Size
from resdebug.network.model import Edge, Node
from resdebug.network.types import shape_text
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.recorded import RecordedPass
from resdebug.passes.routes import Routes
from resdebug.passes.selection import Selection
from resdebug.text import plural

_SAMPLE: Final = 64


@dataclass(frozen=True, slots=True)
class Drawn:
    """A node: ``id`` is a plain word, ``adjoint`` the norm of its adjoint, None without one."""

    id: str
    node: Node
    adjoint: float | None
    fork: bool
    """Whether two or more contributions come to it."""
    join: bool
    """Whether the ways of a block meet here again."""
    takes_part: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge, with the norm of the contribution that goes against it; None where none does."""

    id: str
    edge: Edge
    source: str
    consumer: str
    contribution: float | None
    share: float | None
    """Of the norms of all contributions that its source receives."""
    way: str
    """``skip`` or ``branch`` where its source is the fork of a residual block, else nothing."""


class Drawing:
    """The chosen nodes in file order, and the edges between them; norms are found when they are asked for."""

    def __init__(self, pass_: Pass, selection: Selection) -> None:
        self.pass_ = pass_
        self.network = pass_.network
        self.chosen = [node for node in pass_.network.nodes if selection.chosen(node.name)]
        kept = {node.index for node in self.chosen}
        self.edges = [e for e in pass_.network.edges if e.source_index in kept and e.consumer_index in kept]
        self.routes = Routes(pass_)
        self._part = frozenset(pass_.schedule.order)
        self._shares: dict[int, dict[int, tuple[float, float | None]]] = {}

    def content(self) -> str:
        """Return what is drawn, in a phrase."""
        edges = plural(len(self.edges), "edge")
        return f"{plural(len(self.chosen), 'node')} and {edges} with the norms of what flows, without tensors"

    def nodes(self, every: int = 1) -> Iterator[Drawn]:
        """Yield every node, or a sample of them, in which joins are not marked."""
        arrivals = self.pass_.schedule.arrivals
        joins: set[str] = set()
        if every == 1:
            routes = (self.routes.route(edge) for node in self.chosen for edge in arrivals[node.index])
            joins = {route.join for route in routes if route is not None}
        for node in self.chosen[::every]:
            fork = len(arrivals[node.index]) > 1
            yield Drawn(f"n{node.index}", node, self._adjoint(node), fork, node.name in joins, node.index in self._part)

    def arrows(self, every: int = 1) -> Iterator[Arrow]:
        """Yield every edge, or a sample of them, in order of the node that receives through it."""
        for edge in sorted(self.edges, key=lambda edge: (edge.source_index, edge.index))[::every]:
            size, share = self._sent(edge)
            way = ""
            if size is not None:
                route = self.routes.route(edge)
                way = route.way.value if route is not None else ""
            ends = f"n{edge.source_index}", f"n{edge.consumer_index}"
            yield Arrow(f"e{edge.index}", edge, *ends, size, share, way)

    def _adjoint(self, node: Node) -> float | None:
        array = self.pass_.adjoint(node.name)
        if array is not None:
            return norm(array)
        told = self.pass_.statistics(Of.ADJOINT, node.name) if isinstance(self.pass_, RecordedPass) else None
        return None if told is None else float(told.norm)

    def _sent(self, edge: Edge) -> tuple[float | None, float | None]:
        if edge.source_index not in self._shares:
            self._shares.clear()
            sizes = {e.index: self._norm(e) for e in self.pass_.schedule.arrivals[edge.source_index]}
            total = sum(size for size in sizes.values() if size is not None)
            self._shares[edge.source_index] = {
                i: (size, size / total if 0 < total < float("inf") else None)
                for i, size in sizes.items()
                if size is not None
            }
        return self._shares[edge.source_index].get(edge.index, (None, None))

    def _norm(self, edge: Edge) -> float | None:
        if self.pass_.events.after_contribution(edge) is None:
            return None
        return self.pass_.norm(edge)

    def blocks(self) -> dict[str, list[Drawn]]:
        """Return the nodes by block, in order of the first of each; nodes of no block are under ``""``."""
        found: dict[str, list[Drawn]] = {}
        for drawn in self.nodes():
            found.setdefault(drawn.node.block, []).append(drawn)
        return found

    def about(self) -> str:
        """Return what the whole is, in a line."""
        rule = "" if self.pass_.rule == "sum" else f", rule {self.pass_.rule}: wrong on purpose"
        return f"adjoints of {self.pass_.target}{rule}"


def estimate(
    pass_: Pass, selection: Selection, node: Callable[[Drawn], str], arrow: Callable[[Arrow], str], head: int = 200
) -> Size:
    """Return about how many bytes a drawing takes, judged by a sample of what its nodes and edges are written as."""
    drawing = Drawing(pass_, selection)
    nodes = drawing.nodes(max(1, len(drawing.chosen) // _SAMPLE))
    arrows = drawing.arrows(max(1, len(drawing.edges) // _SAMPLE))
    total = head + len(drawing.chosen) * _mean([node(item) for item in islice(nodes, _SAMPLE)])
    total += len(drawing.edges) * _mean([arrow(item) for item in islice(arrows, _SAMPLE)])
    return Size(round(total), exact=False)


def _mean(texts: list[str]) -> float:
    return sum(len(text.encode()) for text in texts) / max(1, len(texts))


def short(number: float) -> str:
    """Return a norm with four digits."""
    return f"{number:.4g}"


def node_lines(drawn: Drawn) -> list[str]:
    """Return what is written into a node: its name, what it is, and the norm of its adjoint."""
    node = drawn.node
    marks = [word for word, holds in (("fork", drawn.fork), ("join", drawn.join)) if holds]
    lines = [node.name, " ".join([node.op, shape_text(node.shape), *(f"[{mark}]" for mark in marks)])]
    if drawn.adjoint is not None:
        lines.append(f"|adjoint| {short(drawn.adjoint)}")
    elif not drawn.takes_part:
        lines.append("takes no part")
    return lines


def arrow_label(arrow: Arrow) -> str:
    """Return what is written at an edge: the slot, the norm of the contribution, its share at a fork, its way."""
    label = arrow.edge.slot
    if arrow.contribution is not None:
        label += f" {short(arrow.contribution)}"
        if arrow.share is not None and arrow.share < 1:
            label += f" ({arrow.share:.0%})"
    return f"{label} {arrow.way}".rstrip()
