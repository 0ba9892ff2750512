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
from typing import Self

_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|[@-Z\\-_=>])", re.DOTALL
)


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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def wait_for(self, text: str, timeout: float = 60.0) -> float:
        """Read until ``text`` stands in what was painted since the last wait; return the moment it came."""
        wanted = text.encode()
        deadline = time.perf_counter() + timeout
        while wanted not in _ESCAPES.sub(b"", self.output):
            if not select.select([self.descriptor], [], [], max(0.0, deadline - time.perf_counter()))[0]:
                raise TimeoutError(f"{text!r} was not painted; the last output was {self.output[-300:]!r}")
            self.output += os.read(self.descriptor, 1 << 16)
        moment = time.perf_counter()
        self.output = b""
        return moment

    def settle(self, quiet: float = 0.15) -> None:
        """Read until nothing has come for a while, and forget it."""
        while select.select([self.descriptor], [], [], quiet)[0]:
            os.read(self.descriptor, 1 << 16)
        self.output = b""

    def press(self, key: str, then: str, timeout: float = 60.0) -> float:
        """Type ``key`` and return the seconds until ``then`` was painted."""
        before = time.perf_counter()
        os.write(self.descriptor, key.encode())
        return self.wait_for(then, timeout) - before
