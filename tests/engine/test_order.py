"""The one order of a pass: depth-first from the target, the deepest operand first, ties by slot."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import resdebug
from resdebug import Network
from resdebug.network.order import Schedule, schedule
from tests.engine.graphs import Graph, chain, convolutional


def names(network: Network, plan: Schedule) -> list[str]:
    return [network.nodes[i].name for i in plan.order]


def without_leaves(network: Network) -> list[str]:
    """Return the order of all nodes that compute something, and of the input."""
    return [n for n in names(network, schedule(network)) if not network[n].is_leaf or network[n].op == "input"]


def conv(graph: Graph, name: str, x: str) -> str:
    weight = graph.leaf(f"W{name}", np.ones((1, 1, 1, 1)), "parameter")
    return graph.node(f"conv{name}", "conv2d", x, weight)


def norm(graph: Graph, name: str, x: str) -> str:
    g, b = graph.leaf(f"g{name}", [1.0], "parameter"), graph.leaf(f"b{name}", [0.0], "parameter")
    return graph.node(f"bn{name}", "batch_norm", x, g, b, training=True)


def resblock(projection: bool, skip_first: bool = False) -> Graph:
    """relu2 ← add ← (bn2 ← conv2 ← relu1 ← bn1 ← conv1 ← x, x or its projection)."""
    graph = Graph()
    x = graph.leaf("x", np.arange(4.0).reshape(1, 1, 2, 2))
    long = graph.node("relu1", "relu", norm(graph, "1", conv(graph, "1", x)))
    long = norm(graph, "2", conv(graph, "2", long))
    short = norm(graph, "P", conv(graph, "P", x)) if projection else x
    graph.node("add", "add", *((short, long) if skip_first else (long, short)))
    graph.node("loss", "sum", graph.node("relu2", "relu", "add"))
    return graph


@pytest.mark.parametrize("skip_first", [False, True])
def test_an_identity_block_goes_through_its_branch_to_the_fork_and_then_to_the_parameters(skip_first: bool) -> None:
    network = resblock(projection=False, skip_first=skip_first).network("loss")
    # x and W1 wait together, equally deep, and x stands in the first slot.
    assert names(network, schedule(network)) == [
        "loss", "relu2", "add", "bn2", "conv2", "relu1", "bn1", "conv1", "x", "W1", "g1", "b1", "W2", "g2", "b2",
    ]  # fmt: skip


@pytest.mark.parametrize("skip_first", [False, True])
def test_a_projection_comes_after_the_whole_branch_and_before_the_fork(skip_first: bool) -> None:
    network = resblock(projection=True, skip_first=skip_first).network("loss")
    assert without_leaves(network) == [
        "loss", "relu2", "add", "bn2", "conv2", "relu1", "bn1", "conv1", "bnP", "convP", "x",
    ]  # fmt: skip


def test_nested_skips_close_from_the_inside() -> None:
    # outer = last(inner) + x, inner = second(first) + first, first = f(x).
    graph = Graph()
    x = graph.leaf("x", 1.0)
    first = graph.node("first", "tanh", x)
    inner = graph.node("inner", "add", first, graph.node("second", "tanh", first))
    graph.node("outer", "add", x, graph.node("last", "tanh", inner))
    network = graph.network("outer")
    assert names(network, schedule(network)) == ["outer", "last", "inner", "second", "first", "x"]


def test_equally_deep_operands_come_in_slot_order() -> None:
    graph = Graph()
    x = graph.leaf("x", 1.0)
    left, right = graph.node("left", "tanh", x), graph.node("right", "exp", x)
    graph.node("y", "sub", right, left)
    network = graph.network("y")
    assert names(network, schedule(network)) == ["y", "right", "left", "x"]


def test_a_consecutive_chain_of_blocks() -> None:
    network = chain(2).network("x2")
    assert names(network, schedule(network)) == ["x2", "branch1", "x1", "branch0", "x0"]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_does_not_depend_on_the_order_of_the_file(seed: int) -> None:
    graph = resblock(projection=True).graph
    rng = np.random.default_rng(seed)
    nodes, edges = list(graph.nodes(data=True)), list(graph.edges(data=True))
    shuffled: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    shuffled.add_nodes_from(nodes[i] for i in rng.permutation(len(nodes)))
    shuffled.add_edges_from(edges[i] for i in rng.permutation(len(edges)))
    network, other = (resdebug.from_networkx(g, target="loss") for g in (graph, shuffled))
    assert [n.name for n in network.nodes] != [n.name for n in other.nodes]
    assert names(network, schedule(network)) == names(other, schedule(other))


def random_graph(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    graph = Graph()
    made = [graph.leaf(f"x{i}", float(i), op) for i, op in enumerate(("input", "parameter", "constant"))]
    for i in range(25):
        made.append(graph.node(f"n{i}", "add", *(made[int(k)] for k in rng.integers(0, len(made), 2))))
    return graph


@pytest.mark.parametrize("seed", range(10))
def test_every_node_comes_once_after_all_its_consumers(seed: int) -> None:
    graph = random_graph(seed)
    network = graph.network("n24")
    plan = schedule(network)
    place = {i: k for k, i in enumerate(plan.order)}
    assert plan.order[0] == plan.target == network["n24"].index
    assert {network.nodes[i].name for i in plan.order} == nx.ancestors(graph.graph, "n24") | {"n24"}
    assert len(place) == len(plan.order)
    for edge in network.edges:
        if edge.consumer_index in place:
            assert place[edge.source_index] > place[edge.consumer_index]


@pytest.mark.parametrize("seed", range(10))
def test_deliveries_go_in_slot_order_and_arrivals_mirror_them(seed: int) -> None:
    network = random_graph(seed).network("n24")
    plan = schedule(network)
    sent = [edge for i in plan.reverse for edge in plan.deliveries[i]]
    for i in plan.reverse:
        assert [e.position for e in plan.deliveries[i]] == sorted(e.position for e in plan.deliveries[i])
        assert plan.arrivals[i] == tuple(e for e in sent if e.source_index == i)
    # Every edge between two nodes that have an adjoint carries one contribution, and no other edge does.
    expected = {e.index for e in network.edges if plan.active[e.source_index] and plan.active[e.consumer_index]}
    assert sorted(e.index for e in sent) == sorted(expected)


@pytest.mark.parametrize("seed", range(10))
def test_active_are_those_between_the_target_and_an_input_or_parameter(seed: int) -> None:
    graph = random_graph(seed)
    network = graph.network("n24")
    plan = schedule(network)
    before = nx.ancestors(graph.graph, "n24") | {"n24"}
    from_leaves = {"x0", "x1"} | nx.descendants(graph.graph, "x0") | nx.descendants(graph.graph, "x1")
    assert {network.nodes[i].name for i in plan.reverse} == before & from_leaves
    assert {n.index for n in network.nodes if plan.active[n.index]} == set(plan.reverse)


def test_the_forward_pass_is_the_order_read_backwards() -> None:
    p = convolutional().run("loss")
    assert p.events.forward == p.schedule.order[::-1]
    known: set[str] = set()
    for index in p.events.forward:
        node = p.network.nodes[index]
        assert {edge.source for edge in node.inputs if edge is not None} <= known
        known.add(node.name)


def test_another_target_has_its_own_order() -> None:
    network = chain(3).network("x3")
    assert names(network, schedule(network, "x1")) == ["x1", "branch0", "x0"]


def test_an_unknown_target_names_the_nearest() -> None:
    with pytest.raises(KeyError, match="branch0"):
        schedule(chain(1).network("x1"), "branch")
