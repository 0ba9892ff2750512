"""How contributions become an adjoint.

The chain rule of several variables has one answer, the sum. The other rules exist only to show what goes wrong with
them; a pass that ran under one says so wherever it appears.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from resdebug.ops.base import Array

Rule = Callable[[Array, Array, int], Array]
"""``rule(partial, contribution, k)`` returns the partial adjoint after the k-th contribution, k from 2."""


def add(partial: Array, contribution: Array, k: int) -> Array:
    """Return the sum, made in place where one of the two is nobody else's, which is where it may be written to."""
    for own in (partial, contribution):
        if own.flags.writeable:
            return np.add(partial, contribution, out=own)
    return np.asarray(partial + contribution)


def mean(partial: Array, contribution: Array, k: int) -> Array:
    """Return the running mean of k contributions: wrong by a factor k at every fork."""
    return np.asarray(partial + (contribution - partial) / k)


def overwrite(partial: Array, contribution: Array, k: int) -> Array:
    """Keep the last contribution: what ``=`` in place of ``+=`` does."""
    return contribution


def first(partial: Array, contribution: Array, k: int) -> Array:
    """Keep the first contribution: what visiting a node only once does."""
    return partial


def twice(partial: Array, contribution: Array, k: int) -> Array:
    """Add each contribution after the first a second time: what a node does that is visited once too often."""
    return np.asarray(partial + contribution + contribution)


RULES: Final[Mapping[str, Rule]] = {"sum": add, "mean": mean, "overwrite": overwrite, "first": first, "twice": twice}


def accumulate(rule: str, partial: Array | None, contribution: Array, k: int) -> Array:
    """Return the partial adjoint after the ``k``-th contribution (from 1) under the rule of this name."""
    return contribution if partial is None else RULES[rule](partial, contribution, k)


def add_each(partials: Array, receivers: NDArray[np.intp], contributions: Array) -> None:
    """Add each contribution to the partial adjoint of its receiver, in place, one after the other."""
    np.add.at(partials, receivers, contributions)


def left_to_right(contributions: Array) -> Array:
    """Return the sum of a vector, added up from its first number on (numpy's ``sum`` adds in pairs)."""
    total: Array = np.add.accumulate(contributions)[-1]
    return total
