"""What a pass calls at each node, looked up once per network: a pass of many small tensors is mostly look-ups."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, cast

import numpy as np

from resdebug.network.model import Network
from resdebug.network.order import Schedule
from resdebug.network.signature import LEAVES
from resdebug.ops.base import Array, Operator

WORTH: Final = 1 << 23
"""Multiplications from which a contribution to a leaf is made on another thread: less is sooner done than told."""


class Call(NamedTuple):
    """A node's functions, and whose values they take."""

    forward: Callable[..., Array] | None
    """None for a leaf."""
    vjp: Callable[[int, Array, Array, Sequence[Array | None]], Array]
    operands: tuple[int | None, ...]
    """Per slot, the index of the node that stands there."""


class Sending(NamedTuple):
    """A contribution to come."""

    edge: int
    position: int
    source: int
    aside: bool
    """Whether it takes long, and nothing waits for it: then it may be made on another thread."""


class Visit(NamedTuple):
    """A node of the reverse pass, and what it sends."""

    node: int
    call: Call
    sendings: tuple[Sending, ...]


def calls(network: Network) -> Sequence[Call]:
    """Return what is called at each node, by index."""
    key = ("calls",)
    if key not in network.programs:
        nodes = network.nodes
        begin = nodes.wires.begin.tolist()
        operands = [None if source < 0 else source for source in nodes.wires.operands.tolist()]
        network.programs[key] = [
            Call(None if operator.op() in LEAVES else operator.forward, operator.vjp, tuple(operands[start:stop]))
            for operator, (start, stop) in zip(
                cast("Sequence[Operator]", nodes.operators.column()), pairwise(begin), strict=True
            )
        ]
    return cast("Sequence[Call]", network.programs[key])


def visits(network: Network, schedule: Schedule) -> Sequence[Visit]:
    """Return the visits of the reverse pass, in order."""
    key = ("visits", network.nodes.names[schedule.target])
    if key not in network.programs:
        of_node, types, wires = calls(network), network.nodes.types.column(), network.wires
        sources, positions = wires.source.tolist(), wires.position.tolist()
        sent, first = schedule.delivered
        edges, begin, leaf = sent.tolist(), first.tolist(), network.nodes.leaf.tolist()
        operators = cast("Sequence[Operator]", network.nodes.operators.column())
        arrivals = np.bincount(wires.source[sent], minlength=len(leaf)).tolist()

        def sending(edge: int, i: int) -> Sending:
            source, size = sources[edge], types[i].size
            shape = types[source].shape
            # Each number of the adjoint that is sent meets a row of what it goes to.
            aside = leaf[source] and len(shape) > 1 and arrivals[source] == 1 and size * math.prod(shape[1:]) >= WORTH
            aside = aside and not operators[i].divides(np.dtype(types[i].dtype))
            return Sending(edge, positions[edge], source, aside)

        def goes_on(sending: Sending) -> bool:
            """Whether the receiver sends it on: it is made last, so that it is still in the caches then."""
            source = sending.source
            return not (leaf[source] and len(types[source].shape) > 1)

        network.programs[key] = [
            Visit(
                i, of_node[i], tuple(sorted([sending(edge, i) for edge in edges[begin[i] : begin[i + 1]]], key=goes_on))
            )
            for i in schedule.reverse
        ]
    return cast("Sequence[Visit]", network.programs[key])
