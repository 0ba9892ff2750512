"""How much a file may ask for, checked before anything is read or any memory is taken."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

GRAPH_FILE_BYTES: Final = 1 << 30
TENSOR_FILE_BYTES: Final = 1 << 36
JSON_DEPTH: Final = 512
DIMENSIONS: Final = 32
ADDRESSABLE: Final = 1 << 62
"""Most bytes that the axes of an array may span, empty ones left out: more, and no array can have that shape."""
UNPACK_RATIO: Final = 100
"""An archive that unpacks to more than this many times its size (and beyond 16 MiB) is refused."""


def memory_limit(share: float = 0.8) -> int:
    """Return the bytes that a pass may take: a share of what the machine has free."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(int(line.split()[1]) * 1024 * share)
    except (OSError, ValueError):
        pass
    try:
        return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * share / 2)
    except (OSError, ValueError, AttributeError):
        return 4 << 30
