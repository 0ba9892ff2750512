"""What a person waits for on a finished pass, in a process of its own: ``python -m ... jump|widest|reverse FILE``.

It answers requests (see ``serving``). ``jump`` goes to a random event and asks what the panes ask there, ``widest``
asks for the ledger of the widest fork, ``reverse`` runs the reverse pass anew, which is what both would cost without
a pass that keeps its values and adjoints.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import resdebug
from tests.benchmarks.engines import loaded, whole_pass
from tests.benchmarks.serving import serve, timed

FEWEST = 5


def jump(debugger: resdebug.Debugger, position: int) -> object:
    """Go to an event, and ask how far its node has come, what has arrived there, and its adjoint so far."""
    debugger.jump(position)
    name = debugger.focus()
    state = debugger.node_state(name)
    rows = debugger.ledger(name)
    running = rows[-1].running if rows else debugger.pass_.adjoint(name)
    return state, debugger.pass_.value(name), rows, running


def widest(pass_: resdebug.LivePass) -> str:
    """Return the node to which most contributions come; of several the one with the largest tensor."""
    return max(pass_.network.nodes, key=lambda node: (len(pass_.arrivals(node.name)), node.type.size)).name


def reverse(net: resdebug.Network) -> float:
    """Return the seconds that the reverse pass takes in a whole one."""
    evaluated = time.perf_counter()

    def report(what: str, _done: int, _of: int) -> None:
        nonlocal evaluated
        if what == "forward":
            evaluated = time.perf_counter()

    resdebug.differentiate(net, report=report)
    return time.perf_counter() - evaluated


def main() -> None:
    """Measure what the command line names."""
    net = loaded(Path(sys.argv[2]))
    pass_ = whole_pass(net)
    debugger, rng, fork = resdebug.Debugger(pass_), random.Random(0), widest(pass_)
    start = debugger.timeline.seeded
    measures: dict[str, Callable[[], float]] = {
        "jump": lambda: timed(lambda: jump(debugger, rng.randint(start, len(debugger.timeline)))),
        "widest": lambda: timed(lambda: pass_.ledger(fork)),
        "reverse": lambda: reverse(net),
    }
    measure = measures[sys.argv[1]]

    def answer(seconds: float) -> dict[str, object]:
        measure()
        times = [measure()]
        while sum(times) < seconds or len(times) < FEWEST:
            times.append(measure())
        return {"median": 1e3 * statistics.median(times), "times": [1e3 * t for t in times]}

    serve(answer)


if __name__ == "__main__":
    main()
