"""The forward pass: every value once, inputs first, without a word about NaN, and errors that name the node."""

from __future__ import annotations

import numpy as np
import pytest

import resdebug
from resdebug.engine.forward import evaluate, frozen
from resdebug.errors import BadInput
from resdebug.network.order import schedule
from tests.engine.graphs import Graph, adjoint, chain, number, value
from tests.ops.draws import Array


def test_values_are_filled_for_the_nodes_in_the_order_only() -> None:
    network = chain(2).network("x2")
    plan = schedule(network, "x1")
    values: list[Array | None] = [None] * len(network.nodes)
    evaluate(network, reversed(plan.order), values)
    known = {node.name: number(values[node.index]) for node in network.nodes if values[node.index] is not None}
    assert known == {"x0": 1, "branch0": 0.5, "x1": 1.5}


def test_a_value_that_is_there_is_kept() -> None:
    # What-if edits and finite differences put a value in place and evaluate what depends on it.
    network = chain(2).network("x2")
    values: list[Array | None] = [None] * len(network.nodes)
    values[network["x1"].index] = np.asarray(10.0)
    evaluate(network, reversed(schedule(network).order), values)
    assert number(values[network["x2"].index]) == 15


def test_progress_counts_every_node() -> None:
    network = chain(2).network("x2")
    seen: list[int] = []
    evaluate(network, reversed(schedule(network).order), [None] * len(network.nodes), seen.append)
    assert seen == [1, 2, 3, 4, 5]


def test_nan_and_infinity_pass_in_silence() -> None:
    graph = Graph()
    x = graph.leaf("x", [-1.0, 0.0, 1.0])
    log = graph.node("log", "log", x)
    graph.node("y", "sum", graph.node("ratio", "div", log, x))
    p = graph.run("y")
    assert np.array_equal(value(p, "log"), [np.nan, -np.inf, 0], equal_nan=True)
    assert np.isnan(number(p.value("y")))
    # ∂(log x / x)/∂x at 1 is (1 − log x) / x² = 1.
    assert adjoint(p, "x")[2] == 1
    assert not np.isfinite(adjoint(p, "x")[:2]).any()


def test_contributions_and_ledgers_are_silent_too() -> None:
    # x̄ = ∞ − ∞ at 0: 1/√x and −1/√x meet. pytest would turn a warning of numpy into a failure.
    graph = Graph()
    x = graph.leaf("x", [0.0, 4.0])
    root = graph.node("root", "sqrt", x)
    other = graph.node("minus", "neg", graph.node("other", "sqrt", x))
    graph.node("y", "sum", graph.node("join", "add", root, other))
    p = graph.run("y")
    rows = [p.ledger(node.name) for node in p.network.nodes]
    assert sorted(map(len, rows)) == [0, 1, 1, 1, 1, 2]
    assert np.array_equal(adjoint(p, "x"), [np.nan, 0], equal_nan=True)
    assert np.array_equal(p.ledger("x")[-1].running, [np.nan, 0], equal_nan=True)


def test_overflow_passes_in_silence() -> None:
    graph = Graph()
    graph.node("y", "exp", graph.leaf("x", 1000.0))
    p = graph.run("y")
    assert number(p.value("y")) == number(p.adjoint("x")) == np.inf


def test_an_index_out_of_range_names_the_node() -> None:
    graph = Graph()
    # The labels are made while it runs, so that nobody can know them before.
    rule = {"init": "constant", "value": 2, "shape": [1]}
    graph.graph.add_node("labels", op="input", value=rule, dtype="int64")
    graph.node("loss", "cross_entropy", graph.leaf("x", [[0.0, 0.0]]), "labels")
    with pytest.raises(BadInput, match=r'N001.*"loss": cross_entropy: target\[0\] is 2, and there are 2 classes') as e:
        graph.run("loss")
    assert e.value.faults[0].place.node == "loss"


def test_freezing_does_not_lock_an_array_that_is_somebody_else_s() -> None:
    owner = np.zeros(4)
    part = owner[:2]
    view = frozen(part)
    assert not view.flags.writeable
    assert part.flags.writeable
    owner[0] = 5
    assert view[0] == 5


def test_optional_slots_may_stay_empty() -> None:
    # 1·2 + 3·4 = 14, without and with a bias of 1.
    for bias, expected in ((None, 14), ("bias", 15)):
        graph = Graph()
        x, weight = graph.leaf("x", [2.0, 4.0]), graph.leaf("w", [[1.0, 3.0]], "parameter")
        graph.leaf("bias", [1.0], "parameter")
        graph.node("y", "linear", x, weight, bias)
        assert number(graph.run("y").value("y")) == expected


def test_replaced_inputs_change_values_and_adjoints_and_leave_the_network_alone() -> None:
    graph = Graph()
    x = graph.leaf("x", 3.0)
    graph.node("y", "mul", x, x)
    network = graph.network("y")
    assert number(resdebug.differentiate(network, inputs={"x": 5.0}).adjoint("x")) == 10
    assert number(resdebug.differentiate(network).adjoint("x")) == 6
