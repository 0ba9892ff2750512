"""The guided tour: ten steps on a residual block, the person pressing the keys, that answer the four questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resdebug.passes.events import Completed, Contributed
from resdebug.tui.lines import Line, wrap

if TYPE_CHECKING:
    from resdebug.tui.session import Session

NETWORK: Final = "resblock.json"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the tour: what is seen, what to press, and how to know that it was done."""

    text: str
    press: str
    done: Callable[[Session], bool]


def _completed(name: str) -> Callable[[Session], bool]:
    return lambda session: session.debugger.last == Completed(name)


def _sent(consumer: str, source: str) -> Callable[[Session], bool]:
    def sent(session: Session) -> bool:
        event = session.debugger.last
        return isinstance(event, Contributed) and (event.edge.consumer, event.edge.source) == (consumer, source)

    return sent


STAGES: Final = (
    Stage(
        "This is a residual block: two convolutions, and a skip that brings the input back in at add. The forward pass "
        "is done. HOW IS BACKPROP DONE? It begins here, at the target: the loss's own adjoint is ∂loss/∂loss = 1.",
        "n to complete it",
        _completed("loss"),
    ),
    Stage(
        "A node whose adjoint is complete is visited: its operator turns the adjoint into one contribution for each "
        "input, by a formula. The ledger on the right will show who sent what.",
        "n again: on to relu2",
        _completed("relu2"),
    ),
    Stage(
        "One node at a time, always from the target back. The ledger has one line: what came from the loss, and by "
        "which formula. Next is add, where the skip and the branch of the block met in the forward pass.",
        "n: on to add",
        _completed("add"),
    ),
    Stage(
        "add has two inputs, so it will send two contributions. A step can be as small as one of them.",
        "s: one contribution",
        _sent("add", "bn2"),
    ),
    Stage(
        "That one went into the branch, to bn2. The other one takes the skip, straight to x.",
        "s: the other contribution",
        _sent("add", "x"),
    ),
    Stage(
        "HOW DOES IT SKIP LAYERS? It does not skip anything. The skip is an identity, whose derivative is 1: the "
        "adjoint of add arrived at x unchanged. The ledger of x says 1 of 2, and the lane beside the trunk is drawn "
        "heavy: it carries this partial sum. Now the long way, through the branch.",
        "n until conv1 is complete (5n)",
        _completed("conv1"),
    ),
    Stage(
        "The adjoint has come through bn2, conv2, relu1, bn1 to conv1. Its contribution to x is next.",
        "n: on to x",
        _completed("x"),
    ),
    Stage(
        "ARE THE GRADIENTS AT THE FORK ADDED OR AVERAGED? Added. x is used twice, so it moves the loss in two ways, "
        "and the chain rule sums over them. The ledger shows both lines, skip and branch, and the sum in numbers.",
        "N: one node back",
        lambda session: session.debugger.node_state("x").arrived < 2,
    ),
    Stage(
        "Time ran back by the same unit; nothing was computed anew. Any moment can be reached, also by a click on the "
        "timeline. Now look at an operator of the branch.",
        "k until conv2 is selected (j goes down again)",
        lambda session: session.selected == "conv2",
    ),
    Stage(
        "ARE THE DERIVATIVES FINITE DIFFERENCES? No. The node pane shows the exact formula, convᵀ, evaluated at the "
        "values that the forward pass saved. Finite differences only check such formulas.",
        "? for all keys, esc to end the tour",
        lambda _session: False,
    ),
)


class Tour:
    """Where in the tour the person is."""

    def __init__(self) -> None:
        self.stage = 0

    def look(self, session: Session) -> bool:
        """Go on when what was asked for is done; returns whether it was."""
        if not STAGES[self.stage].done(session):
            return False
        self.stage += 1
        return True

    def skip(self) -> bool:
        """Go on without; returns whether there was more."""
        self.stage += self.stage + 1 < len(STAGES)
        return self.stage + 1 < len(STAGES)

    def lines(self, width: int) -> list[Line]:
        """Return what is to be read, and what to press."""
        stage = STAGES[self.stage]
        head: Line = [(f" Tour {self.stage + 1}/{len(STAGES)} ", "head"), (" press ", "dim"), (stage.press, "sum")]
        return [head, *[[(f" {text}", "")] for text in wrap(stage.text, width - 2)]]


def network_path() -> Path:
    """Return the network of the tour: beside the package in a copy of the repository, else within the package."""
    here = Path(__file__).resolve()
    inside = here.with_name(NETWORK)
    return inside if inside.is_file() else here.parents[2] / "graphs" / NETWORK
