"""What every part of a derivation asks of the pass: names, norms, routes and blocks, as far as the pass has them."""

from __future__ import annotations

from functools import cached_property

from resdebug.analysis.measured import adjoint_norm, value_norm
from resdebug.analysis.residual.shares import Identity, identities
from resdebug.network.model import Edge, Node
from resdebug.ops.base import Array
from resdebug.ops.formula import Form, adjoint, name
from resdebug.passes.blocks import Block
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.recorded import RecordedPass
from resdebug.passes.routes import Route, Routes, Way
from resdebug.text import visible


class Subject:
    """A pass that is explained."""

    def __init__(self, pass_: Pass) -> None:
        self.pass_ = pass_
        self.network = pass_.network
        self._routes = Routes(pass_)

    @property
    def right(self) -> bool:
        """Whether contributions were added, as the chain rule has it."""
        return self.pass_.rule == "sum"

    @cached_property
    def complete(self) -> bool:
        """Whether all numbers of the pass are here."""
        return not self.pass_.absent

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The residual blocks that are recognised, those nearest the target first."""
        return self._routes.blocks

    @cached_property
    def chains(self) -> list[Identity]:
        """He et al.'s equation at every fork where it holds, nearest the target first."""
        return identities(self.pass_, self.blocks) if self.complete and self.right else []

    @cached_property
    def forks(self) -> list[Node]:
        """The nodes that two or more contributions reach, in reverse order."""
        plan = self.pass_.schedule
        return [self.network.nodes[i] for i in plan.reverse if len(plan.arrivals[i]) > 1]

    def route(self, edge: Edge) -> Route | None:
        """Return which way round a block a contribution comes, where that is known."""
        return self._routes.route(edge)

    def way(self, edge: Edge) -> str:
        """Return ``skip`` or ``branch``, or nothing."""
        route = self.route(edge)
        return "" if route is None else route.way.value

    def skip_of(self, node: Node) -> Edge | None:
        """Return the edge through which a node's adjoint gets the contribution of a skip."""
        for edge in self.pass_.schedule.arrivals[node.index]:
            route = self.route(edge)
            if route is not None and route.way is Way.SKIP:
                return edge
        return None

    def sent(self, edge: Edge) -> Array | None:
        """Return the contribution through an edge; None where its numbers are not here."""
        return self.pass_.contribution(edge) if self.pass_.holds(Of.CONTRIBUTION, edge) else None

    def sent_norm(self, edge: Edge) -> float | None:
        """Return the norm of a contribution, from statistics where there are no numbers; None without either."""
        if self.pass_.events.after_contribution(edge) is None:
            return None
        try:
            return self.pass_.norm(edge)
        except KeyError:
            return None

    def value_norm(self, node: Node) -> float | None:
        """Return the norm of a node's value, None where nothing is known of it."""
        found = value_norm(self.pass_, node.index)
        return self._told(Of.VALUE, node) if found is None else found

    def adjoint_norm(self, node: Node) -> float | None:
        """Return the norm of a node's adjoint, None where nothing is known of it or it has none."""
        found = adjoint_norm(self.pass_, node.index)
        return self._told(Of.ADJOINT, node) if found is None else found

    def _told(self, of: Of, node: Node) -> float | None:
        told = self.pass_.statistics(of, node.name) if isinstance(self.pass_, RecordedPass) else None
        return None if told is None else float(told.norm)


def shown(node: Node | str, limit: int = 40) -> str:
    """Return a node's name as people may see it."""
    return visible(node if isinstance(node, str) else node.name, limit=limit)


def named(node: Node | str) -> str:
    """Return a node's name as mathematics."""
    return name(shown(node), Form.LATEX)


def barred(node: Node | str) -> str:
    """Return a node's adjoint as mathematics."""
    return adjoint(shown(node), Form.LATEX)
