"""The app in a terminal: ``python -m ... first-frame [--rounds N]`` or ``python -m ... keys FILE [--presses N]``."""

from __future__ import annotations

import argparse
import compileall
import json
import statistics
import sys
from pathlib import Path

import resdebug
from tests.benchmarks.running import alternately, medians
from tests.benchmarks.terminal import Terminal
from tests.support import GRAPHS

INSTALLED = Path(sys.executable).parent / "resdebug"
COMMAND = [str(INSTALLED)] if INSTALLED.exists() else [sys.executable, "-m", "resdebug"]
BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("ready")

Bare().run()
"""


def first_frame(command: list[str], shown: str) -> float:
    """Milliseconds from starting a command until it has painted ``shown``."""
    with Terminal(command) as terminal:
        return 1e3 * (terminal.wait_for(shown) - terminal.started)


def first_frames(rounds: int) -> dict[str, float]:
    """Return the medians of the app with a small network, and of a bare Textual app."""
    # An installed package has its bytecode; a checkout that was just edited may not.
    compileall.compile_dir(Path(resdebug.__file__).parent, quiet=2)
    app = [*COMMAND, str(GRAPHS / "resblock.json")]
    bare = [sys.executable, "-c", BARE]
    ours, peer = medians(alternately(rounds, lambda: first_frame(app, "resdebug"), lambda: first_frame(bare, "ready")))
    return {"ours": ours, "peer": peer}


def key_to_frame(path: Path, presses: int) -> list[float]:
    """Milliseconds from a press of ``n`` until the new position has been painted, sorted."""
    debugger = resdebug.Debugger(resdebug.differentiate(resdebug.load(path)))
    total = len(debugger.timeline)
    times = []
    with Terminal([*COMMAND, str(path)]) as terminal:
        terminal.wait_for(f"event {debugger.position}/{total}")
        terminal.settle(0.5)
        for _ in range(presses):
            before = debugger.position
            position = debugger.step("node")
            if position == before:
                debugger.jump(0)
                terminal.press("g", f"event 0/{total}")
                terminal.settle()
                position = debugger.step("node")
            times.append(1e3 * terminal.press("n", f"{position}/{total}"))
            terminal.settle(0.02)
    return sorted(times)


def main() -> None:
    """Print a measurement as JSON."""
    parser = argparse.ArgumentParser()
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("first-frame").add_argument("--rounds", type=int, default=7)
    keys = actions.add_parser("keys")
    keys.add_argument("file", type=Path)
    keys.add_argument("--presses", type=int, default=300)
    options = parser.parse_args()
    if options.action == "first-frame":
        print(json.dumps(first_frames(options.rounds)))
        return
    times = key_to_frame(options.file, options.presses)
    p99 = times[min(len(times) - 1, round(0.99 * len(times)))]
    print(json.dumps({"median": statistics.median(times), "p99": p99}))


if __name__ == "__main__":
    main()
