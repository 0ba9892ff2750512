"""Where a step of each size may stop.

A granularity is the sorted set of positions at which it stops; a step forward goes to the next of them, a step back
to the previous one. So stepping back undoes exactly the same unit, and nothing is recomputed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import Enum

from resdebug.passes.events import Timeline


class Granularity(Enum):
    """The size of a step."""

    EDGE = "edge"
    NODE = "node"
    BLOCK = "block"


class Stops:
    """The stopping positions of one granularity on one timeline, both ends included."""

    def __init__(self, positions: Sequence[int]) -> None:
        self.positions = positions

    def after(self, position: int, count: int = 1) -> int:
        """Return the ``count``-th stop after ``position``, or the last."""
        return self.positions[min(bisect_right(self.positions, position) + count - 1, len(self.positions) - 1)]

    def before(self, position: int, count: int = 1) -> int:
        """Return the ``count``-th stop before ``position``, or the first."""
        return self.positions[max(bisect_left(self.positions, position) - count, 0)]


def stops(timeline: Timeline, granularity: Granularity) -> Stops:
    """Return where steps of a granularity stop; the forward part is stepped by node in all three."""
    forward = range(len(timeline.forward) + 1)
    plan = timeline.schedule
    reverse: list[int] = []
    if granularity is Granularity.EDGE:
        for i in timeline.reverse:
            end = timeline.end_of_visit(i) or 0
            reverse += range(end - len(plan.deliveries[i]) + 1, end + 1)
    elif granularity is Granularity.NODE:
        reverse = [timeline.after_completion(i) or 0 for i in timeline.reverse]
    else:
        last: dict[str, int] = {}
        for i in timeline.reverse:
            node = timeline.network.nodes[i]
            # Parameters are visited last of all; the way through a block ends with its last operator.
            if node.is_leaf:
                continue
            end = timeline.end_of_visit(i) or 0
            if node.block:
                last[node.block] = end
            else:
                reverse.append(end)
        reverse += last.values()
    last_of_all = len(timeline)
    return Stops(sorted({min(k, last_of_all) for k in (*forward, timeline.seeded, *reverse, last_of_all)}))
