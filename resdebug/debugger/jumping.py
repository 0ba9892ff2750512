"""Where a person wants to jump to: an event by number, a node, a bookmark, a fraction of the timeline."""

from __future__ import annotations

import re

from resdebug.debugger.debugger import Debugger
from resdebug.errors import BadInput, Fault
from resdebug.text import did_you_mean, visible


def read_destination(debugger: Debugger, text: str) -> int:
    """Return the position that a text names.

    ``137``: that many events have happened; ``+10``, ``-10``: so many from here; ``50%``: a share of the timeline;
    ``start``, ``seed``, ``end``; ``value NODE``: where a node was evaluated; a node's name: where its adjoint is
    complete; ``SOURCE<-CONSUMER`` or ``SOURCE<-CONSUMER.SLOT``: where that contribution arrived; a bookmark's name.
    Raises BadInput.
    """
    text = text.strip()
    total = len(debugger.timeline)
    if re.fullmatch(r"[0-9]{1,12}", text):
        return _inside(int(text), total, text)
    if re.fullmatch(r"[+-][0-9]{1,12}", text):
        return _inside(debugger.position + int(text), total, text)
    if share := re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%", text):
        percent = float(share.group(1))
        if percent > 100:
            raise BadInput(Fault("C002", f"{visible(text)} is beyond the end", "0% to 100%"))
        return round(total * percent / 100)
    network = debugger.pass_.network
    named = {"start": 0, "seed": debugger.timeline.seeded, "end": total}
    if text in network:
        return of_node(debugger, text)
    if text in named:
        return named[text]
    if text.startswith("value ") and text[6:].strip() in network:
        at = debugger.timeline.after_evaluation(network[text[6:].strip()].index)
        if at is None:
            raise BadInput(Fault("C005", f'"{visible(text[6:])}" is not evaluated: the target does not depend on it'))
        return at
    if "<-" in text:
        return _of_contribution(debugger, text)
    if text in dict(debugger.bookmarks):
        return debugger.bookmarks[text]
    known = [node.name for node in network.nodes] + [name for name, _ in debugger.bookmarks]
    hint = did_you_mean(text, known) or "a number, a share such as 50%, a node, a bookmark, start, seed or end"
    raise BadInput(Fault("C003", f'"{visible(text, limit=60)}" is no place on the timeline', hint))


def _inside(position: int, total: int, text: str) -> int:
    if not 0 <= position <= total:
        raise BadInput(Fault("C002", f"{text} is beyond the ends of the timeline", f"events 0 to {total}"))
    return position


def of_node(debugger: Debugger, name: str) -> int:
    """Return where a node's adjoint is complete, or, without one, where it was evaluated.

    Raises BadInput where nothing happens at it.
    """
    index = debugger.pass_.network[name].index
    at = debugger.timeline.after_completion(index) or debugger.timeline.after_evaluation(index)
    if at is None:
        what = f'nothing happens at "{visible(name)}": the target does not depend on it'
        raise BadInput(Fault("C005", what))
    return at


def _of_contribution(debugger: Debugger, text: str) -> int:
    source, _, sender = (part.strip() for part in text.partition("<-"))
    if source not in debugger.pass_.network:
        names = (node.name for node in debugger.pass_.network.nodes)
        raise BadInput(Fault("C003", f'there is no node "{visible(source, limit=60)}"', did_you_mean(source, names)))
    edges = {f"{edge.consumer}.{edge.slot}": edge for edge in debugger.pass_.arrivals(source)}
    found = [edge for name, edge in edges.items() if sender in {name, edge.consumer}]
    if not found:
        hint = did_you_mean(sender, edges) or "nothing arrives there"
        what = f'no contribution comes from "{visible(sender, limit=60)}" to "{visible(source)}"'
        raise BadInput(Fault("C003", what, hint))
    return debugger.timeline.after_contribution(found[0]) or debugger.position
