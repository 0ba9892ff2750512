"""The target: the scalar node that is differentiated; and the parts of a network that do not lead there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from resdebug.errors import quoted
from resdebug.network.faults import FaultList
from resdebug.network.model import Edge, Node
from resdebug.network.wiring import all_lead_to, uses
from resdebug.text import plural, visible

POINTER: Final = "/graph/target"


def named_target(faults: FaultList, names: Sequence[str | None], asked: str | None, written: Any) -> int | None:
    """Return the index of the target that was asked for, or that the file names; None where none is named, or wrong."""
    pointer = "" if asked is not None else POINTER
    given = asked if asked is not None else written
    if given is None:
        return None
    if isinstance(given, list | dict | bool | float):
        faults.add("G050", "the target is one node's id", "name a single node", pointer=pointer)
        return None
    if str(given) not in names:
        what = f'the target "{visible(str(given))}" is not a node'
        known = [name for name in names if name is not None]
        faults.add("G050", what, faults.suggest(str(given), known), pointer=pointer)
        return None
    return names.index(str(given))


def choose_target(faults: FaultList, nodes: Sequence[Node], edges: Sequence[Edge], named: int | None) -> int:
    """Return the target's index: the named one if it is a scalar, else the only scalar that nobody consumes."""
    if named is None:
        return _only_scalar(faults, nodes, edges)
    node = nodes[named]
    if node.type.size != 1 or not node.type.is_float:
        what = f'the target "{visible(node.name)}" is not a scalar: it is {node.type}'
        hint = "reduce it with sum or mean" + _others(nodes, edges, named)
        faults.add("S040", what, hint, pointer=POINTER, node=node.name)
    return named


def _scalar_ends(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Node]:
    used = {edge.source_index for edge in edges}
    return [n for n in nodes if n.index not in used and n.type.size == 1 and n.type.is_float and not n.is_leaf]


def _others(nodes: Sequence[Node], edges: Sequence[Edge], found: int) -> str:
    names = [n.name for n in _scalar_ends(nodes, edges) if n.index != found]
    return f", or choose another with --target: {quoted(names)}" if names else ""


def _only_scalar(faults: FaultList, nodes: Sequence[Node], edges: Sequence[Edge]) -> int:
    ends = _scalar_ends(nodes, edges)
    if len(ends) == 1:
        return ends[0].index
    if ends:
        what = f"{plural(len(ends), 'node')} could be the target: {quoted(n.name for n in ends)}"
        faults.add("G051", what, 'say which: "target" in "graph", or --target')
    else:
        what = "there is no target: no node is a scalar that nobody consumes"
        faults.add("G051", what, 'end in a loss, sum or mean, or name one: "target" in "graph", or --target')
    return -1


def warn_of_idle_parts(faults: FaultList, nodes: Sequence[Node], edges: Sequence[Edge], target: int) -> None:
    """Warn of nodes that the target does not depend on, and of a target that depends on nothing differentiable."""
    reaches = [True] * len(nodes) if all_lead_to(target, uses(len(nodes), edges)) else _reaches(nodes, target)
    idle = [] if all(reaches) else [node for node in nodes if not reaches[node.index]]
    if idle:
        what = f"{plural(len(idle), 'node')} the target does not depend on: {quoted(n.name for n in idle)}"
        faults.add("G060", what, "no adjoint there", pointer=f"/nodes/{idle[0].index}", severity="warning")
    if not any(node.is_differentiable_leaf and reaches[node.index] for node in nodes):
        what = "the target depends on no input and no parameter"
        faults.add("G061", what, "every adjoint but the seed is absent", severity="warning")


def _reaches(nodes: Sequence[Node], target: int) -> list[bool]:
    reaches = [False] * len(nodes)
    reaches[target] = True
    stack = [target]
    while stack:
        for edge in nodes[stack.pop()].inputs:
            if edge is not None and not reaches[edge.source_index]:
                reaches[edge.source_index] = True
                stack.append(edge.source_index)
    return reaches
