"""The debugger: where the person is on the timeline of a pass, and every way to move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache

from resdebug.debugger.stepping import Granularity, Stops, stops
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


class Debugger:
    """A cursor on the timeline of a pass.

    ``position`` k means that k events have happened. Nothing is recomputed by moving: what is shown at a position
    depends on the position alone, never on the way there.
    """

    def __init__(self, pass_: Pass) -> None:
        self.pass_ = pass_
        self.timeline = pass_.events
        self.breakpoints: set[str] = set()
        self._position = min(self.timeline.seeded, len(self.timeline))
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
        self._position = min(max(position, 0), len(self.timeline))
        return self._position

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

    def toggle_breakpoint(self, name: str) -> bool:
        """Set or remove a breakpoint; returns whether there is one now. Raises KeyError for an unknown node."""
        node = self.pass_.network[name].name
        self.breakpoints ^= {node}
        return node in self.breakpoints

    def resume(self, *, reverse: bool = False) -> str | None:
        """Run on (in ``reverse``: run back) to the next node with a breakpoint; without any, to the next fork.

        Stops where the node's adjoint is complete. Returns the node, or None when an end was reached instead.
        """
        here = self._position
        places = [(self.timeline.after_completion(self.pass_.network[name].index), name) for name in self.stop_nodes()]
        ahead = [(at, name) for at, name in places if at is not None and (at < here if reverse else at > here)]
        if not ahead:
            self.jump(0 if reverse else len(self.timeline))
            return None
        at, name = max(ahead) if reverse else min(ahead)
        self.jump(at)
        return name

    def stop_nodes(self) -> list[str]:
        """Return the nodes that ``resume`` stops at."""
        return sorted(self.breakpoints) if self.breakpoints else self.forks()

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
