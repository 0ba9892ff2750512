"""A pseudo-terminal that starts a command, types keys, and tells when what it waits for has been painted."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|[@-Z\\-_=>])", re.DOTALL
)
# Like most terminals of today it can hold a frame back until the frame is whole, and says so when it is asked.
_ASKED: Final = b"\x1b[?2026$p"
_ANSWER: Final = b"\x1b[?2026;2$y"
_PATIENCE: Final = 60.0
_FRAME_ENDS: Final = b"\x1b[?2026l"


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, command: Sequence[str], columns: int = 120, rows: int = 36) -> None:
        self.started = time.perf_counter()
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execvp(command[0], list(command))
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.output = b""
        self._whole = 0.0
        """When the last frame was whole."""
        self._answered = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def wait_for(self, text: str, timeout: float = _PATIENCE) -> float:
        """Read until ``text`` stands in what was painted since the last wait; return the moment it came."""
        wanted = text.encode()
        deadline = time.perf_counter() + timeout
        while wanted not in _ESCAPES.sub(b"", self.output):
            if not self._read(deadline - time.perf_counter()):
                raise TimeoutError(f"{text!r} was not painted; the last output was {self.output[-300:]!r}")
        moment = time.perf_counter()
        self.output = b""
        return moment

    def settle(self, quiet: float = 0.15) -> None:
        """Read until nothing has come for a while, and forget it."""
        while self._read(quiet):
            pass
        self.output = b""

    def press(self, key: str, then: str, quiet: float = 0.03) -> float:
        """Type ``key`` and return the seconds until the last frame that it made was whole.

        ``then`` must stand in what these frames paint; the frames end when nothing has come for ``quiet`` seconds.
        Raises TimeoutError where it was not painted.
        """
        before = time.perf_counter()
        os.write(self.descriptor, key.encode())
        self.wait_for(then)
        while self._read(quiet) or self._whole < before:
            if time.perf_counter() - before > _PATIENCE:
                raise TimeoutError(f"{key!r} made no frame")
        self.output = b""
        return self._whole - before

    def _read(self, patience: float) -> bool:
        """Take what comes; returns whether anything did within so many seconds."""
        if not select.select([self.descriptor], [], [], max(0.0, patience))[0]:
            return False
        come = os.read(self.descriptor, 1 << 16)
        now = time.perf_counter()
        self.output += come
        if _FRAME_ENDS in self.output[-len(come) - len(_FRAME_ENDS) :]:
            self._whole = now
        if not self._answered and _ASKED in self.output:
            self._answered = True
            os.write(self.descriptor, _ANSWER)
        return True
