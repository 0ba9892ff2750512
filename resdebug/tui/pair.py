"""Two sessions in step: what moves the left one moves the right one to the same event and node, by their names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from resdebug.debugger.matching import position_of
from resdebug.passes.protocol import Of
from resdebug.tui.session import Session
from resdebug.tui.tensors.view import TensorView

if TYPE_CHECKING:
    from resdebug.analysis.divergence.found import Divergence
    from resdebug.analysis.divergence.walk import Walk

_VALUE, _ADJOINT, _PARTS = 0, 1, 2
"""The views of a node: those from the third on are its contributions, where it has more than one."""
NOBODY: Final = -1


class Pair:
    """The left session leads; the right one follows as far as it has the same nodes."""

    def __init__(self, left: Session, right: Session, walk: Walk) -> None:
        self.left, self.right, self.walk = left, right, walk
        self._marked = 0
        self._led: tuple[str, int] | None = None
        """Where the right session was last led to: what is selected there alone stays until the left one moves."""

    @property
    def names(self) -> tuple[str, str]:
        """What the two passes are called."""
        return self.left.name, self.right.name

    @property
    def here(self) -> Divergence | None:
        """The divergence at the cursor."""
        k = self.walk.at(self.left.debugger.position)
        return None if k is None else self.walk.result.divergences[k]

    @property
    def counterpart(self) -> str | None:
        """What the selected node is called in the right pass, None where it is not there."""
        name = self.walk.pairing.there(self.left.selected)
        return name if name in self.right.network else None

    def follow(self) -> None:
        """Bring the right session to where the left one is, and let it look in the same way."""
        left, right = self.left, self.right
        at = position_of(left.debugger.last, right.pass_, self.walk.pairing.there)
        if at is not None:
            right.debugger.jump(at)
        name, led = self.counterpart, (left.selected, left.debugger.position)
        if name is not None and name != right.selected and led != self._led:
            right.select(name)
        self._led = led
        right.show_leaves, right.forward_order = left.show_leaves, left.forward_order
        right.tensor_view, right.view = left.tensor_view, self._same_view()
        if right.view is not None and right.view >= len(right.views()):
            right.view = _ADJOINT  # it has not arrived there

    def _same_view(self) -> int | None:
        """Return the right session's number of the tensor that the left one shows: ledgers may differ in order."""
        view = self.left.shown_view()
        if view < _PARTS or self.counterpart is None:
            return view
        edge = self.left.pass_.arrivals(self.left.selected)[view - _PARTS]
        sender = self.walk.pairing.there(edge.consumer)
        theirs = self.right.pass_.arrivals(self.right.selected)
        same = (k for k, e in enumerate(theirs, _PARTS) if (e.consumer, e.slot) == (sender, edge.slot))
        return next(same, _ADJOINT)

    def go_to(self, found: Divergence) -> None:
        """Go to a divergence: its event, its node, its tensor, the element that is furthest off."""
        left = self.left
        left.debugger.jump(found.event)
        left.select(found.node)
        if found.of is Of.VALUE:
            left.view = _VALUE
        else:
            arrivals = left.pass_.arrivals(found.node)
            sent = (k for k, e in enumerate(arrivals) if (e.consumer, e.slot) == (found.consumer, found.slot))
            k = next(sent, NOBODY) if found.of is Of.CONTRIBUTION and len(arrivals) > 1 else NOBODY
            left.view = _ADJOINT if k == NOBODY else _PARTS + k
        if found.index is not None:
            left.tensor_view = _looking_at(left.tensor_view, found.index, left.node.shape)

    def mark(self) -> None:
        """Let both sessions know the nodes and moments at which they differ."""
        found = self.walk.result.divergences[:]
        if len(found) == self._marked:
            return
        self._marked = len(found)
        left, right = self.left.network, self.right.network
        self.left.divergent = frozenset(left[d.node].index for d in found)
        self.right.divergent = frozenset(right[d.other].index for d in found if d.other in right)
        self.left.divergences = tuple(d.event for d in found)

    def unmark(self) -> None:
        """Forget the marks: the left session goes on alone."""
        self.left.divergent, self.left.divergences = frozenset(), ()


def _looking_at(view: TensorView, index: tuple[int, ...], shape: tuple[int, ...]) -> TensorView:
    """Return a tensor view that shows the last two axes and points at an element."""
    if len(index) < 2:
        return replace(view, axes=0, slice=0, cursor=(0, index[0] if index else 0))
    outer = int(np.ravel_multi_index(index[:-2], shape[:-2])) if len(index) > 2 else 0
    return replace(view, axes=0, slice=outer, cursor=(index[-2], index[-1]))
