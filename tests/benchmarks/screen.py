"""The app in a terminal: how soon it is there, and how soon a key has its frame, beside an app that does nothing.

``python -m ... first-frame [--rounds N]``, ``python -m ... keys FILE [--key n] [--presses N]`` or ``python -m ...
numbers FILE [--rounds N]``.
"""

from __future__ import annotations

import argparse
import compileall
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import resdebug
from resdebug.passes.coming import ComingPass
from resdebug.passes.live import LivePass
from resdebug.tui.numbers import plain
from resdebug.tui.session import Session
from tests.benchmarks.running import alternately, medians
from tests.benchmarks.terminal import Terminal
from tests.support import GRAPHS

INSTALLED = Path(sys.executable).parent / "resdebug"
COMMAND = [str(INSTALLED)] if INSTALLED.exists() else [sys.executable, "-m", "resdebug"]
BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    pressed = 0

    def compose(self):
        yield Static("ready")

    def on_key(self):
        self.pressed += 1
        self.query_one(Static).update(f"pressed {self.pressed} times")

Bare().run()
"""
PAGE_DOWN, PAGE_UP = "\x1b[6~", "\x1b[5~"
PAGE: Final = 27
"""Rows, or a few more than the pane has."""

Presses = Iterator[tuple[str, str]]
"""Keys, each with what it paints."""


def first_frame(command: list[str], shown: str) -> float:
    """Milliseconds from starting a command until it has painted ``shown``."""
    with Terminal(command) as terminal:
        return 1e3 * (terminal.wait_for(shown) - terminal.started)


def first_frames(rounds: int) -> dict[str, float]:
    """Return the medians of the app with a small network, and of a bare Textual app."""
    app = [*COMMAND, str(GRAPHS / "resblock.json")]
    bare = [sys.executable, "-c", BARE]
    ours, peer = medians(alternately(rounds, lambda: first_frame(app, "resdebug"), lambda: first_frame(bare, "ready")))
    return {"ours": ours, "peer": peer}


def numbers(path: Path, rounds: int) -> dict[str, float]:
    """Return the median milliseconds until a network's graph is painted, and until its pass has been run."""
    net = resdebug.load(path)
    found: list[tuple[float, float]] = []
    whole = LivePass(net)
    target = whole.value(whole.target)
    assert target is not None
    for _ in range(rounds):
        with Terminal([*COMMAND, str(path)]) as terminal:
            graph = terminal.wait_for("Reverse pass") - terminal.started
            done = terminal.wait_for(f"{whole.target} = {plain(float(target))}") - terminal.started
            found.append((1e3 * graph, 1e3 * done))
    graph, done = medians(list(zip(*found, strict=True)))
    return {"graph": graph, "numbers": done}


def steps(session: Session) -> Presses:
    """Step by node; from the end on, from the beginning."""
    debugger = session.debugger
    total = len(debugger.timeline)
    while True:
        before = debugger.position
        if debugger.step("node") == before:
            debugger.jump(0)
            yield "g", f"event 0/{total}"
        else:
            yield "n", f"{debugger.position}/{total}"


def rows(session: Session) -> Presses:
    """Go down row by row; from the last one on, up."""
    key, way = "j", 1
    while True:
        before = session.selected
        session.move_selection(way)
        if session.selected == before:
            key, way = ("k", -1) if key == "j" else ("j", 1)
        else:
            yield key, ""


def pages(session: Session) -> Presses:
    """Go down page by page, and up again, after the graph has been made the pane that scrolls."""
    yield "\t", ""
    yield "\t", ""
    most = max(1, len(session.rows) // PAGE - 1)
    while True:
        yield from [(PAGE_DOWN, "")] * most
        yield from [(PAGE_UP, "")] * most


KEYS = {"n": steps, "j": rows, "page": pages}


def key_to_frame(path: Path, key: str, presses: int) -> tuple[list[float], list[float]]:
    """Milliseconds from a press until its frame has been painted, and those of a bare app, in turn."""
    session = Session(ComingPass(resdebug.load(path)), path.name)
    session.prepare(lambda *_: None)
    debugger = session.debugger
    ours, bare = list[float](), list[float]()
    coming = KEYS[key](session)
    with Terminal([*COMMAND, str(path)]) as app, Terminal([sys.executable, "-c", BARE]) as peer:
        peer.wait_for("ready")
        app.wait_for(f"event {debugger.position}/{len(debugger.timeline)}")
        app.settle(1.0)
        peer.settle()
        for turn in range(1, presses + 1):
            pressed, then = next(coming)
            took = 1e3 * app.press(pressed, then)
            if pressed not in {"\t", "g"}:
                ours.append(took)
            bare.append(1e3 * peer.press("n", f"pressed {turn} times"))
    return ours, bare


def percentile(times: list[float], percent: float) -> float:
    """Return what so many percent of ``times`` do not exceed."""
    return statistics.quantiles(times, n=100, method="inclusive")[round(percent) - 1]


def main() -> None:
    """Print a measurement as JSON."""
    parser = argparse.ArgumentParser()
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("first-frame").add_argument("--rounds", type=int, default=7)
    keys = actions.add_parser("keys")
    keys.add_argument("file", type=Path)
    keys.add_argument("--key", choices=KEYS, default="n")
    keys.add_argument("--presses", type=int, default=300)
    asked = actions.add_parser("numbers")
    asked.add_argument("file", type=Path)
    asked.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    # An installed package has its bytecode; a checkout that was just edited may not.
    compileall.compile_dir(Path(resdebug.__file__).parent, quiet=2)
    if options.action == "first-frame":
        print(json.dumps(first_frames(options.rounds)))
    elif options.action == "numbers":
        print(json.dumps(numbers(options.file, options.rounds)))
    else:
        both = key_to_frame(options.file, options.key, options.presses)
        told = [{"median": statistics.median(t), "p99": percentile(t, 99), "most": max(t)} for t in both]
        print(json.dumps(dict(zip(("ours", "bare"), told, strict=True))))


if __name__ == "__main__":
    main()
