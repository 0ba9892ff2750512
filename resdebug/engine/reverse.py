"""The reverse pass: contributions go out from each visited node, and accumulate where they arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np

from resdebug.engine.accumulation import RULES
from resdebug.engine.forward import Progress, frozen, inputs_of, operator_of
from resdebug.engine.kept import ByNode
from resdebug.engine.norms import Norms, Noted
from resdebug.engine.plan import visits
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule
from resdebug.ops import threads
from resdebug.ops.base import Array


def contribution(network: Network, edge: Edge, ybar: Array, values: ByNode) -> Array:
    """Return ``(∂y/∂x)ᵀ ȳ`` for one edge, of its source's shape, from the consumer's adjoint and the saved values.

    Floating-point warnings are the caller's to silence.
    """
    return frozen(sent(network, edge, ybar, values))


def sent(network: Network, edge: Edge, ybar: Array, values: ByNode) -> Array:
    """Return the same as the operator made it: it may be written to where it is nobody else's."""
    node = network.nodes[edge.consumer_index]
    y = values[edge.consumer_index]
    if y is None:
        raise ValueError(f"{node.name} was not evaluated")
    return np.asarray(operator_of(node).vjp(edge.position, ybar, y, inputs_of(node, values)))


def seed_of(network: Network, schedule: Schedule) -> Array:
    """Return the target's own adjoint: 1."""
    node = network.nodes[schedule.target]
    return frozen(np.ones(node.shape, dtype=node.dtype))


def reverse_pass(
    network: Network,
    schedule: Schedule,
    values: ByNode,
    rule: str = "sum",
    progress: Progress | None = None,
    norms: Norms | None = None,
    weights: Mapping[int, float] | None = None,
    into: list[Array | None] | None = None,
) -> list[Array | None]:
    """Return the adjoint of every node that takes part (per node index), None elsewhere.

    Reverse accumulation (Griewank and Walther 2008, Evaluating Derivatives, section 3.2). Contributions are not kept;
    ``contribution`` computes any of them again from what is returned here. Their norms go into ``norms`` where given.
    ``weights`` multiply contributions, by the edge's index: 0 drops one. Anything but 1 is wrong on purpose.
    With ``into``, a None for every node, adjoints can be seen there as soon as their nodes have been visited.
    Nothing waits for the gradient of a parameter, so those are made beside the rest where there is a thread for it.
    """
    adjoints: list[Array | None] = [None] * len(network.nodes) if into is None else into
    arrived = [0] * len(network.nodes)
    adjoints[schedule.target] = seed_of(network, schedule)
    aside: dict[int, Future[Array]] = {}
    add, many = RULES[rule], threads.count() > 1
    noted = None if norms is None else Noted(norms)

    def finish(made: Any, edge: int, node: int, ybar: Array) -> Array:
        """Weigh a contribution, and note its norm."""
        contribution = np.asarray(made)
        if weights is not None and edge in weights:
            factor = weights[edge]
            weight = np.asarray(factor, contribution.dtype)
            contribution = contribution * weight if factor else np.zeros_like(contribution)
        if noted is not None:
            noted.note(edge, contribution, node, ybar)
        return contribution

    def finished(make: Callable[[], Any], edge: int, node: int, ybar: Array) -> Array:
        return finish(make(), edge, node, ybar)

    with threads.ours():
        try:
            for done, (node, (_, vjp, operands), sendings) in enumerate(visits(network, schedule), start=1):
                if node not in aside:
                    ybar, y = adjoints[node], values[node]
                    if ybar is None or y is None:
                        raise AssertionError(f"{network.nodes.names[node]} was visited before anything arrived")
                    adjoints[node] = ybar = frozen(ybar)
                    inputs = [None if i is None else values[i] for i in operands]
                    for edge, position, source, may_wait in sendings:
                        if may_wait and many:
                            make = partial(vjp, position, ybar, y, inputs)
                            aside[source] = threads.later(partial(finished, make, edge, node, ybar))
                            continue
                        sent, before = finish(vjp(position, ybar, y, inputs), edge, node, ybar), adjoints[source]
                        k = arrived[source] = arrived[source] + 1
                        adjoints[source] = sent if before is None else add(before, sent, k)
                        if noted is not None:
                            noted.arrived(source, edge, k)
                if progress is not None:
                    progress(done)
            for source, later in aside.items():
                adjoints[source] = frozen(later.result())
        finally:
            for later in aside.values():
                later.cancel()
    return adjoints
