"""Mistakes where contributions meet: what should have been added was dropped, overwritten, averaged or doubled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from resdebug.analysis.mistakes import Fork, Mistake, Sender, Wrong, WrongSum
from resdebug.analysis.mutation import Add
from resdebug.ops.base import Array
from resdebug.passes.routes import Way
from resdebug.text import visible


def _only(kept: Sequence[int]) -> Add:
    def add(sent: Sequence[Array]) -> Array:
        total = sent[kept[0]]
        for k in kept[1:]:
            total = total + sent[k]
        return total

    return add


def _skip_forgotten(fork: Fork) -> Iterator[WrongSum]:
    kept = [k for k, way in enumerate(fork.ways) if way is not Way.SKIP]
    if 0 < len(kept) < len(fork.ways):
        yield WrongSum(_only(kept))


def _branch_forgotten(fork: Fork) -> Iterator[WrongSum]:
    kept = [k for k, way in enumerate(fork.ways) if way is not Way.BRANCH]
    if 0 < len(kept) < len(fork.ways):
        yield WrongSum(_only(kept))


def _one_forgotten(fork: Fork) -> Iterator[WrongSum]:
    for k, edge in enumerate(fork.arrivals):
        if len(fork.arrivals) > 2 or fork.ways[k] is None:
            others = [other for other in range(len(fork.arrivals)) if other != k]
            yield WrongSum(_only(others), f"{visible(edge.consumer, limit=60)}.{edge.slot}")


def _overwritten(fork: Fork) -> Iterator[WrongSum]:
    last = len(fork.arrivals) - 1
    for k in range(len(fork.arrivals)):
        which = "the last" if k == last else "the first" if k == 0 else f"number {k + 1}"
        yield WrongSum(_only([k]), which)


def _averaged(fork: Fork) -> Iterator[WrongSum]:
    count = len(fork.arrivals)
    every = _only(range(count))
    yield WrongSum(lambda sent: every(sent) / count, str(count))


def _twice(sender: Sender) -> Iterator[Wrong]:
    yield Wrong(lambda ybar: 2 * sender.right(ybar))


def _sign(sender: Sender) -> Iterator[Wrong]:
    yield Wrong(lambda ybar: -sender.right(ybar))


def _nothing(sender: Sender) -> Iterator[Wrong]:
    if len(sender.pass_.schedule.arrivals[sender.edge.source_index]) == 1:
        yield Wrong(lambda _: np.zeros(sender.source.shape))


SUMS: Final = (
    Mistake(
        "skip-forgotten",
        "the skip's contribution to {source} is forgotten: only the branch's is there",
        "add the adjoint that comes through the skip, unchanged, to what the branch sends",
        added=_skip_forgotten,
    ),
    Mistake(
        "branch-forgotten",
        "the branch's contribution to {source} is forgotten: only the skip's is there",
        "add what the branch sends to the adjoint that comes through the skip",
        added=_branch_forgotten,
    ),
    Mistake(
        "contribution-forgotten",
        "one of the contributions to {source} is forgotten: that through {detail}",
        "every use of a value sends a contribution, and all of them are added",
        added=_one_forgotten,
    ),
    Mistake(
        "overwritten",
        "contributions to {source} are overwritten in place of added: only {detail} is left",
        "accumulate with += where a value is used more than once, from zeros",
        added=_overwritten,
    ),
    Mistake(
        "averaged",
        "the {detail} contributions to {source} are averaged in place of added",
        "the chain rule of several variables is a sum: leave the division out",
        added=_averaged,
    ),
)

GENERIC: Final = (
    Mistake(
        "counted-twice",
        "the contribution of {node} through {slot} to {source} is counted twice",
        "add it once; start each pass from zeros",
        made=_twice,
    ),
    Mistake(
        "sign",
        "the contribution of {node} through {slot} to {source} has the wrong sign",
        "turn the sign",
        made=_sign,
    ),
    Mistake(
        "nothing-sent",
        "nothing is sent from {node} through {slot} to {source}: the gradient is cut off",
        "send the contribution; a detach or a forgotten call cuts it off",
        made=_nothing,
    ),
)
