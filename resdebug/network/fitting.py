"""The edges of a usual file, all at once: every one names its slot, and nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from resdebug.network.distinct import Distinct
from resdebug.network.entries import EdgeColumns
from resdebug.network.signature import Signature
from resdebug.network.wires import Ints, Wires


def fit_all(edges: EdgeColumns, index: Mapping[str, int], operators: Distinct[Signature | None]) -> Wires | None:
    """Return which edge fills which slot; None where that is not as usual, or anything at all is wrong."""
    slots_of = [() if operator is None or operator.variadic else operator.slots for operator in operators.things]
    if any(operator is None or operator.variadic for operator in operators.things):
        return None
    called = {name: k for k, name in enumerate({slot.name for slots in slots_of for slot in slots})}
    count = len(edges.source)
    try:
        sources = _numbers(edges.source, index)
        consumers = _numbers(edges.target, index)
        slots = _numbers(edges.slot, called)
    except KeyError:
        return None
    places = np.full((len(slots_of), len(called) + 1), -1)
    for row, expected in zip(places, slots_of, strict=True):
        row[[called[slot.name] for slot in expected]] = range(len(expected))
    positions = places[operators.number[consumers], slots]
    begin = np.append(0, np.cumsum(np.array([*map(len, slots_of)], np.intp)[operators.number]))
    filled = np.full(begin[-1], -1)
    filled[begin[consumers] + positions] = np.arange(count)
    empty = np.flatnonzero(filled < 0)
    if (positions < 0).any() or len(filled) - len(empty) < count:
        return None
    lacking = np.searchsorted(begin, empty, side="right") - 1
    for node, position in zip(lacking.tolist(), (empty - begin[lacking]).tolist(), strict=True):
        if not slots_of[operators.number[node]][position].optional:
            return None
    return Wires(sources, consumers, positions, begin, filled)


def _numbers(names: Sequence[Any], number: Mapping[Any, int]) -> Ints:
    """Return the number of each name. Raises KeyError for one that is not known."""
    find: Callable[[Any], int] = number.__getitem__
    return np.fromiter(map(find, names), np.intp, len(names))
