"""Our own threads in place of those of the linear algebra library.

A pass is many small products: cutting each of them in two gains less than doing two of them at a time. So the library
works with one thread while we do, which also makes results independent of the number of threads: what is a task does
not depend on who does it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np

T = TypeVar("T")
R = TypeVar("R")

VARIABLE: Final = "RESDEBUG_THREADS"
_ALREADY: Final = os.environ.get("OPENBLAS_NUM_THREADS") == "1"
"""Whether the library was told to have no threads of its own when it was loaded; numpy's is OpenBLAS."""

MOST: Final = 16
"""More threads than this get in each other's way in memory."""


@lru_cache(maxsize=1)
def count() -> int:
    """Return with how many threads to work: ``RESDEBUG_THREADS``, or as many as there are cores for this process."""
    given = os.environ.get(VARIABLE, "")
    if given.isdecimal() and int(given):
        return min(int(given), MOST)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, count() - 1), "resdebug", lambda: setattr(_own, "helps", True))


class _Own(threading.local):
    helps = False
    """Whether this thread does what another one has cut off its work."""


_own: Final = _Own()


def free() -> int:
    """Return how many threads a library may use for one call from here: one where the others are at work too."""
    return 1 if _own.helps else count()


def later(work: Callable[[], R]) -> Future[R]:
    """Do ``work`` beside what follows, without floating-point warnings."""
    return _pool().submit(_quiet, work)


def _quiet(work: Callable[[], R]) -> R:
    with np.errstate(all="ignore"):
        return work()


def share(work: Callable[[Sequence[T]], None], items: Sequence[T]) -> None:
    """Do ``work`` on all items, cut into one run of them per thread; what no other thread has begun is done here."""
    if count() == 1 or len(items) < 2:
        work(items)
        return
    size = -(-len(items) // count())
    runs = [items[i : i + size] for i in range(0, len(items), size)]
    others = [(run, _pool().submit(_quiet, lambda run=run: work(run))) for run in runs[1:]]
    try:
        work(runs[0])
        for run, done in others:
            if done.cancel():
                work(run)
    finally:
        for _, done in others:
            if not done.cancel():
                done.result()


class _Single:
    """Holds the linear algebra library at one thread for as long as anybody needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limit: Any = None

    def enter(self) -> None:
        if _ALREADY:
            return
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._limit = _controller().limit(limits=1, user_api="blas")

    def leave(self) -> None:
        if _ALREADY:
            return
        with self._lock:
            self._users -= 1
            if not self._users:
                self._limit.restore_original_limits()


_single: Final = _Single()


@lru_cache(maxsize=1)
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _Leaving(threading.local):
    def __init__(self) -> None:
        self.tasks: list[Callable[[], None]] = []


_leaving: Final = _Leaving()


def when_left(task: Callable[[], None]) -> None:
    """Do ``task`` when this thread next leaves ``ours``."""
    _leaving.tasks.append(task)


@contextmanager
def ours() -> Iterator[None]:
    """Work with our own threads, and without floating-point warnings."""
    _single.enter()
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _single.leave()
        while _leaving.tasks:
            _leaving.tasks.pop()()
