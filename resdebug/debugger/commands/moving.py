"""Commands that move the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from resdebug.debugger.commands.command import Command, Reply, Run, bad, node_name, node_names, nothing, whole_number
from resdebug.debugger.commands.describing import whereabouts
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.jumping import of_node, read_destination
from resdebug.debugger.stepping import Granularity


def _step(granularity: Granularity, back: bool, interpreter: Interpreter, rest: str) -> Reply:
    debugger = interpreter.debugger
    (debugger.back if back else debugger.step)(granularity, whole_number(rest))
    return whereabouts(debugger)


def _stepper(granularity: Granularity, *, back: bool = False) -> Run:
    return partial(_step, granularity, back)


def _until(interpreter: Interpreter, rest: str) -> Reply:
    debugger = interpreter.debugger
    debugger.jump(of_node(debugger, node_name(interpreter, rest)))
    return whereabouts(debugger)


def _jump(interpreter: Interpreter, rest: str) -> Reply:
    if not rest:
        raise bad("C002", "jump needs to know where to", "such as jump 137, jump 50%, jump conv1, jump x<-add")
    interpreter.debugger.jump(read_destination(interpreter.debugger, rest))
    return whereabouts(interpreter.debugger)


def destinations(interpreter: Interpreter) -> Iterable[str]:
    """Return what may be jumped to, for completion."""
    yield from ("start", "seed", "end")
    yield from (name for name, _ in interpreter.debugger.bookmarks)
    yield from node_names(interpreter)


def _start(interpreter: Interpreter, rest: str) -> Reply:
    nothing("start", rest)
    interpreter.debugger.jump(0)
    return whereabouts(interpreter.debugger)


def _end(interpreter: Interpreter, rest: str) -> Reply:
    nothing("end", rest)
    interpreter.debugger.jump(len(interpreter.debugger.timeline))
    return whereabouts(interpreter.debugger)


TIME: Final = "Time"

COMMANDS: Final = (
    Command("step", ("s",), "[COUNT]", "forward by one edge: one contribution arrives",
            _stepper(Granularity.EDGE), TIME),
    Command("reverse-step", ("rs", "S"), "[COUNT]", "back by one edge", _stepper(Granularity.EDGE, back=True), TIME),
    Command("next", ("n",), "[COUNT]", "forward to the next completed adjoint", _stepper(Granularity.NODE), TIME),
    Command("reverse-next", ("rn", "N"), "[COUNT]", "back to the previous completed adjoint",
            _stepper(Granularity.NODE, back=True), TIME),
    Command("finish", ("fin", "f"), "[COUNT]", "forward to the end of the block", _stepper(Granularity.BLOCK), TIME),
    Command("reverse-finish", ("rf", "F"), "[COUNT]", "back to the end of the previous block",
            _stepper(Granularity.BLOCK, back=True), TIME),
    Command("until", ("u", "t"), "NODE", "run to the node: to where its adjoint is complete", _until, TIME,
            candidates=node_names),
    Command("jump", ("j",), "PLACE", "go to a place directly", _jump, TIME,
            "PLACE is a number of events (137), so many from here (+10, -10), a share (50%), a node (where its\n"
            "adjoint is complete), value NODE (where it was evaluated), NODE<-CONSUMER or NODE<-CONSUMER.SLOT\n"
            "(where that contribution arrived), a bookmark, start, seed or end.", destinations),
    Command("start", ("g",), "", "go to the beginning, before the forward pass", _start, TIME),
    Command("end", ("G",), "", "go to the end, when every adjoint is complete", _end, TIME),
)  # fmt: skip
