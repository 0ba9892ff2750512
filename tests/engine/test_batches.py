"""Scalars computed in batches: bit for bit what one node after the other gives, whatever the wiring and the rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from resdebug import Network
from resdebug.engine.accumulation import RULES
from resdebug.engine.batches import Layout
from resdebug.engine.forward import evaluate
from resdebug.engine.kept import ByNode
from resdebug.engine.reverse import reverse_pass
from resdebug.engine.survey import Survey
from resdebug.network.order import schedule
from tests.engine.graphs import Graph
from tests.ops.draws import Array

SPECIAL = (0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, 1e300, 1e-310)
UNARY = ("tanh", "sin", "relu", "exp", "log", "sqrt", "neg", "identity", "square", "abs", "stop_gradient", "gelu")
BINARY = ("add", "mul", "sub", "div", "maximum", "minimum")


def wild(seed: int, count: int, leaves: int, hubs: float, depth: float, special: float, mixed: float) -> Graph:
    """A random graph: forks of high fan-out, repeated operands, dead ends, constants, and tensors in between.

    ``hubs`` is the share of operands that are one of three nodes, ``depth`` that of the newest node, ``special`` that
    of leaves such as NaN, ``mixed`` that of nodes that are no scalar or not elementwise.
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
            return names[rng.integers(min(3, len(names)))]
        return names[-1] if chance < hubs + depth else names[rng.integers(len(names))]

    for i in range(count):
        name, x = f"n{i}", pick()
        if rng.random() < mixed:
            names.append(strange(graph, name, x, pick(), pick(), int(rng.integers(4))))
        elif rng.random() < 0.15:
            names.append(graph.node(name, "scale", x, factor=float(rng.choice([0.5, 0.0, -0.0, 3.0]))))
        elif rng.random() < 0.5:
            names.append(graph.node(name, UNARY[rng.integers(len(UNARY))], x))
        else:
            names.append(graph.node(name, BINARY[rng.integers(len(BINARY))], x, x if rng.random() < 0.1 else pick()))
    ends = names[-8:]
    total = ends[0]
    for i, name in enumerate(ends[1:]):
        total = graph.node(f"t{i}", "add", total, name)
    graph.node("target", "add", total, names[0])
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
            assert (a.shape, a.dtype) == (b.shape, b.dtype) == (node.shape, node.dtype)
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
    same(network, reverse_pass(network, plan, values, rule), laid_out.reverse(network, plan, batched, rule))


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 120),
    leaves=st.integers(1, 30),
    hubs=st.sampled_from([0.0, 0.3, 0.9]),
    depth=st.sampled_from([0.0, 0.3, 0.9]),
    special=st.sampled_from([0.0, 0.2]),
    mixed=st.sampled_from([0.0, 0.1, 0.5]),
    rule=st.sampled_from(list(RULES)),
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
