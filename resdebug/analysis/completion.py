"""When each adjoint is complete, as somebody who writes the backward pass by hand meets them.

The schedule visits inputs and parameters when nothing else is left to do; but a parameter's gradient is there as soon
as the last layer that uses it has sent its contribution.
"""

from __future__ import annotations

from collections.abc import Mapping

from resdebug.network.order import Schedule


def completion(schedule: Schedule) -> Mapping[int, tuple[int, int]]:
    """Return keys, by node index, that sort nodes by when their adjoints are complete."""
    turn = {i: k for k, i in enumerate(schedule.reverse)}
    keys: dict[int, tuple[int, int]] = {}
    for i, own in turn.items():
        leaf = schedule.nodes[i].is_leaf and schedule.arrivals[i]
        last = max(turn[e.consumer_index] for e in schedule.arrivals[i]) if leaf else own
        keys[i] = (last, own)
    return keys
