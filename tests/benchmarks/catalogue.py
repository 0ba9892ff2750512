"""Every row: what is measured, beside whom, and what the goal is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from tests.benchmarks import measures
from tests.benchmarks.convolutions import Shape, shapes
from tests.benchmarks.measures import Benchmark
from tests.benchmarks.networks import Networks, Spec, spec
from tests.benchmarks.table import Row

HOOKS = "PyTorch, hooks that keep every gradient"
RESNET20 = {batch: spec(f"resnet20-b{batch}", "resnet20", batch=batch) for batch in (1, 8)}
RESNET110 = {batch: spec(f"resnet110-b{batch}", "resnet110", batch=batch) for batch in (1, 8)}
RESNET18, RESNET50, RESNET152 = (spec(f"{kind}-b1", kind) for kind in ("resnet18", "resnet50", "resnet152"))
SCALARS = {f"{n // 1000}k": spec(f"random-{n}", "random", nodes=n) for n in (10_000, 100_000)}
CHAIN = 5000
"""Blocks of two nodes."""


def passes() -> Iterator[Benchmark]:
    """Forward and reverse pass, with all that is kept."""
    what = "forward and reverse pass; adjoints and every contribution's norm kept"
    large = ((RESNET18, "ResNet-18, 224×224"), (RESNET50, "ResNet-50, 224×224"))
    small = [
        (net, f"ResNet-{depth}, 32×32, batch {batch}")
        for depth, nets in ((20, RESNET20), (110, RESNET110))
        for batch, net in nets.items()
    ]
    for net, name in (*large, *small):
        yield against_hooks(net, Row(net.name, f"{name}: {what}", HOOKS, 0.8))
        if (net, name) in large:
            row = Row(f"{net.name}-memory", f"{name}: memory that a pass takes", HOOKS, 1.2, "MiB")
            yield Benchmark((row,), measures.memory(net, "pytorch"), ("torch",))
    for name, net in (("ResNet-18, 224×224", RESNET18), ("ResNet-20, 32×32, batch 8", RESNET20[8])):
        double = replace(net, name=f"{net.name}-float64", settings=(*net.settings, ("dtype", "float64")))
        yield against_hooks(double, Row(double.name, f"{name}, float64: {what}", HOOKS))
    transformer = spec("transformer", "transformer", blocks=6, width=256, tokens=128)
    yield against_hooks(transformer, Row("transformer", f"Transformer, 6 blocks of width 256: {what}", HOOKS, 1.0))
    for name in ("digits_resnet", "resblock", "residual20"):
        yield against_hooks(Spec(name), Row(name, f"graphs/{name}.json: {what}", HOOKS))


def against_hooks(net: Spec, row: Row) -> Benchmark:
    """A pass beside PyTorch's."""
    return Benchmark((row,), measures.whole_pass(net, "pytorch"), ("torch",))


def recordings() -> Iterator[Benchmark]:
    """The pass beside a recorder of passes."""
    for name, net in (("18", RESNET18), ("20", RESNET20[1])):
        row = Row(f"torchlens-resnet{name}", f"ResNet-{name}: everything recorded", "torchlens, gradients saved", 0.15)
        yield Benchmark((row,), measures.whole_pass(net, "torchlens"), ("torch", "torchlens"))


def scalars() -> Iterator[Benchmark]:
    """Graphs of scalars, and reading one."""
    module = f"{measures.HOME}.scalars"
    for size, net in SCALARS.items():
        for peer, times, needs in (
            ("micrograd", 20, "micrograd"),
            ("autograd", 150, "autograd"),
            ("pytorch", 60, "torch"),
        ):
            row = Row(f"scalars-{size}-{peer}", f"{size} scalar nodes: forward and reverse pass", peer, 1 / times)
            yield Benchmark((row,), measures.on_file(net, module, "ours", peer), (module, needs))
    module = f"{measures.HOME}.loading"
    row = Row("load-100k", "100k nodes: read, checked, laid out", "json.load and networkx.node_link_graph", 0.3)
    yield Benchmark((row,), measures.on_file(SCALARS["100k"], module, "ours", "peer"), (module,))


def moments() -> Iterator[Benchmark]:
    """Questions that the debugger asks."""
    peer = "our reverse pass"
    for name, what, asked in (
        ("jump-resnet110", "ResNet-110: jump to a random event, its ledger and adjoint so far", "jump"),
        ("ledger-widest", "ResNet-110: the ledger of the widest fork", "widest"),
    ):
        yield Benchmark((Row(name, what, peer, 1 / 50),), measures.moment(RESNET110[1], asked))


def screens() -> Iterator[Benchmark]:
    """What a person at the screen waits for."""
    row = Row("first-frame", "resblock: from the command to the first frame", "a bare Textual app", 1.3)
    yield Benchmark((row,), measures.first_frame)
    row = Row("graph-resnet50", "ResNet-50: from the command to its graph")
    yield Benchmark((row,), measures.numbers(lambda nets: nets.file(RESNET50)))
    each: dict[str, Callable[[Networks], Path]] = {
        "resblock": lambda nets: nets.file(Spec("resblock")),
        "digits_resnet": lambda nets: nets.file(Spec("digits_resnet")),
        "resnet152": lambda nets: nets.file(RESNET152),
        "chain-10k": lambda nets: nets.chain(CHAIN),
        "100k": lambda nets: nets.file(SCALARS["100k"]),
    }
    for name, file in each.items():
        goal = 16.0 if name in {"resblock", "resnet152", "100k"} else None
        for key, what in (("n", "key n"), ("j", "key j"), ("page", "page keys")):
            row = Row(f"keys-{name}-{key}", f"from {what} to its frame, 99th percentile", goal=goal)
            yield Benchmark((row,), measures.keys(file, key))


def convolutions() -> Iterator[Benchmark]:
    """Every convolution of the residual networks, each shape once."""
    found: dict[Shape, None] = {}
    for net in (RESNET18, RESNET50, RESNET20[8]):
        found.update(dict.fromkeys(shapes(net.network())))
    each = tuple(found)
    yield Benchmark(measures.convolution_rows(1.2, each), measures.single_convolutions(each), ("torch",))


FAMILIES: Sequence[Callable[[], Iterator[Benchmark]]] = (
    passes, recordings, scalars, moments, screens, convolutions,
)  # fmt: skip


def benchmarks(patterns: Sequence[str] = ("*",)) -> list[Benchmark]:
    """Return all benchmarks with those of their rows whose id matches a glob."""
    chosen = []
    for family in FAMILIES:
        for benchmark in family():
            rows = tuple(row for row in benchmark.rows if any(fnmatchcase(row.id, p) for p in patterns))
            if rows:
                chosen.append(replace(benchmark, rows=rows))
    return chosen
