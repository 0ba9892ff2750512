"""Work that is shared between threads is done once, all of it, and its errors arrive."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from resdebug.ops import threads


@pytest.fixture(params=["1", "2", "5"])
def some_threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setenv(threads.VARIABLE, request.param)
    threads.count.cache_clear()
    yield int(request.param)
    monkeypatch.undo()
    threads.count.cache_clear()


def test_every_item_once(some_threads: int) -> None:
    assert threads.count() == some_threads
    seen: list[int] = []
    lock = threading.Lock()

    def work(items: Sequence[int]) -> None:
        with lock:
            seen.extend(items)

    for size in (0, 1, 2, 3, 7, 100):
        seen.clear()
        threads.share(work, range(size))
        assert sorted(seen) == list(range(size))


@pytest.mark.parametrize("at", [0, 9])
def test_errors_arrive(some_threads: int, at: int) -> None:
    def work(items: Sequence[int]) -> None:
        if at in items:
            raise MemoryError(f"{some_threads}: {at}")

    with pytest.raises(MemoryError, match=f": {at}"):
        threads.share(work, range(10))


def test_work_for_later_warns_of_nothing() -> None:
    assert np.isinf(threads.later(lambda: np.array(1.0) / np.array(0.0)).result())


def test_a_count_that_is_none_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ("0", "-1", "two", ""):
        monkeypatch.setenv(threads.VARIABLE, given)
        threads.count.cache_clear()
        assert 1 <= threads.count() <= threads.MOST
    monkeypatch.undo()
    threads.count.cache_clear()


def test_the_library_has_its_threads_back_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_ALREADY", False)

    def now() -> list[int]:
        return [pool["num_threads"] for pool in threads._controller().info() if pool["user_api"] == "blas"]

    with threads._controller().limit(limits=2, user_api="blas"):
        before = now()
        with threads.ours():
            with threads.ours():
                assert set(now()) == {1}
            assert set(now()) == {1}
        assert now() == before
