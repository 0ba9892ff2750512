"""Memory that a pass gives back is kept for the next one."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import Final

# From malloc.h of the GNU C library.
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3

KEPT: Final = 1 << 30
"""Bytes of freed memory that stay with the process at most."""


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Ask the C library not to return freed memory to the system at once; return whether it can.

    Otherwise every large array of a pass is new to the process, and being given its pages one by one costs a fifth of
    the pass (mallopt(3)). Other C libraries than GNU's are left as they are.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, KEPT)) and bool(mallopt(M_TRIM_THRESHOLD, KEPT))
