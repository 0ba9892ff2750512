"""Commands about stops: setting them, listing them, running to them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from resdebug.debugger.commands.command import Command, Reply, bad, node_names, nothing, say, whole_number, words
from resdebug.debugger.commands.describing import event_line, whereabouts
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.conditions.functions import FUNCTIONS, SPECIAL
from resdebug.debugger.conditions.words import WORDS
from resdebug.debugger.debugger import Ending, StopReason
from resdebug.debugger.stops import Stop, read_stop
from resdebug.text import plural, visible

MOST_LISTED: Final = 20


def _continue(reverse: bool, interpreter: Interpreter, rest: str) -> Reply:
    debugger = interpreter.debugger
    reason = debugger.run(reverse=reverse)
    for _ in range(whole_number(rest) - 1):
        if reason.ending is not Ending.STOP:
            break
        reason = debugger.run(reverse=reverse)
    return _stopped(interpreter, reason)


def _run_until(reverse: bool, interpreter: Interpreter, rest: str) -> Reply:
    if not rest:
        raise bad("C002", "run needs to know to where", "such as run norm(adj) < 1e-7, run fork, run op relu")
    return _stopped(interpreter, interpreter.debugger.run(rest, reverse=reverse))


def _stopped(interpreter: Interpreter, reason: StopReason) -> Reply:
    debugger = interpreter.debugger
    if reason.ending is not Ending.STOP:
        lines = [f"no stop on the way: at {reason.ending.value}"]
    elif reason.spec is not None:
        lines = [f"stopped at {visible(str(reason.spec))}"]
    elif reason.stops:
        lines = [f"stop {stop.number}: {visible(str(stop.spec))}" for stop in reason.stops]
    else:
        lines = ["stopped at a fork: no stops are set"]
    here = whereabouts(debugger)
    why = {"ending": reason.ending.name.lower(), "stops": [stop.number for stop in reason.stops]}
    return say(*lines, *here.lines, **why, **here.data)


def _break(interpreter: Interpreter, rest: str) -> Reply:
    debugger = interpreter.debugger
    if not rest:
        rest = f"node {debugger.focus()}"
    stop = debugger.stops.add(rest)
    return say(_line(interpreter, stop), **_data(interpreter, stop))


def _count(interpreter: Interpreter, stop: Stop) -> int:
    return len(interpreter.debugger.stops.positions(stop))


def _line(interpreter: Interpreter, stop: Stop) -> str:
    disabled = "" if stop.enabled else ", disabled"
    places = plural(_count(interpreter, stop), "place")
    return f"stop {stop.number}: {visible(str(stop.spec), limit=120)} ({places}{disabled})"


def _data(interpreter: Interpreter, stop: Stop) -> dict[str, Any]:
    return {
        "stop": stop.number,
        "kind": stop.spec.kind.value,
        "about": stop.spec.about,
        "enabled": stop.enabled,
        "places": _count(interpreter, stop),
    }


def _delete(interpreter: Interpreter, rest: str) -> Reply:
    stops = interpreter.debugger.stops
    if not rest:
        count = len(stops)
        stops.clear()
        return say(f"{plural(count, 'stop')} deleted", deleted=count)
    chosen = [stops[whole_number(word)] for word in words(rest)]
    for stop in chosen:
        if any(stop.number == other.number for other in stops):
            stops.delete(stop.number)
    return say(*(f"stop {stop.number} deleted" for stop in chosen), deleted=[stop.number for stop in chosen])


def _enable(enabled: bool, interpreter: Interpreter, rest: str) -> Reply:
    stops = interpreter.debugger.stops
    chosen = [stops[whole_number(word)] for word in words(rest)] or list(stops)
    changed = [stops.enable(stop.number, enabled=enabled) for stop in chosen]
    lines = [_line(interpreter, stop) for stop in changed] or ["no stops are set"]
    return say(*lines, stops=[_data(interpreter, stop) for stop in changed])


def stops_table(interpreter: Interpreter, rest: str) -> Reply:
    """List the stops that are set, with the number of places at which each holds."""
    nothing("info stops", rest)
    stops = list(interpreter.debugger.stops)
    lines = [_line(interpreter, stop) for stop in stops] or ["no stops are set: continue stops at every fork"]
    return say(*lines, stops=[_data(interpreter, stop) for stop in stops])


def _places(interpreter: Interpreter, rest: str) -> Reply:
    debugger = interpreter.debugger
    if rest.isdigit():
        spec = debugger.stops[whole_number(rest)].spec
        positions = debugger.positions(spec)
    elif rest:
        spec = read_stop(rest, debugger.pass_.network)
        positions = debugger.positions(spec)
    else:
        positions = debugger.stops.all_positions().tolist()
    lines = [f"{k:>8}  {event_line(debugger.timeline[k - 1])}" for k in positions[:MOST_LISTED]]
    if len(positions) > MOST_LISTED:
        lines.append(f"… and {plural(len(positions) - MOST_LISTED, 'more place')}")
    return say(plural(len(positions), "place"), *lines, positions=positions, count=len(positions))


def vocabulary(interpreter: Interpreter) -> Iterable[str]:
    """Return what may stand in a stop or an expression, for completion."""
    yield from ("fork", "join", "node", "name", "op", "block", "if")
    yield from WORDS
    yield from (f"{name}(" for name in (*FUNCTIONS, *SPECIAL))
    yield from node_names(interpreter)


SECTION: Final = "Stops"
_STOPS: Final = """\
A STOP is one of
  fork, join            every fork, every join
  NODE or node NODE     a node; a GLOB such as layer3.* alone, or name GLOB
  op OPERATOR           every node of an operator
  block BLOCK           every node of a block
  CONDITION             such as norm(adj) < 1e-7, or if CONDITION; help conditions tells more"""

COMMANDS: Final = (
    Command("continue", ("c",), "[COUNT]", "run forward to the next stop, or fork if no stops are set",
            partial(_continue, False), SECTION),
    Command("reverse-continue", ("rc", "C"), "[COUNT]", "run back to the previous stop",
            partial(_continue, True), SECTION),
    Command("run", ("r",), "STOP", "run forward to a stop that is not set, for this once",
            partial(_run_until, False), SECTION, _STOPS, vocabulary),
    Command("reverse-run", ("rr",), "STOP", "run back to a stop that is not set",
            partial(_run_until, True), SECTION, _STOPS, vocabulary),
    Command("break", ("b", "stop"), "[STOP]", "set a stop, by default at the node of the cursor", _break, SECTION,
            _STOPS, vocabulary),
    Command("places", (), "[STOP|NUMBER]", "list all places where a stop holds, by default those set", _places,
            SECTION, _STOPS, vocabulary),
    Command("delete", ("d",), "[NUMBER ...]", "delete stops, by default all", _delete, SECTION),
    Command("enable", (), "[NUMBER ...]", "let stops count again", partial(_enable, True), SECTION),
    Command("disable", (), "[NUMBER ...]", "keep stops, but run past them", partial(_enable, False), SECTION),
)  # fmt: skip
