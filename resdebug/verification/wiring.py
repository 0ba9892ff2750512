"""The network of a trace's header: who leads to whom, who takes part, who owes what to whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from resdebug.text import visible
from resdebug.verification.formulas import LEAVES, VARIADIC, differentiable, slots_of
from resdebug.verification.rules import Broken

Type = tuple[tuple[int, ...], str]
"""Shape and element type."""
UNKNOWN: Final = "unknown operator"


@dataclass
class Node:
    """A node as the header has it."""

    name: str
    op: str
    attributes: Mapping[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)
    """The node in each slot, in slot order."""
    declared: Type | None = None
    """A leaf's shape and element type."""

    @property
    def is_leaf(self) -> bool:
        """Whether this is an input, a parameter or a constant."""
        return self.op in LEAVES

    @property
    def is_known(self) -> bool:
        """Whether there is a second opinion about the operator."""
        return self.is_leaf or self.op in VARIADIC or slots_of(self.op, 0) is not None


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
        into.inputs[edge["slot"]] = source

    def _sort_slots(self, node: Node) -> None:
        slots = slots_of(node.op, len(node.inputs))
        if slots is None or node.is_leaf:
            return
        if not set(node.inputs) <= set(slots):
            raise Broken("V010", f'"{visible(node.name)}" ({visible(node.op)}) has a slot that it should not have')
        node.inputs = {slot: node.inputs[slot] for slot in slots if slot in node.inputs}

    def _order(self) -> list[str]:
        """Return what the target depends on, inputs first. Raises Broken where there is a cycle."""
        state: dict[str, int] = {}
        found: list[str] = []
        stack = [self.target]
        while stack:
            name = stack[-1]
            if state.get(name, 0) == 0:
                state[name] = 1
                for source in self.nodes[name].inputs.values():
                    if state.get(source) == 1:
                        raise Broken("V011", f'"{visible(source)}" depends on itself')
                    if source not in state:
                        stack.append(source)
                continue
            stack.pop()
            if state[name] == 1:
                state[name] = 2
                found.append(name)
        return found

    def plan(self, type_of: Callable[[str], Type | None]) -> dict[str, list[tuple[str, str]]]:
        """Return, per node of the reverse pass, the slots through which it sends, with who receives.

        A slot of an unknown operator may send: whoever checks must not insist.
        """
        carries: set[str] = set()
        through: dict[str, list[tuple[str, str]]] = {}
        for name in self.order:
            node, type_ = self.nodes[name], type_of(name)
            is_float = type_ is not None and type_[1].startswith("float")
            if node.is_leaf:
                if node.op != "constant" and is_float:
                    carries.add(name)
                continue
            sent = [
                (slot, source)
                for slot, source in node.inputs.items()
                if source in carries and (not node.is_known or differentiable(node.op, slot))
            ]
            through[name] = sent
            if sent and is_float:
                carries.add(name)
        active = {self.target}
        for name in reversed(self.order):
            if name in active:
                active.update(source for _, source in through.get(name, ()))
        return {name: through.get(name, []) for name in self.order if name in active}
