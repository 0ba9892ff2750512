"""Reading tells how far it is, and whoever listens may end it."""

from __future__ import annotations

from pathlib import Path

import pytest

import resdebug
from resdebug.api import open_network, open_pass
from resdebug.export.registry import export
from tests.support import GRAPHS

Told = list[tuple[str, int, int]]


class Left(Exception):
    """The person has left."""


@pytest.mark.parametrize("name", ["resblock", "residual20"])
def test_shares_grow_to_the_whole(name: str) -> None:
    told: Told = []
    resdebug.load(GRAPHS / f"{name}.json", report=lambda what, done, of: told.append((what, done, of)))
    shares = [done for _, done, _ in told]
    assert {(what, of) for what, _, of in told} == {("reading", 100)}
    assert len(shares) > 5
    assert shares == sorted(set(shares))
    assert shares[-1] == 100


@pytest.mark.parametrize("step", range(9))
def test_it_ends_where_the_listener_says_so(step: int) -> None:
    told: Told = []

    def report(what: str, done: int, of: int) -> None:
        told.append((what, done, of))
        if len(told) > step:
            raise Left

    with pytest.raises(Left):
        resdebug.load(GRAPHS / "resblock.json", report=report)
    assert len(told) == step + 1


def test_reading_comes_before_running() -> None:
    told: Told = []
    open_pass(GRAPHS / "resblock.json", report=lambda what, done, of: told.append((what, done, of)))
    assert list(dict.fromkeys(what for what, _, _ in told)) == ["reading", "forward", "reverse"]


def test_a_trace_is_read_with_progress(tmp_path: Path) -> None:
    pass_ = resdebug.differentiate(resdebug.generate("random", nodes=400))
    path = tmp_path / "t.jsonl"
    export(pass_, path)
    told: Told = []
    open_network(path, report=lambda what, done, of: told.append((what, done, of)))
    events = len(pass_.events)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] > told[-1][2] * 0.8
    assert {of for _, _, of in told} == {2 * (events + 1)}
