"""A real terminal: a tmux server of our own, keys typed into it, its screen read back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

COMMAND = Path(sys.executable).parent / "resdebug"


class Tmux:
    """One window that runs the installed command in a shell; the shell stays to tell how the command ended."""

    def __init__(self, folder: Path, *, columns: int = 120, rows: int = 36, **environment: str) -> None:
        self.socket = f"resdebug-{uuid4().hex[:8]}"
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "LC_ALL", "TMUX"}}
        self.environment = {**kept, "LANG": "C.UTF-8", **environment}
        size = ("-x", str(columns), "-y", str(rows))
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "bash --norc --noprofile")
        self.wait_for(lambda screen: bool(screen.strip()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-L", self.socket, *arguments],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout

    def start(self, *arguments: str) -> None:
        """Run the command, and tell its exit code afterwards."""
        self.type(f"{COMMAND} {' '.join(arguments)}; echo ended $?")
        self.press("Enter")

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, as a person would."""
        for key in keys:
            self._tmux("send-keys", key)
            time.sleep(0.05)

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self, *, colours: bool = False) -> str:
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def modes(self) -> str:
        """Alternate screen, mouse reporting, and whether the cursor shows."""
        return self._tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}").strip()

    def wait_for(self, seen: str | Callable[[str], bool], timeout: float = 30.0) -> str:
        """Wait until the screen holds a text, and return the screen."""
        deadline = time.monotonic() + timeout
        while True:
            screen = self.screen()
            if seen in screen if isinstance(seen, str) else seen(screen):
                return screen
            if time.monotonic() > deadline:
                raise AssertionError(f"{seen!r} did not appear; the screen was:\n{screen}")
            time.sleep(0.05)

    def signal(self, name: str) -> None:
        """Send a signal to the command."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        subprocess.run(["pkill", f"-{name}", "-P", shell], check=True)
