"""A live pass: values, adjoints, ledgers, and what may be overridden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.errors import BadInput, UsageError
from tests.support import Builder, block, two_path


def test_two_path_by_hand() -> None:
    p = two_path().run()
    assert p.value("d") == 28.0
    assert p.adjoint("a") == 11.0
    assert p.adjoint("b") == 4.0
    rows = [(row.consumer, row.slot, float(row.contribution), float(row.running)) for row in p.ledger("a")]
    assert rows == [("d", "a", 7.0, 7.0), ("c", "a", 4.0, 11.0)]
    assert p.ledger("d") == ()


def test_rules_give_what_they_say() -> None:
    # The contributions to a are 7, then 4.
    expected = {"sum": 11.0, "mean": 5.5, "overwrite": 4.0, "first": 7.0}
    for rule, value in expected.items():
        p = two_path().run(rule=rule)
        assert p.adjoint("a") == value
        assert p.rule == rule
        assert p.ledger("a")[-1].running == value


def test_unknown_rule_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="avarage"):
        two_path().run(rule="avarage")


def test_inputs_override_values_and_shapes() -> None:
    net = two_path().network()
    p = resdebug.differentiate(net, inputs={"a": 2.0})
    assert p.adjoint("a") == 2 + 3 + 2
    wide = resdebug.from_networkx(_mean_square(), target="loss")
    q = resdebug.differentiate(wide, inputs={"x": np.ones((5, 2))})
    adjoint = q.adjoint("x")
    assert adjoint is not None
    np.testing.assert_array_equal(adjoint, np.full((5, 2), 2 / 10))
    assert wide["x"].shape == (1, 2)


def _mean_square() -> object:
    b = Builder("loss")
    b.leaf("x", [[1.0, 2.0]])
    b.add("y", "mul", {"a": "x", "b": "x"})
    b.add("loss", "mean", {"x": "y"})
    return b.graph


def test_override_of_something_else_or_of_the_wrong_shape() -> None:
    with pytest.raises(UsageError, match=r"is not an input") as usage:
        two_path().run(inputs={"c": 1.0})
    assert usage.value.exit_code == 2
    with pytest.raises(BadInput, match="S020"):
        block().run(inputs={"x": np.zeros((1, 3, 3, 3))})


def test_target_override() -> None:
    p = two_path().run(target="c")
    assert p.adjoint("a") == 1.0
    assert p.adjoint("b") == 1.0
    assert p.adjoint("d") is None
    with pytest.raises(UsageError, match="not a scalar"):
        block().run(target="relu1")
    with pytest.raises(UsageError, match="is not a node"):
        two_path().run(target="e")


def test_arrays_are_read_only_and_alias_no_accumulator() -> None:
    p = block().run()
    for node in p.network.nodes:
        for array in (p.value(node.name), p.adjoint(node.name)):
            if array is not None:
                assert not array.flags.writeable
                with pytest.raises(ValueError, match="read-only"):
                    array[...] = 0
    before = [row.running.copy() for row in p.ledger("x")]
    after = [row.running for row in p.ledger("x")]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_value_of_a_node_beside_the_target_is_worked_out_when_asked() -> None:
    b = two_path()
    b.add("aside", "mul", {"a": "b", "b": "c"})
    p = b.run()
    assert p.value("aside") == 21.0
    assert p.adjoint("aside") is None
    assert p.ledger("aside") == ()


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(KeyError, match="did you mean"):
        block().run().value("conv3")


def test_nothing_goes_through_an_edge_that_takes_no_adjoint() -> None:
    b = Builder("loss")
    b.leaf("x", [[1.0, 2.0]])
    b.leaf("label", [1], "constant", dtype="int64")
    b.add("loss", "cross_entropy", {"x": "x", "target": "label"})
    p = b.run()
    (edge,) = (e for e in p.network.edges if e.slot == "target")
    with pytest.raises(KeyError, match="nothing goes"):
        p.contribution(edge)
    assert p.adjoint("label") is None


def mean_of_two() -> Builder:
    b = Builder("y")
    b.leaf("x", np.array([1.0, 3.0]))
    b.add("y", "mean", {"x": "x"})
    return b


def test_inputs_that_make_the_target_a_tensor_are_refused() -> None:
    b = Builder("y")
    b.leaf("x", np.array([[2.0]]))
    b.add("y", "scale", {"x": "x"}, factor=3.0)
    with pytest.raises(UsageError, match="not a scalar"):
        resdebug.differentiate(b.network(), inputs={"x": np.ones((2, 3))})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.array([1 + 2j, 0]), "complex128"),
        (["a", "b"], "not numbers"),
        ([[1.0], [2.0, 3.0]], "inhomogeneous"),
        (np.array([None, None]), "object"),
    ],
)
def test_inputs_that_are_no_numbers_are_refused(given: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        resdebug.differentiate(mean_of_two().network(), inputs={"x": given})


def test_inputs_are_never_changed_in_silence() -> None:
    b = Builder("loss", dtype="float32")
    b.leaf("x", np.zeros((2, 3), dtype="float32"))
    b.leaf("t", np.array([0, 1]), op="constant")
    b.add("loss", "cross_entropy", {"x": "x", "target": "t"})
    for inputs in ({"t": [0.5, 1.0]}, {"x": np.full((2, 3), 1e300)}):
        with pytest.raises(BadInput, match="does not fit"):
            resdebug.differentiate(b.network(), inputs=inputs)
    assert resdebug.differentiate(b.network(), inputs={"t": [2.0, 1.0]}).network.values["t"].array().tolist() == [2, 1]
