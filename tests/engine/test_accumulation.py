"""Contributions accumulate in order of arrival, in arrays of their own, and the ledger is what was added."""

from __future__ import annotations

import numpy as np
import pytest

import resdebug
from resdebug.engine.accumulation import RULES, accumulate
from resdebug.engine.forward import frozen
from resdebug.errors import UsageError
from tests.engine.graphs import Graph, adjoint, convolutional, draw
from tests.ops.draws import Array

every_rule = pytest.mark.parametrize("rule", RULES)


# Contributions 1, 2, 6: partial sums 1, 3, 9; running means 1, 3/2, 3; with 2 and 6 counted twice 1, 5, 17.
@pytest.mark.parametrize(
    ("rule", "partials"),
    [("sum", [1, 3, 9]), ("mean", [1, 1.5, 3]), ("overwrite", [1, 2, 6]), ("first", [1, 1, 1]), ("twice", [1, 5, 17])],
)
def test_rules_by_hand(rule: str, partials: list[float]) -> None:
    partial: Array | None = None
    seen = []
    for k, number in enumerate((1.0, 2.0, 6.0), start=1):
        partial = accumulate(rule, partial, np.array([number]), k)
        seen.append(float(partial[0]))
    assert seen == partials


def test_there_are_no_other_rules() -> None:
    assert list(RULES) == ["sum", "mean", "overwrite", "first", "twice"]


@every_rule
def test_accumulating_never_writes_into_what_is_read_only(rule: str) -> None:
    sent = [frozen(np.array([number])) for number in (1.0, 2.0, 4.0, 8.0)]
    partial: Array | None = None
    for k, contribution in enumerate(sent, start=1):
        partial = accumulate(rule, partial, contribution, k)
    assert [float(s[0]) for s in sent] == [1, 2, 4, 8]


@pytest.mark.parametrize("own", ["partial", "contribution"])
def test_a_sum_is_made_in_what_is_nobody_elses(own: str) -> None:
    partial, sent = np.array([1.0]), np.array([2.0])
    frozen(sent if own == "partial" else partial)
    total = accumulate("sum", partial, sent, 2)
    assert total is (partial if own == "partial" else sent)
    assert total[0] == 3


@every_rule
def test_accumulating_never_writes_into_a_partial_adjoint_that_was_handed_out(rule: str) -> None:
    partial = np.array([1.0])
    frozen(partial)
    for k in (2, 3, 4):
        assert accumulate(rule, partial, np.array([10.0]), k) is not None
        assert partial[0] == 1


def fan(width: int) -> Graph:
    """x goes into as many products with other numbers, whose results are added up: contributions that do not round."""
    graph = Graph()
    x = graph.leaf("x", draw(1, 3))
    total = None
    for i in range(width):
        term = graph.node(f"t{i}", "mul", x, graph.leaf(f"w{i}", draw(2 + i, 3) * 10.0**i, "constant"))
        total = term if total is None else graph.node(f"s{i}", "add", total, term)
    graph.node("y", "sum", total)
    return graph


def test_the_sum_is_taken_from_left_to_right_in_order_of_arrival() -> None:
    # Another order would round otherwise; plain Python floats do it here once more.
    p = fan(9).run("y")
    rows = p.ledger("x")
    assert len(rows) == 9
    for element in range(3):
        total = float(rows[0].contribution[element])
        for row in rows[1:]:
            total += float(row.contribution[element])
        assert total == adjoint(p, "x")[element]


@every_rule
def test_the_ledger_s_last_row_is_the_adjoint_bit_for_bit(rule: str) -> None:
    for graph, target in ((fan(9), "y"), (convolutional(), "loss"), (convolutional("float32"), "loss")):
        p = graph.run(target, rule)
        assert p.rule == rule
        for node in p.network.nodes:
            rows = p.ledger(node.name)
            if rows:
                assert rows[-1].running.tobytes() == adjoint(p, node.name).tobytes()
                assert [row.edge for row in rows] == list(p.arrivals(node.name))


@every_rule
def test_a_second_pass_is_bitwise_the_same(rule: str) -> None:
    once, again = (convolutional().run("loss", rule) for _ in range(2))
    for node in once.network.nodes:
        for left, right in (
            (once.value(node.name), again.value(node.name)),
            (once.adjoint(node.name), again.adjoint(node.name)),
        ):
            assert (left is None) == (right is None)
            assert left is None or right is None or left.tobytes() == right.tobytes()


def test_asking_twice_gives_the_same_contribution() -> None:
    p = convolutional().run("loss")
    for node in p.network.nodes:
        for edge in p.arrivals(node.name):
            assert p.contribution(edge).tobytes() == p.contribution(edge).tobytes()


def test_distinct_uses_of_one_array_never_alias_the_accumulator() -> None:
    # Four identities all hand on the very array that arrived at the join; x must add copies, and leave theirs alone.
    graph = Graph()
    x = graph.leaf("x", [1.0, 2.0])
    ways = [graph.node(f"way{i}", "identity", x) for i in range(4)]
    left, right = graph.node("left", "add", ways[0], ways[1]), graph.node("right", "add", ways[2], ways[3])
    graph.node("y", "sum", graph.node("join", "add", left, right))
    p = graph.run("y")
    assert np.array_equal(adjoint(p, "x"), [4, 4])
    for name in (*ways, left, right, "join"):
        assert np.array_equal(adjoint(p, name), [1, 1])
    assert all(np.array_equal(row.contribution, [1, 1]) for row in p.ledger("x"))
    assert [float(row.running[0]) for row in p.ledger("x")] == [1, 2, 3, 4]


def test_an_unknown_rule_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UsageError, match="G053") as caught:
        resdebug.differentiate(fan(2).network("y"), rule="maximum")
    assert "sum" in str(caught.value)
