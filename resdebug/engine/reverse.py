"""The reverse pass: contributions go out from each visited node, and accumulate where they arrive."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from typing import Final

import numpy as np

from resdebug.engine.accumulation import accumulate
from resdebug.engine.forward import Progress, frozen, inputs_of, operator_of
from resdebug.engine.kept import ByNode
from resdebug.engine.norms import quiet_norm
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule
from resdebug.ops import threads
from resdebug.ops.base import Array

Norms = dict[int, float]
"""Euclidean norms of contributions, by the edge's index."""

WORTH: Final = 1 << 26
"""Multiplications from which a contribution to a leaf is made on another thread: less is sooner done than told."""


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

    def send(edge: Edge, ybar: Array) -> Array:
        made = sent(network, edge, ybar, values)
        if weights is not None and edge.index in weights:
            factor = weights[edge.index]
            made = made * np.asarray(factor, made.dtype) if factor else np.zeros_like(made)
        if norms is not None:
            norms[edge.index] = quiet_norm(made)
        return made

    with threads.ours():
        try:
            for done, i in enumerate(schedule.reverse, start=1):
                ybar = adjoints[i]
                if i not in aside:
                    if ybar is None:
                        raise AssertionError(f"{network.nodes[i].name} was visited before anything arrived")
                    adjoints[i] = ybar = frozen(ybar)
                    for edge in schedule.deliveries[i]:
                        source = edge.source_index
                        if _may_wait(network, schedule, source, ybar.size):
                            aside[source] = threads.later(partial(send, edge, ybar))
                            continue
                        arrived[source] += 1
                        adjoints[source] = accumulate(rule, adjoints[source], send(edge, ybar), arrived[source])
                if progress is not None:
                    progress(done)
            for source, later in aside.items():
                adjoints[source] = frozen(later.result())
        finally:
            for later in aside.values():
                later.cancel()
    return adjoints


def _may_wait(network: Network, schedule: Schedule, source: int, sent: int) -> bool:
    """Whether this is a leaf with one contribution that takes long: each of ``sent`` numbers meets a row of it."""
    node = network.nodes[source]
    return (
        node.is_leaf
        and len(node.shape) > 1
        and threads.count() > 1
        and sent * math.prod(node.shape[1:]) >= WORTH
        and len(schedule.arrivals[source]) == 1
    )
