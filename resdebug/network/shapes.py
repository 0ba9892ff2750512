"""The types of all values, found from the leaves by each operator's own rule, before any memory is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from resdebug.network import limits
from resdebug.network.faults import FaultList
from resdebug.network.model import Edge
from resdebug.network.signature import RuleBroken, Signature, slots_of
from resdebug.network.types import TensorType
from resdebug.network.wiring import operator_name
from resdebug.text import human_bytes, plural, visible


class ShapeChecker:
    """Walks a network from its leaves and reports what an operator's rule refuses."""

    def __init__(
        self, faults: FaultList, names: Sequence[str | None], edges_key: str, limit: int, *, kept: bool = True
    ) -> None:
        self.faults = faults
        self.names = names
        self.key = edges_key
        self.limit = limit
        self.kept = kept

    def run(
        self,
        order: Sequence[int],
        operators: Sequence[Signature | None],
        inputs: Sequence[tuple[Edge | None, ...]],
        leaves: Mapping[int, TensorType],
    ) -> list[TensorType | None]:
        """Return every node's type, None where it cannot be known; ``order`` has inputs before consumers."""
        types: list[TensorType | None] = [None] * len(self.names)
        same: dict[TensorType, TensorType] = {}
        known: dict[tuple[int, ...], TensorType] = {}
        for i in order:
            operator = operators[i]
            if operator is None:
                continue
            if i in leaves:
                types[i] = same.setdefault(leaves[i], leaves[i])
                continue
            # Equal types are one object here, so that identities tell whether a rule was asked before.
            key = id(operator), *[0 if edge is None else id(types[edge.source_index]) for edge in inputs[i]]
            found = known.get(key)
            if found is None and operator.slots and self.complete(operator, inputs[i], types):
                found = self.infer(i, operator, inputs[i], types)
                if found is not None:
                    found = known[key] = same.setdefault(found, found)
            types[i] = found
        if self.kept:
            self.check_memory(types)
        return types

    def complete(self, operator: Signature, inputs: Sequence[Edge | None], types: Sequence[TensorType | None]) -> bool:
        """Whether every input that is needed is there and has a known type."""
        slots = slots_of(operator, len(inputs))
        return len(slots) == len(inputs) and all(
            slot.optional if edge is None else types[edge.source_index] is not None
            for slot, edge in zip(slots, inputs, strict=True)
        )

    def infer(
        self, i: int, operator: Signature, inputs: Sequence[Edge | None], types: Sequence[TensorType | None]
    ) -> TensorType | None:
        """Ask the operator's rule for node ``i``."""
        given = [None if edge is None else types[edge.source_index] for edge in inputs]
        if not self.elements_fit(i, operator, inputs, given):
            return None
        try:
            result = operator.infer(*given)
        except RuleBroken as broken:
            slots = {edge.slot: edge for edge in inputs if edge is not None}
            at = slots.get(broken.key)
            pointer = f"/{self.key}/{at.index}" if at else f"/nodes/{i}"
            if at is None and broken.key in getattr(operator, "__struct_fields__", ()):
                pointer += f"/{broken.key}"
            what = f'"{self.name(i)}": {operator_name(operator)}: {broken.what}'
            self.faults.add("S020", what, broken.hint, pointer=pointer, node=self.names[i] or "")
            return None
        if result.nbytes > self.limit or result.extent > limits.ADDRESSABLE:
            size = f"{result} is {human_bytes(result.extent)}, over the limit of {human_bytes(self.limit)}"
            hint = "make it smaller, or raise the limit with --memory"
            self.faults.add("S001", f'"{self.name(i)}": {size}', hint, pointer=f"/nodes/{i}", node=self.names[i] or "")
            return None
        space = operator.workspace(*given)
        if space > self.limit:
            size = f"working memory of {human_bytes(space)}, over the limit of {human_bytes(self.limit)}"
            what = f'"{self.name(i)}": {operator_name(operator)} needs {size}'
            hint = "use less padding, a smaller kernel or image, or raise the limit with --memory"
            self.faults.add("S001", what, hint, pointer=f"/nodes/{i}", node=self.names[i] or "")
            return None
        return result

    def elements_fit(
        self, i: int, operator: Signature, inputs: Sequence[Edge | None], given: Sequence[TensorType | None]
    ) -> bool:
        """Check element types: floats of one width, integers only where indices are meant."""
        name = self.names[i] or ""
        first: tuple[Edge, TensorType] | None = None
        for edge, type_, slot in zip(inputs, given, slots_of(operator, len(inputs)), strict=True):
            if edge is None or type_ is None:
                continue
            pointer = f"/{self.key}/{edge.index}"
            if slot.elements != "any" and type_.is_float != (slot.elements == "float"):
                wants = "floating point" if slot.elements == "float" else "whole numbers"
                what = (
                    f'"{visible(name)}": slot {edge.slot} takes {wants}, and "{visible(edge.source)}" is {type_.dtype}'
                )
                hint = (
                    'give the source node "dtype": "int64"' if slot.elements == "integer" else "give it a float dtype"
                )
                self.faults.add("S031", what, hint, pointer=pointer, node=name)
                return False
            if not type_.is_float:
                continue
            if first is not None and first[1].dtype != type_.dtype:
                what = (
                    f'"{visible(name)}" mixes element types: "{visible(first[0].source)}" is {first[1].dtype}, '
                    f'"{visible(edge.source)}" is {type_.dtype}'
                )
                self.faults.add("S030", what, 'give both the same "dtype"', pointer=pointer, node=name)
                return False
            first = first or (edge, type_)
        return True

    def check_memory(self, types: Sequence[TensorType | None]) -> None:
        """Refuse a network whose values and adjoints together are over the limit."""
        counts = Counter(type_ for type_ in types if type_ is not None)
        total = sum(_kept(type_) * count for type_, count in counts.items())
        if total > self.limit:
            sizes = [(_kept(type_), i) for i, type_ in enumerate(types) if type_ is not None]
            largest = ", ".join(
                f'"{self.name(i)}" ({human_bytes(size)})' for size, i in sorted(sizes, reverse=True)[:3]
            )
            what = (
                f"values and adjoints of {plural(len(sizes), 'node')} take {human_bytes(total)}, "
                f"over the limit of {human_bytes(self.limit)}; the largest: {largest}"
            )
            self.faults.add("S002", what, "use a smaller batch, or raise the limit with --memory")

    def name(self, i: int) -> str:
        """A node's name, for a message."""
        return visible(self.names[i] or f"#{i}")


def _kept(type_: TensorType) -> int:
    """Return the bytes of a value, and of the adjoint where there may be one."""
    return type_.nbytes * (2 if type_.is_float else 1)
