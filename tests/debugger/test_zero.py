"""Why an adjoint is zero: the cut is as small as brute force and networkx find it, and each reason is the true one."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import resdebug
from resdebug.debugger.cut_reasons import Reason
from resdebug.debugger.zero import Verdict, whyzero
from resdebug.export.registry import export
from resdebug.passes.protocol import Pass
from tests.support import Builder


def random_network(seed: int) -> Builder:
    """A small graph of scalars with much in it that lets nothing through."""
    rng = np.random.default_rng(seed)
    b = Builder("loss")
    made = [b.leaf("x", 2.0), b.leaf("w", -1.0, "parameter")]
    b.leaf("zero", 0.0, "constant")
    for k in range(int(rng.integers(5, 10))):
        one, two = (str(n) for n in rng.choice(made[-4:], 2))
        op = str(rng.choice(["relu", "neg", "add", "sub", "mul", "zeroed", "stop_gradient", "tanh"], p=[
            0.2, 0.1, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05]))  # fmt: skip
        if op in {"add", "sub", "mul"}:
            made.append(b.add(f"n{k}", op, {"a": one, "b": two}))
        elif op == "zeroed":
            made.append(b.add(f"n{k}", "mul", {"a": one, "b": "zero"}))
        else:
            made.append(b.add(f"n{k}", op, {"x": one}))
    b.add("top", "add", {"a": made[-1], "b": made[-2]})
    b.add("loss", "add", {"a": "top", "b": made[-3]})
    return b


def blocked_places(pass_: Pass) -> tuple[nx.DiGraph[Any], set[Any]]:
    """The whole graph towards the target with a node for each edge and place of meeting, and those that block, by the
    definition: nothing goes through although the consumer has a gradient, nothing ever could, or a sum is zero."""
    graph: nx.DiGraph[Any] = nx.DiGraph()
    blocked: set[Any] = set()
    network = pass_.network
    for node in network.nodes:
        arrivals = pass_.arrivals(node.name)
        graph.add_edge(("in", node.name), ("sum", node.name))
        graph.add_edge(("sum", node.name), ("out", node.name))
        adjoint = pass_.adjoint(node.name)
        if adjoint is not None and adjoint == 0 and any(pass_.contribution(e) != 0 for e in arrivals):
            blocked.add(("sum", node.name))
    for edge in network.edges:
        place = ("edge", edge.index)
        graph.add_edge(("out", edge.source), place)
        graph.add_edge(place, ("in", edge.consumer))
        ybar = pass_.adjoint(edge.consumer)
        alive = ybar is not None and ybar != 0 and edge in pass_.arrivals(edge.source)
        if network[edge.consumer].op == "stop_gradient" or (alive and pass_.contribution(edge) == 0):
            blocked.add(place)
    return graph, blocked


def separates(graph: nx.DiGraph[Any], removed: Any, node: str, target: str) -> bool:
    left = graph.copy()
    left.remove_nodes_from(removed)
    return not nx.has_path(left, ("in", node), ("in", target))


def smallest(graph: nx.DiGraph[Any], blocked: set[Any], node: str, target: str) -> int:
    for size in range(len(blocked) + 1):
        if any(separates(graph, chosen, node, target) for chosen in combinations(sorted(blocked), size)):
            return size
    raise AssertionError("not even all blocked places cut it off")


def by_flow(graph: nx.DiGraph[Any], blocked: set[Any], node: str, target: str) -> int:
    split: nx.DiGraph[Any] = nx.DiGraph()
    for place in graph:
        if place in blocked:
            split.add_edge((place, 0), (place, 1), capacity=1)
        else:
            split.add_edge((place, 0), (place, 1))
    split.add_edges_from(((a, 1), (b, 0)) for a, b in graph.edges)
    return int(nx.minimum_cut_value(split, (("in", node), 0), (("in", target), 0)))


@pytest.mark.parametrize("part", range(4))
def test_the_cut_is_the_smallest(part: int) -> None:
    for seed in range(part, 60, 4):
        check_cut(seed)


def check_cut(seed: int) -> None:
    pass_ = random_network(seed).run()
    graph, blocked = blocked_places(pass_)
    for node in pass_.network.nodes:
        told = whyzero(pass_, node.name)
        adjoint = pass_.adjoint(node.name)
        assert (told.verdict is Verdict.NOT_ZERO) == (adjoint is not None and adjoint != 0)
        if told.verdict is Verdict.NO_PATH:
            assert not nx.has_path(graph, ("in", node.name), ("in", pass_.target))
        if told.verdict is not Verdict.CUT:
            continue
        named = {("sum", c.node) if c.edge is None else ("edge", c.edge.index) for c in told.cuts}
        assert named <= blocked
        assert separates(graph, named, node.name, pass_.target)
        assert len(named) == len(told.cuts) == by_flow(graph, blocked, node.name, pass_.target)
        if len(blocked) <= 8:
            assert len(named) == smallest(graph, blocked, node.name, pass_.target)


def only(b: Builder, node: str) -> tuple[Reason, str]:
    told = whyzero(b.run(), node)
    assert told.verdict is Verdict.CUT
    (cut,) = told.cuts
    return cut.reason, cut.what


def through(op: str, x: Any, dtype: str = "float64", **attributes: Any) -> Builder:
    b = Builder("loss", dtype=dtype)
    b.leaf("x", np.array(x, float))
    b.add("y", op, {"x": "x"}, **attributes)
    b.add("loss", "sum", {"x": "y"})
    return b


@pytest.mark.parametrize(
    ("b", "reason", "what"),
    [
        (
            through("relu", [-1, -2]),
            Reason.MASK,
            "relu lets nothing through where x ≤ 0 (all 2 elements, the greatest is -1)",
        ),
        (through("clip", [5.0], max=1.0), Reason.MASK, "clip lets nothing through"),
        (through("scale", [5.0], factor=0.0), Reason.ZERO_FACTOR, "the factor 0"),
        (through("tanh", [50.0]), Reason.SATURATED, "tanh is saturated"),
        (through("stop_gradient", [5.0]), Reason.STOP_GRADIENT, "by definition"),
        (through("softmax", [0.0, 0.0]), Reason.CANCELLATION_INSIDE, "their sum is"),
        (through("square", [0.0]), Reason.FLAT, "the derivative of square is 0 there"),
    ],
    ids=lambda p: p.name if isinstance(p, Reason) else "",
)
def test_reasons(b: Builder, reason: Reason, what: str) -> None:
    told = only(b, "x")
    assert told[0] is reason
    assert what in told[1]


def test_zero_weights_and_what_they_belong_to() -> None:
    b = Builder("loss")
    b.leaf("x", [[1.0, 2.0]])
    b.leaf("W", np.zeros((3, 2)), "parameter")
    b.add("y", "linear", {"x": "x", "weight": "W"})
    b.add("loss", "sum", {"x": "y"})
    assert only(b, "x") == (Reason.ZERO_FACTOR, 'it is multiplied by "W", which is all zeros')


def test_underflow_is_told_from_a_zero_derivative() -> None:
    b = Builder("loss")
    b.leaf("x", 1.0)
    b.add("s", "scale", {"x": "x"}, factor=1e-200)
    b.add("loss", "scale", {"x": "s"}, factor=1e-200)
    reason, what = only(b, "x")
    assert reason is Reason.UNDERFLOW
    assert "rounds to 0 in float64" in what


def test_masks_that_complement_each_other() -> None:
    # relu after relu of the negative: each lets something through, together nothing.
    b = Builder("loss")
    b.leaf("x", [1.0, -1.0])
    b.leaf("m", [0.0, 1.0], "constant")
    b.add("r", "relu", {"x": "x"})
    b.add("p", "mul", {"a": "r", "b": "m"})
    b.add("loss", "sum", {"x": "p"})
    reason, what = only(b, "x")
    assert reason is Reason.MASK
    assert "wherever ȳ is not zero (1 of 2 elements of ȳ are not zero)" in what


def test_contributions_that_cancel_are_told_as_such() -> None:
    b = Builder("loss")
    b.leaf("x", [1.0, -2.0])
    b.add("n", "neg", {"x": "x"})
    b.add("s", "add", {"a": "x", "b": "n"})
    b.add("loss", "sum", {"x": "s"})
    told = whyzero(b.run(), "x")
    assert [(c.reason, c.node, {e.consumer for e in c.edges}) for c in told.cuts] == [
        (Reason.CANCELLATION, "x", {"s", "n"})
    ]


def test_nodes_that_are_not_asked_for() -> None:
    b = through("relu", [1.0])
    b.leaf("c", [1.0], "constant")
    b.leaf("idle", [1.0])
    b.add("off", "neg", {"x": "idle"})
    b.add("z", "mul", {"a": "y", "b": "c"})
    b.add("loss", "sum", {"x": "z"})
    b.graph.remove_edge("y", "loss")
    pass_ = b.run()
    assert whyzero(pass_, "c").verdict is Verdict.NOT_ASKED
    assert whyzero(pass_, "idle").verdict is Verdict.NO_PATH
    assert whyzero(pass_, "x").verdict is Verdict.NOT_ZERO


def test_a_recorded_pass_tells_the_same(tmp_path: Path) -> None:
    live = through("relu", [-1, -2]).run()
    export(live, tmp_path / "t.jsonl")
    assert whyzero(resdebug.load_trace(tmp_path / "t.jsonl"), "x").what == whyzero(live, "x").what


def test_a_deep_cut_is_no_trouble() -> None:
    b = Builder("loss")
    b.leaf("x", 1.0)
    last = "x"
    for k in range(3000):
        last = b.add(f"n{k}", "neg", {"x": last})
    b.add("stop", "stop_gradient", {"x": last})
    b.leaf("w", 1.0, "parameter")
    b.add("loss", "add", {"a": "stop", "b": "w"})
    assert only(b, "x")[0] is Reason.STOP_GRADIENT
