"""Wrong gradients get the diagnosis they deserve, right ones get none; the wrong ones are written by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

import resdebug
from resdebug.analysis.comparison import Comparison, State, compare_gradients
from resdebug.errors import BadInput
from resdebug.ops.activations import Relu
from resdebug.ops.base import Operator
from resdebug.ops.batch_normalisation import BatchNorm
from resdebug.ops.convolution import Conv2d
from tests.analysis.hand_written import (
    DENSE,
    IMAGE,
    SMOOTH,
    Array,
    Gradients,
    dense,
    dense_network,
    image,
    image_network,
    smooth,
    smooth_network,
)
from tests.support import GRAPHS, Builder, two_path

Backward = Callable[[Gradients, str], Gradients]

HAND_WRITTEN = {
    "dense": (dense_network, dense, DENSE),
    "smooth": (smooth_network, smooth, SMOOTH),
    "image": (image_network, image, IMAGE),
}
PLANTED = [(net, *row) for net, (_, _, rows) in HAND_WRITTEN.items() for row in rows]


@cache
def made(net: str) -> tuple[resdebug.Network, Gradients, Backward]:
    """Return a network, its numbers, and the backward pass by hand."""
    builder, p = HAND_WRITTEN[net][0]()
    return builder.network(), p, HAND_WRITTEN[net][1]


def names(found: Comparison) -> set[tuple[str, str]]:
    """Return every mistake that is offered as an explanation, with its nodes."""
    return {(c.mistake.name, c.node) for e in found.explanations for c in e.candidates}


def parameters(network: resdebug.Network, gradients: Gradients) -> Gradients:
    return {name: g for name, g in gradients.items() if network[name].op == "parameter"}


@pytest.mark.parametrize("net", HAND_WRITTEN)
def test_right_gradients_written_by_hand_are_right_and_get_no_diagnosis(net: str) -> None:
    network, p, backward = made(net)
    gradients = backward(p, "")
    for given in (gradients, {k: v.astype(np.float32) for k, v in gradients.items()}):
        found = compare_gradients(network, given)
        assert found.right
        assert found.explanations == ()
        assert found.first_wrong is None


@pytest.mark.parametrize(("net", "mistake", "called", "node"), PLANTED, ids=[f"{n}-{m}" for n, m, *_ in PLANTED])
def test_every_mistake_made_by_hand_is_named_with_its_place(net: str, mistake: str, called: str, node: str) -> None:
    network, p, backward = made(net)
    gradients = backward(p, mistake)
    found = compare_gradients(network, gradients)
    assert not found.right
    assert (called, node) in names(found)
    # In single precision too, and where only parameters are known, as far as these are wrong.
    single = {k: v.astype(np.float32) for k, v in gradients.items()}
    assert (called, node) in names(compare_gradients(network, single))
    some = compare_gradients(network, parameters(network, gradients))
    assert some.right or (called, node) in names(some)


def test_the_first_wrong_one_is_the_first_that_a_backward_pass_completes() -> None:
    network, p, _ = made("dense")
    found = compare_gradients(network, dense(p, "no mask"))
    # h's own adjoint is right; n is where the omitted mask shows.
    assert found.first_wrong is not None
    assert found.first_wrong.node == "n"
    only = parameters(network, dense(p, "no mask"))
    first = compare_gradients(network, only).first_wrong
    # W2 and W3 are complete before the relu is reached.
    assert first is not None
    assert first.node in {"gamma", "beta"}


def test_added_averaged_or_overwritten_by_hand() -> None:
    # d = a · (a + b): 7 through the product and 4 through the sum.
    network = two_path().network()
    for given, called in (
        (5.5, "averaged"),
        (7.0, "overwritten"),
        (4.0, "contribution-forgotten"),
        (15.0, "counted-twice"),
    ):
        found = compare_gradients(network, {"a": np.array(given), "b": np.array(4.0)})
        assert called in {name for name, _ in names(found)}, given
    assert compare_gradients(network, {"a": np.array(11.0)}).right
    assert compare_gradients(network, {"a": np.array(12.34)}).explanations == ()


def wrong_relu(op: Relu, ybar: Array, y: Array, x: Array) -> Array:
    return np.where(ybar > 0, ybar, 0.0)


def wrong_conv(op: Conv2d, ybar: Array, y: Array, x: Array, weight: Array, bias: Array | None) -> Array:
    return np.asarray(Conv2d.vjp_x(op, ybar, y, x, weight[:, :, ::-1, ::-1], bias), np.float64)


def wrong_norm(op: BatchNorm, ybar: Array, y: Array, x: Array, weight: Array, bias: Array, *running: Array) -> Array:
    shape = (1, -1, 1, 1)
    return np.asarray(ybar * weight.reshape(shape) / np.sqrt(x.var((0, 2, 3)).reshape(shape) + op.eps))


EVERYWHERE: list[tuple[str, type[Operator], Callable[..., Array], str]] = [
    ("digits_resnet", Relu, wrong_relu, "relu-mask-from-adjoint"),
    ("digits_resnet", Conv2d, wrong_conv, "kernel-not-flipped"),
    ("bottleneck", BatchNorm, wrong_norm, "statistics-forgotten"),
]


@pytest.mark.parametrize(("graph", "kind", "rule", "called"), EVERYWHERE, ids=[row[-1] for row in EVERYWHERE])
@pytest.mark.parametrize("only", ["all", "parameters"])
def test_a_bug_in_ones_own_function_is_found_at_all_its_places(
    monkeypatch: pytest.MonkeyPatch,
    graph: str,
    kind: type[Operator],
    rule: Callable[..., Array],
    called: str,
    only: str,
) -> None:
    network = resdebug.load(GRAPHS / f"{graph}.json")
    with monkeypatch.context() as patch:
        patch.setattr(kind, "vjps", (rule, *kind.vjps[1:]))
        p = resdebug.differentiate(network)
        wanted = [n.name for n in network.nodes if p.adjoint(n.name) is not None]
        given = {n: np.array(p.adjoint(n)) for n in wanted if only == "all" or network[n].op == "parameter"}
    found = compare_gradients(network, given)
    assert found.explanations
    assert [m.name for m in found.explanations[0].mistakes] == [called]
    assert found.explanations[0].everywhere
    # All of them, but for the first convolution where it sends to the image.
    assert len(found.explanations[0].candidates) >= sum(n.op == kind.op() for n in network.nodes) - 1


def test_a_wrong_rule_of_accumulation_is_found_at_every_fork() -> None:
    network = resdebug.load(GRAPHS / "residual20.json")
    p = resdebug.differentiate(network, rule="mean")
    given = {n.name: np.array(p.adjoint(n.name)) for n in network.nodes if n.op == "parameter"}
    found = compare_gradients(network, given)
    assert [m.name for m in found.explanations[0].mistakes] == ["averaged"]
    assert {c.node for c in found.explanations[0].candidates} == {
        network.nodes[i].name for i, arrivals in enumerate(p.schedule.arrivals) if len(arrivals) > 1
    }


def test_two_mistakes_at_once_are_both_found() -> None:
    network, p, _ = made("dense")
    both = dense(p, "no mask")
    x = dense(p, "no mask")["s"]
    both["x"] = both["x"] - x
    both["b3"] = both["b3"] / 4
    found = compare_gradients(network, both)
    assert {m.name for m in found.explanations[0].mistakes} == {"relu-mask-omitted", "skip-forgotten", "mean-twice"}


def test_numbers_that_no_mistake_makes_get_no_diagnosis() -> None:
    network, p, _ = made("dense")
    gradients = dense(p)
    rng = np.random.default_rng(0)
    for name in ("W2", "x", "h", "b3"):
        for noise in (rng.normal(size=gradients[name].shape), 1e-5 * rng.normal(size=gradients[name].shape)):
            found = compare_gradients(network, gradients | {name: gradients[name] + noise})
            assert [row.node for row in found.rows if row.state is State.WRONG] == [name]
            assert found.explanations == ()
    # One element of a mistake's numbers off is no longer that mistake.
    almost = dense(p, "no skip")
    almost["x"][0, 0] += 0.01
    assert compare_gradients(network, almost).explanations == ()


def test_gradients_of_the_right_shape_but_otherwise_are_told() -> None:
    network, p, _ = made("dense")
    right = dense(p)
    cases = {
        "transposed": {"W3": right["W3"].T},
        "over the batch is missing": {"b2": right["z2"]},
        "over the wrong axes: axes 1": {"b3": right["z3"].sum(1)},
        "reshaped": {"W2": right["W2"].ravel()},
    }
    for told, given in cases.items():
        (row,) = compare_gradients(network, given).rows
        assert row.state is State.SHAPE
        assert told in row.remark
    # Axes of size 1 are no matter.
    assert compare_gradients(network, {"b2": right["b2"][None, :], "loss": np.ones((1, 1))}).right


def test_what_was_left_at_nan_is_not_filled_in_and_not_right() -> None:
    network, p, _ = made("dense")
    given = dense(p) | {"W1": np.full((4, 4), np.nan)}
    found = compare_gradients(network, given)
    assert [row.node for row in found.rows if row.state is State.FORGOTTEN] == ["W1"]
    assert not found.right
    assert found.explanations == ()
    given["W1"] = dense(p)["W1"].copy()
    given["W1"][0, 1] = np.nan
    (row,) = (row for row in compare_gradients(network, given).rows if row.node == "W1")
    assert row.state is State.WRONG
    assert row.index == (0, 1)
    assert "1 of 16 are NaN" in row.remark


def test_names_as_people_write_them() -> None:
    network, p, _ = made("dense")
    right = dense(p)
    given = {"dW1": right["W1"], "b1.grad": right["b1"], "module.W2": right["W2"], "grad_b2": right["b2"]}
    found = compare_gradients(network, given | {"gama": right["gamma"]})
    assert found.right
    assert {row.node: row.given_as for row in found.rows} == {
        "W1": "dW1", "b1": "b1.grad", "W2": "module.W2", "b2": "grad_b2",
    }  # fmt: skip
    assert [(m.name, m.hint) for m in found.unknown] == [("gama", 'did you mean "gamma"?')]
    assert set(found.not_given) == {"x", "gamma", "beta", "W3", "b3"}


def test_nothing_that_fits_is_bad_input() -> None:
    with pytest.raises(BadInput) as caught:
        compare_gradients(two_path().network(), {"weights": np.ones(3)})
    assert caught.value.faults[0].code == "A001"


def test_a_gradient_that_is_zero_but_for_rounding_is_right_in_single_precision() -> None:
    # A bias before a batch norm has no influence: what anybody gets there is rounding.
    rng = np.random.default_rng(1)
    b = Builder("loss")
    b.leaf("x", rng.normal(size=(64, 3)))
    b.leaf("W", rng.normal(size=(5, 3)), "parameter")
    b.leaf("c", rng.normal(size=5), "parameter")
    b.leaf("t", rng.normal(size=(64, 5)), "constant")
    b.add("z", "linear", {"x": "x", "weight": "W", "bias": "c"})
    b.add("n", "batch_norm", {"x": "z"}, training=True)
    b.add("loss", "mse_loss", {"x": "n", "target": "t"}, reduction="sum")
    network = b.network()
    noise = rng.normal(size=5) * 1e-6
    assert compare_gradients(network, {"c": noise.astype(np.float32)}).right
    assert not compare_gradients(network, {"c": np.full(5, 0.5, np.float32)}).right
