"""The help: the four answers, how to read the screen, all keys."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType

from resdebug.debugger.topics import topic
from resdebug.tui.commands import ONE_PASS, Command, KeysOf, written
from resdebug.tui.lines import Line, fit, wrap
from resdebug.tui.pane import Pane
from resdebug.tui.screens.dialog import ReadingDialog

ANSWERS = {
    "How is backpropagation done?": (
        "One node at a time, from the target back. A node whose adjoint x̄ = ∂target/∂x is complete is visited: for "
        "each of its inputs its operator turns the adjoint into a contribution (∂y/∂x)ᵀ ȳ."
    ),
    "Are the gradients at a fork added or averaged?": (
        "Added. A value that is used twice influences the target in two ways, and the chain rule of several variables "
        "sums over them. The ledger of any node marked Σ2 shows it in numbers."
    ),
    "How does it skip layers?": (
        "It does not skip anything. A skip is an identity whose derivative is 1, so the adjoint passes through it "
        "unchanged, and is added to what comes back through the branch."
    ),
    "Are the derivatives finite differences?": (
        "No. They are exact formulas, evaluated at the values that the forward pass saved. Finite differences only "
        "check them."
    ),
}
SIGNS = (
    ("○ ◐ ●", "a node that waits, whose adjoint has partly arrived, whose adjoint is complete"),
    ("◎ ◉ ⊕", "a fork (its value is used more than once), waiting and complete; a join, where a block's paths meet"),
    ("▶ ▼ ✓ ›", "where time is; who has just sent; complete; selected"),
    ("■ ▸ ≠", "a stop; a folded block; differs from the pass beside it"),
    ("┊ ┃ │", "a lane beside the trunk is a skip: nothing has travelled it, it carries a sum, it is done"),
    ("Σ2  Σ1/2", "two contributions come here; one of two has arrived"),
    ("‖·‖", "Euclidean norm of a tensor; the share is that of a contribution's norm among all"),
)


BESIDE = "beside"
PANES = {
    BESIDE: (
        "Two passes in step: A on the left leads, B on the right follows to the same event and node by name. On top is "
        "the divergence at the cursor: where, both numbers, how far apart, what it looks like. d goes to the first in "
        "the order of the pass, a and A to the next and back; ≠ marks nodes that differ. Below: what lies between the "
        "two at the selected node. tab changes between graph, ledger and tensor; esc shows A alone."
    ),
    "graph": (
        "One row a node, in the order of the reverse pass, so that time runs down the screen. The columns on the right "
        "are a map of the whole: ◆ forks, ■ stops, ▶ time, a longer bar where the gradient is larger. z folds blocks."
    ),
    "node": (
        "The selected node: how its value comes about, its adjoint as the sum of what its consumers send, statistics, "
        "neighbours. l points at a neighbour, enter goes there, backspace comes back."
    ),
    "ledger": (
        "One line a contribution in order of arrival: from whom, through the skip or the branch, by which formula, its "
        "norm, its share; ‖Σ‖ is the norm of the running sum, cos its angle to the sum before it. The last row is the "
        "adjoint."
    ),
    "tensor": (
        "Value, adjoint or a contribution (v), as numbers, heat map, histogram, statistics or image (h). Shift and "
        "arrows point at an element, [ and ] go through slices, } shows other axes, | puts value and adjoint side by "
        "side."
    ),
}


def help_lines(
    width: int, pane: str = "", keys_of: KeysOf = written, commands: tuple[Command, ...] = ONE_PASS
) -> list[Line]:
    """Return the help as lines, that on the active pane first."""
    lines: list[Line] = []
    if pane in PANES:
        title = "Two passes side by side" if pane == BESIDE else f"The {pane} pane"
        lines += [[(title, "sum")], *[[(f"  {text}", "")] for text in wrap(PANES[pane], width - 2)]]
        lines.append([("", "")])
    for question, answer in ANSWERS.items():
        lines += [[(question, "sum")], *[[(f"  {text}", "")] for text in wrap(answer, width - 2)], [("", "")]]
    for sign, meaning in SIGNS:
        for k, text in enumerate(wrap(meaning, width - 12)):
            lines.append([(fit(sign if not k else "", 11), "accent"), (text, "")])
    for group, some in groupby(sorted(commands, key=lambda c: _GROUPS.index(c.group)), key=lambda c: c.group):
        lines += [[("", "")], [(group, "sum")]]
        for command in some:
            told = f"{command.name}: {command.help}"
            for k, text in enumerate(wrap(told, width - 12)):
                lines.append([(fit(keys_of(command) if not k else "", 11), "accent"), (text, "")])
    lines += [[("", "")], [("Conditions: where to stop, and what to watch", "sum")]]
    for text in topic("conditions")[1:]:
        lines += [[(part, "")] for part in (wrap(text, width, indent=" " * 12) if cell_len(text) > width else [text])]
    lines += [[("", "")], [("A number before a key repeats it: 10n steps ten nodes. The mouse works too.", "dim")]]
    return lines


_GROUPS = ("Time", "Selection", "Ask", "Tensor", "View", "Other")


class HelpScreen(ReadingDialog):
    """Shows the help; scrolls."""

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > Pane { width: 90%; max-width: 92; height: 90%; background: $surface; border: round $accent; }
    HelpScreen.-ascii > Pane { border: ascii $accent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("question_mark", "leave", "Close")]

    def __init__(
        self,
        pane: str = "",
        keys_of: KeysOf = written,
        commands: tuple[Command, ...] = ONE_PASS,
        *,
        ascii_only: bool = False,
    ) -> None:
        super().__init__(classes="-ascii" if ascii_only else "")
        self.pane = pane
        self.keys_of = keys_of
        self.commands = commands
        self.ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """One pane."""
        yield Pane(id="help", ascii_only=self.ascii_only)

    def write(self) -> None:
        """Write the lines."""
        for pane in self.query(Pane):
            pane.show(help_lines(pane.inner_width, self.pane, self.keys_of, self.commands), "Help · esc closes")
