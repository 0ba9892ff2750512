"""What becomes of memory that a pass gives back: it is kept for the next one, or where it is short, returned."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

# From malloc.h of the GNU C library.
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3

KEPT: Final = 1 << 30
"""Bytes of freed memory that stay with the process at most."""

RETURNED: Final = 1 << 22
"""Tensors from so many bytes on are returned. From 64 KiB on, a pass took half as long again; from here, no longer."""


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Ask the C library not to return freed memory to the system at once; return whether it can.

    Otherwise every large array of a pass is new to the process, and being given its pages one by one costs a fifth of
    the pass (mallopt(3)). Other C libraries than GNU's are left as they are.
    """
    return _set(KEPT)


@contextmanager
def returning_freed_memory() -> Iterator[None]:
    """Have the C library return large arrays to the system when they are freed, for as long as this lasts.

    By itself it puts them into its heap after the first, where whatever small comes to lie behind one keeps its place
    from being returned: of a pass of 150 MiB some 100 stayed so. Threads that work meanwhile are only slower.
    """
    _set(RETURNED)
    try:
        yield
    finally:
        if keep_freed_memory.cache_info().currsize:
            _set(KEPT)


def _set(threshold: int) -> bool:
    mallopt = _mallopt()
    return mallopt is not None and all(
        bool(mallopt(which, threshold)) for which in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD)
    )


def _mallopt() -> Callable[[int, int], Any] | None:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "mallopt", None)
