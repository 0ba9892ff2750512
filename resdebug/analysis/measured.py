"""Norms of a pass's values and adjoints, measured once however many questions need them."""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

from resdebug.passes.protocol import Of, Pass

Norms = dict[int, float | None]

_VALUES: Final[WeakKeyDictionary[Pass, Norms]] = WeakKeyDictionary()
_ADJOINTS: Final[WeakKeyDictionary[Pass, Norms]] = WeakKeyDictionary()


def value_norm(pass_: Pass, index: int) -> float | None:
    """Return the Euclidean norm of a node's value; None where the pass has none. NaN or ∞ where it is not finite."""
    known = _VALUES.setdefault(pass_, {})
    if index not in known:
        known[index] = pass_.size_of(Of.VALUE, pass_.network.nodes[index].name)
    return known[index]


def adjoint_norm(pass_: Pass, index: int) -> float | None:
    """Return the Euclidean norm of a node's adjoint; None where it has none. NaN or ∞ where it is not finite."""
    known = _ADJOINTS.setdefault(pass_, {})
    if index not in known:
        known[index] = pass_.size_of(Of.ADJOINT, pass_.network.nodes[index].name)
    return known[index]
