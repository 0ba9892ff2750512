"""Measure what a person waits for, beside a peer in the same run: ``python -m tests.benchmarks [--json] [--rounds N]``.

Ours and the peer run alternately, in processes of their own, with one thread each. Times are medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import resdebug
from tests.benchmarks.terminal import Terminal
from tests.support import GRAPHS, residual_chain

COMMAND = str(Path(sys.executable).parent / "resdebug")
BARE = "from textual.app import App\nfrom textual.widgets import Static\nclass Bare(App):\n    def compose(self):\n        yield Static('ready')\nBare().run()"  # noqa: E501 - a program on one line
KEYS = 200


@dataclass(frozen=True)
class Row:
    """One line of the table; ``ratio`` is ours over the peer's."""

    what: str
    ours: float
    peer: float | None
    unit: str = "ms"
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.peer is None else self.ours / self.peer


def alternately(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """Run the measures in turn and return the median of each."""
    times: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for kept, measure in zip(times, measures, strict=True):
            kept.append(measure())
    return [statistics.median(kept) for kept in times]


def first_frame(command: list[str], shown: str) -> float:
    """Milliseconds from starting a command until it has painted ``shown``."""
    with Terminal(command) as terminal:
        return 1e3 * (terminal.wait_for(shown) - terminal.started)


def key_to_frame(path: Path, key: str, step: Callable[[resdebug.Debugger], int]) -> list[float]:
    """Milliseconds from a key press until the new position has been painted, sorted."""
    debugger = resdebug.Debugger(resdebug.differentiate(resdebug.load(path)))
    total = len(debugger.timeline)
    times = []
    with Terminal([COMMAND, str(path)]) as terminal:
        terminal.wait_for(f"event {debugger.position}/{total}")
        terminal.settle(0.5)
        for _ in range(KEYS):
            before = debugger.position
            position = step(debugger)
            if position == before:
                debugger.jump(0)
                terminal.press("g", f"event 0/{total}")
                terminal.settle()
                position = step(debugger)
            times.append(1e3 * terminal.press(key, f"{position}/{total}"))
            terminal.settle(0.02)
    return sorted(times)


def engine(name: str, path: Path) -> float:
    """Milliseconds for forward and reverse pass, the median of a process's runs."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.benchmarks.engines", name, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["median"])


def rows(rounds: int) -> list[Row]:
    """Measure everything."""
    table = []
    resblock = str(GRAPHS / "resblock.json")
    bare = [sys.executable, "-c", BARE]
    frame, peer = alternately(
        rounds, lambda: first_frame([COMMAND, resblock], "resdebug"), lambda: first_frame(bare, "ready")
    )
    table.append(Row("command to first frame, resblock", frame, peer, note="peer: a bare Textual app"))
    (whole,) = alternately(rounds, lambda: first_frame([COMMAND, resblock], "The seed"))
    table.append(Row("command to the network on the screen, resblock", whole, peer, note="peer: a bare Textual app"))
    with tempfile.TemporaryDirectory() as folder:
        chain = residual_chain(5000, 1e-4).save(Path(folder) / "chain.json")
        for name, path in (("digits_resnet", GRAPHS / "digits_resnet.json"), ("chain of 10 001 nodes", chain)):
            times = key_to_frame(path, "n", lambda debugger: debugger.step("node"))
            p99 = times[min(len(times) - 1, round(0.99 * len(times)))]
            table.append(
                Row(f"key n to painted frame, {name}", statistics.median(times), None, note=f"p99 {p99:.1f} ms")
            )
        (opened,) = alternately(rounds, lambda: first_frame([COMMAND, str(chain)], "The seed"))
        table.append(
            Row("command to the network on the screen, chain of 10 001 nodes", opened, peer, note="the same peer")
        )
    try:
        import torch  # noqa: F401
    except ImportError:
        print("PyTorch is not installed: the engine is not compared with it", file=sys.stderr)
        return table
    for name in ("digits_resnet", "resblock", "residual20"):
        path = GRAPHS / f"{name}.json"
        mine, theirs = alternately(rounds, partial(engine, "ours", path), partial(engine, "pytorch", path))
        table.append(
            Row(f"forward and reverse, {name}", mine, theirs, note="peer: PyTorch eager, a hook on every tensor")
        )
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    table = rows(options.rounds)
    if options.json:
        print(json.dumps([asdict(row) | {"ratio": row.ratio} for row in table], indent=1))
        return
    print(f"{'':62}{'ours':>9}{'peer':>9}{'ratio':>8}")
    for row in table:
        peer = "" if row.peer is None else f"{row.peer:.1f}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        print(f"{row.what:62}{row.ours:>9.1f}{peer:>9}{ratio:>8}  {row.unit}  {row.note}")


if __name__ == "__main__":
    main()
