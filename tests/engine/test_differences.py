"""Finite differences of the target: right by hand, and in agreement with the reverse pass on a whole network."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.engine.differences import central_differences
from tests.engine.graphs import Graph, adjoint, chain, convolutional, draw, number, value
from tests.ops.checking import discrepancy


def cube(x: float) -> Graph:
    graph = Graph()
    graph.node("y", "pow", graph.leaf("x", x), exponent=3.0)
    return graph


def test_central_differences_by_hand() -> None:
    # (1.1³ − 0.9³) / 0.2 = (1.331 − 0.729) / 0.2 = 3.01: the true 3, and h² = 0.01.
    assert number(central_differences(cube(1.0).network("y"), "x", h=0.1)) == pytest.approx(3.01, rel=1e-14)


def test_the_step_of_its_own_choice_balances_truncation_and_roundoff() -> None:
    # 3x² = 12. With h = 2ε^(1/3) truncation is h² = 1.5e-10, roundoff ε · 8 / h = 1.5e-10.
    found = number(central_differences(cube(2.0).network("y"), "x"))
    assert found == pytest.approx(12, abs=5e-10)
    assert found != 12


def test_the_step_that_was_really_made_is_divided_by() -> None:
    # 1 + 1e-9 is rounded by up to 1e-16, a ten-millionth of the step; the quotient of the identity is still exact.
    graph = Graph()
    graph.node("y", "identity", graph.leaf("x", 1.0))
    assert number(central_differences(graph.network("y"), "x", h=1e-9)) == 1


def test_large_values_get_a_large_step() -> None:
    # At 1e8 a step of 6e-6 would be rounded away almost wholly; 3x² = 3e16.
    assert number(central_differences(cube(1e8).network("y"), "x")) == pytest.approx(3e16, rel=1e-9)


def test_every_element_is_differenced_by_itself() -> None:
    # y = Σ w x²: ∂y/∂x = 2 w x.
    graph = Graph()
    x, w = graph.leaf("x", [[1.0, -2.0], [3.0, 0.5]]), graph.leaf("w", [[1.0, 2.0], [0.0, -4.0]], "constant")
    graph.node("y", "sum", graph.node("product", "mul", w, graph.node("square", "mul", x, x)))
    network = graph.network("y")
    assert np.allclose(central_differences(network, "x"), np.array([[2, -8], [0, -4]]), rtol=0, atol=1e-9)
    # A constant can be moved as well: ∂y/∂w = x².
    assert np.allclose(central_differences(network, "w"), np.array([[1, 4], [9, 0.25]]), rtol=0, atol=1e-9)


def test_a_fork_is_moved_in_all_its_uses_at_once() -> None:
    # 1.5 per block, and the function is linear: only roundoff is left.
    assert number(central_differences(chain(3).network("x3"), "x0")) == pytest.approx(3.375, rel=1e-10)


def test_another_target_may_be_named() -> None:
    network = chain(3).network("x3")
    assert number(central_differences(network, "x0", target="x1")) == pytest.approx(1.5, rel=1e-10)


def test_a_leaf_that_the_target_does_not_depend_on_gets_zeros() -> None:
    graph = Graph()
    graph.leaf("beside", [1.0, 2.0], "parameter")
    graph.node("y", "exp", graph.leaf("x", 0.0))
    assert np.array_equal(central_differences(graph.network("y"), "beside"), [0, 0])


def test_the_network_keeps_its_numbers() -> None:
    network = cube(2.0).network("y")
    central_differences(network, "x")
    assert number(network.values["x"].array()) == 2


def test_a_float32_network_is_differenced_in_float64() -> None:
    # In float32 (ε = 1e-7) a step of 6e-6 would leave no correct digit but one or two.
    graph = Graph(dtype="float32")
    graph.node("y", "tanh", graph.leaf("x", 0.5))
    found = central_differences(graph.network("y"), "x")
    assert found.dtype == "float64"
    assert number(found) == pytest.approx(1 - np.tanh(0.5) ** 2, rel=1e-9)


def test_the_reverse_pass_of_a_residual_network_agrees_for_every_input_and_parameter() -> None:
    graph = convolutional()
    p = graph.run("loss")
    # No relu may be so near its kink, no maximum so near a tie, that a step of 6e-6 would cross it.
    for i in range(5):
        (edge,) = (e for e in p.network[f"relu{i}"].inputs if e is not None)
        assert np.abs(value(p, edge.source)).min() > 1e-3
    windows = np.sort(value(p, "relu0").reshape(2, 2, 3, 2, 3, 2).swapaxes(3, 4).reshape(-1, 4))
    assert ((windows[:, -1] - windows[:, -2] > 1e-3) | (windows[:, -1] == 0)).all()
    leaves = [node.name for node in p.network.nodes if node.is_differentiable_leaf]
    assert len(leaves) == 21
    for name in leaves:
        expected = central_differences(p.network, name)
        # Roundoff is 1e-10; f‴ of a loss behind six normalisations is some hundreds, times 6e-12: 4e-10 as seen.
        assert discrepancy(adjoint(p, name), expected) < 2e-9, name


def test_under_a_wrong_rule_differences_disagree() -> None:
    network = convolutional()
    expected = central_differences(network.network("loss"), "image")
    for rule in ("mean", "overwrite", "first"):
        found = adjoint(network.run("loss", rule), "image")
        assert np.abs(found - expected).max() > 1e-3, rule


def test_random_deep_graphs_with_many_forks_agree() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        graph = Graph()
        names = [graph.leaf("x", draw(seed, 3)), graph.leaf("w", draw(100 + seed, 3), "parameter")]
        for i in range(12):
            a, b = (names[int(k)] for k in rng.integers(max(0, len(names) - 4), len(names), 2))
            op = ("add", "sub", "mul")[int(rng.integers(3))]
            # Bounded by tanh, so that products do not run away.
            names.append(graph.node(f"n{i}", "tanh", graph.node(f"m{i}", op, a, b)))
        graph.node("y", "sum", names[-1])
        p = graph.run("y")
        for leaf in ("x", "w"):
            found, expected = p.adjoint(leaf), central_differences(p.network, leaf)
            # Twelve layers multiply slopes up: f‴ reaches some thousands, and truncation is 6e-12 times that.
            assert np.allclose(0.0 if found is None else found, expected, rtol=0, atol=3e-8)
