"""The file that a bug of ours leaves behind."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from pathlib import Path

from resdebug.version import __version__


def write_crash(error: BaseException) -> Path:
    """Write the traceback, without any local variable, to a file of its own; return where."""
    descriptor, name = tempfile.mkstemp(prefix="resdebug-crash-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"resdebug {__version__}, Python {platform.python_version()}, {platform.system()}\n\n")
        file.write("".join(traceback.format_exception(error)))
    return Path(name)
