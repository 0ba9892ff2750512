"""What is found in sick networks, with its place and number; and that healthy ones are left in peace."""

from __future__ import annotations

import math

import numpy as np
import pytest

import resdebug
from resdebug.analysis.blocked import Cause, blocked
from resdebug.analysis.effective_rank import effective_rank, rank_of
from resdebug.analysis.flatness import Flatness, flatness
from resdebug.analysis.report.comparison import compare
from resdebug.analysis.report.registry import SECTIONS, Cost, make_report
from resdebug.analysis.report.structure import Finding, Report, Settings, Weight
from resdebug.analysis.shattering import interval
from resdebug.api import load_trace
from resdebug.errors import UsageError
from resdebug.export.registry import export
from resdebug.passes.protocol import Pass
from tests.support import GRAPHS, Builder, block

QUICK = frozenset(row.name for row in SECTIONS.values() if row.cost is Cost.ALWAYS)


def report(pass_: Pass, *sections: str) -> Report:
    return make_report(pass_, Settings(asked=frozenset(sections) or QUICK), lambda *_: None)


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, [finding.what for finding in found]
    return found[0]


@pytest.mark.parametrize("name", ["digits_resnet", "residual20", "resblock", "preact_block", "bottleneck", "two_path"])
def test_healthy_networks_are_left_in_peace(name: str) -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json"))
    found = make_report(pass_, Settings(pairs=3, elements=1), lambda *_: None)
    assert [finding.what for finding in found.findings] == []


@pytest.mark.parametrize("kind", ["resnet20", "transformer", "rnn", "highway"])
def test_fresh_networks_are_left_in_peace(kind: str) -> None:
    settings = {"blocks": 2, "width": 32, "tokens": 8, "vocabulary": 50, "heads": 2} if kind == "transformer" else {}
    found = report(resdebug.differentiate(resdebug.generate(kind, **settings)))
    assert [finding.what for finding in found.findings] == []


def test_plain20_vanishes_from_its_top() -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / "plain20.json"))
    finding = only(report(pass_).findings)
    assert finding.weight is Weight.WARNING
    assert "vanishes" in finding.what
    assert finding.place in {"relu20", "conv20", "relu19"}
    assert finding.number.value is not None
    assert 1e-10 < finding.number.value < 1e-8
    assert "0.42" in finding.suggestion  # 0.1 · √(36 / 2)


def chain(factors: list[float]) -> Pass:
    """A sum over scaled vectors: the adjoint is multiplied by each factor in turn, from the end."""
    b = Builder("s")
    last = b.leaf("x", [1.0, 1.0])
    for k, factor in reversed(list(enumerate(factors))):
        last = b.add(f"n{k}", "scale", {"x": last}, factor=factor)
    b.add("s", "sum", {"x": last})
    return b.run()


def test_where_a_fall_begins() -> None:
    # n0 … n5 keep the adjoint, n6 … n17 halve it: n6 is the last whose own adjoint is still whole.
    finding = only(report(chain([1.0] * 6 + [0.5] * 12), "profile").findings)
    assert finding.place == "n6"
    assert finding.number.value == pytest.approx(0.5**12)


def test_an_explosion_and_a_cliff() -> None:
    finding = only(report(chain([1.0] * 3 + [10.0] * 8), "profile").findings)
    assert "explodes" in finding.what
    assert finding.place == "n3"
    assert finding.number.value == pytest.approx(1e8)
    finding = only(report(chain([1.0, 1.0, 1e-7, 1.0]), "profile").findings)
    assert finding.place == "n2"
    assert finding.number.value == pytest.approx(1e-7)


def test_a_dead_layer_stops_the_gradient() -> None:
    b = Builder("s")
    b.leaf("x", [1.0, 2.0])
    b.leaf("w", [-1.0, -1.0], "parameter")
    b.add("m", "mul", {"a": "x", "b": "w"})
    b.add("r", "relu", {"x": "m"})
    b.add("s", "sum", {"x": "r"})
    finding = only(report(b.run()).findings)
    assert (finding.weight, finding.place) == (Weight.FAULT, "r")
    assert "relu lets nothing through where x ≤ 0 (all 2 elements, the greatest is -1)" in finding.what


def test_why_a_parameter_gets_nothing() -> None:
    b = Builder("s")
    b.leaf("x", [1.0, 2.0])
    for name in ("cut", "unused", "by_zero", "cancelled", "dead"):
        b.leaf(name, [1.0, 2.0], "parameter")
    b.leaf("zero", [0.0, 0.0], "constant")
    b.add("stop", "stop_gradient", {"x": "cut"})
    b.add("nowhere", "tanh", {"x": "unused"})
    b.add("times", "mul", {"a": "by_zero", "b": "zero"})
    b.add("same", "sub", {"a": "cancelled", "b": "cancelled"})
    b.add("neg", "neg", {"x": "dead"})
    b.add("flat", "relu", {"x": "neg"})
    last = "x"
    for k, name in enumerate(("stop", "times", "same", "flat")):
        last = b.add(f"a{k}", "add", {"a": last, "b": name})
    b.add("s", "sum", {"x": last})
    pass_ = b.run()

    def cause(name: str) -> tuple[Cause, str] | None:
        found = blocked(pass_, pass_.network[name].index)
        return None if found is None else (found.cause, found.node)

    assert cause("cut") == (Cause.CUT, "stop")
    assert cause("unused") == (Cause.UNUSED, "unused")
    assert cause("by_zero") == (Cause.ZERO_FACTOR, "times")
    assert cause("cancelled") == (Cause.CANCELLED, "cancelled")
    assert cause("dead") == (Cause.DEAD, "flat")
    assert cause("x") is None
    told = report(pass_, "parameters")
    assert told.sections[0].number("without_gradient") == 5
    assert [finding.weight for finding in told.findings] == [Weight.WARNING] * 3 + [Weight.NOTE] * 2


@pytest.mark.parametrize("option", ["rezero", "fixup"])
def test_a_zero_that_will_move_away_is_a_note(option: str) -> None:
    pass_ = resdebug.differentiate(resdebug.generate("resnet20", **{option: True}))
    finding = only(report(pass_).findings)
    assert finding.weight is Weight.NOTE
    assert "initialised" in finding.suggestion


def flat(op: str, values: object, **attributes: object) -> Flatness:
    b = Builder("s")
    b.leaf("x", values)
    b.add("y", op, {"x": "x"}, **attributes)
    b.add("s", "sum", {"x": "y"})
    pass_ = b.run()
    found = flatness(pass_, pass_.network["y"])
    assert found is not None
    return found


def test_flat_activations_by_hand() -> None:
    found = flat("relu", [[1.0, -1.0, -2.0], [2.0, 3.0, -1.0]])  # three features, two examples: the last is dead
    assert (found.zeros, found.units, found.dead, found.seen) == (3, 3, 1, 2)
    assert found.passes == pytest.approx(math.sqrt(3 / 6))
    images = np.full((2, 3, 4, 4), -1.0)
    images[1, 2, 0, 0] = 1.0
    found = flat("relu", images)
    assert (found.units, found.dead, found.seen) == (3, 2, 32)
    # σ' < 1/400 beyond ±5.99; tanh' < 1/100 beyond ±2.99.
    assert flat("sigmoid", [0.0, 5.9, 6.1, -6.1]).saturated == 2
    assert flat("tanh", [0.0, 2.9, 3.1, -3.1]).saturated == 2
    assert flat("softmax", [[0.0, 0.0], [0.0, 9.0]]).saturated == 2
    assert flat("hardtanh", [-2.0, 0.0, 1.0]).saturated == 2


def test_many_dead_units_are_told_where_there_is_evidence() -> None:
    def found(examples: int) -> tuple[Finding, ...]:
        b = Builder("s")
        values = -np.ones((examples, 10))
        values[:, :4] = 1.0
        b.leaf("x", values)
        b.add("y", "relu", {"x": "x"})
        b.add("s", "sum", {"x": "y"})
        return report(b.run(), "activations").findings

    assert found(1) == ()
    finding = only(found(8))
    assert (finding.place, finding.number.value) == ("y", 6)


def test_the_first_number_that_is_not_finite() -> None:
    b = Builder("s")
    b.leaf("x", [1.0, 800.0, -800.0])
    b.add("big", "exp", {"x": "x"})
    b.add("odd", "sub", {"a": "big", "b": "big"})
    b.add("s", "sum", {"x": "odd"})
    finding = only(report(b.run()).findings)
    assert (finding.weight, finding.place) == (Weight.FAULT, "big")
    assert "0 NaN and 1 infinite of 3 elements, the first at [1]" in finding.what
    assert 'it began so: overflow: exp(800) is too large (in the forward pass, at "big")' in finding.what


def test_an_adjoint_that_is_not_finite_though_all_values_are() -> None:
    b = Builder("s")
    b.leaf("x", [0.0, 1.0])
    b.add("root", "sqrt", {"x": "x"})
    b.add("s", "sum", {"x": "root"})
    finding = only(report(b.run(), "finite").findings)
    assert finding.place == "x"
    assert 'it began so: sqrt′(0) = 1/(2·√0) is infinite (in the reverse pass, at "root")' in finding.what


def test_masks_may_hold_infinities() -> None:
    b = Builder("s")
    b.leaf("x", np.ones((2, 3, 3)))
    b.add("masked", "causal_mask", {"x": "x"})
    b.add("weights", "softmax", {"x": "masked"})
    b.add("squares", "square", {"x": "weights"})
    b.add("s", "sum", {"x": "squares"})
    told = report(b.run(), "finite")
    assert told.findings == ()
    assert told.sections[0].number("values_not_finite") == 1
    assert told.sections[0].notes


def test_effective_rank_by_hand() -> None:
    assert effective_rank(np.eye(4)) == pytest.approx(4)
    assert effective_rank(np.outer([1.0, 2.0], [3.0, 4.0, 5.0])) == pytest.approx(1)
    # σ = 3, 1: p = 3/4, 1/4.
    expected = math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert effective_rank(np.diag([3.0, 1.0])) == pytest.approx(expected)
    assert effective_rank(np.zeros((2, 2))) == 0
    assert rank_of(np.ones(3)) is None
    image = rank_of(np.ones((1, 5, 3, 3)))
    assert image is not None
    assert image.effective == pytest.approx(1)
    assert image.possible == 5


def test_interval_by_hand() -> None:
    # Mean 0.5, deviation 0.1, three numbers: t(0.975, 2) = 4.30265, so ± 4.30265 · 0.1 / √3.
    assert interval([0.4, 0.5, 0.6]) == pytest.approx((0.5, 0.251585, 0.748415), abs=1e-5)
    assert interval([1.0, 1.0]) == (1.0, 1.0, 1.0)


def test_plain20_shatters_and_residual20_does_not() -> None:
    settings = Settings(pairs=4, asked=frozenset({"shattering"}))
    passes = [resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json")) for name in ("plain20", "residual20")]
    plain, residual = (make_report(pass_, settings, lambda *_: None).sections[0] for pass_ in passes)
    high, low = plain.number("high_at_0.1"), residual.number("low_at_0.1")
    assert high is not None
    assert low is not None
    assert high < 0.6 < low
    again = make_report(passes[0], settings, lambda *_: None).sections[0]
    assert again == plain


def test_a_linear_network_has_one_gradient_everywhere() -> None:
    b = Builder("s")
    b.leaf("x", [1.0, 2.0, 3.0])
    b.add("y", "scale", {"x": "x"}, factor=2.0)
    b.add("s", "sum", {"x": "y"})
    told = report(b.run(), "shattering").sections[0]
    assert told.number("cosine_at_0.3") == pytest.approx(1)


def test_a_trace_tells_the_same(tmp_path: object) -> None:
    live = resdebug.differentiate(resdebug.load(GRAPHS / "plain20.json"))
    export(live, f"{tmp_path}/t.jsonl")
    recorded = load_trace(f"{tmp_path}/t.jsonl")
    here, there = report(live), report(recorded)
    assert [finding.what for finding in there.findings] == [finding.what for finding in here.findings]
    for section, other in zip(here.sections, there.sections, strict=True):
        for number in section.numbers:  # sums run in the order of memory, which a trace does not keep
            expected = None if number.value is None else pytest.approx(number.value, rel=1e-12)
            assert other.number(number.kind.name) == expected, number.kind.name


def test_two_networks_side_by_side() -> None:
    plain, residual = (
        report(resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json")), "profile")
        for name in ("plain20", "residual20")
    )
    beside = compare(plain, residual)
    reaches = {row.kind.name: row for row in beside.numbers}["reaches_input"]
    assert (reaches.first, reaches.second) == (
        plain.sections[0].number("reaches_input"), residual.sections[0].number("reaches_input"),
    )  # fmt: skip
    assert [series.name for series in beside.curves[0].series] == ["plain20", "residual20"]


def test_unknown_sections_and_those_without_an_answer() -> None:
    pass_ = block().run()
    with pytest.raises(UsageError, match="profile"):
        report(pass_, "profil")
    b = Builder("s")
    b.leaf("w", 2.0, "parameter")
    b.add("s", "square", {"x": "w"})
    with pytest.raises(UsageError, match="no input of floating point"):
        report(b.run(), "shattering")
