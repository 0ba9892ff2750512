"""The types of all values, found from the leaves by each operator's own rule, before any memory is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from resdebug.network import limits
from resdebug.network.distinct import Distinct
from resdebug.network.faults import FaultList
from resdebug.network.signature import RuleBroken, Signature, name_of, slots_of
from resdebug.network.types import TensorType
from resdebug.network.wires import Wires
from resdebug.text import human_bytes, plural, visible


class ShapeChecker:
    """Walks a network from its leaves and reports what an operator's rule refuses."""

    def __init__(
        self,
        faults: FaultList,
        names: Sequence[str | None],
        edges_key: str,
        wires: Wires,
        limit: int,
        *,
        kept: bool = True,
    ) -> None:
        self.faults = faults
        self.names = names
        self.key = edges_key
        self.wires = wires
        self.limit = limit
        self.kept = kept

    def run(
        self, order: Sequence[int], operators: Distinct[Signature | None], leaves: Mapping[int, TensorType]
    ) -> Distinct[TensorType | None]:
        """Return every node's type, None where it cannot be known; ``order`` has inputs before consumers."""
        types = self.all_alike(operators, leaves) if len(order) == len(self.names) else None
        if types is None:
            types = Distinct.of(self.walk(order, operators.column(), leaves))
        if self.kept:
            self.check_memory(types)
        return types

    def all_alike(
        self, operators: Distinct[Signature | None], leaves: Mapping[int, TensorType]
    ) -> Distinct[TensorType | None] | None:
        """Return one type for all nodes where every leaf has it and every operator keeps it, None where not.

        So it is in large networks of scalars. What holds for leaves, and for a node where it holds for its inputs,
        holds for all: there is no cycle.
        """
        kinds = {*leaves.values()}
        without = operators.where(lambda operator: operator is None or not operator.slots)
        if len(kinds) != 1 or np.count_nonzero(without) != len(leaves) or (self.wires.slots < 0).any():
            return None
        (alike,) = kinds
        asked = ShapeChecker(FaultList(), self.names, self.key, self.wires, self.limit)
        case = self.wires.arity * len(operators.things) + operators.number
        for i in np.unique(case, return_index=True)[1].tolist():
            operator, inputs = operators.at(i), self.wires.inputs(i)
            given = [alike] * len(inputs)
            if operator is None or (operator.slots and not self.complete(operator, inputs, given)):
                return None
            if operator.slots and asked.infer(i, operator, inputs, given) != alike:
                return None
        return Distinct((alike,), np.zeros(len(self.names), np.intp))

    def walk(
        self, order: Sequence[int], operators: Sequence[Signature | None], leaves: Mapping[int, TensorType]
    ) -> list[TensorType | None]:
        """Find the types node by node; equal ones are one object."""
        types: list[TensorType | None] = [None] * len(self.names)
        same: dict[TensorType, TensorType] = {}
        known: dict[tuple[int, ...], TensorType] = {}
        begin, operands = self.wires.begin.tolist(), self.wires.operands.tolist()
        for i in order:
            operator = operators[i]
            if operator is None:
                continue
            if i in leaves:
                types[i] = same.setdefault(leaves[i], leaves[i])
                continue
            # Identities tell whether a rule was asked before.
            sources = operands[begin[i] : begin[i + 1]]
            key = id(operator), *[0 if source < 0 else id(types[source]) for source in sources]
            found = known.get(key)
            if found is None and operator.slots:
                inputs, given = self.wires.inputs(i), [None if source < 0 else types[source] for source in sources]
                if self.complete(operator, inputs, given):
                    found = self.infer(i, operator, inputs, given)
                if found is not None:
                    found = known[key] = same.setdefault(found, found)
            types[i] = found
        return types

    def complete(self, operator: Signature, inputs: Sequence[int], given: Sequence[TensorType | None]) -> bool:
        """Whether every input that is needed is there and has a known type."""
        slots = slots_of(operator, len(inputs))
        return len(slots) == len(inputs) and all(
            slot.optional if edge < 0 else type_ is not None
            for slot, edge, type_ in zip(slots, inputs, given, strict=True)
        )

    def infer(
        self, i: int, operator: Signature, inputs: Sequence[int], given: Sequence[TensorType | None]
    ) -> TensorType | None:
        """Ask the operator's rule for node ``i``; ``inputs`` are the edges in its slots, ``given`` their types."""
        if not self.elements_fit(i, operator, inputs, given):
            return None
        try:
            result = operator.infer(*given)
        except RuleBroken as broken:
            slots = {slot.name: edge for slot, edge in zip(slots_of(operator, len(inputs)), inputs, strict=True)}
            at = slots.get(broken.key, -1)
            pointer = f"/{self.key}/{at}" if at >= 0 else f"/nodes/{i}"
            if at < 0 and broken.key in getattr(operator, "__struct_fields__", ()):
                pointer += f"/{broken.key}"
            what = f'"{self.name(i)}": {name_of(operator)}: {broken.what}'
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
            what = f'"{self.name(i)}": {name_of(operator)} needs {size}'
            hint = "use less padding, a smaller kernel or image, or raise the limit with --memory"
            self.faults.add("S001", what, hint, pointer=f"/nodes/{i}", node=self.names[i] or "")
            return None
        return result

    def elements_fit(
        self, i: int, operator: Signature, inputs: Sequence[int], given: Sequence[TensorType | None]
    ) -> bool:
        """Check element types: floats of one width, integers only where indices are meant."""
        name = self.names[i] or ""
        first: tuple[int, TensorType] | None = None
        for edge, type_, slot in zip(inputs, given, slots_of(operator, len(inputs)), strict=True):
            if edge < 0 or type_ is None:
                continue
            pointer, source = f"/{self.key}/{edge}", self.source(edge)
            if slot.elements != "any" and type_.is_float != (slot.elements == "float"):
                wants = "floating point" if slot.elements == "float" else "whole numbers"
                what = f'"{visible(name)}": slot {slot.name} takes {wants}, and "{source}" is {type_.dtype}'
                hint = (
                    'give the source node "dtype": "int64"' if slot.elements == "integer" else "give it a float dtype"
                )
                self.faults.add("S031", what, hint, pointer=pointer, node=name)
                return False
            if not type_.is_float:
                continue
            if first is not None and first[1].dtype != type_.dtype:
                what = (
                    f'"{visible(name)}" mixes element types: "{self.source(first[0])}" is {first[1].dtype}, '
                    f'"{source}" is {type_.dtype}'
                )
                self.faults.add("S030", what, 'give both the same "dtype"', pointer=pointer, node=name)
                return False
            first = first or (edge, type_)
        return True

    def check_memory(self, types: Distinct[TensorType | None]) -> None:
        """Refuse a network whose values and adjoints together are over the limit."""
        counts = np.bincount(types.number, minlength=len(types.things)).tolist()
        total = sum(_kept(type_) * count for type_, count in zip(types.things, counts, strict=True) if type_)
        if total > self.limit:
            sizes = [(_kept(type_), i) for i, type_ in enumerate(types.column()) if type_]
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

    def source(self, edge: int) -> str:
        """The name of the node that an edge begins at, for a message."""
        return visible(self.names[self.wires.source[edge]] or "")


def _kept(type_: TensorType) -> int:
    """Return the bytes of a value, and of the adjoint where there may be one."""
    return type_.nbytes * (2 if type_.is_float else 1)
