"""Who gets an adjoint, who gets zeros, who gets none; and what may be done with the arrays."""

from __future__ import annotations

from itertools import chain as chained

import numpy as np
import pytest

import resdebug
from resdebug.errors import UsageError
from tests.engine.graphs import Graph, adjoint, convolutional, number, value


def bystanders() -> Graph:
    """y = Σ relu(x) · c, and beside it nodes that take no part for one reason or another."""
    graph = Graph()
    x = graph.leaf("x", [-1.0, -2.0])
    c = graph.leaf("c", [3.0, 4.0], "constant")
    twice_c = graph.node("twice_c", "scale", c, factor=2.0)
    open_ = graph.node("relu", "relu", x)
    graph.node("y", "sum", graph.node("product", "mul", open_, twice_c))
    graph.node("beside", "exp", x)
    graph.leaf("unused", [1.0], "parameter")
    return graph


def test_a_constant_has_no_adjoint_and_neither_has_what_is_made_of_constants() -> None:
    p = bystanders().run("y")
    assert p.adjoint("c") is None
    assert p.adjoint("twice_c") is None
    assert [edge.slot for edge in p.arrivals("relu")] == ["a"]
    assert p.arrivals("twice_c") == ()


def test_a_node_without_a_path_to_the_target_has_no_adjoint() -> None:
    p = bystanders().run("y")
    assert p.adjoint("beside") is None
    assert p.adjoint("unused") is None
    assert p.ledger("unused") == ()
    # Its value can still be asked for.
    assert np.allclose(value(p, "beside"), np.exp([-1.0, -2.0]), rtol=1e-15)


def test_where_a_path_exists_but_carries_nothing_the_adjoint_is_zeros() -> None:
    # relu is closed everywhere: x has a path to y, and no influence.
    p = bystanders().run("y")
    assert np.array_equal(adjoint(p, "relu"), [6, 8])
    assert np.array_equal(adjoint(p, "x"), [0, 0])
    assert len(p.ledger("x")) == 1


def test_what_lies_behind_the_target_takes_no_part() -> None:
    p = resdebug.differentiate(bystanders().network("y"), target="y")
    assert number(p.adjoint("y")) == 1
    graph = Graph()
    x = graph.leaf("x", 2.0)
    square = graph.node("square", "mul", x, x)
    graph.node("after", "scale", square, factor=5.0)
    q = graph.run("square")
    assert q.adjoint("after") is None
    assert number(q.adjoint("x")) == 4


def test_integers_take_no_adjoint() -> None:
    graph = Graph()
    logits = graph.leaf("logits", [[0.0, 0.0], [0.0, 0.0]])
    labels = graph.leaf("labels", np.array([[0], [1]]))
    graph.node("loss", "cross_entropy", logits, graph.node("flat", "flatten", labels))
    p = graph.run("loss")
    assert p.adjoint("labels") is None
    assert p.adjoint("flat") is None
    # (softmax − onehot) / 2, and softmax is 1/2 everywhere.
    assert np.array_equal(adjoint(p, "logits"), [[-0.25, 0.25], [0.25, -0.25]])


def test_a_path_through_a_slot_without_vjp_is_no_path() -> None:
    graph = Graph()
    x = graph.leaf("x", [[1.0], [2.0]])
    mean, variance = graph.leaf("mean", [0.5]), graph.leaf("variance", [1.0], "parameter")
    moved = graph.node("moved", "scale", mean, factor=2.0)
    graph.node("y", "sum", graph.node("bn", "batch_norm", x, None, None, moved, variance, eps=0.0))
    p = graph.run("y")
    assert p.adjoint("mean") is p.adjoint("moved") is p.adjoint("variance") is None
    assert np.array_equal(adjoint(p, "x"), [[1], [1]])


def test_an_input_used_both_ways_gets_what_comes_through_the_differentiable_slot_only() -> None:
    # The same vector shifts (differentiable) and is the running mean (not): only the shift sends, 1 per example.
    graph = Graph()
    x, v, one = graph.leaf("x", [[1.0], [2.0]]), graph.leaf("v", [0.5]), graph.leaf("one", [1.0], "constant")
    graph.node("y", "sum", graph.node("bn", "batch_norm", x, None, v, v, one, eps=0.0))
    p = graph.run("y")
    assert np.array_equal(adjoint(p, "v"), [2])
    assert [row.slot for row in p.ledger("v")] == ["bias"]


def test_the_target_is_seeded_with_1_of_its_own_shape_and_has_no_rows() -> None:
    graph = Graph(dtype="float32")
    graph.node("y", "exp", graph.leaf("x", [[0.0]]))
    p = graph.run("y")
    assert adjoint(p, "y").shape == (1, 1)
    assert adjoint(p, "y").dtype == "float32"
    assert np.array_equal(adjoint(p, "y"), [[1]])
    assert p.ledger("y") == ()


def test_a_leaf_may_be_the_target() -> None:
    graph = Graph()
    graph.leaf("x", 3.0)
    assert number(graph.run("x").adjoint("x")) == 1


def test_only_a_scalar_can_be_differentiated() -> None:
    with pytest.raises(UsageError, match="S040"):
        resdebug.differentiate(bystanders().network("y"), target="relu")
    with pytest.raises(UsageError, match="G050"):
        resdebug.differentiate(bystanders().network("y"), target="z")


@pytest.mark.parametrize("rule", ["sum", "mean", "overwrite", "first"])
def test_arrays_that_are_handed_out_are_read_only(rule: str) -> None:
    p = convolutional().run("loss", rule)
    rows = [row for node in p.network.nodes for row in p.ledger(node.name)]
    arrays = chained(
        (p.value(node.name) for node in p.network.nodes),
        (p.adjoint(node.name) for node in p.network.nodes),
        (row.contribution for row in rows),
        (row.running for row in rows),
    )
    checked = 0
    for array in arrays:
        if array is not None:
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
            checked += 1
    assert checked > 4 * len(p.network.nodes) - 10


def test_the_network_s_own_numbers_cannot_be_changed_through_a_pass() -> None:
    network = bystanders().network("y")
    p = resdebug.differentiate(network)
    found = p.value("x")
    assert found is not None
    with pytest.raises(ValueError, match="read-only"):
        found += 1
    assert np.array_equal(network.values["x"].array(), [-1, -2])


def test_numbers_given_to_a_graph_are_copied() -> None:
    given = np.array([1.0, 2.0])
    graph = Graph()
    graph.node("y", "sum", graph.leaf("x", given))
    network = graph.network("y")
    given[0] = 100
    assert number(resdebug.differentiate(network).value("y")) == 3
    given[1] = 5  # and were not made read-only for their owner


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", ["sum", "mean"])
def test_values_and_adjoints_keep_the_network_s_width_and_every_node_s_shape(dtype: str, rule: str) -> None:
    p = convolutional(dtype).run("loss", rule)
    for node in p.network.nodes:
        made, found = value(p, node.name), p.adjoint(node.name)
        assert (made.shape, made.dtype.name) == (node.shape, node.dtype)
        assert (found is None) == (node.name == "labels")
        if found is not None:
            assert (found.shape, found.dtype.name) == (node.shape, dtype)
        for row in p.ledger(node.name):
            assert (row.contribution.shape, row.contribution.dtype.name) == (node.shape, dtype)
            assert (row.running.shape, row.running.dtype.name) == (node.shape, dtype)


def test_float32_differs_from_float64_by_rounding_only() -> None:
    wide, narrow = convolutional().run("loss"), convolutional("float32").run("loss")
    for node in wide.network.nodes:
        if wide.adjoint(node.name) is not None:
            assert np.allclose(adjoint(narrow, node.name), adjoint(wide, node.name), rtol=1e-4, atol=1e-5)
