"""Where a number comes from: every part against one VJP per element, and every chain against the ledger."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.debugger.provenance import Step, provenance
from resdebug.debugger.shares import Way, shares
from resdebug.errors import BadInput
from resdebug.export.registry import export
from resdebug.passes.live import LivePass
from resdebug.passes.protocol import Pass
from tests.ops.cases import SLOTS
from tests.ops.cases.table import Case
from tests.support import GRAPHS, Builder, block, residual_chain, two_path


def through(case: Case) -> LivePass:
    """A pass through one operator: its output, times fixed numbers of every sign, summed."""
    b = Builder("loss")
    names = {}
    for k, (draw, array) in enumerate(zip(case.draws, case.arrays(), strict=True)):
        if draw is not None and array is not None:
            op = "constant" if draw.fixed else "input"
            extra = {"dtype": draw.fixed} if draw.fixed else {}
            names[k] = b.leaf(f"x{k}", array, op, **extra)
    settings = {n: getattr(case.operator, n) for n in case.operator.__struct_fields__}
    b.graph.add_node("y", op=case.operator.op(), **settings)
    for k, name in names.items():
        b.graph.add_edge(name, "y", slot=k)
    b.leaf("weights", case.ybar(), "constant")
    b.add("weighted", "mul", {"a": "y", "b": "weights"})
    b.add("loss", "sum", {"x": "weighted"})
    return b.run()


EACH = {(c.operator.op(), position): (c, position) for c, position in SLOTS}
"""Every operator with every slot once, on the last of its cases."""


@pytest.mark.parametrize("part", range(8))
def test_parts_are_those_of_one_vjp_per_element(part: int) -> None:
    for case, position in list(EACH.values())[part::8]:
        check_parts(case, position)


def check_parts(case: Case, position: int) -> None:
    pass_ = through(case)
    edge = pass_.network["y"].inputs[position]
    assert edge is not None
    ybar, y = pass_.adjoint("y"), pass_.value("y")
    sent = pass_.contribution(edge)
    inputs = [None if e is None else pass_.value(e.source) for e in pass_.network["y"].inputs]
    assert ybar is not None
    assert y is not None
    rows = np.zeros((ybar.size, sent.size))
    for j in range(ybar.size):
        one = np.zeros(ybar.size)
        one[j] = ybar.ravel()[j]
        rows[j] = np.asarray(case.operator.vjp(position, one.reshape(ybar.shape), y, inputs)).ravel()
    for e in np.linspace(0, sent.size - 1, min(sent.size, 4)).astype(int).tolist():
        index = tuple(int(i) for i in np.unravel_index(e, sent.shape))
        found = shares(pass_, edge, index, float(sent[index]))
        spread = np.zeros(ybar.size)
        spread[found.places] = found.amounts
        near = 1e-12 * max(1.0, np.abs(rows[:, e]).max())
        np.testing.assert_allclose(spread, rows[:, e], rtol=1e-9, atol=near, err_msg=f"{case.id} {position}")


def check(pass_: Pass, chain: list[Step]) -> None:
    """Require what a chain says of itself, from the ledgers alone."""
    for step, following in zip(chain, [*chain[1:], None], strict=True):
        ledger = pass_.ledger(step.node)
        adjoint = pass_.adjoint(step.node)
        assert adjoint is not None
        assert step.adjoint == float(adjoint[step.index])
        if not ledger:
            assert step.node == pass_.target
            assert following is None
            continue
        sent = [float(row.contribution[step.index]) for row in ledger]
        assert step.edge is not None
        assert step.arrivals == len(ledger)
        assert (step.edge, step.contribution) in [(r.edge, c) for r, c in zip(ledger, sent, strict=True)]
        assert abs(step.contribution) == max(map(abs, sent))
        assert float(ledger[-1].running[step.index]) == step.adjoint
        assert following is not None
        assert (following.node, following.index) == (step.edge.consumer, step.consumer_index)


@pytest.mark.parametrize("name", ["resblock", "preact_block", "bottleneck", "residual20", "digits_resnet"])
def test_every_step_names_the_largest_of_the_ledger(name: str) -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json"))
    rng = np.random.default_rng(3)
    nodes = [pass_.network.nodes[i] for i in pass_.schedule.reverse]
    for k in rng.integers(0, len(nodes), 4).tolist():
        index = tuple(int(rng.integers(n)) for n in nodes[k].shape)
        chain = list(provenance(pass_, nodes[k].name, index))
        check(pass_, chain)
        assert chain[-1].node == pass_.target


def test_by_hand() -> None:
    # d = a·(a + b), a = 4, b = 3: to a come 7 from d, and 4 through c.
    chain = list(provenance(two_path().run(), "a"))
    assert [(s.node, s.adjoint, s.contribution, round(s.share, 4)) for s in chain] == [
        ("a", 11.0, 7.0, round(7 / 11, 4)),
        ("d", 1.0, 0.0, 0.0),
    ]
    assert [s.node for s in provenance(two_path().run(), "b")] == ["b", "c", "d"]


def test_the_element_that_matters_is_named() -> None:
    b = Builder("loss")
    b.leaf("x", [1.0, 2.0])
    b.leaf("W", [[1.0, 0.0], [-5.0, 1.0], [2.0, 1.0]], "parameter")
    b.leaf("k", [1.0, 1.0, 3.0], "constant")
    b.add("y", "linear", {"x": "x", "weight": "W"})
    b.add("m", "mul", {"a": "y", "b": "k"})
    b.add("loss", "sum", {"x": "m"})
    step = next(iter(provenance(b.run(), "x", (0,))))
    # x̄0 = 1·1 − 5·1 + 2·3 = 2: the last product is the largest.
    assert (step.contribution, step.part, step.consumer_index, step.parts) == (2.0, 6.0, (2,), 3)
    assert step.part_share == pytest.approx(6 / 12)
    assert step.way is Way.UNIT_VECTOR


@pytest.mark.parametrize(("rule", "edge"), [("first", "c"), ("overwrite", "c"), ("sum", "d"), ("mean", "d")])
def test_wrong_rules_weigh_what_they_keep(rule: str, edge: str) -> None:
    b = two_path()
    pass_ = resdebug.differentiate(b.network(), rule=rule)
    first, last = (row.consumer for row in pass_.ledger("a"))
    expected = {"first": first, "overwrite": last}.get(rule, "d")
    step = next(iter(provenance(pass_, "a")))
    assert step.edge is not None
    assert step.edge.consumer == expected


def test_a_deep_chain_is_no_trouble() -> None:
    chain = list(provenance(residual_chain(2000).run(), "x0"))
    assert chain[-1].node == "x2000"


def test_a_recorded_pass_tells_the_same(tmp_path: Any) -> None:
    live = block(projection=True).run()
    export(live, tmp_path / "t.jsonl")
    recorded = resdebug.load_trace(tmp_path / "t.jsonl")
    for s, t in zip(provenance(live, "x", (0, 1, 2, 2)), provenance(recorded, "x", (0, 1, 2, 2)), strict=True):
        assert (s.node, s.index, s.contribution, s.part) == (t.node, t.index, t.contribution, t.part)


@pytest.mark.parametrize("index", [(), (0, 0), (5,), (-3,)])
def test_an_index_that_is_not_there_is_refused(index: tuple[int, ...]) -> None:
    b = Builder("loss")
    b.leaf("x", [1.0, 2.0])
    b.leaf("c", [1.0, 2.0], "constant")
    b.add("m", "mul", {"a": "x", "b": "c"})
    b.add("loss", "sum", {"x": "m"})
    with pytest.raises(BadInput, match="C021"):
        list(provenance(b.run(), "x", index))
    with pytest.raises(BadInput, match="no adjoint"):
        list(provenance(b.run(), "c", (0,)))
