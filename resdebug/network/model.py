"""A checked network: nodes and edges with their types, ready to be run; its numbers are taken only when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

from resdebug.errors import Fault
from resdebug.network.node import Edge, Node
from resdebug.network.operands import Operands
from resdebug.network.parts import Edges, EdgesOf, Nodes
from resdebug.network.signature import Catalogue
from resdebug.network.values import Value
from resdebug.network.wires import Wires
from resdebug.text import did_you_mean

if TYPE_CHECKING:
    import networkx as nx

    from resdebug.network.order import Schedule

__all__ = ["Edge", "Network", "Node"]


class Network:
    """A network that passed every check.

    ``nodes`` stand in file order; ``network["name"]`` finds one. ``warnings`` tell what is odd but no fault.
    """

    def __init__(
        self,
        *,
        name: str,
        description: str,
        target: str,
        dtype: str,
        nodes: Nodes,
        values: Mapping[str, Value],
        about: Mapping[str, Any],
        warnings: Sequence[Fault] = (),
        catalogue: Catalogue,
        limit: int,
        inputs_first: Sequence[int],
    ) -> None:
        self.name = name
        self.description = description
        self.target = target
        self.dtype = dtype
        self.nodes = nodes
        self.values = values
        self.about = about
        self.warnings = tuple(warnings)
        self.catalogue = catalogue
        self.limit = limit
        """Most bytes that values and adjoints may take together."""
        self.inputs_first = inputs_first
        """Node indices, inputs before consumers."""
        self.schedules: dict[str, Schedule] = {}
        """Passes that have been laid out, by target: they depend on the wiring alone."""
        self.programs: dict[tuple[str, ...], Any] = {}
        """What the engine has compiled, by kind and target: it depends on wiring, operators and types."""

    @property
    def edges(self) -> Edges:
        """All edges, in file order."""
        return self.nodes.edges

    @property
    def wires(self) -> Wires:
        """The wiring as vectors."""
        return self.nodes.wires

    def __getitem__(self, name: str) -> Node:
        """Return the node called ``name``. Raises KeyError that names the nearest one there is."""
        index = self.nodes.place.get(name)
        if index is None:
            raise KeyError(f"no node {name!r}; {did_you_mean(name, self.nodes.place)}".rstrip("; "))
        return self.nodes[index]

    def __contains__(self, name: object) -> bool:
        return name in self.nodes.place

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        return f"<Network {self.name!r}: {len(self.nodes)} nodes, {len(self.edges)} edges, target {self.target!r}>"

    @cached_property
    def operands(self) -> Operands:
        """The operands of every node."""
        return Operands(self.wires)

    @cached_property
    def depths(self) -> list[int]:
        """Per node index, the longest way from a leaf; one more, for what is not there, is -1."""
        return self.operands.depths(self.inputs_first)

    @cached_property
    def consumers(self) -> Sequence[tuple[Edge, ...]]:
        """Per node index, the edges that use its value, in file order."""
        return EdgesOf(self.edges, *self.wires.leaving)

    def with_warnings(self, warnings: Sequence[Fault]) -> Network:
        """Return this network with other warnings: those that know their lines."""
        other = copy(self)
        other.warnings = tuple(warnings)
        return other

    @cached_property
    def graph(self) -> nx.MultiDiGraph:
        """The network as networkx has it: node and edge attributes as in the file."""
        from resdebug.network.interchange import to_networkx

        return to_networkx(self)
