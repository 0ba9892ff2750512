"""What reaches into Textual beyond its public face, all in one place. Checked with textual 8.2.8."""

from __future__ import annotations

import asyncio
import codecs
import signal
import sys
from collections.abc import Callable
from typing import Any

from textual.app import App

OUR_BUG = 70


def handle_signals(app: App[None]) -> None:
    """Leave in good order on SIGINT, SIGTERM, SIGHUP and SIGQUIT; Textual would leave the terminal in raw mode."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        number = getattr(signal, name, None)
        if number is not None and sys.platform != "win32":
            loop.add_signal_handler(number, _leave(app, number))


def _leave(app: App[None], number: int) -> Callable[[], None]:
    return lambda: app.exit(return_code=128 + number)


def accept_any_bytes() -> None:
    """Let the driver read bytes that are not UTF-8 as replacement characters; Textual would end the app."""
    if sys.platform == "win32":
        return
    from textual.drivers import linux_driver

    def lenient(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
        return lambda: codecs.getincrementaldecoder(encoding)(errors="replace")

    setattr(linux_driver, "getincrementaldecoder", lenient)  # noqa: B010 - not an export of that module


def mend_page_keys() -> None:
    """Let a page key in a list that was not drawn yet do nothing; Textual would end the app with a KeyError."""
    from textual.widgets import OptionList

    if getattr(OptionList._move_page, "mended", False):
        return
    original = OptionList._move_page

    def move_page(self: OptionList, direction: Any) -> None:
        if self._index_to_line:
            original(self, direction)

    setattr(move_page, "mended", True)  # noqa: B010 - a mark on a function
    setattr(OptionList, "_move_page", move_page)  # noqa: B010 - not a method that may be overridden
