"""What commands say of a moment, a node, a tensor."""

from __future__ import annotations

from typing import Any

from resdebug.debugger.commands.command import Reply, say
from resdebug.debugger.debugger import Debugger
from resdebug.passes.events import Completed, Contributed, Evaluated, Event, Seeded
from resdebug.text import visible


def event_line(event: Event | None) -> str:
    """Say an event in a few words."""
    match event:
        case None:
            return "nothing has happened yet"
        case Evaluated(node):
            return f"evaluated {visible(node)}"
        case Seeded(node):
            return f"seeded {visible(node)}"
        case Completed(node):
            return f"completed {visible(node)}"
        case Contributed(edge):
            return f"contributed {visible(edge.consumer)}.{visible(edge.slot)} -> {visible(edge.source)}"


def event_data(event: Event | None) -> dict[str, Any]:
    """Return an event as plain data."""
    match event:
        case None:
            return {"event": None}
        case Contributed(edge):
            return {"event": "contributed", "node": edge.source, "consumer": edge.consumer, "slot": edge.slot}
    return {"event": type(event).__name__.lower(), "node": event.node}


def whereabouts(debugger: Debugger) -> Reply:
    """Say where the cursor is."""
    k, total = debugger.position, len(debugger.timeline)
    return say(f"event {k}/{total}: {event_line(debugger.last)}", position=k, of=total, **event_data(debugger.last))
