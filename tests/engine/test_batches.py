"""Scalars computed in batches: bit for bit what one node after the other gives, whatever the wiring and the rule."""

from __future__ import annotations

import json
import math
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import resdebug
from resdebug import Network
from resdebug.engine.accumulation import RULES
from resdebug.engine.batches import Layout, program
from resdebug.engine.forward import evaluate
from resdebug.engine.kept import ByNode
from resdebug.engine.reverse import contribution, reverse_pass
from resdebug.engine.survey import Survey
from resdebug.errors import BadInput
from resdebug.network.order import schedule
from tests.engine.graphs import Graph, chain, convolutional, number
from tests.ops.draws import Array
from tests.support import GRAPHS

SPECIAL = (0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, 1e300, 1e-310)
TAME = ("tanh", "tanh", "sin", "cos", "relu", "neg", "identity", "abs", "stop_gradient", "gelu")
UNARY = (*TAME, "exp", "log", "sqrt", "square", "reciprocal")
BINARY = ("add", "mul", "sub", "maximum", "minimum")


def wild(seed: int, count: int, leaves: int, hubs: float, depth: float, special: float, mixed: float) -> Graph:
    """A random graph: forks of high fan-out, repeated operands, dead ends, constants, and tensors in between.

    ``hubs`` is the share of operands that are one of two leaves or of two nodes near them, ``depth`` that of the newest
    node, ``special`` that of leaves such as NaN, ``mixed`` that of nodes that are no scalar or not elementwise.
    """
    rng = np.random.default_rng(seed)
    graph = Graph(dtype=("float64", "float32")[seed % 2])
    names = []
    for i in range(leaves):
        value = rng.choice(SPECIAL) if rng.random() < special else rng.standard_normal()
        if graph.graph.graph["dtype"] == "float32":
            value = np.float32(value if not np.isfinite(value) else np.clip(value, -1e30, 1e30))
        names.append(graph.leaf(f"x{i}", value, ("input", "parameter", "constant")[rng.integers(3)]))

    def pick() -> str:
        chance = rng.random()
        if chance < hubs:
            hub = int(rng.integers(2)) + (leaves if rng.random() < 0.5 else 0)
            return names[min(hub, len(names) - 1)]
        return names[-1] if chance < hubs + depth else names[rng.integers(len(names))]

    for i in range(count):
        name, x = f"n{i}", pick()
        if rng.random() < mixed:
            names.append(strange(graph, name, x, pick(), pick(), int(rng.integers(4))))
        elif rng.random() < 0.15:
            names.append(graph.node(name, "scale", x, factor=float(rng.choice([0.5, 0.0, -0.0, 3.0]))))
        elif rng.random() < 0.5:
            unary = UNARY if special else TAME
            names.append(graph.node(name, unary[rng.integers(len(unary))], x))
        else:
            names.append(graph.node(name, BINARY[rng.integers(len(BINARY))], x, x if rng.random() < 0.1 else pick()))
    ends = [name for name in names if not graph.graph.out_degree(name) and rng.random() < 0.9] or names[-1:]
    for i in range(len(ends) - 1):
        ends.append(graph.node(f"t{i}", "add", ends.pop(0), ends.pop(rng.integers(len(ends)))))
    graph.node("target", "add", ends[0], names[0])
    return graph


def strange(graph: Graph, name: str, x: str, y: str, z: str, kind: int) -> str:
    """Add nodes that cannot be batched, with a scalar at the end."""
    if kind == 0:
        return graph.node(name, "mean", x)
    if kind == 1:
        return graph.node(name, "where", graph.node(f"{name}.mask", "gt", x, y), y, z)
    vector = graph.node(f"{name}.stack", "stack", x, y, z, dim=0)
    if kind == 2:
        return graph.node(name, "sum", graph.node(f"{name}.tanh", "tanh", vector))
    twice = graph.node(f"{name}.mul", "mul", vector, vector)
    thrice = graph.node(f"{name}.add", "add", graph.node(f"{name}.sin", "sin", vector), twice)
    return graph.node(name, "sum", graph.node(f"{name}.more", "mul", thrice, vector))


def same(network: Network, left: ByNode, right: ByNode) -> None:
    """Assert equality to the last bit, zeros' signs included; one NaN is as good as another."""
    for node in network.nodes:
        a, b = left[node.index], right[node.index]
        assert (a is None) == (b is None), node.name
        if a is not None and b is not None:
            assert (a.shape, a.dtype.name) == (b.shape, b.dtype.name) == (node.shape, node.dtype)
            assert not b.flags.writeable
            assert bits(a) == bits(b), node.name


def bits(a: Array) -> bytes:
    return np.where(np.isnan(a), np.nan, a).tobytes() if a.dtype.kind == "f" else a.tobytes()


def both_ways(network: Network, rule: str, narrow: int) -> None:
    plan = schedule(network)
    laid_out = Layout(network, plan, Survey(network, plan), narrow).program()
    values: list[Array | None] = [None] * len(network.nodes)
    evaluate(network, reversed(plan.order), values)
    batched = laid_out.forward(network)
    same(network, values, batched)
    one_by_one = reverse_pass(network, plan, values, rule)
    adjoints, kept = laid_out.reverse(network, plan, batched, rule)
    same(network, one_by_one, adjoints)
    for edge in [edge for sent in plan.deliveries for edge in sent]:
        place, ybar = laid_out.contributions[edge.index], one_by_one[edge.consumer_index]
        assert (place >= 0) == (network.nodes[edge.source_index].type == network.nodes[plan.target].type)
        if place >= 0 and ybar is not None:
            with np.errstate(all="ignore"):
                expected = contribution(network, edge, ybar, values)
            assert bits(kept[place]) == bits(expected), edge


@settings(max_examples=200, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 150),
    leaves=st.integers(1, 30),
    hubs=st.sampled_from([0.0, 0.3, 0.9]),
    depth=st.sampled_from([0.0, 0.3, 0.9]),
    special=st.sampled_from([0.0, 0.2]),
    mixed=st.sampled_from([0.0, 0.1, 0.5]),
    rule=st.sampled_from(["sum", *RULES]),
    narrow=st.sampled_from([1, 2, 8, 1000]),
)
def test_batches_are_bitwise_one_by_one(
    seed: int,
    count: int,
    leaves: int,
    hubs: float,
    depth: float,
    special: float,
    mixed: float,
    rule: str,
    narrow: int,
) -> None:
    both_ways(wild(seed, count, leaves, hubs, depth, special, mixed).network("target"), rule, narrow)


def ring(width: int) -> Graph:
    """Products of x with many weights, all added up one after the other."""
    graph = Graph()
    x = graph.leaf("x", 3.0)
    total = x
    for i in range(width):
        product = graph.node(f"m{i}", "mul", x, graph.leaf(f"w{i}", float(i), "parameter"))
        total = graph.node(f"s{i}", "add", total, product)
    graph.node("y", "neg", total)
    return graph


def test_sums_by_hand() -> None:
    # y = −(x + Σ i x): ∂y/∂w_i = −x = −3, ∂y/∂x = −(1 + Σ i) = −4951 with i to 99.
    network = ring(100).network("y")
    assert program(network, schedule(network)) is not None
    p = resdebug.differentiate(network)
    assert number(p.value("y")) == -3 * 4951
    assert number(p.adjoint("x")) == -4951
    assert {number(p.adjoint(f"w{i}")) for i in range(100)} == {-3}
    assert [number(row.contribution) for row in p.ledger("w7")] == [-3]


@pytest.mark.parametrize(("hub", "newest"), [(0.0, 0.0), (0.5, 0.0), (0.3, 0.6)])
def test_scalars_against_plain_python(hub: float, newest: float) -> None:
    """Values and adjoints of sums, differences and products, with Python's own floats in Python's own loop."""
    rng = np.random.default_rng(3)
    graph = Graph()
    names = [graph.leaf(f"x{i}", float(rng.standard_normal())) for i in range(20)]
    for i in range(400):
        chance = rng.random()
        a = (
            names[22]
            if chance < hub and i > 3
            else names[-1]
            if chance < hub + newest
            else names[rng.integers(len(names))]
        )
        names.append(graph.node(f"n{i}", ("add", "sub", "mul")[i % 3], a, names[rng.integers(len(names))]))
    for i in range(1, 60):
        names.append(graph.node(f"t{i}", "add", names[-1], names[-2 * i]))
    p = graph.run(names[-1])
    nodes = p.network.nodes
    values: dict[int, float] = {}
    adjoints: dict[int, float] = {p.schedule.target: 1.0}
    for i in reversed(p.schedule.order):
        if nodes[i].is_leaf:
            values[i] = float(p.network.values[nodes[i].name].array())
            continue
        left, right = (values[edge.source_index] for edge in nodes[i].inputs if edge is not None)
        values[i] = {"add": left + right, "sub": left - right, "mul": left * right}[nodes[i].op]
    for i in p.schedule.order:
        if nodes[i].is_leaf:
            continue
        edges = [edge.source_index for edge in nodes[i].inputs if edge is not None]
        for edge, other, sign in zip(edges, reversed(edges), (1.0, -1.0), strict=True):
            factor = {"add": 1.0, "sub": sign, "mul": values[other]}[nodes[i].op]
            sent = adjoints[i] * factor
            adjoints[edge] = adjoints[edge] + sent if edge in adjoints else sent
    for node in nodes:
        if node.index in values:
            assert number(p.value(node.name)) == values[node.index]
            assert number(p.adjoint(node.name)) == adjoints[node.index]
    assert len(p.arrivals(names[22])) > 100 * hub


@pytest.mark.parametrize("rule", RULES)
def test_the_ledger_of_a_scalar_ends_with_its_adjoint_bit_for_bit(rule: str) -> None:
    p = wild(5, 120, 10, 0.5, 0.1, 0.0, 0.1).run("target", rule)
    rows = 0
    for node in p.network.nodes:
        ledger = p.ledger(node.name)
        found = p.adjoint(node.name)
        if ledger and found is not None:
            rows += len(ledger)
            assert bits(ledger[-1].running) == bits(found)
    assert rows > 100


def test_equal_factors_of_other_sign_are_two_operators() -> None:
    graph = Graph()
    total = x = graph.leaf("x", 1.0)
    for i in range(100):
        total = graph.node(f"s{i}", "add", total, graph.node(f"n{i}", "scale", x, factor=0.0 if i % 2 else -0.0))
    p = graph.run(total)
    signs = [math.copysign(1.0, number(p.value(f"n{i}"))) for i in range(100)]
    assert signs == [-1.0, 1.0] * 50


def test_ordinary_networks_run_one_node_after_the_other() -> None:
    assert program(convolutional().network("loss"), schedule(convolutional().network("loss"))) is None
    assert program(chain(10).network("x10"), schedule(chain(10).network("x10"))) is None
    for name in ("resblock", "digits_resnet", "residual20"):
        network = resdebug.load(GRAPHS / f"{name}.json")
        assert program(network, schedule(network)) is None


@pytest.mark.parametrize(("graph", "target"), [(ring(300), "y"), (chain(2000), "x2000")])
def test_progress_counts_every_node_and_tells_at_the_end(graph: Graph, target: str) -> None:
    network = graph.network(target)
    assert program(network, schedule(network)) is not None
    seen: list[tuple[str, int, int]] = []
    resdebug.differentiate(network, report=lambda *told: seen.append(told))
    total = len(network.nodes)
    for what in ("forward", "reverse"):
        done = [k for said, k, of in seen if said == what and of == total]
        assert done == sorted(set(done))
        assert done[-1] == total
        assert max(b - a for a, b in zip([0, *done[:-1]], done, strict=True)) <= 1024


def test_whoever_watches_may_stop_the_pass() -> None:
    class Enough(Exception):
        pass

    def stop(what: str, done: int, of: int) -> None:
        if (what, done) >= ("reverse", 100):
            raise Enough

    network = ring(300).network("y")
    with pytest.raises(Enough):
        resdebug.differentiate(network, report=stop)
    assert number(resdebug.differentiate(network).adjoint("w1")) == -3


def test_an_index_out_of_range_among_scalars_names_the_node() -> None:
    graph = ring(100)
    rule = {"init": "constant", "value": 2, "shape": [1]}
    graph.graph.add_node("labels", op="input", value=rule, dtype="int64")
    logits = graph.node("logits", "stack", "y", "x", dim=0)
    graph.node("loss", "cross_entropy", graph.node("row", "unsqueeze", logits, dim=0), "labels")
    with pytest.raises(BadInput, match="N001") as caught:
        graph.run("loss")
    assert caught.value.faults[0].place.node == "loss"


def test_a_scalar_that_cannot_be_read_names_its_node(tmp_path: Path) -> None:
    graph = ring(100)
    graph.graph.add_node("w5", op="parameter", value={"file": "w.npz", "name": "w"})
    np.savez(tmp_path / "w.npz", w=np.float64(5.0))
    path = tmp_path / "graph.json"
    graph.graph.graph["target"] = "y"
    path.write_text(json.dumps(nx.node_link_data(graph.graph, edges="edges"), default=lambda array: array.tolist()))
    network = resdebug.load(path)
    assert number(resdebug.differentiate(network).value("m5")) == 15
    (tmp_path / "w.npz").unlink()
    with pytest.raises(BadInput) as caught:
        resdebug.differentiate(network)
    assert caught.value.faults[0].place.node == "w5"


def test_other_numbers_use_the_same_program_and_other_shapes_do_not() -> None:
    network = ring(100).network("y")
    p = resdebug.differentiate(network, inputs={"x": 2.0})
    assert number(p.value("y")) == -2 * 4951
    assert p.network.programs is network.programs
    q = resdebug.differentiate(network, inputs={"x": np.array([2.0])})
    assert [node.shape for node in q.network.nodes if node.name in {"x", "w1", "y"}] == [(1,), (), (1,)]
    assert q.adjoint("x") == np.array([-4951.0])
    assert number(resdebug.differentiate(network).value("y")) == -3 * 4951
