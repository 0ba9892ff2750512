"""Memory that a pass gives back is kept for the next one, and lies in large pages where the system has them."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import Any, Final

import numpy as np

# From malloc.h of the GNU C library.
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3

KEPT: Final = 1 << 30
"""Bytes of freed memory that stay with the process at most."""

LARGE_PAGE: Final = 1 << 21
"""Bytes of a large page, as most processors have them."""

# From mman.h of Linux.
MADV_HUGEPAGE: Final = 14


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Ask the C library not to return freed memory to the system at once; return whether it can.

    Otherwise every large array of a pass is new to the process, and being given its pages one by one costs a fifth of
    the pass (mallopt(3)). Other C libraries than GNU's are left as they are.
    """
    mallopt = _of_c("mallopt")
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, KEPT)) and bool(mallopt(M_TRIM_THRESHOLD, KEPT))


def expect(count: int) -> bool:
    """Say that about ``count`` bytes will be taken; return whether they will lie in large pages.

    A pass goes through more memory than the processor has addresses at hand for: with pages of 4 KiB every twentieth
    of its time goes into looking them up (madvise(2)). Nothing is taken before it is used.
    """
    advise = _of_c("madvise")
    if advise is None or not keep_freed_memory() or not LARGE_PAGE <= count < KEPT:
        return False
    room = np.empty(count, np.uint8)
    start = -(-room.ctypes.data // LARGE_PAGE) * LARGE_PAGE
    length = room.ctypes.data + count - start
    return length > 0 and not advise(ctypes.c_void_p(start), ctypes.c_size_t(length), MADV_HUGEPAGE)


@lru_cache(maxsize=2)
def _of_c(name: str) -> Any:
    """Return a function of the C library, None where there is none or the system is not Linux."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
