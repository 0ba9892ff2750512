"""The line on top: which pass, where in it, how far along."""

from __future__ import annotations

from resdebug.passes.protocol import Of
from resdebug.text import visible
from resdebug.tui.lines import Line, between
from resdebug.tui.numbers import bar, plain
from resdebug.tui.session import Session


def header_line(session: Session, width: int, beside: str = "") -> Line:
    """Return the header: name, phase, position, target, stops; rules other than the sum are shouted."""
    debugger, pass_ = session.debugger, session.pass_
    total = len(debugger.timeline)
    phase = "forward" if debugger.in_forward_pass else "reverse"
    done = debugger.position / total if total else 1.0
    # Of a single number the least element is that number, so that statistics tell it too.
    value = pass_.summary(Of.VALUE, pass_.target)
    loss = ""
    if not session.ready:
        loss = f"  {session.progress}"
    elif value is not None:
        shown = value.minimum if not value.nans + value.infinities else value.norm
        loss = f"  {visible(pass_.target, limit=20)} = {plain(shown)}"
    name = (
        f"{visible(session.name, limit=40)} │ {visible(beside, limit=40)}"
        if beside
        else visible(session.name, limit=40)
    )
    left: Line = [(" resdebug ", "head"), (f" {name} ", "strong"), (f"▸ {phase}", "dim")]
    if not pass_.live and not beside:
        left.append((f" ({pass_.selection.written or 'recorded'})", "dim"))
    if pass_.rule != "sum":
        left.append((f"  RULE {pass_.rule.upper()}: wrong on purpose ", "bad"))
    stops = sum(stop.enabled for stop in debugger.stops)
    count = f"{session.count}… " if session.count else ""
    cells = 12 if width >= 100 else 6
    filled = bar(done, cells).rstrip()
    right: Line = [
        (count, "now"),
        (f"event {debugger.position}/{total} ", ""),
        (filled, "accent"),
        ("╌" * (cells - len(filled)), "dim"),
        (loss, "" if session.ready else "now"),
        (f"  stops {stops} " if stops else " ", ""),
    ]
    return between(left, right, width)
