"""The check passes what is right, catches a wrong derivative planted in any operator, and says what it cannot know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import resdebug
from resdebug.analysis import budget
from resdebug.analysis.gradient_check import check_gradients
from resdebug.analysis.slopes import Doubt, Method
from resdebug.analysis.verdicts import GradientCheck, PlaceCheck, Scope, Verdict
from resdebug.export.registry import export
from resdebug.ops import CATALOGUE
from resdebug.ops.base import Array, Operator
from tests.ops.cases import DIFFERENTIATED, NOT_ANALYTIC, SLOTS
from tests.ops.cases.table import Case
from tests.support import GRAPHS, Builder, block, residual_chain, two_path


def chosen() -> list[tuple[Case, int]]:
    """Return one case for every slot of every operator that takes an adjoint, with some numbers in it."""
    found: dict[tuple[str, int], tuple[Case, int]] = {}
    for case, position in SLOTS:
        draw = case.draws[position]
        if draw is not None and np.prod(draw.shape) > 1 and np.isfinite(case.operator.forward(*case.arrays())).all():
            found.setdefault((case.operator.op(), position), (case, position))
    return list(found.values())


EACH = chosen()


def together(cases: list[Case]) -> resdebug.Network:
    """Return one network with a node per case, called as the case; the target is Σ ⟨w, node⟩ over all of them."""
    b = Builder("loss")
    total = b.leaf("zero", 0.0, "constant")
    for case in cases:
        operator, arrays = case.operator, case.arrays()
        slots: dict[str, str] = {}
        for k, array in enumerate(arrays):
            if array is not None:
                whole = {} if array.dtype.kind == "f" else {"dtype": array.dtype.name}
                name = b.leaf(f"{case.id} {k}", array, "constant" if whole else "input", **whole)
                slots[operator.slot(k, len(arrays)).name] = name
        settings = {k: v for k, v in msgspec.to_builtins(operator).items() if k != "op" and v is not None}
        b.add(case.id, operator.op(), slots, **settings)
        b.leaf(f"{case.id} w", case.ybar(), "constant")
        weighted = b.add(f"{case.id} weighted", "mul", {"a": case.id, "b": f"{case.id} w"})
        single = b.add(f"{case.id} sum", "sum", {"x": weighted})
        total = b.add(f"{case.id} total", "add", {"a": total, "b": single})
    b.add("loss", "identity", {"x": total})
    return b.network()


@pytest.fixture(scope="module")
def network() -> resdebug.Network:
    return together(list({case.id: case for case, _ in EACH}.values()))


def place(found: GradientCheck, scope: Scope, name: str) -> PlaceCheck:
    (one,) = (p for p in found.of(scope) if p.name == name)
    return one


def test_every_operator_has_a_case_here() -> None:
    differentiable = {op for op in DIFFERENTIATED if any(s.differentiable for s in CATALOGUE[op].slots)}
    assert {case.operator.op() for case, _ in EACH} >= differentiable - {"causal_mask"}


def test_right_rules_pass_by_themselves_and_in_a_network(network: resdebug.Network) -> None:
    cases = {case.id for case, _ in EACH}
    found = check_gradients(network, elements=2, wanted=lambda name: name in cases or name[:-2] in cases)
    assert [p.name for p in found.places if p.verdict is not Verdict.PASS] == []
    assert len(found.of(Scope.LOCAL)) >= len(EACH)
    worst = max(e.scaled for p in found.of(Scope.LOCAL) for e in p.elements if e.method is Method.COMPLEX)
    assert worst < 1e-12


@pytest.mark.parametrize(("case", "position"), EACH, ids=lambda v: v.id if isinstance(v, Case) else str(v))
def test_a_wrong_derivative_in_any_operator_is_caught_and_named(
    monkeypatch: pytest.MonkeyPatch, network: resdebug.Network, case: Case, position: int
) -> None:
    kind = type(case.operator)
    right = kind.vjp
    slot = case.operator.slot(position, len(case.draws)).name
    planted: list[tuple[int, ...]] = []

    def wrong(op: Operator, at: int, ybar: Array, y: Array, inputs: list[Any]) -> Array:
        sent = np.array(right(op, at, ybar, y, inputs))
        if at == position:
            # One element, by one part in a million (or in ten thousand, where differences are all there is).
            index = np.unravel_index(int(np.argmax(np.abs(sent))), sent.shape)
            sent[index] *= 1 + (1e-4 if kind.op() in NOT_ANALYTIC else 1e-6)
            planted[:] = [tuple(int(k) for k in index)]
        return sent

    monkeypatch.setattr(kind, "vjp", wrong)
    found = check_gradients(network, wanted=lambda name: name == case.id, scopes=(Scope.LOCAL,), elements=1)
    failed = place(found, Scope.LOCAL, f"{case.id}.{slot}")
    assert failed.verdict is Verdict.FAIL
    assert failed.worst is not None
    assert failed.worst.index == planted[0]
    assert failed.worst.analytic != failed.worst.numeric
    assert not found.passed
    others = [p for p in found.places if p is not failed]
    assert all(p.verdict is Verdict.PASS for p in others)


def test_one_wrong_element_among_many_is_found_though_few_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    b = Builder("loss")
    b.leaf("x", rng.normal(size=(40, 50)))
    b.add("y", "tanh", {"x": "x"})
    b.add("loss", "sum", {"x": b.add("z", "square", {"x": "y"})})
    network = b.network()
    tanh = CATALOGUE["tanh"]
    right = tanh.vjp

    def wrong(op: Operator, at: int, ybar: Array, y: Array, inputs: list[Any]) -> Array:
        sent = np.array(right(op, at, ybar, y, inputs))
        sent[31, 7] *= 1.001
        return sent

    monkeypatch.setattr(tanh, "vjp", wrong)
    for seed in range(3):
        found = check_gradients(network, elements=2, seed=seed, scopes=(Scope.LOCAL,))
        assert [(p.name, p.worst.index if p.worst else None) for p in found.failed] == [("y.x", (31, 7))]


def test_a_wrong_accumulation_fails_globally_though_every_rule_is_right() -> None:
    found = check_gradients(two_path().network(), rule="mean")
    assert [(p.scope, p.name) for p in found.failed] == [(Scope.GLOBAL, "a")]
    worst = found.failed[0].worst
    assert worst is not None
    assert worst.analytic == 5.5
    assert worst.numeric == pytest.approx(11)


@pytest.mark.parametrize("rule", ["mean", "overwrite", "first"])
def test_nodes_in_the_middle_of_the_network_are_moved_too(rule: str) -> None:
    found = check_gradients(residual_chain(4).network(), rule=rule)
    # Every fork doubles what is lost: x4 and the last branch are right, all before them are not.
    assert {p.name for p in found.failed} == {"x0", "x1", "x2", "x3", "f0", "f1", "f2"}


@pytest.mark.parametrize("graph", ["resblock", "preact_block", "bottleneck", "two_path"])
def test_the_graphs_pass(graph: str) -> None:
    found = check_gradients(resdebug.load(GRAPHS / f"{graph}.json"))
    assert found.passed
    assert {p.name for p in found.of(Scope.GLOBAL)} == {
        n.name for n in found.network.nodes if n.op != "constant"
    }  # fmt: skip
    assert all(p.verdict is Verdict.PASS for p in found.places)


def test_relu_at_zero_is_inconclusive_and_neither_pass_nor_fail() -> None:
    b = Builder("loss")
    b.leaf("x", [0.0, 1.0, -2.0, 2e-6])
    b.add("loss", "sum", {"x": b.add("y", "relu", {"x": "x"})})
    found = check_gradients(b.network())
    assert found.passed
    local = place(found, Scope.LOCAL, "y.x")
    assert {e.index: e.doubt for e in local.elements} == {
        (0,): Doubt.KINK, (1,): Doubt.NONE, (2,): Doubt.NONE, (3,): Doubt.KINK,
    }  # fmt: skip
    (zero,) = (e for e in place(found, Scope.GLOBAL, "x").elements if e.index == (0,))
    assert (zero.verdict, zero.doubt) == (Verdict.INCONCLUSIVE, Doubt.KINK)
    assert zero.left == 0
    assert zero.right == pytest.approx(1)


@pytest.mark.parametrize(
    ("op", "values", "settings"),
    [
        ("max", [1.0, 3.0, 3.0], {}),
        ("max_pool2d", [[[[1.0, 5.0], [5.0, 0.0]]]], {"kernel_size": 2}),
        ("clip", [2.0, -2.0, 0.5], {"min": -2.0, "max": 2.0}),
        ("abs", [0.0, 1.0], {}),
    ],
)
def test_ties_and_kinks_of_other_operators(op: str, values: Any, settings: dict[str, Any]) -> None:
    b = Builder("loss")
    b.leaf("x", values)
    b.add("loss", "sum", {"x": b.add("y", op, {"x": "x"}, **settings)})
    found = check_gradients(b.network(), elements=4)
    assert found.passed
    assert place(found, Scope.LOCAL, "y.x").doubts.get(Doubt.KINK, 0) >= 1


def test_a_wrong_rule_is_caught_beside_kinks(monkeypatch: pytest.MonkeyPatch) -> None:
    b = Builder("loss")
    b.leaf("x", [0.0, 0.0, 0.0, 0.0, 1.0, -1.0])
    b.add("loss", "sum", {"x": b.add("y", "relu", {"x": "x"})})
    monkeypatch.setattr(CATALOGUE["relu"], "vjps", (lambda *saved: saved[1],))
    found = check_gradients(b.network(), elements=6)
    assert ("y.x", (5,)) in {(p.name, p.worst.index) for p in found.failed if p.worst is not None}
    assert place(found, Scope.LOCAL, "y.x").doubts == {Doubt.KINK: 4}


def test_a_float32_network_is_checked_in_float64_and_says_so() -> None:
    network = resdebug.generate("resnet20", image_size=8)
    found = check_gradients(network, wanted=lambda name: name.startswith("layer3.2"), elements=1)
    assert (found.dtype, found.network.dtype, network.dtype) == ("float32", "float64", "float32")
    assert found.passed
    assert found.as_json()["checked_in"] == "float64"
    assert max(e.scaled for p in found.of(Scope.LOCAL) for e in p.elements) < 1e-12


def test_the_adjoints_of_a_recorded_pass_are_judged_in_its_own_precision(tmp_path: Path) -> None:
    b = block()
    b.graph.graph["dtype"] = "float32"
    network = b.network()
    path = tmp_path / "t.jsonl"
    for rule in ("sum", "overwrite"):
        export(resdebug.differentiate(network, rule=rule), path, force=True)
        recorded = resdebug.load_trace(path)
        found = check_gradients(recorded.network, recorded=recorded, scopes=(Scope.GLOBAL,), elements=3)
        assert [p.name for p in found.failed] == ([] if rule == "sum" else ["x"])
        assert (found.rule, found.of_trace) == (rule, True)


def test_the_same_seed_draws_the_same_elements() -> None:
    network = block().network()
    first, again, other = (check_gradients(network, seed=seed, elements=3) for seed in (1, 1, 2))
    assert first.as_json() == again.as_json()
    assert [[e.index for e in p.elements] for p in first.places] != [
        [e.index for e in p.elements] for p in other.places
    ]


def test_all_elements_are_checked_when_asked_for() -> None:
    found = check_gradients(two_path().network(), elements=0)
    assert found.passed
    found = check_gradients(block().network(), elements=0, wanted=lambda name: name in {"conv1", "W1"})
    assert [(p.name, len(p.elements), p.size) for p in found.places] == [
        ("conv1.x", 18, 18), ("conv1.weight", 36, 36), ("conv1", 18, 18), ("W1", 36, 36),
    ]  # fmt: skip


def test_a_big_network_is_bounded_and_says_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "SLOTS", 100)
    monkeypatch.setattr(budget, "WORK", 1e9)
    network = resdebug.generate("random", nodes=400, seed=3)
    found = check_gradients(network)
    assert found.passed
    assert found.left_out[Scope.LOCAL] > 0
    assert found.left_out[Scope.GLOBAL] > 0
    slots = {p.op for p in found.of(Scope.LOCAL)}
    assert slots == {n.op for n in network.nodes if not n.is_leaf and n.op != "identity"} | (slots & {"identity"})


def test_a_derivative_too_small_to_move_the_target_is_no_failure() -> None:
    # |x| takes no complex step; its slope 1e-9 is far beneath the last digit of 1e9.
    b = Builder("loss")
    b.leaf("x", 2.0)
    b.leaf("c", 1e9, "constant")
    b.add("small", "scale", {"x": b.add("y", "abs", {"x": "x"})}, factor=1e-9)
    b.add("loss", "add", {"a": "small", "b": "c"})
    found = check_gradients(b.network())
    assert found.passed
    assert place(found, Scope.GLOBAL, "x").doubts == {Doubt.ROUNDING: 1}
    # By itself every rule is still seen.
    assert all(p.verdict is Verdict.PASS for p in found.of(Scope.LOCAL))


def test_a_target_that_is_not_finite_is_inconclusive() -> None:
    b = Builder("loss")
    b.leaf("x", [0.0, 1.0])
    b.add("loss", "sum", {"x": b.add("y", "log", {"x": "x"})})
    found = check_gradients(b.network())
    assert found.passed
    assert place(found, Scope.GLOBAL, "x").verdict is Verdict.INCONCLUSIVE
    json.dumps(found.as_json(), allow_nan=False)
