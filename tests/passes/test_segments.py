"""A pass that keeps nothing shows the same events, bit for bit, in less memory."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import resdebug
from resdebug.errors import BadInput
from resdebug.network.order import schedule
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Contributed, Evaluated, Seeded
from resdebug.passes.protocol import Of
from resdebug.passes.segments import Segments
from tests.support import GRAPHS

SMALL = {
    "unet": {"image_size": 16, "depth": 2, "width": 4},
    "transformer": {"blocks": 2, "width": 16, "tokens": 8, "heads": 2, "vocabulary": 11},
    "rnn": {"steps": 5, "width": 4},
    "random": {"nodes": 200},
}


def network(name: str) -> resdebug.Network:
    return resdebug.generate(name, **SMALL[name]) if name in SMALL else resdebug.load(GRAPHS / f"{name}.json")


def copied(_of: Of, _node: str, array: Array) -> Array:
    return np.copy(array)


def total(_of: Of, _node: str, array: Array) -> float:
    return float(array.sum())


def same(found: Array, expected: Array | None) -> bool:
    return expected is not None and found.shape == expected.shape and found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("count", [0, 1, 3, 1000])
@pytest.mark.parametrize("name", [*SMALL, "resblock", "residual20", "digits_resnet"])
def test_the_same_events_bit_for_bit(name: str, count: int) -> None:
    net = network(name)
    whole = resdebug.differentiate(net)
    running: dict[str, Array] = {}
    seen = list(Segments(net, schedule(net), copied, count=count))
    assert [s.event for s in seen] == list(whole.events)
    for s in seen:
        match s.event:
            case Evaluated(node):
                assert same(s.of, whole.value(node))
            case Seeded(node) | Completed(node):
                assert same(s.of, whole.adjoint(node))
            case Contributed(edge):
                assert same(s.of, whole.contribution(edge))
                assert s.running is not None
                running[edge.source] = s.running
    for node, last in running.items():
        assert same(last, whole.adjoint(node))


@pytest.mark.parametrize("rule", ["mean", "overwrite", "first"])
def test_under_other_rules_too(rule: str) -> None:
    net = network("resblock")
    whole = resdebug.differentiate(net, rule=rule)
    for s in Segments(net, schedule(net), copied, rule=rule):
        if isinstance(s.event, Completed):
            assert same(s.of, whole.adjoint(s.event.node))


def chain(length: int) -> resdebug.Network:
    """Many steps on a tensor of 80 kB."""
    nodes = [{"id": "x", "op": "input", "value": {"init": "normal", "shape": [10_000], "seed": 1}}]
    nodes += [{"id": f"y{i}", "op": "tanh"} for i in range(length)]
    nodes += [{"id": "loss", "op": "sum"}]
    names = [str(node["id"]) for node in nodes]
    edges = [{"source": a, "target": b, "slot": "x"} for a, b in pairwise(names)]
    import networkx as nx

    graph = nx.node_link_graph({"directed": True, "multigraph": True, "nodes": nodes, "edges": edges}, edges="edges")
    return resdebug.from_networkx(graph)


def test_memory_stays_within_what_was_computed_beforehand() -> None:
    net = chain(400)
    segments = Segments(net, schedule(net), total)
    whole = 2 * 400 * 80_000
    tracemalloc.start()
    count = sum(1 for _ in segments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == len(resdebug.differentiate(net).events)
    assert peak < segments.needed + 80_000
    assert segments.needed < whole / 8


def test_too_little_memory_is_refused_before_anything_runs() -> None:
    net = chain(50)
    segments = Segments(net, schedule(net), total)
    with pytest.raises(BadInput, match="S002") as refused:
        segments.check(10_000)
    assert "over the limit of" in str(refused.value)
    segments.check(segments.needed)
