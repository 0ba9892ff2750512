"""Stops: where the debugger stops when it runs, forward or back in time.

The pass is finite, so every place at which a stop holds is known beforehand: a stop is a sorted list of positions, and
running to the next or the previous one is a search in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import translate
from functools import cached_property

import numpy as np

from resdebug.debugger.conditions.columns import Columns
from resdebug.debugger.conditions.condition import condition
from resdebug.debugger.conditions.places import Ints
from resdebug.debugger.conditions.tree import shifted
from resdebug.debugger.conditions.words import WORDS
from resdebug.errors import BadInput, Fault
from resdebug.network.model import Network
from resdebug.passes.protocol import Pass
from resdebug.text import did_you_mean, visible


class StopKind(Enum):
    """What a stop is about."""

    NODE = "node"
    GLOB = "name"
    OPERATOR = "op"
    BLOCK = "block"
    FORKS = "fork"
    JOINS = "join"
    CONDITION = "if"


@dataclass(frozen=True, slots=True)
class Spec:
    """What to stop at: a kind, and the node, glob, operator, block or condition that it is about."""

    kind: StopKind
    about: str = ""

    def __str__(self) -> str:
        """Return the stop as it may be written again: ``op relu``."""
        return f"{self.kind.value} {self.about}".rstrip()


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that was set: its number, what it is at, and whether it counts."""

    number: int
    spec: Spec
    enabled: bool = True


FORKS = Spec(StopKind.FORKS)
_KEYWORDS = {
    "fork": StopKind.FORKS, "forks": StopKind.FORKS, "join": StopKind.JOINS, "joins": StopKind.JOINS,
    "node": StopKind.NODE, "name": StopKind.GLOB, "op": StopKind.OPERATOR, "operator": StopKind.OPERATOR,
    "block": StopKind.BLOCK, "if": StopKind.CONDITION,
}  # fmt: skip


def read_stop(text: str, network: Network) -> Spec:
    """Read a stop as a person writes it, and check it against the network.

    ``fork``, ``join``, ``node x``, ``op relu``, ``block layer1``, ``name layer3.*``, ``if CONDITION``; a node's name
    alone, a glob alone (with ``*`` or ``?`` and no blank), and otherwise a condition. Raises BadInput.
    """
    text = text.strip()
    word, _, rest = text.partition(" ")
    rest = rest.strip()
    if text in network and word not in _KEYWORDS:
        return Spec(StopKind.NODE, text)
    kind = _KEYWORDS.get(word)
    if kind in {StopKind.FORKS, StopKind.JOINS} and not rest:
        return Spec(kind)
    if kind is StopKind.CONDITION or kind is None or _is_operator_sign(rest):
        if kind is None and re.fullmatch(r"[^\s()<>=!~\"',]*[*?][^\s()<>=!~\"',]*", text):
            return check_stop(Spec(StopKind.GLOB, text), network)
        about = rest if kind is StopKind.CONDITION else text
        if kind is None and text not in WORDS and re.fullmatch(r"[\w.:/-]+", text):
            return check_stop(Spec(StopKind.NODE, text), network)
        try:
            return check_stop(Spec(StopKind.CONDITION, about), network)
        except BadInput as error:
            raise shifted(error, text.index(about)) from None
    if kind in {StopKind.FORKS, StopKind.JOINS} or not rest:
        what = f'a stop at "{word}" needs to know which' if not rest else f'"{word}" takes nothing after it'
        raise BadInput(Fault("C002", what, "such as op relu, block layer1, name layer3.*, node x, fork, join"))
    return check_stop(Spec(kind, _unquoted(rest)), network)


def _is_operator_sign(rest: str) -> bool:
    """Whether what follows a keyword shows that it was a word of a condition: ``op == "relu"``, ``fork and ...``."""
    return re.match(r"(==|!=|~|!~|<|>|(and|or|in|not\s+in)\b)", rest) is not None


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def check_stop(spec: Spec, network: Network) -> Spec:
    """Return a stop if the network has what it is about. Raises BadInput."""
    about = spec.about
    if spec.kind is StopKind.CONDITION:
        condition(about, network)
    elif spec.kind is StopKind.GLOB:
        if about.count("*") > 8:
            raise BadInput(Fault("C013", "a pattern may have at most 8 stars"))
        matches = re.compile(translate(about)).match
        if not any(matches(node.name) for node in network.nodes):
            raise BadInput(Fault("C003", f'no node\'s name matches "{visible(about, limit=60)}"'))
    elif spec.kind is StopKind.NODE:
        if about not in network:
            hint = did_you_mean(about, (node.name for node in network.nodes))
            raise BadInput(Fault("C003", f'there is no node "{visible(about, limit=60)}"', hint))
    elif spec.kind is StopKind.OPERATOR:
        operators = sorted({node.op for node in network.nodes})
        if about not in operators:
            what = f'no node has the operator "{visible(about, limit=60)}"'
            raise BadInput(Fault("C003", what, did_you_mean(about, operators)))
    elif spec.kind is StopKind.BLOCK:
        blocks = list(dict.fromkeys(node.block for node in network.nodes if node.block))
        if about not in blocks:
            what = f'there is no block "{visible(about, limit=60)}"'
            raise BadInput(Fault("C003", what, did_you_mean(about, blocks)))
    return spec


class Finder:
    """Finds where stops hold in one pass; each is worked out once."""

    def __init__(self, pass_: Pass) -> None:
        self.pass_ = pass_
        self._found: dict[Spec, Ints] = {}

    @cached_property
    def columns(self) -> Columns:
        """What conditions ask of the pass."""
        return Columns(self.pass_)

    def positions(self, spec: Spec) -> Ints:
        """Return all positions at which a stop holds, in order.

        For all but conditions these are where the adjoint of such a node is complete, or, for a node without one,
        where it was evaluated. Raises BadInput for a condition that does not fit the network.
        """
        if spec not in self._found:
            if spec.kind is StopKind.CONDITION:
                found = condition(spec.about, self.pass_.network).holds(self.columns)
            else:
                found = self._of_nodes(spec)
            found.flags.writeable = False
            self._found[spec] = found
        return self._found[spec]

    def _of_nodes(self, spec: Spec) -> Ints:
        schedule, timeline, nodes = self.pass_.schedule, self.pass_.events, self.pass_.network.nodes
        if spec.kind is StopKind.NODE:
            chosen = [self.pass_.network[spec.about].index] if spec.about in self.pass_.network else []
        elif spec.kind is StopKind.FORKS:
            chosen = [i for i in schedule.reverse if len(schedule.arrivals[i]) > 1]
        elif spec.kind is StopKind.JOINS:
            chosen = np.flatnonzero(self.columns.joins).tolist()
        elif spec.kind is StopKind.GLOB:
            matches = re.compile(translate(spec.about)).match
            chosen = [i for i in schedule.order if matches(nodes[i].name)]
        elif spec.kind is StopKind.OPERATOR:
            chosen = [i for i in schedule.order if nodes[i].op == spec.about]
        else:
            chosen = [i for i in schedule.order if nodes[i].block == spec.about]
        at = (timeline.after_completion(i) or timeline.after_evaluation(i) for i in chosen)
        return np.array(sorted(k for k in at if k is not None), np.int64)


class StopList:
    """The stops that are set, by number. Numbers are not used twice."""

    def __init__(self, finder: Finder) -> None:
        self.finder = finder
        self._stops: dict[int, Stop] = {}
        self._last = 0
        self._union: Ints | None = None

    def __iter__(self) -> Iterator[Stop]:
        return iter(self._stops.values())

    def __len__(self) -> int:
        return len(self._stops)

    def __getitem__(self, number: int) -> Stop:
        """Return a stop. Raises BadInput where there is none of that number."""
        if number not in self._stops:
            there = ", ".join(map(str, self._stops)) or "none is set"
            raise BadInput(Fault("C004", f"there is no stop {number}", f"stops: {there}"))
        return self._stops[number]

    def add(self, what: str | Spec) -> Stop:
        """Set a stop; one that is set already is returned, enabled. Raises BadInput for one that cannot be."""
        spec = read_stop(what, self.finder.pass_.network) if isinstance(what, str) else what
        same = next((stop for stop in self if stop.spec == spec), None)
        if same is not None:
            return self.enable(same.number)
        self._last += 1
        return self._put(Stop(self._last, spec))

    def delete(self, number: int) -> Stop:
        """Remove a stop and return it. Raises BadInput."""
        stop = self[number]
        del self._stops[number]
        self._union = None
        return stop

    def clear(self) -> None:
        """Remove all stops."""
        self._stops.clear()
        self._union = None

    def enable(self, number: int, *, enabled: bool = True) -> Stop:
        """Let a stop count, or not. Raises BadInput."""
        return self._put(replace(self[number], enabled=enabled))

    def _put(self, stop: Stop) -> Stop:
        self._stops[stop.number] = stop
        self._union = None
        return stop

    def positions(self, stop: Stop) -> Ints:
        """Return all positions at which a stop holds."""
        return self.finder.positions(stop.spec)

    @property
    def active(self) -> tuple[Spec, ...]:
        """What counts: the enabled stops, or, when no stop is set at all, every fork."""
        return tuple(stop.spec for stop in self if stop.enabled) if self._stops else (FORKS,)

    def all_positions(self) -> Ints:
        """Return the positions at which any stop that counts holds."""
        if self._union is None:
            found = [self.finder.positions(spec) for spec in self.active]
            self._union = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
        return self._union

    def at(self, position: int) -> tuple[Stop, ...]:
        """Return the enabled stops that hold at a position."""
        return tuple(stop for stop in self if stop.enabled and contains(self.positions(stop), position))

    def on(self, finder: Finder) -> StopList:
        """Return the same stops on another pass; those that do not fit its network are left out."""
        other = StopList(finder)
        other._last = self._last
        for stop in self:
            try:
                check_stop(stop.spec, finder.pass_.network)
            except BadInput:
                continue
            other._put(stop)
        return other


def contains(positions: Ints, position: int) -> bool:
    """Whether sorted positions hold this one."""
    at = int(np.searchsorted(positions, position))
    return at < len(positions) and int(positions[at]) == position


def following(positions: Ints, position: int) -> int | None:
    """Return the first of sorted positions after this one."""
    at = int(np.searchsorted(positions, position, side="right"))
    return int(positions[at]) if at < len(positions) else None


def preceding(positions: Ints, position: int) -> int | None:
    """Return the last of sorted positions before this one."""
    at = int(np.searchsorted(positions, position, side="left")) - 1
    return int(positions[at]) if at >= 0 else None
