"""Makes the network that an edit describes: checked as a file is, its tensors shared with the one before."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from resdebug.debugger.edits import (
    CutForward,
    CutReverse,
    Edit,
    ScaleEdge,
    SetAttribute,
    SetRule,
    SetSeed,
    SetValue,
)
from resdebug.engine.accumulation import RULES
from resdebug.engine.forward import leaf_value
from resdebug.errors import BadInput, Fault, Place
from resdebug.network.building import build
from resdebug.network.initialisers import Zeros
from resdebug.network.model import Edge, Network, Node
from resdebug.network.substitution import numbers_for, with_values
from resdebug.network.types import TensorType, shape_text
from resdebug.network.values import Made, Missing, Numbers, Value
from resdebug.passes.protocol import Pass
from resdebug.text import did_you_mean, visible

Index = tuple[int, ...]

SEED: Final = "seed"
"""Key of the node that a changed seed is kept in."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A changed network, how contributions accumulate there, and which nodes are touched themselves."""

    network: Network
    rule: str
    touched: frozenset[int]


def edited(pass_: Pass, edit: Edit) -> Edited:
    """Return what ``edit`` makes of the network of ``pass_``. Raises BadInput with what is wrong with it."""
    network = pass_.network
    match edit:
        case SetValue():
            changed = _with_value(network, edit)
            return Edited(changed, pass_.rule, frozenset({network[edit.node].index}))
        case SetAttribute(node, key, value):
            return Edited(_with_attribute(network, node, key, value), pass_.rule, frozenset({network[node].index}))
        case SetSeed(value):
            return _with_seed(pass_, value)
        case CutReverse(consumer, slot):
            return _through(pass_, edge_of(network, consumer, slot), "cut", {"op": "stop_gradient"})
        case ScaleEdge(consumer, slot, factor):
            settings = {"op": "scale", "factor": _finite(factor, "the factor")}
            return _through(pass_, edge_of(network, consumer, slot), "scaled", settings)
        case CutForward(consumer, slot):
            return _zeros(pass_, edge_of(network, consumer, slot))
        case SetRule(rule):
            if rule not in RULES:
                what = f'there is no accumulation rule "{visible(rule)}"'
                raise BadInput(Fault("G053", what, did_you_mean(rule, RULES)))
            return Edited(network, rule, frozenset())


def edge_of(network: Network, consumer: str, slot: str) -> Edge:
    """Return the edge into a slot. Raises BadInput when there is none."""
    node = node_of(network, consumer)
    slots = {edge.slot: edge for edge in node.inputs if edge is not None}
    if slot not in slots:
        what = f'nothing leads into slot "{visible(slot)}" of "{visible(consumer)}"'
        raise BadInput(Fault("C031", what, did_you_mean(slot, slots), Place(node=consumer)))
    return slots[slot]


def branch_of(network: Network, block: str) -> Edge:
    """Return the edge through which a block's branch enters its join: the last ``add`` of the block, and the operand
    with the longer way from the leaves. Raises BadInput where there is no such thing, or both ways are as long."""
    joins = [n for n in network.nodes if n.block == block and n.op == "add"]
    if not joins:
        blocks = dict.fromkeys(n.block for n in network.nodes if n.block)
        known = block in blocks
        what = f'block "{visible(block)}" has no add in it' if known else f'there is no block "{visible(block)}"'
        hint = "name the edge: CONSUMER.SLOT" if known else did_you_mean(block, blocks)
        raise BadInput(Fault("C031", what, hint))
    depth = network.depths
    join = max(joins, key=lambda n: depth[n.index])
    first, second = (e for e in join.inputs if e is not None)
    if depth[first.source_index] == depth[second.source_index]:
        what = f'both ways into "{visible(join.name)}" are as long: which is the branch?'
        raise BadInput(Fault("C031", what, "name the edge: CONSUMER.SLOT", Place(node=join.name)))
    return max(first, second, key=lambda e: depth[e.source_index])


def node_of(network: Network, name: str) -> Node:
    """Return a node. Raises BadInput for an unknown one."""
    if name not in network:
        hint = did_you_mean(name, (n.name for n in network.nodes))
        raise BadInput(Fault("C003", f'there is no node "{visible(name)}"', hint))
    return network[name]


def _with_value(network: Network, edit: SetValue) -> Network:
    node = node_of(network, edit.node)
    place = Place(node=node.name)
    if not node.is_leaf:
        what = f'"{visible(node.name)}" is computed by {node.op}: only inputs, parameters and constants hold numbers'
        raise BadInput(Fault("G052", what, "change one of these, or an attribute: NODE.ATTRIBUTE", place))
    numbers: Any = edit.value
    if edit.index is not None:
        numbers = _with_element(network, node, edit.index, edit.value)
    elif np.ndim(numbers) == 0 and node.shape:
        numbers = np.full(node.shape, numbers)
    given = numbers_for(numbers, node)
    if given.shape == node.shape:
        # Wiring and types are those before: all that was worked out from them holds.
        made = copy(network)
        made.values = {**network.values, node.name: Numbers.of(given)}
    else:
        made = _unplaced(lambda: with_values(network, {node.name: given}))
        made.schedules = {}
    array = made.values[node.name].array()
    written = {k: v for k, v in node.written.items() if k not in {"shape", "value"}} | {"value": array}
    return _rewritten(made, {node.index: written})


def _with_element(network: Network, node: Node, index: Index, value: Any) -> np.ndarray:
    fits = len(index) == len(node.shape) and all(-n <= i < n for i, n in zip(index, node.shape, strict=True))
    if not fits:
        what = f'"{visible(node.name)}" is {shape_text(node.shape)}: it has no element [{", ".join(map(str, index))}]'
        hint = f"give {len(node.shape)} indices, each below its size"
        raise BadInput(Fault("C021", what, hint, Place(node=node.name)))
    if np.ndim(value):
        raise BadInput(
            Fault("S014", f'one element of "{visible(node.name)}" takes one number', "", Place(node=node.name))
        )
    numbers: np.ndarray = np.array(leaf_value(network, node))
    if numbers.dtype.kind != "f" and float(value) != int(value):
        what = f'"{visible(node.name)}" holds {node.dtype}, and {value} is no whole number'
        raise BadInput(Fault("S015", what, "give a whole number", Place(node=node.name)))
    with np.errstate(over="ignore"):
        numbers[index] = value
    if math.isfinite(float(value)) and not np.isfinite(numbers[index]):
        raise BadInput(Fault("S015", f"{value} is beyond {node.dtype}", "give a smaller number", Place(node=node.name)))
    return numbers


def _rewritten(network: Network, written: dict[int, Any]) -> Network:
    """Return a network whose nodes say of themselves what they are now."""
    said = list(network.nodes.written)
    for i, data in written.items():
        said[i] = data
    made = copy(network)
    made.nodes = network.nodes.with_written(said)
    made.__dict__.pop("graph", None)
    return made


def _with_attribute(network: Network, name: str, key: str, value: Any) -> Network:
    node = node_of(network, name)
    known = node.attributes
    if key not in known:
        what = f'{node.op} ("{visible(name)}") has no attribute "{visible(key)}"'
        hint = did_you_mean(key, known) if known else f"{node.op} has no attributes"
        raise BadInput(Fault("G022", what, hint, Place(node=name)))
    return _rebuilt(network, {node.index: {**node.written, key: value}}, [], {}, {})


def _with_seed(pass_: Pass, value: float) -> Edited:
    factor = _finite(value, "the seed")
    network, target = pass_.network, pass_.network[pass_.target]
    if target.written.get("role") == SEED and target.op == "scale":
        made = _rebuilt(network, {target.index: {**target.written, "factor": factor}}, [], {}, {})
        return Edited(made, pass_.rule, frozenset({target.index}))
    name = _fresh(network, f"{target.name}.seed")
    node = {"id": name, "op": "scale", "factor": factor, "role": SEED}
    edge = {"source": target.name, "target": name, "slot": "x"}
    made = _rebuilt(network, {}, [node], {}, {}, [edge], target=name)
    return Edited(made, pass_.rule, frozenset({len(network.nodes)}))


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise BadInput(Fault("G023", f"{what} is {visible(str(value))}, not a finite number", "give a number"))
    return float(value)


def _through(pass_: Pass, edge: Edge, ending: str, settings: dict[str, Any]) -> Edited:
    """Put a node on an edge."""
    network = pass_.network
    name = _fresh(network, f"{edge.consumer}.{edge.slot}.{ending}")
    block = network.nodes[edge.consumer_index].block
    node = {"id": name, **settings} | ({"block": block} if block else {})
    new = {"source": edge.source, "target": name, "slot": "x"}
    made = _rebuilt(network, {}, [node], {}, {edge.index: name}, [new])
    return Edited(made, pass_.rule, frozenset({edge.consumer_index, len(network.nodes)}))


def _zeros(pass_: Pass, edge: Edge) -> Edited:
    """Put zeros in the place of an operand."""
    network = pass_.network
    source = network.nodes[edge.source_index]
    name = _fresh(network, f"{edge.consumer}.{edge.slot}.zeros")
    rule = Zeros(list(source.shape))
    written = {"init": "zeros", "shape": list(source.shape)}
    block = network.nodes[edge.consumer_index].block
    node = {"id": name, "op": "constant", "dtype": source.dtype, "value": written} | ({"block": block} if block else {})
    made = _rebuilt(network, {}, [node], {name: Made(rule, source.type)}, {edge.index: name})
    return Edited(made, pass_.rule, frozenset({edge.consumer_index, len(network.nodes)}))


def _fresh(network: Network, name: str) -> str:
    found, k = name, 2
    while found in network:
        found, k = f"{name}{k}", k + 1
    return found


def _rebuilt(
    network: Network,
    written: dict[int, dict[str, Any]],
    nodes: list[dict[str, Any]],
    values: dict[str, Value],
    sources: dict[int, str],
    edges: list[dict[str, Any]] | None = None,
    *,
    target: str | None = None,
) -> Network:
    """Check everything anew and return the network; numbers of leaves are shared.

    ``written`` replaces what stands of nodes by index, ``sources`` the beginnings of edges; ``nodes``, ``values`` and
    ``edges`` are new. Raises BadInput with every fault.
    """
    said = [written.get(i, data) for i, data in enumerate(network.nodes.written)] + nodes
    kept = {**network.values, **values}
    names = [*network.nodes.names, *(node["id"] for node in nodes)]
    raw = {
        "directed": True,
        "multigraph": True,
        "graph": network.about,
        "nodes": [_unread(data, name, kept) for data, name in zip(said, names, strict=True)],
        "edges": [
            {"source": sources.get(e.index, e.source), "target": e.consumer, "slot": e.slot} for e in network.edges
        ] + (edges or []),
    }  # fmt: skip
    goal = network.target if target is None else target
    made = _unplaced(lambda: build(raw, network.catalogue, target=goal, limit=network.limit))
    made.values = kept
    made.nodes = made.nodes.with_written(said)
    return made


def _unplaced(make: Callable[[], Network]) -> Network:
    """Return what ``make`` makes; faults name nodes, for there is no file that they could point into."""
    try:
        return make()
    except BadInput as error:
        raise BadInput([replace(f, place=Place(node=f.place.node)) for f in error.faults]) from None


def _unread(data: Any, name: str, values: dict[str, Value]) -> dict[str, Any]:
    """Return a node as it is to be checked: leaves with their type alone, but whole numbers, which may be indices."""
    if name not in values:
        return {**data, "id": name}
    value = values[name]
    rest = {k: v for k, v in data.items() if k not in {"value", "shape"}}
    if isinstance(value, Numbers) and not value.type.is_float:
        return {**rest, "id": name, "dtype": value.type.dtype, "value": value.numbers}
    return {**rest, "id": name, "value": Missing(TensorType(value.type.shape, value.type.dtype))}
