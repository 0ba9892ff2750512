"""The target: the scalar node that is differentiated; and the parts of a network that do not lead there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from resdebug.errors import quoted
from resdebug.network.faults import FaultList
from resdebug.network.parts import Nodes
from resdebug.text import plural, visible

POINTER: Final = "/graph/target"


def named_target(faults: FaultList, index: Mapping[str, int], asked: str | None, written: Any) -> int | None:
    """Return the index of the target that was asked for, or that the file names; None where none is named, or wrong."""
    pointer = "" if asked is not None else POINTER
    given = asked if asked is not None else written
    if given is None:
        return None
    if isinstance(given, list | dict | bool | float):
        faults.add("G050", "the target is one node's id", "name a single node", pointer=pointer)
        return None
    if str(given) not in index:
        what = f'the target "{visible(str(given))}" is not a node'
        faults.add("G050", what, faults.suggest(str(given), index), pointer=pointer)
        return None
    return index[str(given)]


def choose_target(faults: FaultList, nodes: Nodes, named: int | None) -> int:
    """Return the target's index: the named one if it is a scalar, else the only scalar that nobody consumes."""
    if named is None:
        return _only_scalar(faults, nodes)
    type_, name = nodes.types.at(named), nodes.names[named]
    if not nodes.scalar[named]:
        what = f'the target "{visible(name)}" is not a scalar: it is {type_}'
        hint = "reduce it with sum or mean" + _others(nodes, named)
        faults.add("S040", what, hint, pointer=POINTER, node=name)
    return named


def _scalar_ends(nodes: Nodes) -> list[int]:
    ends: list[int] = np.flatnonzero((nodes.wires.uses == 0) & nodes.scalar & ~nodes.leaf).tolist()
    return ends


def _others(nodes: Nodes, found: int) -> str:
    names = [nodes.names[i] for i in _scalar_ends(nodes) if i != found]
    return f", or choose another with --target: {quoted(names)}" if names else ""


def _only_scalar(faults: FaultList, nodes: Nodes) -> int:
    ends = _scalar_ends(nodes)
    if len(ends) == 1:
        return ends[0]
    if ends:
        what = f"{plural(len(ends), 'node')} could be the target: {quoted(nodes.names[i] for i in ends)}"
        faults.add("G051", what, 'say which: "target" in "graph", or --target')
    else:
        what = "there is no target: no node is a scalar that nobody consumes"
        faults.add("G051", what, 'end in a loss, sum or mean, or name one: "target" in "graph", or --target')
    return -1


def warn_of_idle_parts(faults: FaultList, nodes: Nodes, target: int) -> None:
    """Warn of nodes that the target does not depend on, and of a target that depends on nothing differentiable."""
    reaches = nodes.wires.leading_to(target)
    idle = np.flatnonzero(~reaches).tolist()
    if idle:
        what = f"{plural(len(idle), 'node')} the target does not depend on: {quoted(nodes.names[i] for i in idle)}"
        faults.add("G060", what, "no adjoint there", pointer=f"/nodes/{idle[0]}", severity="warning")
    if not (nodes.differentiable_leaf & reaches).any():
        what = "the target depends on no input and no parameter"
        faults.add("G061", what, "every adjoint but the seed is absent", severity="warning")
