"""The rule duel: what a reverse pass gives under the right rule and under wrong ones, beside differences of the target.

Only the forward pass's values are needed: every rule is replayed with the operators' own VJPs, so a recorded pass can
be asked as well as a live one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from resdebug.engine.accumulation import accumulate
from resdebug.engine.forward import frozen
from resdebug.engine.kept import ByNode
from resdebug.engine.reverse import reverse_pass
from resdebug.ops.base import Array
from resdebug.passes.protocol import Pass
from resdebug.passes.routes import Routes, Way


class Contender(Enum):
    """How contributions become an adjoint."""

    SUM = "sum"
    MEAN = "mean"
    OVERWRITE = "overwrite"
    FIRST = "first"
    TWICE = "twice"
    DROP_SKIP = "drop_skip"
    DROP_BRANCH = "drop_branch"


ABOUT: Final = {
    Contender.SUM: "all contributions are added: the chain rule of several variables",
    Contender.MEAN: "contributions are averaged",
    Contender.OVERWRITE: "the last contribution replaces the others: = in place of +=",
    Contender.FIRST: "the first contribution is kept: every node is visited only once",
    Contender.TWICE: "every contribution after the first counts twice: a node is visited once too often",
    Contender.DROP_SKIP: "what comes through a skip is forgotten",
    Contender.DROP_BRANCH: "what comes through a branch is forgotten",
}

_DROPPED: Final = {Contender.DROP_SKIP: Way.SKIP, Contender.DROP_BRANCH: Way.BRANCH}


class CannotReplay(Exception):
    """A recorded pass lacks what another rule needs; the message says what, in a sentence."""


@dataclass(frozen=True, slots=True)
class AtNode:
    """What one rule makes of the contributions that reached a node in this pass."""

    contender: Contender
    adjoint: Array | None
    """None where the rule does not apply: the node is no fork of a block, so there is no skip to drop."""


class Duel:
    """Replays one pass under every rule; what has been replayed is kept."""

    def __init__(self, pass_: Pass, routes: Routes | None = None) -> None:
        self.pass_ = pass_
        self.routes = routes or Routes(pass_)
        self._adjoints: dict[Contender, ByNode] = {}

    def dropped(self, contender: Contender) -> frozenset[int]:
        """Return the indices of the edges whose contributions a contender forgets."""
        way, plan = _DROPPED.get(contender), self.pass_.schedule
        if way is None:
            return frozenset()
        forks = [plan.arrivals[i] for i in plan.reverse if len(plan.arrivals[i]) > 1]
        routes = ((edge.index, self.routes.route(edge)) for arrivals in forks for edge in arrivals)
        return frozenset(index for index, route in routes if route is not None and route.way is way)

    def applies(self, contender: Contender) -> bool:
        """Whether a contender can differ from the sum here: there is a fork, or a skip to be forgotten."""
        if contender in _DROPPED:
            return bool(self.dropped(contender))
        plan = self.pass_.schedule
        return contender is Contender.SUM or any(len(plan.arrivals[i]) > 1 for i in plan.reverse)

    def replay(self, contender: Contender) -> ByNode:
        """Run the reverse pass under one rule; nothing is kept.

        Raises CannotReplay when the pass does not hold every value.
        """
        pass_ = self.pass_
        values: list[Array | None] = [None] * len(pass_.network.nodes)
        for i in pass_.schedule.order:
            name = pass_.network.nodes[i].name
            values[i] = pass_.value(name)
            if values[i] is None:
                raise CannotReplay(f"the trace has no value of {name!r}, which another rule's pass needs")
        rule = Contender.SUM.value if contender in _DROPPED else contender.value
        weights = dict.fromkeys(self.dropped(contender), 0.0)
        return reverse_pass(pass_.network, pass_.schedule, values, rule, weights=weights)

    def adjoint(self, contender: Contender, node: str) -> Array | None:
        """Return a node's adjoint had the whole pass run under a rule, None where it has none. Raises CannotReplay."""
        if contender not in self._adjoints:
            self._adjoints[contender] = self.replay(contender)
        found = self._adjoints[contender][self.pass_.network[node].index]
        return None if found is None else frozen(found)

    def at_node(self, node: str) -> tuple[AtNode, ...]:
        """Return what each rule makes of the contributions that reached one node in this pass, side by side.

        Nothing is replayed: above the node all is as the pass has it. Empty for a node without contributions.
        """
        arrivals = self.pass_.arrivals(node)
        sent = [self.pass_.contribution(edge) for edge in arrivals]
        if not sent:
            return ()
        routes = [self.routes.route(edge) for edge in arrivals]
        found = []
        for contender in Contender:
            way = _DROPPED.get(contender)
            if way is None:
                found.append(AtNode(contender, _accumulated(contender.value, sent)))
                continue
            kept = [s for s, route in zip(sent, routes, strict=True) if route is None or route.way is not way]
            drops = len(kept) < len(sent)
            found.append(AtNode(contender, _accumulated("sum", kept) if drops else None))
        return tuple(found)


def _accumulated(rule: str, sent: list[Array]) -> Array:
    partial: Array | None = None
    with np.errstate(all="ignore"):
        for k, contribution in enumerate(sent, start=1):
            partial = accumulate(rule, partial, contribution, k)
    if partial is None:
        raise AssertionError("a skip and a branch cannot both be dropped")
    return frozen(partial)


def sampled(size: int, most: int, adjoint: Array) -> tuple[int, ...]:
    """Return flat indices to compare: all of a small tensor, else that of greatest adjoint and some evenly spread."""
    if size <= most + 1:
        return tuple(range(size))
    greatest = int(np.argmax(np.abs(np.nan_to_num(adjoint.ravel()))))
    spread = {int(k) for k in np.linspace(0, size - 1, most).round()}
    return tuple(sorted(spread | {greatest}))
