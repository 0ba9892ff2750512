"""The same event in another pass, found by the names of nodes."""

from __future__ import annotations

from collections.abc import Callable

from resdebug.passes.events import Contributed, Evaluated, Event, Seeded
from resdebug.passes.protocol import Pass


def position_of(event: Event | None, pass_: Pass, called: Callable[[str], str] = str) -> int | None:
    """Return the position just after ``event`` in ``pass_``; None where its nodes or its edge are not there.

    ``called`` gives the names that nodes have in ``pass_``.
    """
    timeline, network = pass_.events, pass_.network
    if event is None:
        return 0
    if isinstance(event, Contributed):
        consumer, source = called(event.edge.consumer), called(event.edge.source)
        inputs = network[consumer].inputs if consumer in network else ()
        same = (e for e in inputs if e and (e.source, e.slot) == (source, event.edge.slot))
        return next((timeline.after_contribution(edge) for edge in same), None)
    name = called(event.node)
    if name not in network:
        return None
    index = network[name].index
    if isinstance(event, Evaluated):
        return timeline.after_evaluation(index)
    return timeline.seeded if isinstance(event, Seeded) else timeline.after_completion(index)
