"""Where does this number come from: one element of an adjoint, followed back to the seed.

At every step the contribution that made most of the element is named, then the element of its consumer's adjoint that
made most of that contribution; there the next step begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from resdebug.debugger.shares import TooDear, Way, largest, shares
from resdebug.errors import BadInput, Fault, Place
from resdebug.network.model import Edge, Node
from resdebug.network.types import shape_text
from resdebug.ops.base import Array
from resdebug.passes.protocol import Of, Pass
from resdebug.text import visible

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One element of one adjoint, and what made most of it."""

    node: str
    index: Index
    adjoint: float
    arrivals: int
    """How many contributions arrived there; none at the target, which was seeded."""
    edge: Edge | None = None
    contribution: float = 0.0
    """This element of the largest contribution."""
    share: float = 0.0
    """Its magnitude, of the magnitudes of all that arrived together (as the accumulation rule weighs them)."""
    consumer_index: Index = ()
    """The element of the consumer's adjoint that made most of the contribution."""
    part: float = 0.0
    """How much of the contribution that element made."""
    part_share: float = 0.0
    """Its magnitude, of the magnitudes of all parts together."""
    parts: int = 0
    """How many elements of the consumer's adjoint made the contribution."""
    way: Way | None = None
    stopped: str = ""
    """Why the way cannot be followed further, where that is so."""


def provenance(pass_: Pass, node: str, index: Sequence[int] = ()) -> Iterator[Step]:
    """Follow element ``index`` of the adjoint of ``node`` back towards the target, a step at a time, to the seed.

    Costs a contribution an arriving edge, and about one forward evaluation of each consumer on the way. Raises KeyError
    for an unknown node, BadInput for an index that it does not have or a node that has no adjoint (C021), and for
    numbers that a trace does not hold (T014); where those are missing on the way, the way ends there.
    """
    here = checked_index(pass_, node, index)
    return _steps(pass_, pass_.network[node], here)


def _steps(pass_: Pass, node: Node, index: Index) -> Iterator[Step]:
    nodes = pass_.network.nodes
    first = True
    while True:
        why = next((why for e in pass_.schedule.arrivals[node.index] if (why := pass_.lacking(Of.CONTRIBUTION, e))), "")
        if why and not first:
            adjoint = element(pass_.needed(Of.ADJOINT, node.name), index)
            yield Step(node.name, index, adjoint, len(pass_.schedule.arrivals[node.index]), stopped=why)
            return
        step = _step(pass_, node, index)
        first = False
        yield step
        if step.edge is None or step.stopped:
            return
        node, index = nodes[step.edge.consumer_index], step.consumer_index


def _step(pass_: Pass, node: Node, index: Index) -> Step:
    arrivals = pass_.schedule.arrivals[node.index]
    adjoint = element(pass_.needed(Of.ADJOINT, node.name), index)
    if not arrivals:
        return Step(node.name, index, adjoint, 0)
    sent = [element(pass_.needed(Of.CONTRIBUTION, edge), index) for edge in arrivals]
    weighed = weights(pass_.rule, len(sent)) * np.array(sent)
    chosen = largest(weighed)
    edge = arrivals[chosen]
    step = Step(node.name, index, adjoint, len(arrivals), edge, sent[chosen], _share(weighed, chosen))
    try:
        found = shares(pass_, edge, index, sent[chosen])
    except TooDear as error:
        return replace(step, stopped=str(error))
    part = found.largest
    shape = pass_.network.nodes[edge.consumer_index].shape
    return replace(
        step,
        consumer_index=tuple(int(i) for i in np.unravel_index(int(found.places[part]), shape)) if shape else (),
        part=float(found.amounts[part]),
        part_share=_share(found.amounts, part),
        parts=int(found.places.size),
        way=found.way,
    )


def weights(rule: str, count: int) -> np.ndarray:
    """Return how much of each of ``count`` contributions an accumulation rule keeps."""
    if rule == "mean":
        return np.full(count, 1 / count)
    kept = np.ones(count)
    if rule == "overwrite":
        kept[:-1] = 0
    elif rule == "first":
        kept[1:] = 0
    elif rule == "twice":
        kept[1:] = 2
    return kept


def _share(amounts: np.ndarray, chosen: int) -> float:
    with np.errstate(all="ignore"):
        sizes = np.abs(amounts)
        total = float(sizes.sum())
        if not np.isfinite(total):
            return 1.0 if np.count_nonzero(~np.isfinite(sizes)) == 1 else float("nan")
        return float(sizes[chosen]) / total if total else 0.0


def element(array: Array | None, index: Index) -> float:
    """Return one number of an array that must be there."""
    if array is None:
        raise AssertionError("an adjoint that takes part is missing")
    return float(array[index])


def checked_index(pass_: Pass, name: str, index: Sequence[int]) -> Index:
    """Return ``index`` counted from the front. Raises BadInput where the adjoint has no such element."""
    place = Place(node=name)
    adjoint = pass_.needed(Of.ADJOINT, name)
    if adjoint is None:
        what = f'"{visible(name)}" has no adjoint: no differentiable path leads from it to "{visible(pass_.target)}"'
        raise BadInput(Fault("C021", what, "whyzero says what cuts it off", place))
    fits = len(index) == adjoint.ndim and all(-n <= i < n for i, n in zip(index, adjoint.shape, strict=True))
    if not fits:
        shown = f"[{', '.join(map(str, index))}]" if index else "without an index"
        what = f'"{visible(name)}" is {shape_text(adjoint.shape)}: it has no element {shown}'
        raise BadInput(Fault("C021", what, f"give {adjoint.ndim} indices, each below its size", place))
    return tuple(i % n for i, n in zip(index, adjoint.shape, strict=True))
