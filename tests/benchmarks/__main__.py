"""Measure what a person waits for, beside a peer in the same run: ``python -m tests.benchmarks``.

Ours and the peer take turns, in processes of their own, with the same number of threads. Times are medians over the
rounds. Exit codes: 0 measured, whether goals are met or not; 1 a measurement failed; 2 the command line is at fault;
130 interrupted, after what there is of the table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.catalogue import benchmarks
from tests.benchmarks.measures import Benchmark, Settings
from tests.benchmarks.networks import Networks
from tests.benchmarks.running import Failed, Skipped, need
from tests.benchmarks.table import Row, digits, dumps, goal_text, ratio_text, show

INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=(__doc__ or "").split("\n", 1)[0])
    made.add_argument("--json", action="store_true", help="print JSON: every field, and every round")
    made.add_argument("--rounds", type=int, default=7, metavar="N", help="turns of each side (7)")
    made.add_argument("--only", nargs="+", default=["*"], metavar="GLOB", help="rows by id")
    made.add_argument("--list", action="store_true", help="print the rows and their goals, measure nothing")
    made.add_argument("--threads", type=int, choices=(1, 2), default=1, help="threads of either side (1)")
    made.add_argument("--quick", action="store_true", help="one round of single runs: whether all works, not how fast")
    return made


def results(chosen: Sequence[Benchmark], settings: Settings, failures: list[str]) -> Iterator[Row]:
    """Yield all rows in order, measured or with the reason why not."""
    for benchmark in chosen:
        waiting = list(benchmark.rows)
        try:
            need(*benchmark.needs)
            for row in benchmark.measure(settings, benchmark.rows):
                del waiting[0]
                yield row
        except Skipped as error:
            if isinstance(error, Failed):
                failures.append(str(error))
            yield from (replace(row, note=str(error)) for row in waiting)


def told(row: Row) -> str:
    """Return a row's result in a line."""
    if row.ours is None:
        return row.note
    peer = "" if row.theirs is None else f", {row.peer} {digits(row.theirs)} {row.unit}, ratio {ratio_text(row)}"
    goal = "" if row.goal is None else f" (goal {goal_text(row)})"
    return f"{digits(row.ours)} {row.unit}{peer}{goal}"


def measure(chosen: Sequence[Benchmark], settings: Settings, failures: list[str]) -> Iterator[Row]:
    """Yield measured rows, and tell on stderr how far it has come."""
    rows = [row for benchmark in chosen for row in benchmark.rows]
    coming = results(chosen, settings, failures)
    for i, row in enumerate(rows, start=1):
        print(f"row {i} of {len(rows)}: {row.id} … ", end="", file=sys.stderr, flush=True)
        done = next(coming)
        print(told(done), file=sys.stderr, flush=True)
        yield done


def main() -> int:
    """Print the table; return the exit code."""
    command = parser()
    options = command.parse_args()
    if options.rounds < 1:
        command.error("--rounds takes 1 or more")
    chosen = benchmarks(options.only)
    if not chosen:
        command.error("no row has such an id; --list shows them all")
    table: list[Row] = []
    failures: list[str] = []
    code = 0
    if options.list:
        table = [row for benchmark in chosen for row in benchmark.rows]
    else:
        with tempfile.TemporaryDirectory() as folder:
            rounds = 1 if options.quick else options.rounds
            settings = Settings(Networks(Path(folder)), rounds, options.threads, options.quick)
            try:
                for row in measure(chosen, settings, failures):
                    table.append(row)
            except KeyboardInterrupt:
                print("interrupted", file=sys.stderr)
                code = INTERRUPTED
            table = settings.with_peaks(table)
    print(dumps(table)) if options.json else show(table)
    return code or int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
