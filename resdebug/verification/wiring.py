"""The network of a trace's header: who leads to whom, who takes part, who owes what to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from resdebug.text import visible
from resdebug.verification.formulas import LEAVES, VARIADIC, differentiable, slots_of
from resdebug.verification.operands import Operand
from resdebug.verification.rules import Broken

Type = tuple[tuple[int, ...], str]
"""Shape and element type."""
_NOT_WORK: Final = frozenset({"id", "op", "block"})


@dataclass(eq=False, slots=True)
class Node:
    """A node as the header has it, and what the trace has said of it so far."""

    name: str
    op: str
    attributes: Mapping[str, Any]
    inputs: dict[str, Node] = field(default_factory=dict)
    """The node in each slot, in slot order."""
    declared: Type | None = None
    """A leaf's shape and element type."""
    is_leaf: bool = False
    """Whether this is an input, a parameter or a constant."""
    is_known: bool = False
    """Whether there is a second opinion about the operator."""
    work: str = ""
    """The operator with its slots and attributes: nodes of the same work do the same to the same operands."""

    type: Type | None = None
    """Of its value, once it has been evaluated."""
    value: Operand | None = None
    adjoint: Operand | None = None
    partial: Operand | None = None
    awaited: int = 0
    """Contributions that it waits for."""
    arrived: int = 0
    completed: bool = False

    def __post_init__(self) -> None:
        self.is_leaf = self.op in LEAVES
        self.is_known = self.is_leaf or self.op in VARIADIC or slots_of(self.op, 0) is not None

    def look_at_work(self) -> None:
        """Fill in ``work``, when all inputs are there."""
        others = {key: self.attributes[key] for key in sorted(self.attributes) if key not in _NOT_WORK}
        self.work = f"{self.op} {' '.join(self.inputs)}" + (f" {others!r}" if others else "")


class Wiring:
    """Nodes by name, checked; and ``order``, inputs before consumers, of what the target depends on."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        """Raises Broken."""
        network = header["network"]
        nodes, edges = network.get("nodes"), network.get("edges")
        if not isinstance(nodes, list) or not isinstance(edges, list):
            raise Broken("V010", "the network has no nodes or no edges")
        self.nodes: dict[str, Node] = {}
        for node in nodes:
            self._add(node)
        for edge in edges:
            self._join(edge)
        for node in self.nodes.values():
            self._sort_slots(node)
        self.target = str(header["target"])
        if self.target not in self.nodes:
            raise Broken("V010", f'there is no node "{visible(self.target)}", the target')
        self.order = self._order()

    def _add(self, node: Any) -> None:
        if not isinstance(node, dict) or not isinstance(node.get("op"), str):
            raise Broken("V010", "a node is not an object with an op")
        name = str(node.get("id"))
        if name in self.nodes:
            raise Broken("V010", f'two nodes are called "{visible(name)}"')
        added = Node(name, node["op"], node)
        if added.is_leaf:
            shape, dtype = node.get("shape"), node.get("dtype")
            if not isinstance(shape, list) or not all(type(n) is int for n in shape) or not isinstance(dtype, str):
                raise Broken("V010", f'leaf "{visible(name)}" has no shape or no element type')
            added.declared = tuple(shape), dtype
        self.nodes[name] = added

    def _join(self, edge: Any) -> None:
        if not isinstance(edge, dict) or type(edge.get("slot")) is not str:
            raise Broken("V010", "an edge is not an object with a slot")
        source, consumer = str(edge.get("source")), str(edge.get("target"))
        for name in (source, consumer):
            if name not in self.nodes:
                raise Broken("V010", f'an edge names "{visible(name)}", which is no node')
        into = self.nodes[consumer]
        if into.is_leaf or edge["slot"] in into.inputs:
            what = f'slot {visible(edge["slot"])} of "{visible(consumer)}"'
            raise Broken("V010", f"{what} is taken twice, or there is none")
        into.inputs[edge["slot"]] = self.nodes[source]

    def _sort_slots(self, node: Node) -> None:
        slots = slots_of(node.op, len(node.inputs))
        if slots is not None and not node.is_leaf:
            if not set(node.inputs) <= set(slots):
                raise Broken("V010", f'"{visible(node.name)}" ({visible(node.op)}) has a slot that it should not have')
            node.inputs = {slot: node.inputs[slot] for slot in slots if slot in node.inputs}
        node.look_at_work()

    def _order(self) -> list[Node]:
        """Return what the target depends on, inputs first. Raises Broken where there is a cycle."""
        under_way: set[Node] = set()
        done: set[Node] = set()
        found: list[Node] = []
        stack = [self.nodes[self.target]]
        while stack:
            node = stack[-1]
            if node not in under_way and node not in done:
                under_way.add(node)
                for source in node.inputs.values():
                    if source in under_way:
                        raise Broken("V011", f'"{visible(source.name)}" depends on itself')
                    if source not in done:
                        stack.append(source)
                continue
            stack.pop()
            if node in under_way:
                under_way.remove(node)
                done.add(node)
                found.append(node)
        return found

    def plan(self) -> dict[Node, list[tuple[str, Node]]]:
        """Return, per node of the reverse pass, the slots through which it sends, with who receives.

        A slot of an unknown operator may send: whoever checks must not insist.
        """
        carries: set[Node] = set()
        through: dict[Node, list[tuple[str, Node]]] = {}
        for node in self.order:
            is_float = node.type is not None and str(node.type[1]).startswith("float")
            if node.is_leaf:
                if node.op != "constant" and is_float:
                    carries.add(node)
                continue
            sent = [
                (slot, source)
                for slot, source in node.inputs.items()
                if source in carries and (not node.is_known or differentiable(node.op, slot))
            ]
            through[node] = sent
            if sent and is_float:
                carries.add(node)
        active = {self.nodes[self.target]}
        for node in reversed(self.order):
            if node in active:
                active.update(source for _, source in through.get(node, ()))
        return {node: through.get(node, []) for node in self.order if node in active}
