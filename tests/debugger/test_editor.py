"""Edits: the bits of a fresh pass, undo and redo to the very same state, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import resdebug
from resdebug.debugger.edited import branch_of
from resdebug.debugger.editor import Editor, differences
from resdebug.debugger.edits import (
    CutForward,
    CutReverse,
    Edit,
    ScaleEdge,
    SetAttribute,
    SetRule,
    SetSeed,
    SetValue,
)
from resdebug.errors import BadInput
from resdebug.export.registry import export
from resdebug.passes.live import LivePass
from resdebug.passes.protocol import Pass
from tests.engine.graphs import convolutional
from tests.support import GRAPHS, Builder, block, residual_chain, two_path


def state(pass_: Pass) -> dict[str, Any]:
    """All that a pass says, bit for bit: values, adjoints, the order of events and every ledger."""
    said: dict[str, Any] = {"events": [str(e) for e in pass_.events], "target": pass_.target, "rule": pass_.rule}
    for node in pass_.network.nodes:
        said[node.name] = tuple(
            None if a is None else (a.shape, a.dtype.name, a.tobytes())
            for a in (pass_.value(node.name), pass_.adjoint(node.name))
        )
        said[f"{node.name} ledger"] = [
            (r.consumer, r.slot, r.contribution.tobytes(), r.running.tobytes()) for r in pass_.ledger(node.name)
        ]
    return said


def fresh(pass_: LivePass) -> LivePass:
    return LivePass(pass_.network, pass_.target, pass_.rule)


NETWORKS = {
    "block": lambda: block(projection=True).run(),
    "convolutional": lambda: convolutional("float32").run("loss"),
    "scalars": lambda: resdebug.differentiate(resdebug.generate("random", nodes=300, seed=3)),
    "two_path": lambda: two_path().run(),
}


def edits(pass_: LivePass, rng: np.random.Generator) -> Edit:
    """Draw an edit that the network takes."""
    network = pass_.network
    taking_part = [network.nodes[i] for i in pass_.schedule.order]
    leaves = [n for n in taking_part if n.is_leaf and n.type.is_float]
    inner = [n for n in taking_part if not n.is_leaf]
    leaf = leaves[int(rng.integers(len(leaves)))]
    node = inner[int(rng.integers(len(inner)))]
    floats = [e for e in node.inputs if e is not None and network.nodes[e.source_index].type.is_float]
    edge = floats[int(rng.integers(len(floats)))]
    match int(rng.integers(8)):
        case 0:
            return SetValue(leaf.name, rng.normal(size=leaf.shape))
        case 1:
            return SetValue(leaf.name, float(rng.normal()), tuple(int(rng.integers(n)) for n in leaf.shape))
        case 2:
            return CutReverse(edge.consumer, edge.slot)
        case 3:
            return CutForward(edge.consumer, edge.slot)
        case 4:
            return ScaleEdge(edge.consumer, edge.slot, float(rng.choice([0.0, 0.5, -2.0, 1.0])))
        case 5:
            return SetSeed(float(rng.normal()))
        case 6:
            return SetRule(str(rng.choice(["sum", "mean", "overwrite", "first"])))
        case _:
            norms = [n for n in inner if n.op in {"batch_norm", "scale"}]
            if not norms:
                return SetSeed(2.0)
            norm = norms[int(rng.integers(len(norms)))]
            return SetAttribute(norm.name, "eps" if norm.op == "batch_norm" else "factor", float(rng.uniform(0.1, 1)))


@pytest.mark.parametrize("name", NETWORKS)
def test_any_edits_give_the_bits_of_a_fresh_pass(name: str) -> None:
    rng = np.random.default_rng(11)
    editor = Editor(NETWORKS[name]())
    for _ in range(8):
        try:
            editor.apply(edits(editor.live(), rng))
        except BadInput as error:
            assert error.faults[0].code in {"S020", "G061"}
            continue
        assert state(editor.pass_) == state(fresh(editor.live()))


class Edits(RuleBasedStateMachine):
    """Edits, undo and redo in any order, against a list of states."""

    def __init__(self) -> None:
        super().__init__()
        self.editor = Editor(block(projection=True).run())
        self.states = [state(self.editor.pass_)]
        self.at = 0

    @rule(seed=st.integers(0, 2**32 - 1))
    def change(self, seed: int) -> None:
        self.editor.apply(edits(self.editor.live(), np.random.default_rng(seed)))
        self.states = [*self.states[: self.at + 1], state(self.editor.pass_)]
        self.at += 1
        assert self.states[self.at] == state(fresh(self.editor.live()))

    @precondition(lambda self: self.at > 0)
    @rule()
    def undo(self) -> None:
        self.editor.undo()
        self.at -= 1

    @precondition(lambda self: self.at < len(self.states) - 1)
    @rule()
    def redo(self) -> None:
        self.editor.redo()
        self.at += 1

    @precondition(lambda self: self.at > 0)
    @rule()
    def there_and_back(self) -> None:
        self.editor.undo()
        self.editor.redo()

    @invariant()
    def the_state_is_the_one_that_was(self) -> None:
        assert state(self.editor.pass_) == self.states[self.at]


TestEdits = Edits.TestCase
TestEdits.settings = settings(max_examples=12, stateful_step_count=8, deadline=None)


def test_only_what_depends_on_it_is_computed_again() -> None:
    pass_ = residual_chain(10).run()
    editor = Editor(pass_)
    change = editor.apply(SetAttribute("f9", "factor", 0.25))
    # f9 and x10 forward. In reverse all but the target: f9's own adjoint comes out as it was, all 19 below it do not.
    assert change.work.values == 2
    names = {editor.pass_.network.nodes[i].name for i in change.work.changed_values}
    assert names == {"f9", "x10"}
    assert change.work.adjoints == 20
    assert len(change.work.changed_adjoints) == 19
    assert editor.pass_.value("x5") is not None
    assert editor.pass_.value("x5").base is pass_.value("x5").base or editor.pass_.value("x5") is pass_.value("x5")  # type: ignore[union-attr]
    last = editor.apply(SetAttribute("f0", "factor", 0.25))
    assert last.work.values == 20
    nothing = editor.apply(SetAttribute("f0", "factor", 0.25))
    assert (nothing.work.values, nothing.work.changed_values, nothing.work.changed_adjoints) == (1, (), ())


def test_by_hand() -> None:
    # d = a·(a + b), a = 4, b = 3.
    editor = Editor(two_path().run())

    def gradient() -> tuple[float, float, float]:
        p = editor.pass_
        return float(p.value("d")), float(p.adjoint("a")), float(p.adjoint("b"))  # type: ignore[arg-type]

    assert gradient() == (28.0, 11.0, 4.0)
    editor.apply(SetValue("b", 5.0))
    assert gradient() == (36.0, 13.0, 4.0)
    editor.undo()
    editor.apply(SetSeed(2.0))
    assert gradient() == (28.0, 22.0, 8.0)
    editor.apply(SetSeed(3.0))
    assert gradient() == (28.0, 33.0, 12.0)
    assert len(editor.pass_.network) == 5
    editor.undo(), editor.undo()
    editor.apply(CutReverse("d", "a"))
    assert gradient() == (28.0, 4.0, 4.0)
    editor.undo()
    editor.apply(CutForward("c", "b"))
    assert float(editor.pass_.value("d")) == 16.0  # type: ignore[arg-type]
    assert float(editor.pass_.adjoint("a")) == 8.0  # type: ignore[arg-type]
    assert editor.pass_.adjoint("b") is None
    editor.undo()
    editor.apply(ScaleEdge("d", "b", 0.5))
    assert gradient() == (14.0, 5.5, 2.0)
    editor.undo()
    editor.apply(SetRule("mean"))
    assert gradient() == (28.0, 5.5, 4.0)


def test_old_and_new_stand_side_by_side() -> None:
    editor = Editor(two_path().run())
    change = editor.apply(SetValue("b", 5.0))
    told = {(d.node, d.of): (float(d.before), float(d.after), float(d.difference)) for d in  # type: ignore[arg-type]
            differences(change.before, change.after)}  # fmt: skip
    assert {(d.node, d.of) for d in change.differences()} == set(told)
    assert told == {
        ("b", "value"): (3.0, 5.0, 2.0),
        ("c", "value"): (7.0, 9.0, 2.0),
        ("d", "value"): (28.0, 36.0, 8.0),
        ("a", "adjoint"): (11.0, 13.0, 2.0),
    }


def test_the_branch_of_a_block() -> None:
    network = residual_chain(2).network()
    assert branch_of(network, "block1").source == "f1"
    assert branch_of(resdebug.load(GRAPHS / "digits_resnet.json"), "block2").slot in {"a", "b"}
    with pytest.raises(BadInput, match="there is no block"):
        branch_of(network, "block7")


@pytest.mark.parametrize(
    ("edit", "code", "what"),
    [
        (SetValue("relu1", 1.0), "G052", "is computed by relu"),
        (SetValue("nobody", 1.0), "C003", "there is no node"),
        (SetValue("x", np.zeros((1, 3, 3, 3))), "S020", "conv2d"),
        (SetValue("x", 1.0, (0, 0, 9, 0)), "C021", "no element [0, 0, 9, 0]"),
        (SetValue("x", "text"), "S011", "not numbers"),
        (SetAttribute("conv1", "paddin", 1), "G022", 'has no attribute "paddin"'),
        (SetAttribute("conv1", "padding", "wide"), "G023", "conv2d.padding"),
        (SetAttribute("conv1", "stride", 2), "S020", '"add": add: a is (1,2,2,2)'),
        (SetAttribute("bn1", "eps", -1.0), "G023", "eps"),
        (SetSeed(float("nan")), "G023", "not a finite number"),
        (ScaleEdge("add", "c", 2.0), "C031", 'slot "c"'),
        (SetRule("median"), "G053", "no accumulation rule"),
    ],
    ids=str,
)
def test_what_is_refused_changes_nothing(edit: Edit, code: str, what: str) -> None:
    editor = Editor(block().run())
    before = editor.pass_
    with pytest.raises(BadInput) as caught:
        editor.apply(edit)
    assert code in {f.code for f in caught.value.faults}
    assert what in str(caught.value)
    assert editor.pass_ is before
    assert not editor.changes


def test_nothing_to_undo_and_recorded_passes(tmp_path: Path) -> None:
    live = two_path().run()
    editor = Editor(live)
    with pytest.raises(BadInput, match="nothing to undo"):
        editor.undo()
    with pytest.raises(BadInput, match="nothing to redo"):
        editor.redo()
    export(live, tmp_path / "t.jsonl")
    with pytest.raises(BadInput, match="a recorded pass cannot be changed"):
        Editor(resdebug.load_trace(tmp_path / "t.jsonl")).apply(SetValue("a", 1.0))


def test_old_states_are_forgotten_when_memory_is_short() -> None:
    b = Builder("loss")
    b.leaf("x", np.ones(1000))
    b.add("y", "tanh", {"x": "x"})
    b.add("loss", "sum", {"x": "y"})
    network = resdebug.from_networkx(b.graph, memory=75_000)
    editor = Editor(resdebug.differentiate(network))
    for k in range(4):
        editor.apply(SetValue("x", float(k)))
    assert editor.forgotten == 3
    assert len(editor.changes) == 1
    with pytest.raises(BadInput, match="S002"):
        editor.apply(SetValue("x", np.ones(3000)))
