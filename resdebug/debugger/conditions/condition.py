"""Conditions and expressions as others use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from resdebug.debugger.conditions.columns import Columns
from resdebug.debugger.conditions.compiling import typed
from resdebug.debugger.conditions.grammar import parse
from resdebug.debugger.conditions.places import Ints, Moment, Places
from resdebug.debugger.conditions.tree import fault
from resdebug.debugger.conditions.typed import ASKED_AT, Kind, Need, Typed
from resdebug.network.model import Network
from resdebug.ops.base import Array

Answer: TypeAlias = float | str | bool | Array | None
"""What an expression is at a place; None where there is no such thing."""

_MOMENTS = {
    Need.NODE: Moment.COMPLETED,
    Need.VALUE: Moment.EVALUATED,
    Need.ADJOINT: Moment.COMPLETED,
    Need.CONTRIBUTION: Moment.CONTRIBUTED,
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A text of the condition language that fits a network."""

    text: str
    typed: Typed

    @property
    def kind(self) -> Kind:
        """What it is: a number, a truth, a text, a tensor."""
        return self.typed.kind

    @property
    def asked_at(self) -> str:
        """At which events a condition is asked, in words."""
        return ASKED_AT[self.typed.need]

    def at(self, columns: Columns, position: int) -> Answer:
        """Return what it is at a position of the timeline."""
        places = columns.map.at(position)
        if self.kind is Kind.TENSOR:
            return self.typed.tensors(columns, places).get(0)
        column = self.typed.column(columns, places)
        if not column.known[0]:
            return None
        answer: float | str | bool = column.data[0].item() if isinstance(column.data[0], np.generic) else column.data[0]
        return answer

    def places(self, columns: Columns) -> Places:
        """Return the places at which the condition is asked."""
        if self.typed.need is Need.EVENT:
            every = columns.map.everything
            return every.take(every.moment != Moment.START)
        return columns.map.by_moment[_MOMENTS[self.typed.need]]

    def holds(self, columns: Columns) -> Ints:
        """Return all positions at which the condition holds, in order."""
        places = self.places(columns)
        if not len(places):
            return places.position
        holds: Ints = places.position[self.typed.column(columns, places).data]
        return holds


def expression(text: str, network: Network) -> Expression:
    """Read an expression of any kind. Raises BadInput with the column of what is at fault."""
    return Expression(text, typed(parse(text), network))


def condition(text: str, network: Network) -> Expression:
    """Read a condition: an expression that is true or false. Raises BadInput."""
    tree = parse(text)
    found = Expression(text, typed(tree, network))
    if found.kind is not Kind.TRUTH:
        what = f"a condition is true or false, and this is {found.kind.value}"
        raise fault("C012", what, tree.column, "compare it with something: norm(adj) > 1e3")
    return found
