"""What the screen remembers from one time to the next: the sizes of panes and the theme. Never in the way."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

_MOST_BYTES = 10_000


def memory_path() -> Path:
    """Return the file; ``RESDEBUG_STATE`` names another folder."""
    chosen = os.environ.get("RESDEBUG_STATE")
    if chosen:
        return Path(chosen) / "screen.json"
    from platformdirs import user_state_path

    return user_state_path("resdebug", appauthor=False) / "screen.json"


def remembered() -> dict[str, Any]:
    """Return what was remembered; nothing where there is nothing, or nothing that can be read."""
    path = memory_path()
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if path.is_file() and path.stat().st_size <= _MOST_BYTES:
            told = json.loads(path.read_text(encoding="utf-8"))
            return told if isinstance(told, dict) else {}
    return {}


def remember(**what: Any) -> None:
    """Keep something for the next time; where that is not possible, it is not kept."""
    path = memory_path()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(remembered() | what), encoding="utf-8")
        beside.replace(path)
