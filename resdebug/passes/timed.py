"""A pass run once more, one event after the other, with a clock beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter_ns
from typing import ParamSpec, TypeVar

import numpy as np

from resdebug.engine.accumulation import accumulate
from resdebug.engine.forward import frozen, leaf_value, result
from resdebug.engine.reverse import contribution, seed_of
from resdebug.network.model import Network
from resdebug.network.order import Schedule
from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Contributed, Evaluated, Event, Seeded

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timed:
    """An event, how long it took, and how many bytes it touched.

    Of a contribution ``duration`` is its VJP, and ``adding`` what it took to add it to what had arrived before.
    """

    event: Event
    duration: int
    """Nanoseconds."""
    adding: int
    read: int
    """Bytes of the values and the adjoint that it was computed from."""
    made: int
    """Bytes of what was computed."""
    held: int
    """Bytes of all values computed so far, and of adjoints that were not sent on yet."""


def timed(network: Network, schedule: Schedule, rule: str = "sum") -> Iterator[Timed]:
    """Run the pass with fresh tensors and yield each event as soon as it has happened.

    Each value, VJP and sum is computed by itself by the engine's own functions, nothing beside it; the pass proper
    computes many scalars in one call and some gradients of parameters on other threads. Values are kept until the
    end, adjoints until their node is visited. Raises BadInput as the engine does.
    """
    nodes = network.nodes
    values: list[Array | None] = [None] * len(nodes)
    held = 0
    with threads.ours():
        for i in schedule.order[::-1]:
            node = nodes[i]
            if node.is_leaf:
                value, took = _clocked(leaf_value, network, node)
            else:
                value, took = _clocked(result, node, values)
            values[i] = value
            held += value.nbytes
            read = sum(nodes[edge.source_index].type.nbytes for edge in node.inputs if edge is not None)
            yield Timed(Evaluated(node.name), took, 0, read, value.nbytes, held)
        seed, took = _clocked(seed_of, network, schedule)
        adjoints, arrived = {schedule.target: seed}, dict.fromkeys(schedule.order, 0)
        held += seed.nbytes
        yield Timed(Seeded(nodes[schedule.target].name), took, 0, 0, seed.nbytes, held)
        for i in schedule.reverse:
            ybar = frozen(adjoints.pop(i))
            yield Timed(Completed(nodes[i].name), 0, 0, 0, 0, held)
            operands = sum(nodes[edge.source_index].type.nbytes for edge in nodes[i].inputs if edge is not None)
            for edge in schedule.deliveries[i]:
                sent, took = _clocked(contribution, network, edge, ybar, values)
                source = edge.source_index
                arrived[source] += 1
                before, k = adjoints.get(source), arrived[source]
                adjoints[source], adding = _clocked(_added, rule, before, sent, k)
                held += sent.nbytes if before is None else 0
                read = ybar.nbytes + operands + nodes[i].type.nbytes
                yield Timed(Contributed(edge), took, 0 if before is None else adding, read, sent.nbytes, held)
            held -= ybar.nbytes


def _added(rule: str, before: Array | None, sent: Array, k: int) -> Array:
    return frozen(accumulate(rule, before, sent, k))


def _clocked(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> tuple[T, int]:
    with np.errstate(all="ignore"):
        start = perf_counter_ns()
        made = work(*arguments, **named)
        return made, perf_counter_ns() - start
