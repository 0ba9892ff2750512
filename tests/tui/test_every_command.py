"""Every command by every one of its keys, on the model; a command that is not in the table here fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

import resdebug
from resdebug.passes.events import Completed, Contributed
from resdebug.tui.commands import COMMANDS, Where
from resdebug.tui.screens.ask import AskScreen
from resdebug.tui.screens.check import CheckScreen
from resdebug.tui.screens.export import ExportScreen
from resdebug.tui.screens.help import HelpScreen
from resdebug.tui.screens.report import ReportScreen
from resdebug.tui.tensors.view import Mode
from tests.support import GRAPHS
from tests.tui.driving import Driver, opened

Probe = Callable[[Driver], Any]


@dataclass(frozen=True)
class Effect:
    """What a command does: where from, what is looked at, and whether what was seen before and after is right."""

    before: str
    look: Probe
    right: Callable[[Any, Any], bool]


def position(d: Driver) -> int:
    return d.session.debugger.position


def last(d: Driver) -> object:
    return d.last()


def sent(d: Driver) -> tuple[str, str] | None:
    event = d.last()
    return (event.edge.consumer, event.edge.source) if isinstance(event, Contributed) else None


def selected(d: Driver) -> str:
    return d.session.selected


def tensor(d: Driver) -> Any:
    return d.session.tensor_view


def line(name: str) -> Probe:
    """What a line for typing holds, None while it is not there."""

    def read(d: Driver) -> str | None:
        found = d.app.main.query_one(f"#{name}", Input)
        return found.value if found.display else None

    return read


def screen(d: Driver) -> type:
    return type(d.app.screen)


def speed(d: Driver) -> float:
    return d.app.main.speed


def width(d: Driver) -> int:
    return d.app.main.query_one("#graph").outer_size.width


def ends_as(name: object) -> Callable[[Any, Any], bool]:
    return lambda _before, after: bool(after == name)


def largest(d: Driver) -> float:
    value = d.session.pass_.value("x")
    assert value is not None
    return float(value.max())


AT_X: Final = "G slash x enter"
EDITED: Final = "colon s e t space x space = space 2 enter escape"
CONV1: Final = ("conv1", "W1")
"""The last contribution that the block sends."""
EFFECTS: Final = {
    "step-one-node": Effect("", last, lambda _, a: a == Completed("loss")),
    "step-back-one-node": Effect("2 n", last, lambda _, a: a == Completed("loss")),
    "step-one-edge": Effect("3 n", sent, lambda _, a: a == ("add", "bn2")),
    "step-back-one-edge": Effect("3 n s s", sent, lambda b, a: b == ("add", "x") and a == ("add", "bn2")),
    "finish-the-block": Effect(
        "2 n", lambda d: (position(d), sent(d)), lambda b, a: a[0] > b[0] + 15 and a[1] == CONV1
    ),
    "step-back-one-block": Effect("2 n f", position, lambda b, a: a < b - 15),
    "continue": Effect("5 j b", last, lambda _, a: a == Completed("relu1")),
    "continue-back": Effect("5 j b G", last, lambda _, a: a == Completed("relu1")),
    "go-to-the-start": Effect("3 n", position, lambda _, a: a == 0),
    "go-to-the-end": Effect("", position, lambda b, a: a == 47 != b),
    "run-to-the-selection": Effect("4 j", last, lambda _, a: a == Completed("conv2")),
    "play": Effect("", lambda d: d.app.main._playing is not None, lambda b, a: a and not b),
    "play-faster": Effect("", speed, lambda b, a: a == 2 * b),
    "play-slower": Effect("", speed, lambda b, a: a == b / 2),
    "select-the-next-row": Effect("", lambda d: (selected(d), position(d)), lambda b, a: a == ("relu2", b[1])),
    "select-the-previous-row": Effect("2 j", lambda d: (selected(d), position(d)), lambda b, a: a == ("relu2", b[1])),
    "back-to-the-cursor": Effect("3 j", selected, lambda b, a: (b, a) == ("bn2", "loss")),
    "point-at-a-neighbour": Effect(AT_X, lambda d: d.session.link, lambda b, a: (b, a) == (0, 1)),
    "follow": Effect(AT_X, selected, ends_as("conv1")),
    "return": Effect(f"{AT_X} enter", selected, ends_as("x")),
    "stop-here": Effect("2 j", lambda d: d.session.debugger.breakpoints, lambda b, a: not b and a == {"add"}),
    "search": Effect("", line("search"), lambda b, a: b is None and a == ""),
    "next-match": Effect("slash c o n v enter", selected, lambda b, a: (b, a) == ("conv2", "conv1")),
    "previous-match": Effect("slash c o n v enter full_stop", selected, lambda b, a: (b, a) == ("conv1", "conv2")),
    "next-tensor": Effect(AT_X, lambda d: d.session.shown_view(), lambda b, a: (b, a) == (1, 2)),
    "previous-tensor": Effect(AT_X, lambda d: d.session.shown_view(), lambda b, a: (b, a) == (1, 0)),
    "another-picture": Effect("", lambda d: d.session.shown_mode(), lambda b, a: (b, a) == (Mode.NUMBERS, Mode.HEAT)),
    "next-slice": Effect(AT_X, lambda d: tensor(d).slice, lambda b, a: (b, a) == (0, 1)),
    "previous-slice": Effect(f"{AT_X} right_square_bracket", lambda d: tensor(d).slice, lambda b, a: (b, a) == (1, 0)),
    "other-axes": Effect(AT_X, lambda d: tensor(d).axes, lambda b, a: (b, a) == (0, 1)),
    "element-below": Effect(f"{AT_X} J", lambda d: tensor(d).cursor, lambda b, a: (b, a) == ((0, 0), (1, 0))),
    "element-above": Effect(f"{AT_X} J J", lambda d: tensor(d).cursor, lambda b, a: (b, a) == ((1, 0), (0, 0))),
    "element-to-the-right": Effect(f"{AT_X} L", lambda d: tensor(d).cursor, lambda b, a: (b, a) == ((0, 0), (0, 1))),
    "element-to-the-left": Effect(f"{AT_X} L L", lambda d: tensor(d).cursor, lambda b, a: (b, a) == ((0, 1), (0, 0))),
    "side-by-side": Effect(
        AT_X, lambda d: "[value]" in d.pane("tensor") and "[adjoint]" in d.pane("tensor"), ends_as(True)
    ),
    "lock-the-scale": Effect(f"{AT_X} h", lambda d: tensor(d).scale, lambda b, a: b is None and a > 0),
    "fold-or-unfold": Effect("3 j", lambda d: d.session.folded, lambda b, a: not b and a == {"block1"}),
    "fold-all-blocks": Effect("", lambda d: d.session.folded, lambda b, a: not b and a == {"block1"}),
    "forward-or-reverse-order": Effect(
        "", lambda d: [n in d.pane_of_graph().splitlines()[0] for n in ("loss", " x ")], lambda b, a: b == a[::-1] != a
    ),
    "maximise": Effect("", lambda d: "Reverse pass" in d.screen(), lambda b, a: b and not a),
    "widen-the-graph": Effect("", width, lambda b, a: a == b + 4),
    "narrow-the-graph": Effect("", width, lambda b, a: a == b - 4),
    "another-theme": Effect("", lambda d: d.app.theme, lambda b, a: a == "resdebug-light" != b),
    "parameters": Effect("", lambda d: len(d.session.rows), lambda b, a: a > b),
    "next-pane": Effect("", lambda d: d.app.main.active, lambda b, a: (b, a) == ("ledger", "tensor")),
    "previous-pane": Effect("", lambda d: d.app.main.active, lambda b, a: (b, a) == ("ledger", "node")),
    "scroll-down": Effect("tab tab", selected, lambda b, a: (b, a) == ("loss", "x")),
    "scroll-up": Effect("tab tab pagedown", selected, lambda b, a: (b, a) == ("x", "loss")),
    "export-the-trace": Effect("", screen, ends_as(ExportScreen)),
    "compare": Effect("", screen, ends_as(AskScreen)),
    "copy-the-numbers": Effect(AT_X, lambda d: d.app.clipboard, lambda _, a: a.count("\n") == 3 and a.count(",") == 6),
    "copy-as-numpy": Effect(AT_X, lambda d: d.app.clipboard, lambda _, a: a.startswith("array([[")),
    "copy-the-formula": Effect(AT_X, lambda d: d.app.clipboard, lambda _, a: "\\bar{x} = " in a),
    "save-a-picture": Effect("", lambda _: [p.name for p in Path().glob("*.svg")], lambda b, a: len(a) == len(b) + 1),
    "command-line": Effect("", line("command"), lambda b, a: b is None and a == ""),
    "every-rule": Effect(AT_X, lambda d: "overwrite" in d.pane("ledger"), ends_as(True)),
    "report": Effect("", screen, ends_as(ReportScreen)),
    "check-the-derivatives": Effect("", screen, ends_as(CheckScreen)),
    "where-from": Effect(AT_X, lambda d: d.pane("console"), lambda _, a: ": where-from x[" in a and "relu2" in a),
    "why-zero": Effect(AT_X, lambda d: d.pane("console"), lambda _, a: ": whyzero x" in a and "not zero" in a),
    "watch": Effect("", line("command"), ends_as("watch ")),
    "edit": Effect(AT_X, line("command"), ends_as("set x ")),
    "before-and-after": Effect("", lambda d: "nothing was changed yet" in d.screen(), ends_as(True)),
    "undo": Effect(EDITED, largest, lambda b, a: b == 2 and a < 2),
    "redo": Effect(f"{EDITED} u", largest, lambda b, a: b < 2 and a == 2),
    "bookmark": Effect("", line("command"), ends_as("bookmark ")),
    "back-to-a-bookmark": Effect("", line("command"), ends_as("back-to ")),
    "all-commands-and-nodes": Effect("", lambda d: isinstance(d.app.screen, CommandPalette), lambda b, a: a and not b),
    "guided-tour": Effect("", lambda d: d.app.main.tour is not None, lambda b, a: a and not b),
    "help": Effect("", screen, ends_as(HelpScreen)),
    "quit": Effect("", lambda d: d.app._exit, lambda b, a: a and not b),
}


def test_every_command_of_one_pass_is_in_the_table() -> None:
    """Commands of two passes are pressed in ``test_beside``."""
    assert set(EFFECTS) == {command.id for command in COMMANDS if command.where is not Where.PAIR}


@pytest.mark.parametrize(
    ("name", "key"),
    [(c.id, key) for c in COMMANDS if c.where is not Where.PAIR for key in c.keys.split(",")],
)
async def test_key(name: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    effect = EFFECTS[name]
    async with opened(PASS, (120, 36), "resblock.json") as d:
        await d.burst(*effect.before.split())
        before = effect.look(d)
        await d.burst(key)
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        after = effect.look(d)
        assert effect.right(before, after), (before, after)


PASS = resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json"))
