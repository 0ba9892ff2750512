"""The other end of a ``Worker``: measures when asked, and answers in JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

SHORT = 0.05
"""Seconds. What is shorter is run once before a turn is timed: the other process has emptied the caches meanwhile."""


def serve(answer: Callable[..., dict[str, Any]], **told: Any) -> None:
    """Say that all is loaded and what was found meanwhile, then answer a request a line until there are no more."""
    print(json.dumps(told), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that ``run`` takes; what it made is thrown away afterwards."""
    start = time.perf_counter()
    made = run()
    took = time.perf_counter() - start
    del made
    return took


def turn(run: Callable[[], object], seconds: float) -> float:
    """Return the median milliseconds of runs that together take so many seconds, at least one."""
    times = [timed(run)]
    if times[0] < SHORT:
        times = [timed(run)]
    while sum(times) < seconds:
        times.append(timed(run))
    return 1e3 * statistics.median(times)
