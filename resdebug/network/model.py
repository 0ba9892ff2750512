"""A checked network: nodes and edges with their types, ready to be run; its numbers are taken only when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from resdebug.errors import Fault
from resdebug.network.signature import LEAVES, Catalogue, Signature
from resdebug.network.types import TensorType
from resdebug.network.values import Value
from resdebug.text import did_you_mean

if TYPE_CHECKING:
    import networkx as nx

    from resdebug.network.order import Schedule


class Edge(msgspec.Struct, frozen=True, gc=False):
    """One use of a node's value: ``consumer`` takes it in ``slot``. ``x * x`` has two edges."""

    index: int
    source: str
    consumer: str
    slot: str
    position: int
    """Place of the slot among the consumer's slots."""
    source_index: int
    consumer_index: int


class Node(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One value of the network, and the operator that makes it."""

    index: int
    name: str
    op: str
    operator: Signature
    type: TensorType
    block: str
    inputs: tuple[Edge | None, ...]
    """One edge per slot, in slot order; None where an optional slot is empty."""
    written: Mapping[str, Any]
    """The node as it stands in the file, with whatever else was written there."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value and of the adjoint."""
        return self.type.shape

    @property
    def dtype(self) -> str:
        """Element type of the value and of the adjoint."""
        return self.type.dtype

    @property
    def attributes(self) -> dict[str, Any]:
        """The operator's settings, defaults included."""
        return msgspec.structs.asdict(self.operator)  # type: ignore[arg-type]

    @property
    def is_leaf(self) -> bool:
        """Whether this is an input, a parameter or a constant."""
        return self.op in LEAVES

    @property
    def is_differentiable_leaf(self) -> bool:
        """Whether a gradient is asked for here: an input or parameter of floating point."""
        return self.op in {"input", "parameter"} and self.type.is_float

    def __repr__(self) -> str:
        return f"<{self.name}: {self.op} {self.type}>"


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
        nodes: Sequence[Node],
        edges: Sequence[Edge],
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
        self.nodes = tuple(nodes)
        self.edges = tuple(edges)
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
        self.programs: dict[str, Any] = {}
        """What the engine has compiled for the same, by target: it depends on wiring and types."""
        self._index = {node.name: node.index for node in self.nodes}

    def __getitem__(self, name: str) -> Node:
        """Return the node called ``name``. Raises KeyError that names the nearest one there is."""
        index = self._index.get(name)
        if index is None:
            raise KeyError(f"no node {name!r}; {did_you_mean(name, self._index)}".rstrip("; "))
        return self.nodes[index]

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        return f"<Network {self.name!r}: {len(self.nodes)} nodes, {len(self.edges)} edges, target {self.target!r}>"

    @cached_property
    def consumers(self) -> tuple[tuple[Edge, ...], ...]:
        """Per node index, the edges that use its value, in file order."""
        uses: list[list[Edge]] = [[] for _ in self.nodes]
        for edge in self.edges:
            uses[edge.source_index].append(edge)
        return tuple(tuple(edges) for edges in uses)

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
