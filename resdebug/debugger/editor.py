"""What if: changes to a live pass, old and new side by side, undo and redo.

Every state is an immutable pass; states share what is the same. Undo gives back the very state that was there, redo the
very one that was undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from resdebug.debugger.edited import edited
from resdebug.debugger.edits import Edit
from resdebug.engine.norms import norm
from resdebug.errors import BadInput, Fault
from resdebug.ops.base import Array
from resdebug.passes.changed import Work, changed
from resdebug.passes.live import LivePass
from resdebug.passes.protocol import Pass

MOST_STATES: Final = 1000
"""States that are kept to go back to."""


@dataclass(frozen=True, slots=True)
class Change:
    """An edit, and the passes before and after it."""

    edit: Edit
    before: LivePass
    after: LivePass
    work: Work

    def __str__(self) -> str:
        """Say what was changed."""
        return str(self.edit)

    def differences(self) -> list[Difference]:
        """Return every tensor that has other bits now: values in file order, then adjoints."""
        return [
            Difference(self.after.network.nodes[i].name, kind, *self._sides(self.after.network.nodes[i].name, kind))
            for kind, changed_ in (("value", self.work.changed_values), ("adjoint", self.work.changed_adjoints))
            for i in changed_
        ]

    def _sides(self, name: str, kind: str) -> tuple[Array | None, Array | None]:
        return _ask(self.before, name, kind), _ask(self.after, name, kind)


@dataclass(frozen=True, slots=True)
class Difference:
    """One tensor before and after: None where one of the two is not there."""

    node: str
    of: str
    """``value`` or ``adjoint``."""
    before: Array | None
    after: Array | None

    @property
    def difference(self) -> Array | None:
        """After minus before; None where shapes differ, or one is not there."""
        if self.before is None or self.after is None or self.before.shape != self.after.shape:
            return None
        if self.after.dtype.kind == "b":
            return np.asarray(self.after != self.before)
        with np.errstate(all="ignore"):
            return np.asarray(self.after - self.before)

    @property
    def relative(self) -> float:
        """``‖after − before‖ / ‖before‖``; infinite where there was nothing before."""
        difference = self.difference
        if difference is None or self.before is None:
            return float("inf")
        size, was = norm(difference.astype(np.float64)), norm(self.before.astype(np.float64))
        return size / was if was else float("inf") if size else 0.0


class Editor:
    """Edits on top of a live pass.

    A recorded pass cannot be edited: there is no engine behind it, and its network may be another framework's. The
    bytes of states that are kept count against the network's memory limit; the oldest are forgotten first.
    """

    def __init__(self, pass_: Pass) -> None:
        self.original = pass_
        self.pass_ = pass_
        """The pass as it is now."""
        self._done: list[Change] = []
        self._undone: list[Change] = []
        self._first = _full(pass_)
        self.forgotten = 0
        """How many of the oldest edits can no longer be undone, for want of memory."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is in effect and can be undone, oldest first."""
        return tuple(self._done)

    @property
    def undone(self) -> tuple[Change, ...]:
        """What can be done again, next first."""
        return tuple(reversed(self._undone))

    def apply(self, edit: Edit) -> Change:
        """Change something; what was undone is forgotten.

        Raises BadInput (nothing is changed then) when the edit is refused, when what follows from it does not fit into
        memory, or when the pass is recorded (C030).
        """
        before = self.live()
        plan = edited(before, edit)
        room = self._room()
        while True:
            try:
                after, work = changed(before, plan.network, plan.touched, rule=plan.rule, room=room)
                break
            except BadInput as error:
                if error.faults[0].code != "S002" or not self._done:
                    raise
                self._done.pop(0)
                self.forgotten += 1
                room = self._room()
        change = Change(edit, before, after, work)
        self._undone.clear()
        self._done.append(change)
        if len(self._done) > MOST_STATES:
            self._done.pop(0)
            self.forgotten += 1
        self.pass_ = after
        return change

    def undo(self) -> Change:
        """Go back to the state before the last edit. Raises BadInput when there is none."""
        if not self._done:
            gone = f": {self.forgotten} older edits were forgotten, for want of memory" if self.forgotten else ""
            raise BadInput(Fault("C032", f"there is nothing to undo{gone}", "set changes something"))
        change = self._done.pop()
        self._undone.append(change)
        self.pass_ = change.before
        return change

    def redo(self) -> Change:
        """Do again what was undone last. Raises BadInput when there is nothing."""
        if not self._undone:
            raise BadInput(Fault("C032", "there is nothing to redo", "undo comes first"))
        change = self._undone.pop()
        self._done.append(change)
        self.pass_ = change.after
        return change

    def live(self) -> LivePass:
        """Return the pass as one that the engine answers for. Raises BadInput for a recorded one."""
        if isinstance(self.pass_, LivePass):
            return self.pass_
        what = "a recorded pass cannot be changed: there are its numbers, and no engine behind them"
        raise BadInput(Fault("C030", what, "open the network that it was recorded from"))

    def _room(self) -> int:
        """Return how many bytes new arrays may take."""
        network = self.live().network
        held = sum(c.work.nbytes for c in self._done)
        return max(network.limit - self._first - held, 0)


def _full(pass_: Pass) -> int:
    """Return what the values and adjoints of a whole pass take."""
    active = pass_.schedule.active
    return sum(n.type.nbytes * (1 + active[n.index]) for n in (pass_.network.nodes[i] for i in pass_.schedule.order))


def differences(before: Pass, after: Pass, *, of: str = "both") -> list[Difference]:
    """Return every tensor that is not the same in two passes, values in order of the forward pass, then adjoints in
    order of the reverse pass. ``of`` is ``value``, ``adjoint`` or ``both``."""
    from resdebug.passes.changed import same_bits

    names = dict.fromkeys(
        [after.network.nodes[i].name for i in after.schedule.order]
        + [before.network.nodes[i].name for i in before.schedule.order]
    )
    found = []
    for kind, order in (("value", list(reversed(names))), ("adjoint", list(names))):
        if of not in {kind, "both"}:
            continue
        for name in order:
            old, new = _ask(before, name, kind), _ask(after, name, kind)
            if not same_bits(old, new):
                found.append(Difference(name, kind, old, new))
    return found


def difference(before: Pass, after: Pass, node: str, of: str) -> Difference:
    """Return one tensor side by side. Raises KeyError for a node that neither has."""
    if node not in before.network and node not in after.network:
        after.network[node]
    return Difference(node, of, _ask(before, node, of), _ask(after, node, of))


def _ask(pass_: Pass, name: str, kind: str) -> Any:
    if name not in pass_.network:
        return None
    return pass_.value(name) if kind == "value" else pass_.adjoint(name)
