"""Every command of the debugger screen once: keys, name, help. Bindings, palette, footer and help come from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from textual.binding import Binding, BindingType


class Where(Enum):
    """On which screens a command does something."""

    BOTH = auto()
    ALONE = auto()
    """Where one pass is looked at."""
    PAIR = auto()
    """Where two passes stand side by side."""


ALONE: Final = Where.ALONE
PAIR: Final = Where.PAIR


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the screen's action, its keys, a name for the palette, a sentence for the help, a group."""

    action: str
    keys: str
    name: str
    help: str
    group: str
    footer: str = ""
    """What the footer calls it; empty for commands that the footer leaves out."""
    shown_keys: str = ""
    """How the keys are written; the keys themselves unless given."""
    where: Where = Where.BOTH

    @property
    def id(self) -> str:
        """The command's name as settings write it: ``step-one-node``."""
        return self.name.lower().replace(" ", "-").replace("/", "-")

    @property
    def keys_text(self) -> str:
        """The keys as people write them."""
        return self.shown_keys or self.keys.replace(",", " ")


WITHOUT_NUMBERS: Final = frozenset({
    "step", "back", "jump_start", "jump_end", "to_selection", "move", "follow", "link", "follow_link", "return",
    "search", "found", "fold", "fold_all", "order", "leaves", "maximise", "widen", "pane", "scroll", "theme", "view",
    "help", "quit",
})  # fmt: skip
"""What can be done while the pass is still being run."""
KeysOf = Callable[[Command], str]
"""How a command's keys are written, which may be the person's own."""


def written(command: Command) -> str:
    """Return the keys that a command comes with."""
    return command.keys_text


COMMANDS: Final = (
    Command("step('node')", "n,right", "Step one node", "forward to the next completed adjoint", "Time", "node", "n →"),
    Command("back('node')", "N,left", "Step back one node", "back by the same unit", "Time", "back", "N ←"),
    Command("step('edge')", "s", "Step one edge", "forward to the next contribution", "Time", "edge"),
    Command("back('edge')", "S", "Step back one edge", "back by the same unit", "Time", "back"),
    Command("step('block')", "f", "Finish the block", "forward to the last event of the block", "Time"),
    Command("back('block')", "F", "Step back one block", "back by the same unit", "Time"),
    Command("resume(False)", "c", "Continue", "forward to the next stop, or fork if no stops are set", "Time", "go on"),
    Command("resume(True)", "C", "Continue back", "back to the previous stop or fork", "Time"),
    Command("jump_start", "g", "Go to the start", "the first event: nothing has happened; 7g is event 7", "Time"),
    Command("jump_end", "G", "Go to the end", "the last event", "Time"),
    Command("to_selection", "t", "Run to the selection", "to where the selected adjoint is complete", "Time"),
    Command("play", "space", "Play", "step on and on, or stop doing so", "Time"),
    Command("speed(2)", "plus", "Play faster", "twice as many steps a second", "Time", "", "+"),
    Command("speed(0.5)", "minus", "Play slower", "half as many", "Time", "", "-"),
    Command(
        "first_divergence",
        "d",
        "First divergence",
        "of the two passes, in the order of the pass",
        "Time",
        "first ≠",
        where=PAIR,
    ),
    Command(
        "divergence(1)", "a", "Next divergence", "forward to where they differ again", "Time", "next ≠", where=PAIR
    ),
    Command("divergence(-1)", "A", "Previous divergence", "back to where they differ", "Time", "back", where=PAIR),
    Command("move(1)", "j,down", "Select the next row", "move the selection, not time", "Selection", "", "j ↓"),
    Command("move(-1)", "k,up", "Select the previous row", "move the selection, not time", "Selection", "", "k ↑"),
    Command("follow", "escape", "Back to the cursor", "the selection follows time again; drops a count", "Selection"),
    Command(
        "link(1)",
        "l",
        "Point at a neighbour",
        "the next input or consumer of the selected node",
        "Selection",
        where=ALONE,
    ),
    Command("follow_link", "enter", "Follow", "select the neighbour that is pointed at", "Selection", where=ALONE),
    Command(
        "return", "backspace", "Return", "select the node that a neighbour was followed from", "Selection", where=ALONE
    ),
    Command("breakpoint", "b", "Stop here", "set or remove a stop on the selected node", "Selection", "stop"),
    Command("search", "slash", "Search", "find nodes by name or operator", "Selection", "search", "/"),
    Command("found(1)", "full_stop", "Next match", "select the next node found", "Selection", "", "."),
    Command("found(-1)", "comma", "Previous match", "select the previous node found", "Selection", "", ","),
    Command("view(1)", "v", "Next tensor", "value, adjoint, each contribution", "Tensor", "tensor"),
    Command("view(-1)", "V", "Previous tensor", "the same, the other way round", "Tensor"),
    Command("mode(1)", "h", "Another picture", "numbers, heat map, histogram, statistics, image", "Tensor"),
    Command("slice(1)", "right_square_bracket", "Next slice", "of a tensor of three or more axes", "Tensor", "", "]"),
    Command("slice(-1)", "left_square_bracket", "Previous slice", "the other way round", "Tensor", "", "["),
    Command("axes", "right_curly_bracket", "Other axes", "another pair of axes as rows and columns", "Tensor", "", "}"),
    Command("point(1, 0)", "shift+down,J", "Element below", "its place and all its digits", "Tensor", "", "J shift+↓"),
    Command("point(-1, 0)", "shift+up,K", "Element above", "the other way round", "Tensor", "", "K shift+↑"),
    Command("point(0, 1)", "shift+right,L", "Element to the right", "the next column", "Tensor", "", "L shift+→"),
    Command("point(0, -1)", "shift+left,H", "Element to the left", "the column before", "Tensor", "", "H shift+←"),
    Command(
        "beside",
        "vertical_line",
        "Side by side",
        "the value beside the adjoint or contribution",
        "Tensor",
        "",
        "|",
        where=ALONE,
    ),
    Command("lock_scale", "backslash", "Lock the scale", "of the heat map: steps show change", "Tensor", "", "\\"),
    Command("fold", "z", "Fold or unfold", "the selection's block as one row; 2z the block around it", "View", "fold"),
    Command("fold_all", "Z", "Fold all blocks", "the inner blocks, then the outer ones, then unfold", "View"),
    Command("order", "r", "Forward or reverse order", "from the target down, or from the inputs down", "View"),
    Command("maximise", "m", "Maximise", "give the active pane the whole screen, or take it back", "View", where=ALONE),
    Command(
        "widen(4)", "greater_than_sign", "Widen the graph", "and narrow the other panes", "View", "", ">", where=ALONE
    ),
    Command(
        "widen(-4)", "less_than_sign", "Narrow the graph", "and widen the other panes", "View", "", "<", where=ALONE
    ),
    Command("theme", "T", "Another theme", "dark, light, high contrast, without colours", "View"),
    Command("leaves", "p", "Parameters", "show or tuck away parameters and constants", "View"),
    Command("pane(1)", "tab", "Next pane", "the active pane scrolls; narrow screens show only it", "View", "pane"),
    Command("pane(-1)", "shift+tab", "Previous pane", "the other way round", "View"),
    Command("scroll(1)", "pagedown", "Scroll down", "the active pane", "View"),
    Command("scroll(-1)", "pageup", "Scroll up", "the active pane", "View"),
    Command(
        "export",
        "x",
        "Export the trace",
        "write the pass or a part of it to a file; says first how large",
        "Other",
        "export",
        where=ALONE,
    ),
    Command(
        "compare",
        "equals_sign",
        "Compare",
        "another network or trace beside this one, in step",
        "Other",
        "",
        "=",
        where=ALONE,
    ),
    Command(
        "copy('csv')", "y", "Copy the numbers", "of the tensor's slice as CSV, to the clipboard", "Other", where=ALONE
    ),
    Command("copy('numpy')", "ctrl+y", "Copy as numpy", "the same as numpy writes it", "Other", "", "^y", where=ALONE),
    Command("copy('latex')", "Y", "Copy the formula", "of the node and its adjoint as LaTeX", "Other", where=ALONE),
    Command("picture", "P", "Save a picture", "of the screen as SVG, in the current folder", "Other"),
    Command(
        "command",
        "colon",
        "Command line",
        "all that resdebug run understands: break, find, set, undo …",
        "Ask",
        "command",
        ":",
        where=ALONE,
    ),
    Command("duel", "D", "Every rule", "what sum, mean, overwrite … make of this ledger", "Ask", where=ALONE),
    Command(
        "report", "R", "Report", "what the network does to its gradient, in sentences and plots", "Ask", where=ALONE
    ),
    Command(
        "check",
        "i",
        "Check the derivatives",
        "every one of them against finite differences: is it right?",
        "Ask",
        where=ALONE,
    ),
    Command(
        "origin",
        "o",
        "Where from",
        "follow the element pointed at (or the largest) back to the seed",
        "Ask",
        where=ALONE,
    ),
    Command("why_zero", "O", "Why zero", "what cuts the selected node off from the target", "Ask", where=ALONE),
    Command(
        "watch", "w", "Watch", "keep an eye on an expression, before and after each step", "Ask", "watch", where=ALONE
    ),
    Command("edit", "e", "Edit", "change the selected node and see what comes of it", "Ask", "edit", where=ALONE),
    Command(
        "before_after", "E", "Before and after", "the last edit's two passes side by side, in step", "Ask", where=ALONE
    ),
    Command("run_command('undo')", "u", "Undo", "take the last edit back", "Ask", where=ALONE),
    Command("run_command('redo')", "U", "Redo", "do it again", "Ask", where=ALONE),
    Command("bookmark", "M", "Bookmark", "give this moment a name", "Ask", where=ALONE),
    Command(
        "back_to", "apostrophe", "Back to a bookmark", "go to a moment that has a name", "Ask", "", "'", where=ALONE
    ),
    Command("palette", "ctrl+p", "All commands and nodes", "the command palette", "Other", "", "^p"),
    Command(
        "tour",
        "f1",
        "Guided tour",
        "ten steps on a residual block; again, or esc, ends it",
        "Other",
        "",
        "F1",
        where=ALONE,
    ),
    Command("help", "question_mark", "Help", "all keys, and the four answers", "Other", "help", "?"),
    Command("quit", "q", "Quit", "leave the debugger", "Other", "quit"),
)


ONE_PASS: Final = tuple(command for command in COMMANDS if command.where is not PAIR)
TWO_PASSES: Final = tuple(command for command in COMMANDS if command.where is not ALONE)


def bindings(commands: tuple[Command, ...]) -> list[BindingType]:
    """Return the key bindings of all commands."""
    return [Binding(c.keys, c.action, c.name, show=False, id=c.id) for c in commands]
