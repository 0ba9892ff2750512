"""A contribution on its way: a mark that runs along its lane from the consumer's row to the source's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from textual.timer import Timer
from textual.widget import Widget

PACE: Final = 0.03
"""Seconds from one place to the next."""
MOST_PLACES: Final = 12
"""A long way is run in longer steps."""


class Pulse:
    """Runs once; what it passes is drawn anew by ``show``, which gets the row that it is at, None when it is over."""

    def __init__(self, widget: Widget, rows: Sequence[int], show: Callable[[int | None], None]) -> None:
        self._rows = list(rows[:: max(1, -(-len(rows) // MOST_PLACES))])
        self._show = show
        self._timer: Timer | None = widget.set_interval(PACE, self._advance)
        show(self._rows.pop(0))

    @property
    def running(self) -> bool:
        """Whether it is still on its way."""
        return self._timer is not None

    def _advance(self) -> None:
        if self._rows:
            self._show(self._rows.pop(0))
        else:
            self.stop()

    def stop(self) -> None:
        """Be over."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
            self._show(None)
