"""The reverse pass: contributions go out from each visited node, and accumulate where they arrive."""

from __future__ import annotations

import numpy as np

from resdebug.engine.accumulation import accumulate
from resdebug.engine.forward import Progress, frozen, inputs_of, operator_of
from resdebug.engine.kept import ByNode
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule
from resdebug.ops.base import Array


def contribution(network: Network, edge: Edge, ybar: Array, values: ByNode) -> Array:
    """Return ``(∂y/∂x)ᵀ ȳ`` for one edge, of its source's shape, from the consumer's adjoint and the saved values.

    Floating-point warnings are the caller's to silence.
    """
    node = network.nodes[edge.consumer_index]
    y = values[edge.consumer_index]
    if y is None:
        raise ValueError(f"{node.name} was not evaluated")
    return frozen(np.asarray(operator_of(node).vjp(edge.position, ybar, y, inputs_of(node, values))))


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
) -> list[Array | None]:
    """Return the adjoint of every node that takes part (per node index), None elsewhere.

    Reverse accumulation (Griewank and Walther 2008, Evaluating Derivatives, section 3.2). Contributions are not kept;
    ``contribution`` computes any of them again from what is returned here.
    """
    adjoints: list[Array | None] = [None] * len(network.nodes)
    arrived = [0] * len(network.nodes)
    adjoints[schedule.target] = seed_of(network, schedule)
    with np.errstate(all="ignore"):
        for done, i in enumerate(schedule.reverse, start=1):
            ybar = adjoints[i]
            if ybar is None:
                raise AssertionError(f"{network.nodes[i].name} was visited before anything arrived")
            adjoints[i] = ybar = frozen(ybar)
            for edge in schedule.deliveries[i]:
                source = edge.source_index
                arrived[source] += 1
                sent = contribution(network, edge, ybar, values)
                adjoints[source] = accumulate(rule, adjoints[source], sent, arrived[source])
            if progress is not None:
                progress(done)
    return adjoints
