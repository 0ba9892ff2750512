"""The finder of NaN and infinity: faults planted at random places in generated networks, and each kind by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.debugger.nonfinite import Birth, Stage, births, origin
from resdebug.export.registry import export
from tests.support import Builder, block

SIZE = 6
FAULTS = ("0/0", "overflow", "log", "sqrt'", "inf - inf", "0·inf", "reverse overflow")


class Planted:
    """A random residual network of vectors with one fault in it, at a random node and element."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.b = Builder("loss")
        self.fault = FAULTS[seed % len(FAULTS)]
        self.place = int(self.rng.integers(SIZE))
        self.at = int(self.rng.integers(1, 9))
        self.count = 0
        self.expected = ""
        made = [self.b.leaf("x", self.rng.uniform(-1, 1, SIZE))]
        for k in range(10):
            made.append(self.fault_at(made[-1]) if k == self.at else self.layer(made))
        self.b.add("loss", "sum", {"x": made[-1]})

    def new(self, op: str, inputs: dict[str, str], **attributes: Any) -> str:
        self.count += 1
        return self.b.add(f"{op}{self.count}", op, inputs, **attributes)

    def leaf(self, value: Any, op: str = "constant") -> str:
        self.count += 1
        return self.b.leaf(f"{op}{self.count}", np.array(value), op)

    def layer(self, made: list[str]) -> str:
        last = made[-1]
        kind = int(self.rng.integers(4))
        if kind == 0:
            weight = self.leaf(self.rng.normal(size=(SIZE, SIZE)) / SIZE, "parameter")
            return self.new("linear", {"x": last, "weight": weight})
        if kind == 1:
            return self.new("tanh", {"x": last})
        if kind == 2:
            return self.new("add", {"a": self.new("tanh", {"x": last}), "b": str(self.rng.choice(made))})
        return self.new("mul", {"a": last, "b": self.leaf(self.rng.uniform(0.5, 1, SIZE), "parameter")})

    def put(self, x: str, planted: float, least: float = 1.0) -> str:
        """Return ``x`` made safe (tanh + 2) everywhere but at the place, where ``planted`` stands."""
        mask = np.zeros(SIZE, dtype="int64")
        mask[self.place] = 1
        safe = self.new("add", {"a": self.new("tanh", {"x": x}), "b": self.leaf(np.full(SIZE, least + 1))})
        number = self.leaf(np.full(SIZE, planted))
        return self.new("where", {"condition": self.leaf(mask), "a": number, "b": safe})

    def fault_at(self, x: str) -> str:
        match self.fault:
            case "0/0":
                self.expected = self.new("div", {"a": self.put(x, 0.0), "b": self.put(x, 0.0)})
            case "overflow":
                self.expected = self.new("exp", {"x": self.put(x, 800.0)})
            case "log":
                self.expected = self.new("log", {"x": self.put(x, -2.0)})
            case "sqrt'":
                # The chosen number is added to something, so that the adjoint is not cut off before it meets the root.
                zeroed = self.new("mul", {"a": self.put(x, 0.0), "b": self.leaf(np.ones(SIZE), "parameter")})
                self.expected = self.new("sqrt", {"x": zeroed})
            case "inf - inf":
                self.expected = self.new("sub", {"a": self.put(x, np.inf), "b": self.put(x, np.inf)})
            case "0·inf":
                self.expected = self.new("mul", {"a": self.put(x, 0.0), "b": self.put(x, np.inf)})
            case "reverse overflow":
                # Forward the two factors cancel; in reverse ȳ meets the second alone, twice.
                factors = np.ones(SIZE)
                factors[self.place] = 1e200
                big, small = self.leaf(factors), self.leaf(1 / factors)
                shrunk = self.new("mul", {"a": self.new("mul", {"a": x, "b": small}), "b": small})
                self.expected = self.new("mul", {"a": shrunk, "b": big})
                return self.new("mul", {"a": self.expected, "b": big})
        return self.expected


@pytest.mark.parametrize("fault", range(len(FAULTS)), ids=FAULTS)
def test_the_planted_fault_is_named(fault: int) -> None:
    for seed in range(fault, 105, len(FAULTS)):
        check_planted(seed)


def check_planted(seed: int) -> None:
    planted = Planted(seed)
    pass_ = planted.b.run()
    found = origin(pass_)
    assert found is not None
    if planted.fault in {"0/0", "log", "inf - inf", "0·inf"}:
        assert (found.stage, found.node, found.index) == (Stage.FORWARD, planted.expected, (planted.place,))
        return
    # An infinity may have become the first NaN elsewhere, which goes back to where it began.
    root = found.root
    stage = Stage.FORWARD if planted.fault == "overflow" else Stage.REVERSE
    assert (root.stage, root.node, root.index) == (stage, planted.expected, (planted.place,))
    assert np.isinf(root.made)
    assert np.isfinite([o.value for o in root.operands]).all()


def alone(op: str, x: Any, **attributes: Any) -> list[Birth]:
    b = Builder("loss")
    b.leaf("x", np.array(x, float))
    b.add("y", op, {"x": "x"}, **attributes)
    b.add("loss", "sum", {"x": "y"})
    return list(births(b.run()))


@pytest.mark.parametrize(
    ("op", "x", "attributes", "stage", "index", "what"),
    [
        ("exp", [1, 800], {}, Stage.FORWARD, (1,), "overflow: exp(800)"),
        ("log", [1, -2], {}, Stage.FORWARD, (1,), "log of −2: the logarithm of a negative number"),
        ("log", [0, 1], {}, Stage.FORWARD, (0,), "logarithm of zero"),
        ("sqrt", [1, -4], {}, Stage.FORWARD, (1,), "root of a negative"),
        ("sqrt", [1, 0], {}, Stage.REVERSE, (1,), "sqrt′(0)"),
        ("rsqrt", [0], {}, Stage.FORWARD, (0,), "1/√0"),
        ("reciprocal", [2, 0], {}, Stage.FORWARD, (1,), "1/0: division by zero"),
        ("pow", [-1], {"exponent": 0.5}, Stage.FORWARD, (0,), "to the power 0.5"),
        ("pow", [0], {"exponent": 0.5}, Stage.REVERSE, (0,), "derivative of x^0.5 at 0"),
        ("square", [1e200], {}, Stage.FORWARD, (0,), "1e+200 · 1e+200 is too large"),
        ("sum", [1e308, 1e308, 5], {}, Stage.FORWARD, (), "overflow: sum"),
        ("tanh", [1, np.nan], {}, Stage.GIVEN, (1,), "the input holds it"),
    ],
)
def test_kinds(op: str, x: Any, attributes: Any, stage: Stage, index: Any, what: str) -> None:
    (found,) = alone(op, x, **attributes)
    assert (found.stage, found.index) == (stage, index)
    assert what in found.what


def test_a_finite_pass_has_no_birth() -> None:
    assert origin(block().run()) is None


def test_infinities_of_both_signs_meet_where_contributions_are_added() -> None:
    # x̄ = +∞ + (−∞): 1/√x at 0 through two roots, one of them negated.
    b = Builder("loss")
    b.leaf("x", 0.0)
    b.add("r", "sqrt", {"x": "x"})
    b.add("s", "sqrt", {"x": "x"})
    b.add("loss", "sub", {"a": "r", "b": "s"})
    found = origin(b.run())
    assert found is not None
    assert (found.stage, found.node) == (Stage.SUM, "x")
    assert "∞ − ∞" in found.what
    assert found.root.stage is Stage.REVERSE
    assert found.root.node in {"r", "s"}


def test_a_product_of_a_window_names_its_largest_factors() -> None:
    b = Builder("loss")
    x = np.ones((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1e200
    weight = np.ones((1, 1, 2, 2))
    weight[0, 0, 1, 0] = -1e200
    b.leaf("x", x)
    b.leaf("W", weight, "parameter")
    b.add("c", "conv2d", {"x": "x", "weight": "W"})
    b.add("loss", "sum", {"x": "c"})
    found = origin(b.run())
    assert found is not None
    # x[1, 1] meets the kernel's lower left corner in the window that begins at (0, 1).
    assert (found.node, found.index, found.made) == ("c", (0, 0, 0, 1), -np.inf)
    assert [(o.name, o.index, o.value) for o in found.operands] == [
        ("x", (0, 0, 1, 1), 1e200),
        ("weight", (0, 0, 1, 0), -1e200),
    ]
    assert "1e+200 · −1e+200" in found.what


def test_only_what_reaches_a_node_is_told_there() -> None:
    b = Builder("loss")
    b.leaf("x", [-1.0])
    b.leaf("z", [900.0])
    b.add("l", "log", {"x": "x"})
    b.add("e", "exp", {"x": "z"})
    b.add("s", "add", {"a": "l", "b": "e"})
    b.add("loss", "sum", {"x": "s"})
    pass_ = b.run()
    assert {r.node for r in births(pass_, "e")} == {"e"}
    assert {r.node for r in births(pass_, "l")} == {"l"}
    assert {r.node for r in births(pass_)} == {"l", "e"}


def test_a_recorded_pass_tells_the_same(tmp_path: Path) -> None:
    live = Planted(3).b.run()
    export(live, tmp_path / "t.jsonl")
    recorded = resdebug.load_trace(tmp_path / "t.jsonl")
    told, again = origin(live), origin(recorded)
    assert told is not None
    assert again is not None
    assert (told.node, told.index, told.what) == (again.node, again.index, again.what)
