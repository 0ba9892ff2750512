"""A progress bar on stderr, for work that takes longer than a second on a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0
"""Seconds before a bar appears."""
_EVERY = 0.1


class ProgressBar:
    """Appears only when it is worth it; ``report`` is called with what is being done, and how much of how much."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.enabled = sys.stderr is not None and sys.stderr.isatty()
        self.bar: Progress | None = None
        self.tasks: dict[str, TaskID] = {}
        self._last = self.started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.stop()

    def report(self, what: str, done: int, total: int) -> None:
        """Show progress, at most ten times a second."""
        now = time.monotonic()
        if not self.enabled or now - self.started < PATIENCE or (now - self._last < _EVERY and done < total):
            return
        self._last = now
        if self.bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self.bar = Progress(console=Console(stderr=True), transient=True)
            self.bar.start()
        if what not in self.tasks:
            self.tasks[what] = self.bar.add_task(what, total=total)
        self.bar.update(self.tasks[what], completed=done)
