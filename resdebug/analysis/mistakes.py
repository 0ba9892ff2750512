"""The mistakes that people make in a backward pass written by hand: a table, and where each of them can be made.

A row says what the mistake is called, what it is in a sentence, what to do, and how a contribution (or a sum of
contributions) comes out with it. Whether numbers that somebody got are those is for the diagnosis to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from resdebug.analysis.mutation import Add, Mutation, Mutator, Send, known, vjp
from resdebug.engine.forward import operator_of
from resdebug.network.model import Edge, Node
from resdebug.ops.base import Array, Operator
from resdebug.passes.live import LivePass
from resdebug.passes.routes import Routes, Way


class Sender:
    """One edge where a contribution could be made otherwise, with all that its consumer's VJP has in hand."""

    def __init__(self, pass_: LivePass, edge: Edge) -> None:
        self.pass_ = pass_
        self.edge = edge
        self.node: Node = pass_.network.nodes[edge.consumer_index]
        self.source: Node = pass_.network.nodes[edge.source_index]
        self.operator: Operator = operator_of(self.node)
        self.slot = self.operator.slot(edge.position, len(self.node.inputs)).name

    @cached_property
    def inputs(self) -> list[Array | None]:
        """The saved inputs, one per slot."""
        return [None if e is None else self.pass_.value(e.source) for e in self.node.inputs]

    @property
    def x(self) -> Array:
        """What stands in this slot."""
        return known(self.inputs[self.edge.position])

    @property
    def first(self) -> Array:
        """What stands in the operator's first slot."""
        return known(self.inputs[0])

    @cached_property
    def y(self) -> Array:
        """The saved output."""
        return known(self.pass_.value(self.node.name))

    def right(self, ybar: Array) -> Array:
        """Return what the VJP makes of ``ȳ``."""
        return vjp(self.pass_, self.edge, ybar)

    def with_inputs(self, ybar: Array, y: Array, inputs: Sequence[Array | None]) -> Array:
        """Return what the VJP makes of ``ȳ`` with other saved values."""
        with np.errstate(all="ignore"):
            return np.asarray(self.operator.vjp(self.edge.position, ybar, y, inputs))


@dataclass(frozen=True, slots=True)
class Wrong:
    """One way to get a contribution wrong; ``detail`` tells variants of one mistake apart."""

    send: Send
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A row of the table. The sentence may use {node}, {slot}, {source} and {detail}."""

    name: str
    sentence: str
    remedy: str
    made: Callable[[Sender], Iterable[Wrong]] | None = None
    """For a mistake in one contribution: how it can be made at an edge, if at all."""
    added: Callable[[Fork], Iterable[WrongSum]] | None = None
    """For a mistake in a sum of contributions."""


@dataclass(frozen=True, slots=True)
class Fork:
    """A node that receives two or more contributions, and the ways they come."""

    node: Node
    arrivals: tuple[Edge, ...]
    ways: tuple[Way | None, ...]


@dataclass(frozen=True, slots=True)
class WrongSum:
    """One way to get a sum wrong; ``kept`` says which contributions are in it, by place, where that is all there is."""

    add: Add
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mistake at a place: what to say of it, and the mutation that has it."""

    mistake: Mistake
    node: str
    """Where it is: the consumer whose rule is wrong, or the node whose sum is."""
    slot: str
    source: str
    """The first node whose adjoint is wrong."""
    source_index: int
    detail: str
    mutation: Mutation

    @property
    def sentence(self) -> str:
        """What the mistake is, in a sentence."""
        from resdebug.text import visible

        words = {"node": self.node, "slot": self.slot, "source": self.source}
        shown = {key: visible(word, limit=60) for key, word in words.items()}
        return self.mistake.sentence.format(**shown, detail=self.detail)

    @property
    def key(self) -> tuple[str, str]:
        """Equal for the same mistake at other places."""
        return self.mistake.name, "" if self.mistake.name in BY_PLACE else self.detail


BY_PLACE: Final = frozenset({"contribution-forgotten", "averaged"})
"""Mistakes whose details name a place, or say how many there are."""


def candidates(
    mutator: Mutator, table: Sequence[Mistake], wanted: Callable[[int], bool] = lambda _: True
) -> list[Candidate]:
    """Return every mistake of the table at every place of the pass, in reverse order of the first wrong node.

    ``wanted`` says of a node's index whether it is of interest when it is the first wrong one.
    """
    pass_ = mutator.pass_
    routes = Routes(pass_)
    found: list[Candidate] = []
    for i in pass_.schedule.reverse:
        if not wanted(i):
            continue
        node = pass_.network.nodes[i]
        arrivals = pass_.schedule.arrivals[i]
        if len(arrivals) > 1:
            ways = tuple(None if r is None else r.way for r in map(routes.route, arrivals))
            found += _sums(Fork(node, arrivals, ways), table)
        for edge in arrivals:
            found += _contributions(Sender(pass_, edge), table)
    return found


def _sums(fork: Fork, table: Sequence[Mistake]) -> Iterator[Candidate]:
    node = fork.node
    for mistake in table:
        if mistake.added is not None:
            for wrong in mistake.added(fork):
                mutation = Mutation(adds={node.index: wrong.add})
                yield Candidate(mistake, node.name, "", node.name, node.index, wrong.detail, mutation)


def _contributions(sender: Sender, table: Sequence[Mistake]) -> Iterator[Candidate]:
    edge = sender.edge
    for mistake in table:
        if mistake.made is not None:
            for wrong in mistake.made(sender):
                mutation = Mutation(sends={edge.index: wrong.send})
                yield Candidate(
                    mistake, edge.consumer, sender.slot, edge.source, edge.source_index, wrong.detail, mutation
                )  # fmt: skip
