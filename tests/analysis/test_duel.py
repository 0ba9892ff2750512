"""Only the sum is right: every rule's result worked by hand, live and from a trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from resdebug.analysis.duel import Contender, Duel, sampled
from resdebug.analysis.report.registry import make_report
from resdebug.analysis.report.structure import Section, Settings
from resdebug.api import load_trace
from resdebug.export.registry import export
from resdebug.passes.protocol import Pass
from tests.support import Builder, residual_chain, two_path


def number(duel: Duel, contender: Contender, node: str) -> float:
    adjoint = duel.adjoint(contender, node)
    assert adjoint is not None
    return float(adjoint.item())


def duel_of(pass_: Pass) -> Section:
    report = make_report(pass_, Settings(asked=frozenset({"duel"})), lambda *_: None)
    return report.sections[0]


# d = a · (a + b), a = 4, b = 3: a gets 7 through the product, then 4 through the sum. No block, so no skip to drop.
TWO_PATH = {"sum": 11, "mean": 5.5, "overwrite": 4, "first": 7, "twice": 15}

# x' = x + x/2, three times; at every fork 1 and 1/2 arrive, the branch (f, before the skip's slot) first.
CHAIN = {
    "sum": 1.5**3, "mean": 0.75**3, "drop_skip": 0.5**3, "drop_branch": 1.0,
}  # fmt: skip


@pytest.mark.parametrize("rule", TWO_PATH)
def test_two_path(rule: str) -> None:
    assert number(Duel(two_path().run()), Contender(rule), "a") == TWO_PATH[rule]


@pytest.mark.parametrize("rule", CHAIN)
def test_residual_chain(rule: str) -> None:
    assert number(Duel(residual_chain(3).run()), Contender(rule), "x0") == CHAIN[rule]


def test_rules_that_keep_or_repeat_one_contribution_follow_the_order_of_arrival() -> None:
    pass_ = residual_chain(3).run()
    duel = Duel(pass_)
    # Per fork, the first and the last that arrive are the skip's 1 and the branch's 1/2 in some order.
    first, last = (float(row.contribution.item()) for row in residual_chain(1).run().ledger("x0"))
    assert sorted((first, last)) == [0.5, 1.0]
    assert number(duel, Contender.FIRST, "x0") == first**3
    assert number(duel, Contender.OVERWRITE, "x0") == last**3
    assert number(duel, Contender.TWICE, "x0") == (first + 2 * last) ** 3


def test_side_by_side_at_one_node() -> None:
    pass_ = residual_chain(2).run()
    # x1 gets 1 and 1/2; below it, x0 gets 3/2 through the skip and 3/4 through the branch: the pass itself is right.
    made = {at.contender: at.adjoint for at in Duel(pass_).at_node("x0")}
    expected = {
        Contender.SUM: 2.25, Contender.MEAN: 1.125, Contender.DROP_SKIP: 0.75, Contender.DROP_BRANCH: 1.5,
    }  # fmt: skip
    for contender, adjoint in expected.items():
        found = made[contender]
        assert found is not None
        assert found.item() == adjoint
    assert Duel(pass_).at_node("x2") == ()
    assert {at.contender for at in Duel(two_path().run()).at_node("a") if at.adjoint is None} == {
        Contender.DROP_SKIP, Contender.DROP_BRANCH,
    }  # fmt: skip


def test_a_trace_replays_every_rule(tmp_path: Path) -> None:
    live = residual_chain(3).run()
    export(live, tmp_path / "t.jsonl")
    recorded = Duel(load_trace(tmp_path / "t.jsonl"))
    for rule, adjoint in CHAIN.items():
        assert number(recorded, Contender(rule), "x0") == adjoint


def test_the_table_beside_differences() -> None:
    section = duel_of(two_path().run())
    rows = {row[0]: row for row in section.tables[0].rows}
    columns = [column.name for column in section.tables[0].kind.columns]
    a = dict(zip(columns, rows["a"], strict=True))
    assert isinstance(a["sum"], float)
    assert a["sum"] < 1e-9
    assert a["differences"] == pytest.approx(11, rel=1e-9)
    for rule in ("mean", "overwrite", "first", "twice"):
        assert a[rule] == pytest.approx(abs(TWO_PATH[rule] - 11) / 11, rel=1e-8)
    assert a["drop_skip"] is None
    assert section.number("sum_agrees") == 2
    assert section.number("mean_agrees") == 1  # b has one contribution only


def test_only_the_sum_agrees_and_a_wrong_gradient_would_be_told() -> None:
    section = duel_of(residual_chain(3).run())
    assert {c.value: section.number(f"{c.value}_agrees") for c in Contender} == {
        "sum": 1, "mean": 0, "overwrite": 0, "first": 0, "twice": 0, "drop_skip": 0, "drop_branch": 0,
    }  # fmt: skip
    assert any("Only the sum" in note for note in section.notes)
    assert section.findings == ()


@pytest.mark.parametrize("x", [0.0, 1e-6])
def test_a_kink_within_the_step_settles_nothing(x: float) -> None:
    b = Builder("y")
    b.leaf("x", x)
    b.add("y", "relu", {"x": "x"})
    section = duel_of(b.run())
    assert (section.number("kinks"), section.number("leaves"), section.findings) == (1, 0, ())


def test_the_bottom_of_a_parabola_is_no_kink() -> None:
    b = Builder("y")
    b.leaf("x", 0.0)
    b.add("y", "square", {"x": "x"})
    section = duel_of(b.run())
    assert (section.number("kinks"), section.number("sum_agrees"), section.findings) == (0, 1, ())


def test_without_forks_all_rules_agree() -> None:
    b = Builder("y")
    b.leaf("x", 2.0)
    b.add("y", "square", {"x": "x"})
    section = duel_of(b.run())
    assert section.number("sum_agrees") == 1
    assert section.number("mean_agrees") is None
    assert any("no forks" in note for note in section.notes)


def test_elements_are_sampled_the_same_way_every_time() -> None:
    adjoint = np.zeros(100)
    adjoint[37] = -5.0
    assert sampled(100, 3, adjoint) == (0, 37, 50, 99)
    assert sampled(4, 3, adjoint[:4]) == (0, 1, 2, 3)
