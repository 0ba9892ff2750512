"""A node and an edge of a network, as everybody above sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from resdebug.network.signature import LEAVES, Signature
from resdebug.network.types import TensorType


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
