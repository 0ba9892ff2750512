"""Runs the command as its users do, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

ENVIRONMENT = {**os.environ, "TERM": "xterm-256color"}


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run ``resdebug`` with these arguments and return what it printed."""
    settings: dict[str, Any] = {"capture_output": True, "text": True, "env": ENVIRONMENT}
    return subprocess.run([sys.executable, "-m", "resdebug", *arguments], check=False, **(settings | options))
