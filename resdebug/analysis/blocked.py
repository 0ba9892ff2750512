"""Why a parameter gets nothing: where on its way to the target the adjoint is lost first.

For reports, which ask it of every parameter: one place, found by going up. ``debugger.zero`` finds all places that
together cut a node off; why a single place lets nothing through, both know from ``debugger.cut_reasons``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final
from weakref import WeakKeyDictionary

from resdebug.analysis.measured import adjoint_norm, value_norm
from resdebug.debugger.cut_reasons import Reason, differentiable, why_not_differentiable, why_zero
from resdebug.network.model import Edge, Node
from resdebug.passes.protocol import Pass
from resdebug.text import visible


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


_CAUSES: Final = {
    Reason.STOP_GRADIENT: Cause.CUT,
    Reason.NOT_DIFFERENTIABLE: Cause.CUT,
    Reason.ZERO_FACTOR: Cause.ZERO_FACTOR,
    Reason.MASK: Cause.DEAD,
    Reason.SATURATED: Cause.DEAD,
}
"""Of the reasons why an edge carries nothing; the others are ``LOST``."""
_TOLD: Final[WeakKeyDictionary[Pass, dict[int, tuple[Reason, str]]]] = WeakKeyDictionary()
"""Why edges carry nothing, by index: many parameters may hang on one."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Where the adjoint is lost on its way to a node, and why."""

    cause: Cause
    node: str
    """The operator that sends nothing; for an unused node itself."""
    why: str
    """A clause: ``"relu3" sends nothing: relu lets nothing through where x ≤ 0 (all 64 elements, …)``."""
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
    return _lost(pass_, carrying[0])


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
            if not differentiable(pass_, edge):
                reason, text = why_not_differentiable(pass_, edge)
                why = f"{_name(pass_.network.nodes[edge.consumer_index])} sends nothing: {text}"
                return Blocked(_CAUSES[reason], edge.consumer, why)
            if edge.consumer_index not in seen:
                seen.add(edge.consumer_index)
                stack.append(edge.consumer_index)
    return Blocked(Cause.UNUSED, node.name, f"no differentiable way leads from {name} to the target")


def _lost(pass_: Pass, edge: Edge) -> Blocked:
    """Say why an operator with a non-zero adjoint sends nothing through one slot."""
    node = pass_.network.nodes[edge.consumer_index]
    reason, text = _reason(pass_, edge)
    cause = _CAUSES.get(reason, Cause.LOST)
    others = [e.source for e in node.inputs if e and e != edge and value_norm(pass_, e.source_index) == 0]
    factor = others[0] if cause is Cause.ZERO_FACTOR and others else ""
    return Blocked(cause, node.name, f"{_name(node)} sends nothing: {text}", factor)


def _reason(pass_: Pass, edge: Edge) -> tuple[Reason, str]:
    told = _TOLD.setdefault(pass_, {})
    if edge.index not in told:
        told[edge.index] = why_zero(pass_, edge)
    return told[edge.index]


def _name(node: Node) -> str:
    return f'"{visible(node.name, limit=60)}"'
