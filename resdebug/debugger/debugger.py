"""The debugger: where the person is on the timeline of a pass, and every way to move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache

from resdebug.debugger.bookmarks import Bookmarks
from resdebug.debugger.conditions.condition import Answer, expression
from resdebug.debugger.matching import position_of
from resdebug.debugger.stepping import Granularity, Stops, stops
from resdebug.debugger.stops import Finder, Spec, Stop, StopKind, StopList, contains, following, preceding, read_stop
from resdebug.debugger.watches import Watched, WatchList
from resdebug.passes.events import Contributed, Event
from resdebug.passes.protocol import LedgerRow, Pass


class State(Enum):
    """How far a node has come at the cursor."""

    IDLE = "takes no part"
    WAITING = "waiting"
    EVALUATED = "evaluated"
    PARTIAL = "partly arrived"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node at the cursor: its state, and how many of its contributions have arrived, of how many."""

    state: State
    arrived: int
    expected: int


class Ending(Enum):
    """What a run came to."""

    STOP = "stop"
    START = "the beginning"
    END = "the end"


@dataclass(frozen=True, slots=True)
class StopReason:
    """Where a run ended and why: ``stops`` are those set ones that hold there, ``spec`` is what was run to."""

    ending: Ending
    position: int
    node: str | None
    stops: tuple[Stop, ...] = ()
    spec: Spec | None = None


class Debugger:
    """A cursor on the timeline of a pass.

    ``position`` k means that k events have happened. Nothing is recomputed by moving: what is shown at a position
    depends on the position alone, never on the way there.
    """

    def __init__(self, pass_: Pass) -> None:
        self.pass_ = pass_
        self.timeline = pass_.events
        self.finder = Finder(pass_)
        self.stops = StopList(self.finder)
        self.watches = WatchList(pass_.network)
        self.bookmarks = Bookmarks()
        self._position = self._before = min(self.timeline.seeded, len(self.timeline))
        self._stops: Callable[[Granularity], Stops] = cache(lambda g: stops(self.timeline, g))

    @property
    def position(self) -> int:
        """How many events have happened."""
        return self._position

    @property
    def last(self) -> Event | None:
        """The event that happened last, None at the very beginning."""
        return self.timeline[self._position - 1] if self._position else None

    @property
    def in_forward_pass(self) -> bool:
        """Whether the seed is not planted yet."""
        return self._position < self.timeline.seeded

    def jump(self, position: int) -> int:
        """Go to a position directly; beyond the ends means the end. Returns where that is."""
        there = min(max(position, 0), len(self.timeline))
        if there != self._position:
            self._before = self._position
            self._position = there
        return there

    def go(self, place: str) -> int:
        """Go to a place as a person names it, such as ``"137"``, ``"50%"``, ``"conv1"`` or a bookmark; returns where
        that is. ``resdebug.debugger.jumping`` tells the forms. Raises BadInput for what is no place."""
        from resdebug.debugger.jumping import read_destination

        return self.jump(read_destination(self, place))

    def step(self, granularity: Granularity | str = Granularity.NODE, count: int = 1) -> int:
        """Go ``count`` units forward in time; returns the new position.

        An edge step runs to the next contribution, a node step to the next completed adjoint, a block step to the
        last event of the block.
        """
        return self.jump(self._stops(Granularity(granularity)).after(self._position, count))

    def back(self, granularity: Granularity | str = Granularity.NODE, count: int = 1) -> int:
        """Go ``count`` units back in time; undoes exactly what ``step`` did."""
        return self.jump(self._stops(Granularity(granularity)).before(self._position, count))

    def to_node(self, name: str) -> int:
        """Go to where the node's adjoint has just been completed, or, without one, to where it was evaluated.

        Raises KeyError for an unknown node; stays where it is when the node takes no part.
        """
        index = self.pass_.network[name].index
        position = self.timeline.after_completion(index) or self.timeline.after_evaluation(index)
        return self._position if position is None else self.jump(position)

    @property
    def breakpoints(self) -> set[str]:
        """The nodes at which an enabled stop is set by name."""
        return {stop.spec.about for stop in self.stops if stop.enabled and stop.spec.kind is StopKind.NODE}

    def toggle_breakpoint(self, name: str) -> bool:
        """Set or remove a stop at a node; returns whether there is one now. Raises KeyError for an unknown node."""
        spec = Spec(StopKind.NODE, self.pass_.network[name].name)
        there = next((stop for stop in self.stops if stop.spec == spec), None)
        if there is not None and there.enabled:
            self.stops.delete(there.number)
            return False
        self.stops.add(spec)
        return True

    def run(self, until: str | Spec | None = None, *, reverse: bool = False) -> StopReason:
        """Run on (in ``reverse``: run back) to the next place at which a stop holds, and say why it ended.

        ``until`` is a stop for this run alone, such as ``"norm(adj) < 1e-7"``, ``"fork"``, ``"op relu"`` or a node's
        name; without it the stops that are set count, or every fork where none is. At the end (in reverse: at the
        beginning) it ends in any case. Raises BadInput for an ``until`` that cannot be read.
        """
        spec = read_stop(until, self.pass_.network) if isinstance(until, str) else until
        places = self.stops.all_positions() if spec is None else self.finder.positions(spec)
        found = (preceding if reverse else following)(places, self._position)
        if found is None:
            return StopReason(Ending.START if reverse else Ending.END, self.jump(0 if reverse else 10**18), None)
        self.jump(found)
        return StopReason(Ending.STOP, found, self.focus(), self.stops.at(found), spec)

    def resume(self, *, reverse: bool = False) -> str | None:
        """Run as ``run`` does; returns the node that it stopped at, or None when an end was reached instead."""
        return self.run(reverse=reverse).node

    def stop_nodes(self) -> list[str]:
        """Return the nodes that ``resume`` stops at."""
        if not self.stops:
            return self.forks()
        places = self.finder.columns.map.everything
        nodes = self.pass_.network.nodes
        return sorted({nodes[i].name for i in places.node[self.stops.all_positions()].tolist()})

    def holds(self, what: str | Spec) -> bool:
        """Whether a stop holds at the cursor. Raises BadInput."""
        spec = read_stop(what, self.pass_.network) if isinstance(what, str) else what
        return contains(self.finder.positions(spec), self._position)

    def positions(self, what: str | Spec) -> list[int]:
        """Return all positions at which a stop holds. Raises BadInput."""
        spec = read_stop(what, self.pass_.network) if isinstance(what, str) else what
        found: list[int] = self.finder.positions(spec).tolist()
        return found

    def ask(self, text: str, position: int | None = None) -> Answer:
        """Return what an expression is at a position, by default at the cursor; None where there is no such thing.

        Raises BadInput.
        """
        at = self._position if position is None else min(max(position, 0), len(self.timeline))
        return expression(text, self.pass_.network).at(self.finder.columns, at)

    def watched(self) -> tuple[Watched, ...]:
        """Return what is watched, with its values before the last move of the cursor and now."""
        return self.watches.table(self.finder.columns, self._before, self._position)

    @property
    def before(self) -> int:
        """Where the cursor was before it moved last."""
        return self._before

    def on(self, pass_: Pass) -> Debugger:
        """Return a debugger on another pass of this network or one like it.

        It is at the same event, with the same stops, watches and bookmarks; what does not fit is left out.
        """
        other = Debugger(pass_)
        other.stops = self.stops.on(other.finder)
        other.watches = self.watches.on(pass_.network)
        other.bookmarks = self.bookmarks.up_to(len(other.timeline))
        here = position_of(self.last, pass_)
        other.jump(self._position if here is None else here)
        other._before = min(self._before, len(other.timeline))
        return other

    def forks(self) -> list[str]:
        """Return the nodes to which two or more contributions come."""
        nodes = self.pass_.network.nodes
        return [nodes[i].name for i in self.timeline.reverse if len(self.pass_.schedule.arrivals[i]) > 1]

    def node_state(self, name: str) -> NodeState:
        """Return how far a node has come at the cursor."""
        node = self.pass_.network[name]
        evaluated = self.timeline.after_evaluation(node.index)
        if evaluated is None:
            return NodeState(State.IDLE, 0, 0)
        expected = len(self.pass_.schedule.arrivals[node.index])
        completed = self.timeline.after_completion(node.index)
        if completed is not None and self._position >= completed:
            return NodeState(State.COMPLETE, expected, expected)
        arrived = self.arrived(name)
        if arrived:
            return NodeState(State.PARTIAL, arrived, expected)
        return NodeState(State.EVALUATED if self._position >= evaluated else State.WAITING, 0, expected)

    def arrived(self, name: str) -> int:
        """Return how many contributions have reached a node by now; they arrive in the ledger's order."""
        count = 0
        for edge in self.pass_.arrivals(name):
            at = self.timeline.after_contribution(edge)
            if at is None or at > self._position:
                break
            count += 1
        return count

    def ledger(self, name: str) -> tuple[LedgerRow, ...]:
        """Return the rows of a node's ledger that have arrived by now."""
        return self.pass_.ledger(name)[: self.arrived(name)]

    def focus(self) -> str:
        """Return the node that the last event is about: the receiver of a contribution, else the event's own node."""
        event = self.last
        if event is None:
            return self.pass_.network.nodes[self.timeline.forward[0]].name
        return event.edge.source if isinstance(event, Contributed) else event.node
