"""Why a parameter gets nothing: where on its way to the target the adjoint is lost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from resdebug.analysis.measured import adjoint_norm, value_norm
from resdebug.engine.forward import operator_of
from resdebug.network.model import Node
from resdebug.passes.protocol import Pass
from resdebug.text import visible

CUTS: Final = frozenset({"relu", "relu6", "hardtanh", "hard_sigmoid", "hard_swish", "clip"})
"""Operators whose derivative is exactly 0 on part of their range."""


class Cause(Enum):
    """What kind of reason it is."""

    UNUSED = "unused"
    """Nothing that leads to the target takes it."""
    CUT = "cut"
    """It leads there only through something that takes no adjoint."""
    ZERO_FACTOR = "zero factor"
    """It is multiplied by zeros."""
    DEAD = "dead"
    """An activation is flat at every element."""
    CANCELLED = "cancelled"
    """Contributions add up to zero."""
    LOST = "lost"
    """An operator sends zeros."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Where the adjoint is lost on its way to a node, and why."""

    cause: Cause
    node: str
    """The operator that sends nothing; for an unused node itself."""
    why: str
    """A clause: ``relu3 is flat: none of its 64 inputs is above 0``."""
    factor: str = ""
    """The leaf that is zero, for a zero factor."""


def blocked(pass_: Pass, index: int) -> Blocked | None:
    """Return why a node's adjoint is None or all zeros; None where it is neither."""
    nodes, plan = pass_.network.nodes, pass_.schedule
    node = nodes[index]
    if not plan.active[index]:
        return _no_way(pass_, node)
    if adjoint_norm(pass_, index) != 0:
        return None
    here = index
    while True:
        arrivals = plan.arrivals[here]
        carrying = [edge for edge in arrivals if adjoint_norm(pass_, edge.consumer_index) != 0]
        if carrying:
            break
        if not arrivals:
            return Blocked(Cause.LOST, nodes[here].name, f"{_name(nodes[here])} was given a zero adjoint")
        here = arrivals[0].consumer_index
    sent = [edge for edge in carrying if pass_.contribution(edge).any()]
    if sent:
        why = f"what {_name(nodes[here])} gets from {len(sent)} consumers adds up to zero"
        return Blocked(Cause.CANCELLED, nodes[here].name, why)
    return _lost(pass_, nodes[carrying[0].consumer_index], carrying[0].position)


def passing(pass_: Pass, lost: Blocked) -> bool:
    """Whether it will pass by itself: the factor is a parameter at zero that gets a gradient, and so moves away."""
    if not lost.factor or pass_.network[lost.factor].op != "parameter":
        return False
    reached = adjoint_norm(pass_, pass_.network[lost.factor].index)
    return reached is not None and reached > 0


def remedy(lost: Blocked) -> str:
    """Return what can be done about it, in a sentence."""
    match lost.cause:
        case Cause.UNUSED:
            return "Connect it, or leave it out."
        case Cause.CUT:
            return "That is right where the gradient is to be cut; otherwise take the operator out."
        case Cause.ZERO_FACTOR:
            return f'Give "{visible(lost.factor, limit=60)}" other values than zero.'
        case Cause.DEAD:
            return "Lower the bias before it, start the weights anew, or use an activation with a slope everywhere."
        case Cause.CANCELLED:
            return "Look at its ledger: the contributions are equal and opposite."
        case Cause.LOST:
            return "Look at its local derivative at these values."


def _no_way(pass_: Pass, node: Node) -> Blocked:
    """Say why no differentiable way leads from a node to the target."""
    name = _name(node)
    if node.index not in pass_.schedule.order:
        return Blocked(Cause.UNUSED, node.name, f"nothing that leads to the target uses {name}")
    seen, stack = {node.index}, [node.index]
    while stack:
        for edge in pass_.network.consumers[stack.pop()]:
            consumer = pass_.network.nodes[edge.consumer_index]
            slot = operator_of(consumer).slot(edge.position, len(consumer.inputs))
            if not slot.differentiable or not consumer.type.is_float:
                why = f"{_name(consumer)} ({consumer.op}) takes no adjoint through its slot {slot.name}"
                return Blocked(Cause.CUT, consumer.name, why)
            if edge.consumer_index not in seen:
                seen.add(edge.consumer_index)
                stack.append(edge.consumer_index)
    return Blocked(Cause.UNUSED, node.name, f"no differentiable way leads from {name} to the target")


def _lost(pass_: Pass, node: Node, position: int) -> Blocked:
    """Say why an operator with a non-zero adjoint sends nothing through one slot."""
    name = _name(node)
    for edge in node.inputs:
        if edge is None or edge.position == position or value_norm(pass_, edge.source_index) != 0:
            continue
        source = pass_.network.nodes[edge.source_index]
        why = f"{name} ({node.op}) multiplies it with {_name(source)}, which is all zeros"
        return Blocked(Cause.ZERO_FACTOR, node.name, why, source.name)
    taken = node.inputs[position]
    value = None if taken is None else pass_.value(taken.source)
    if node.op == "relu" and value is not None:
        why = f"{name} is flat: none of its {value.size} inputs is above 0 (the greatest is {float(np.max(value)):.3g})"
        return Blocked(Cause.DEAD, node.name, why)
    if node.op in CUTS:
        return Blocked(Cause.DEAD, node.name, f"{name} ({node.op}) is flat at every input that matters")
    return Blocked(Cause.LOST, node.name, f"{name} ({node.op}) sends zeros")


def _name(node: Node) -> str:
    return f'"{visible(node.name, limit=60)}"'
