"""What is put off until the person looks instead of typing: garbage, and modules that will be wanted."""

from __future__ import annotations

import asyncio
import gc
import sys
from importlib import import_module
from typing import Final

AFTER: Final = 0.3
"""Seconds without a key after which nobody is waiting."""
_PAUSE: Final = 0.03
WRITTEN: Final = 0.005
"""Seconds after which a picture has been written."""
_SWITCHING: Final = 0.0005
_THRESHOLDS: Final = (50_000, 20, 100)
"""With so many new objects it looks for garbage at once, whoever waits."""
_WANTED: Final = (
    "numpy.ma",
    "resdebug.tui.panes.console",
    "resdebug.tui.screens.help",
    "resdebug.tui.screens.export",
    "textual.system_commands",
)
"""The first key that needs one of these would wait for it."""


class Idle:
    """Works a little at a time, once the keys have rested."""

    def __init__(self) -> None:
        self._next: asyncio.TimerHandle | None = None
        self._wanted = list(reversed(_WANTED))
        self._before: tuple[int, int, int] | None = None

    def begin(self) -> None:
        """Let what is there last, and look for garbage among the rest when nobody waits."""
        # A network is many objects that all stay: looking through them for garbage is a pause that shows.
        gc.freeze()
        if self._before is None:
            self._before = gc.get_threshold()
            gc.set_threshold(*_THRESHOLDS)
            # Else what works ahead on another thread holds up a key by five milliseconds.
            self._switching = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCHING)
        self.put_off()

    def end(self) -> None:
        """Leave the collection of garbage as it was found."""
        if self._next is not None:
            self._next.cancel()
        if self._before is not None:
            gc.set_threshold(*self._before)
            sys.setswitchinterval(self._switching)
            gc.unfreeze()
            self._before = None

    def put_off(self) -> None:
        """Wait until the keys have rested anew."""
        if self._next is not None:
            self._next.cancel()
        if self._before is not None:
            self._next = asyncio.get_running_loop().call_later(WRITTEN, self._tidy)

    def _tidy(self) -> None:
        """Look through what is new, so that it never becomes much."""
        gc.collect(0)
        self._next = asyncio.get_running_loop().call_later(AFTER, self._rest)

    def _rest(self) -> None:
        gc.collect()
        self._go_on()

    def _go_on(self) -> None:
        self._next = None
        if self._wanted:
            import_module(self._wanted.pop())
            self._next = asyncio.get_running_loop().call_later(_PAUSE, self._go_on)
