"""Adjoints of small graphs against numbers worked by hand. All of them fork: a chain would hide an overwrite."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import resdebug
from tests.engine.graphs import Graph, adjoint, chain, number


def two_paths() -> Graph:
    """d = a · (a + b) at a = 4, b = 3."""
    graph = Graph()
    a, b = graph.leaf("a", 4.0), graph.leaf("b", 3.0)
    graph.node("d", "mul", a, graph.node("c", "add", a, b))
    return graph


def test_contributions_at_a_fork_are_added() -> None:
    # ∂d/∂a = (a + b) + a = 7 + 4 = 11, ∂d/∂b = a = 4.
    p = two_paths().run("d")
    assert number(p.value("d")) == 28
    assert number(p.adjoint("a")) == 11
    assert number(p.adjoint("b")) == 4
    assert number(p.adjoint("c")) == 4
    assert number(p.adjoint("d")) == 1


def test_a_ledger_lists_them_in_order_of_arrival_with_the_running_sum() -> None:
    rows = two_paths().run("d").ledger("a")
    assert [(r.consumer, r.slot, number(r.contribution), number(r.running)) for r in rows] == [
        ("d", "a", 7, 7),
        ("c", "a", 4, 11),
    ]


# Arrivals are 7, then 4: their mean, the last, the first.
@pytest.mark.parametrize(("rule", "expected"), [("sum", 11), ("mean", 5.5), ("overwrite", 4), ("first", 7)])
def test_what_each_rule_makes_of_7_and_4(rule: str, expected: float) -> None:
    p = two_paths().run("d", rule)
    assert number(p.adjoint("a")) == expected
    assert number(p.adjoint("b")) == 4
    assert [number(r.contribution) for r in p.ledger("a")] == [7, 4]


def test_a_plus_a_has_derivative_2() -> None:
    graph = Graph()
    a = graph.leaf("a", 5.0)
    graph.node("b", "add", a, a)
    p = graph.run("b")
    assert number(p.adjoint("a")) == 2
    assert [(r.consumer, r.slot) for r in p.ledger("a")] == [("b", "a"), ("b", "b")]


def test_x_times_x_has_two_edges_and_derivative_2x() -> None:
    graph = Graph()
    x = graph.leaf("x", 3.0)
    graph.node("y", "mul", x, x)
    assert graph.network("y").edges[0] != graph.network("y").edges[1]
    assert number(graph.run("y").adjoint("x")) == 6
    assert number(graph.run("y", "overwrite").adjoint("x")) == 3


def test_the_fourth_power_by_squaring_twice() -> None:
    # y = (x²)²: ∂y/∂x = 4x³ = 32 at x = 2.
    graph = Graph()
    x = graph.leaf("x", 2.0)
    square = graph.node("s", "mul", x, x)
    graph.node("y", "mul", square, square)
    p = graph.run("y")
    assert (number(p.adjoint("s")), number(p.adjoint("x"))) == (8, 32)


def test_a_plain_digraph_will_do_where_no_two_edges_are_parallel() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("x", op="input", value=2.0)
    graph.add_node("y", op="pow", exponent=3.0)
    graph.add_edge("x", "y")
    # ∂x³/∂x = 3x² = 12.
    p = resdebug.differentiate(resdebug.from_networkx(graph))
    assert number(p.adjoint("x")) == 12


def test_a_fork_of_five_adds_all_five() -> None:
    # y = 1x + 2x + 3x + 4x + 5x: ∂y/∂x = 15.
    graph = Graph()
    x = graph.leaf("x", 1.0)
    y = graph.node("s1", "scale", x, factor=1.0)
    for k in range(2, 6):
        y = graph.node(f"y{k}", "add", y, graph.node(f"s{k}", "scale", x, factor=float(k)))
    p = graph.run(y)
    assert number(p.adjoint("x")) == 15
    # The joins are followed to the deepest first, where s1 and s2 stand; s5, right behind the last join, waits longest.
    assert [number(r.contribution) for r in p.ledger("x")] == [1, 2, 3, 4, 5]
    assert [number(r.running) for r in p.ledger("x")] == [1, 3, 6, 10, 15]
    wrong = {rule: number(graph.run(y, rule).adjoint("x")) for rule in ("mean", "overwrite", "first")}
    assert wrong == {"mean": 3, "overwrite": 5, "first": 1}


# Each block multiplies by 1 + 1/2; averaged by (1 + 1/2) / 2 = 3/4. The skip's contribution arrives first, when the
# join is visited, the branch's second: what overwrites keeps 1/2 a block, what keeps the first 1.
@pytest.mark.parametrize(
    ("rule", "expected"), [("sum", 3.375), ("mean", 0.421875), ("overwrite", 0.125), ("first", 1.0)]
)
def test_three_linear_residual_blocks(rule: str, expected: float) -> None:
    p = chain(3).run("x3", rule)
    assert number(p.value("x3")) == 3.375
    assert number(p.adjoint("x0")) == expected


def test_inside_three_linear_residual_blocks() -> None:
    # From the end: x̄3 = 1, x̄2 = 1 + 1/2, x̄1 = 1.5 + 0.75, x̄0 = 2.25 + 1.125.
    p = chain(3).run("x3")
    assert [number(p.adjoint(f"x{i}")) for i in range(4)] == [3.375, 2.25, 1.5, 1]
    assert [(r.consumer, number(r.contribution)) for r in p.ledger("x0")] == [("x1", 2.25), ("branch0", 1.125)]


def test_a_skip_passes_the_adjoint_through_unchanged() -> None:
    graph = Graph()
    x = graph.leaf("x", [1.0, -2.0, 3.0])
    weights = graph.leaf("c", [0.1, 0.2, 0.3], "constant")
    join = graph.node("join", "add", graph.node("branch", "relu", x), x)
    graph.node("loss", "sum", graph.node("weighted", "mul", join, weights))
    p = graph.run("loss")
    by_slot = {r.slot: r.contribution for r in p.ledger("x")}
    assert np.array_equal(by_slot["b"], adjoint(p, "join"))
    # relu is closed at −2: there the skip alone carries, elsewhere both do.
    assert np.array_equal(adjoint(p, "x"), [0.2, 0.2, 0.6])


def test_a_shape_that_was_stretched_is_summed_on_the_way_back() -> None:
    # y = Σ (x + b) with x (2, 3) and b (3): every element of b was used twice.
    graph = Graph()
    join = graph.node("join", "add", graph.leaf("x", np.ones((2, 3))), graph.leaf("b", [1.0, 2.0, 3.0], "parameter"))
    graph.node("y", "sum", join)
    p = graph.run("y")
    assert np.array_equal(adjoint(p, "b"), [2, 2, 2])
    assert np.array_equal(adjoint(p, "x"), np.ones((2, 3)))


def test_dense_connections_by_hand() -> None:
    # y = Σ w · concat(x, 2x, 3·2x) with w = (1, 10, 100): ∂y/∂x = 1 + 2·10 + 6·100 = 621.
    graph = Graph()
    x = graph.leaf("x", [1.0])
    second = graph.node("second", "scale", x, factor=2.0)
    third = graph.node("third", "scale", second, factor=3.0)
    joined = graph.node("joined", "concat", x, second, third)
    weights = graph.leaf("w", [1.0, 10.0, 100.0], "constant")
    graph.node("y", "sum", graph.node("weighted", "mul", joined, weights))
    p = graph.run("y")
    assert number(p.adjoint("x")) == 621
    # second is used by third (3·100) and by the concatenation (10).
    assert number(p.adjoint("second")) == 310
    assert [r.slot for r in p.ledger("second")] == ["x1", "x"]


def test_one_node_in_two_slots_of_a_concatenation() -> None:
    graph = Graph()
    x = graph.leaf("x", [1.0, 2.0])
    weights = graph.leaf("w", [1.0, 2.0, 30.0, 40.0], "constant")
    graph.node("y", "sum", graph.node("weighted", "mul", graph.node("joined", "concat", x, x), weights))
    assert np.array_equal(adjoint(graph.run("y"), "x"), [31, 42])
