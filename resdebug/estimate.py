"""How long something will still take, judged by how long it has taken so far."""

from __future__ import annotations

PATIENCE = 1.0
"""Seconds before anything is said: the first few steps tell little."""
_UNITS = {"comparing": "events"}
"""What is counted, where that is not nodes."""
_SHARES = ("reading", "drawing")
"""Where nothing is counted, and the share of the time is known."""


class Estimate:
    """Follows work that goes through phases, such as the forward and then the reverse pass."""

    def __init__(self) -> None:
        self._phase = ""
        self._began = (0.0, 0)

    def tell(self, phase: str, done: int, total: int, now: float) -> str:
        """Return how far a phase is at ``now`` (seconds of any clock): ``forward 12 of 90 nodes, about 20 s left``."""
        if phase != self._phase:
            self._phase, self._began = phase, (now, done)
        told = f"{phase} {done} of {total} {_UNITS.get(phase, 'nodes')}"
        if phase in _SHARES:
            told = f"{phase} {100 * done // total} %"
        since, first = self._began
        passed, more = now - since, done - first
        if passed < PATIENCE or more <= 0 or done >= total:
            return told
        return f"{told}, about {_rounded((total - done) * passed / more)} left"


def _rounded(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"
