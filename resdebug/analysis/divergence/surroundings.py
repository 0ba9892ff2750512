"""What a divergence looks like, seen from its surroundings: operands, wiring, the ledger it should be the sum of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from resdebug.analysis.divergence.pairing import Pairing
from resdebug.analysis.divergence.tensors import TOLERANCES
from resdebug.analysis.likeness import Likeness
from resdebug.network.model import Edge, Network
from resdebug.ops.base import Array
from resdebug.passes.blocks import JOINS
from resdebug.passes.protocol import Of

"""Operators in which a skip and its branch meet."""
MOST_ROWS: Final = 64
"""Ledgers of more contributions are not tried for mistakes in adding up."""


class Surroundings:
    """Looks for an explanation in what lies around a tensor."""

    def __init__(self, pairing: Pairing, tolerance: float | None, differs: Callable[[str, Array, Array], bool]) -> None:
        """``differs`` says whether two tensors of a node are not the same."""
        self.a, self.b, self.pairing, self.tolerance, self._differs = pairing.a, pairing.b, pairing, tolerance, differs
        self.wrong_values: set[str] = set()
        """The nodes whose values have been found to differ."""

    def value_looks(self, name: str) -> Iterator[Likeness]:
        """Say which operand differs already, or that none does."""
        node, names = self.a.network[name], self.pairing.names
        if node.is_leaf:
            yield Likeness("other numbers", "a leaf: the two passes were run on other numbers")
            return
        for edge, theirs in zip(node.inputs, self.b.network[names[name]].inputs, strict=False):
            if edge is None or theirs is None or theirs.source == names[edge.source]:
                continue
            yield self._rewired(edge, theirs)
            return
        wrong = [e.source for e in node.inputs if e and e.source in self.wrong_values]
        if wrong:
            yield Likeness("operand", f'its operand "{wrong[0]}" differs already')

    def _rewired(self, edge: Edge, theirs: Edge) -> Likeness:
        """Say what it means that a slot is fed otherwise in the second pass: a skip is gone, or has been added."""
        mine, names = self.pairing.names[edge.source], self.pairing.names
        join, other = self.a.network[edge.source], self.b.network[theirs.source]
        before = [names[e.source] for e in join.inputs if e] if join.op in JOINS else []
        after = [e.source for e in other.inputs if e] if other.op in JOINS else []
        if theirs.source in before:
            rest = ", ".join(f'"{part}"' for part in before if part != theirs.source)
            return Likeness("missing skip", f'it takes "{theirs.source}" where the first takes it joined with {rest}')
        if mine in after:
            rest = ", ".join(f'"{part}"' for part in after if part != mine)
            return Likeness("added skip", f'it takes "{mine}" joined with {rest} where the first takes it alone')
        return Likeness("wired differently", f'slot {edge.slot} comes from "{theirs.source}" in the second pass')

    def operand_looks(self, edge: Edge) -> Iterator[Likeness]:
        """Say which saved value, or the arriving adjoint, differs already."""
        node, names = self.a.network[edge.consumer], self.pairing.names
        pairs = [(e.source, Of.VALUE) for e in node.inputs if e]
        pairs += [(edge.consumer, Of.VALUE), (edge.consumer, Of.ADJOINT)]
        for name, of in pairs:
            other = names[name]
            if not self.pairing.has(name) or not (self.a.holds(of, name) and self.b.holds(of, other)):
                continue
            first = self.a.value(name) if of is Of.VALUE else self.a.adjoint(name)
            second = self.b.value(other) if of is Of.VALUE else self.b.adjoint(other)
            if first is None or second is None:
                continue
            if self._differs(name, first, second):
                where = "in the forward pass" if of is Of.VALUE else "in the reverse pass"
                yield Likeness("operand", f'an operand differs already: the {of.value} of "{name}", {where}')
                return

    def ledger_looks(self, name: str, other: str, second: Array) -> Iterator[Likeness]:
        """Say which mistake in adding up the first pass's contributions gives the second's adjoint."""
        arrivals = self.a.arrivals(name)
        if not 0 < len(arrivals) <= MOST_ROWS or not all(self.a.holds(Of.CONTRIBUTION, e) for e in arrivals):
            return
        rows = [self.a.contribution(edge).astype(np.float64) for edge in arrivals]
        if any(row.shape != second.shape for row in rows):
            return
        total = np.sum(rows, axis=0)
        y = second.astype(np.float64)
        near = max(self.tolerance or 0.0, TOLERANCES.get(second.dtype.name, 1e-9))

        def is_it(x: Array) -> bool:
            size = float(np.linalg.norm(x))
            return bool(np.linalg.norm(x - y) <= near * size) if size > 0 else not y.any()

        theirs = {(e.consumer, e.slot) for e in self.b.arrivals(other)}
        for edge in arrivals:
            if (self.pairing.names[edge.consumer], edge.slot) not in theirs:
                yield Likeness("not sent", f'"{edge.consumer}" sends nothing here in the second pass')
        if len(rows) < 2:
            return
        for edge, row in zip(arrivals, rows, strict=True):
            kind = _kind(edge, arrivals, self.a.network)
            if is_it(total - row):
                yield Likeness("forgotten", f'{kind} contribution from "{edge.consumer}" (slot {edge.slot}) is missing')
        if is_it(total / len(rows)):
            yield Likeness("averaged", f"the {len(rows)} contributions were averaged in place of added")
        if is_it(rows[-1]):
            yield Likeness("overwritten", "only the last contribution is left: = in place of +=")
        if is_it(rows[0]):
            yield Likeness("first only", "only the first contribution counts: the node was visited once and for all")
        for edge, row in zip(arrivals, rows, strict=True):
            if is_it(total + row):
                yield Likeness("twice", f'the contribution from "{edge.consumer}" (slot {edge.slot}) counts twice')


def _kind(edge: Edge, arrivals: tuple[Edge, ...], network: Network) -> str:
    """Return whether a fork's contribution came straight from the join, over the skip, or through the branch."""
    joins = [network[e.consumer].op in JOINS for e in arrivals]
    if all(joins) or not any(joins):
        return "the"
    return "the skip's" if network[edge.consumer].op in JOINS else "the branch's"
