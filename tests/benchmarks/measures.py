"""How a row is measured: which processes take turns, and what they are asked."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.benchmarks import convolutions
from tests.benchmarks.flops import count
from tests.benchmarks.networks import Networks, Spec
from tests.benchmarks.running import Worker, alternately, medians, once, workers
from tests.benchmarks.table import Row, digits

HOME = "tests.benchmarks"
TURN = 0.3
"""Seconds that a turn of one side lasts, or one run where that is longer."""
CALLS = 0.03
"""The same for single operators."""
FEW = 3
"""Rounds where a process measures only once, several runs by itself."""


@dataclass(frozen=True)
class Settings:
    """What the command line asked for, and where networks are."""

    networks: Networks
    rounds: int = 7
    threads: int = 1
    quick: bool = False
    peaks: dict[str, float] = field(default_factory=dict)

    def seconds(self, usual: float) -> float:
        """Return how long a turn lasts."""
        return 0.0 if self.quick else usual

    def find_peak(self) -> None:
        """Measure a large matrix product; the best of a run counts, for where others work it is slower at times."""
        found = once(f"{HOME}.peak", *["--quick"] * self.quick, threads=self.threads)
        self.peaks.update({dtype: max(speed, self.peaks.get(dtype, 0.0)) for dtype, speed in found.items()})

    def with_peaks(self, rows: Sequence[Row]) -> list[Row]:
        """Return rows with the peaks that were found."""
        return [replace(row, peak=self.peaks.get(row.dtype)) for row in rows]


Measure = Callable[[Settings, Sequence[Row]], Iterator[Row]]


@dataclass(frozen=True)
class Benchmark:
    """Rows that are measured together; ``needs`` are modules that must be there."""

    rows: tuple[Row, ...]
    measure: Measure
    needs: tuple[str, ...] = ()


def filled(row: Row, rounds: Sequence[tuple[float, ...]], **more: Any) -> Row:
    """Return a row with its medians."""
    ours, *theirs = rounds
    middle = medians(list(rounds))
    if not theirs:
        return replace(row, ours=middle[0], ours_rounds=ours, **more)
    return replace(row, ours=middle[0], theirs=middle[1], ours_rounds=ours, theirs_rounds=theirs[0], **more)


def processes(settings: Settings, key: str, *commands: tuple[str, ...]) -> list[tuple[float, ...]]:
    """Return what processes measured that are started for every round."""
    runs = [lambda c=c: float(once(*c, threads=settings.threads)[key]) for c in commands]
    return alternately(min(FEW, settings.rounds), *runs)


def percentile(times: Sequence[float], percent: float) -> float:
    """Return what so many percent of ``times`` do not exceed."""
    return sorted(times)[min(len(times) - 1, math.ceil(percent / 100 * len(times)) - 1)]


def whole_pass(spec: Spec, peer: str) -> Measure:
    """Forward and reverse pass of a network."""

    def measure(settings: Settings, rows: Sequence[Row]) -> Iterator[Row]:
        path, net = str(settings.networks.file(spec)), spec.network()
        with workers(settings.threads, *((f"{HOME}.engines", engine, path) for engine in ("ours", peer))) as sides:
            asks = [lambda w=w: float(w.ask(seconds=settings.seconds(TURN))["median"]) for w in sides]
            measured = alternately(settings.rounds, *asks)
            ours, theirs = (digits(w.told["first"]) for w in sides)
        settings.find_peak()
        for row in rows:
            note = f"the very first pass: {ours} ms, the peer's {theirs} ms"
            yield filled(row, measured, flops=count(net).total, dtype=net.dtype, note=note)

    return measure


def memory(spec: Spec, peer: str) -> Measure:
    """What a pass takes, in processes that run nothing else."""

    def measure(settings: Settings, rows: Sequence[Row]) -> Iterator[Row]:
        path = str(settings.networks.file(spec))
        commands = ((f"{HOME}.engines", engine, path, "--memory") for engine in ("ours", peer))
        measured = processes(settings, "memory", *commands)
        for row in rows:
            yield filled(row, measured)

    return measure


def on_file(spec: Spec, module: str, *sides: str) -> Measure:
    """What a module measures by itself on a network's file."""

    def measure(settings: Settings, rows: Sequence[Row]) -> Iterator[Row]:
        path = str(settings.networks.file(spec))
        measured = processes(settings, "median", *((module, side, path) for side in sides))
        for row in rows:
            yield filled(row, measured)

    return measure


def moment(spec: Spec, what: str) -> Measure:
    """A question asked of a finished pass, beside the reverse pass."""

    def measure(settings: Settings, rows: Sequence[Row]) -> Iterator[Row]:
        path = str(settings.networks.file(spec))
        times: list[float] = []

        def ask(worker: Worker) -> float:
            told = worker.ask(seconds=settings.seconds(TURN))
            if worker is mine:
                times.extend(told["times"])
            return float(told["median"])

        with workers(settings.threads, *((f"{HOME}.moments", side, path) for side in (what, "reverse"))) as sides:
            mine, peer = sides
            measured = alternately(settings.rounds, lambda: ask(mine), lambda: ask(peer))
        for row in rows:
            yield filled(row, measured, note=f"99 of 100 take less than {digits(percentile(times, 99))} ms")

    return measure


def first_frame(settings: Settings, rows: Sequence[Row]) -> Iterator[Row]:
    """The app's first frame beside a bare one's."""
    told = once(f"{HOME}.screen", "first-frame", "--rounds", str(settings.rounds), threads=settings.threads)
    for row in rows:
        yield filled(row, [(told["ours"],), (told["peer"],)])


def numbers(file: Callable[[Networks], Path]) -> Measure:
    """From the command to a network's graph, and to its numbers."""

    def measure(settings: Settings, rows: Sequence[Row]) -> Iterator[Row]:
        path, rounds = str(file(settings.networks)), str(min(FEW, settings.rounds))
        told = once(f"{HOME}.screen", "numbers", path, "--rounds", rounds, threads=settings.threads)
        for row in rows:
            yield filled(row, [(told["graph"],)], note=f"the pass has been run after {digits(told['numbers'])} ms")

    return measure


def keys(file: Callable[[Networks], Path], key: str) -> Measure:
    """From a key to the frame it makes, beside a bare app on the same machine at the same time."""

    def measure(settings: Settings, rows: Sequence[Row]) -> Iterator[Row]:
        presses = "30" if settings.quick else "300"
        path = str(file(settings.networks))
        told = once(f"{HOME}.screen", "keys", path, "--key", key, "--presses", presses, threads=settings.threads)
        ours, bare = told["ours"], told["bare"]
        for row in rows:
            note = f"median {ours['median']:.1f} ms; a bare Textual app {bare['median']:.1f}, 99th {bare['p99']:.1f} ms"
            yield filled(row, [(ours["p99"],)], note=note)

    return measure


def convolution_rows(goal: float, found: Sequence[convolutions.Shape]) -> tuple[Row, ...]:
    """Return a row for each shape and direction, and one for the worst of them."""
    peer = "PyTorch's convolution"
    each = (
        Row(f"conv-{s.name}-{way}", f"{way} of a convolution of {s.x} by {s.weight}, stride {s.stride}", peer, goal)
        for s in found
        for way in convolutions.WAYS
    )
    return (*each, Row("conv-worst", "the worst of all single convolutions", peer, goal))


def single_convolutions(found: Sequence[convolutions.Shape]) -> Measure:
    """Convolution by convolution, both sides keeping their processes."""

    def measure(settings: Settings, rows: Sequence[Row]) -> Iterator[Row]:
        wanted = {row.id: row for row in rows}
        template = {row.id: row for row in convolution_rows(0, found)}
        done: list[Row] = []
        settings.find_peak()
        commands = ((f"{HOME}.convolutions", side) for side in ("ours", "pytorch"))
        with workers(settings.threads, *commands) as sides:
            for shape in found:
                ids = [f"conv-{shape.name}-{way}" for way in convolutions.WAYS]
                if "conv-worst" not in wanted and not wanted.keys() & set(ids):
                    continue
                told = [
                    [side.ask(seconds=settings.seconds(CALLS), shape=convolutions.request(shape)) for side in sides]
                    for _ in range(settings.rounds)
                ]
                for name, way in zip(ids, convolutions.WAYS, strict=True):
                    rounds = [tuple(answers[k][way] for answers in told) for k in range(2)]
                    row = wanted.get(name, template[name])
                    done.append(filled(row, rounds, flops=shape.flops, dtype="float32"))
                    if name in wanted:
                        yield done[-1]
        if "conv-worst" in wanted:
            yield _worst(wanted["conv-worst"], done)

    return measure


def _worst(row: Row, done: Sequence[Row]) -> Row:
    ratios = [(one.ratio, one) for one in done if one.ratio is not None]
    _, worst = max(ratios, key=lambda pair: pair[0])
    middle = statistics.median(ratio for ratio, _ in ratios)
    over = sum(ratio > row.goal for ratio, _ in ratios) if row.goal is not None else 0
    note = f"{worst.id}; {over} of {len(ratios)} miss the goal, the median ratio is {middle:.2f}"
    return replace(worst, id=row.id, what=row.what, goal=row.goal, note=note)
