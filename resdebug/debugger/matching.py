"""The same event in another pass, found by the names of nodes."""

from __future__ import annotations

from resdebug.passes.events import Contributed, Evaluated, Event, Seeded
from resdebug.passes.protocol import Pass


def position_of(event: Event | None, pass_: Pass) -> int | None:
    """Return the position just after ``event`` in ``pass_``; None where its nodes or its edge are not there."""
    timeline, network = pass_.events, pass_.network
    if event is None:
        return 0
    if event.node not in network:
        return None
    if isinstance(event, Contributed):
        inputs = network[event.edge.consumer].inputs if event.edge.consumer in network else ()
        same = (e for e in inputs if e and (e.source, e.slot) == (event.edge.source, event.edge.slot))
        return next((timeline.after_contribution(edge) for edge in same), None)
    index = network[event.node].index
    if isinstance(event, Evaluated):
        return timeline.after_evaluation(index)
    return timeline.seeded if isinstance(event, Seeded) else timeline.after_completion(index)
