"""Skip and branch: told from the wiring alone."""

from __future__ import annotations

import pytest

from resdebug.passes.protocol import Pass
from resdebug.passes.routes import Route, Routes, Way
from tests.support import Builder, block, residual_chain, two_path


def routes_at(pass_: Pass, node: str) -> dict[str, Route | None]:
    routes = Routes(pass_)
    return {f"{edge.consumer}.{edge.slot}": routes.route(edge) for edge in pass_.arrivals(node)}


def test_identity_skip() -> None:
    assert routes_at(block().run(), "x") == {
        "add.b": Route(Way.SKIP, "add", 0),
        "conv1.x": Route(Way.BRANCH, "add", 5),
    }


def test_projection_skip_is_the_shorter_way() -> None:
    found = routes_at(block(projection=True).run(), "x")
    assert found["proj.x"] == Route(Way.SKIP, "add", 1)
    assert found["conv1.x"] == Route(Way.BRANCH, "add", 5)


def test_a_way_through_an_activation_is_no_skip() -> None:
    b = Builder("out")
    b.leaf("x", 1.0)
    b.add("short", "tanh", {"x": "x"})
    b.add("exp", "exp", {"x": "x"})
    b.add("long", "sigmoid", {"x": "exp"})
    b.add("out", "add", {"a": "short", "b": "long"})
    assert routes_at(b.run(), "x") == {"short.x": None, "exp.x": None}


def test_a_scaled_skip_is_one() -> None:
    b = Builder("out")
    b.leaf("x", 1.0)
    b.add("scaled", "scale", {"x": "x"}, factor=0.5)
    b.add("exp", "exp", {"x": "x"})
    b.add("long", "sigmoid", {"x": "exp"})
    b.add("out", "add", {"a": "scaled", "b": "long"})
    assert routes_at(b.run(), "x")["scaled.x"] == Route(Way.SKIP, "out", 1)


def test_every_block_of_a_chain_has_its_own_join() -> None:
    pass_ = residual_chain(3).run()
    for k in range(3):
        found = routes_at(pass_, f"x{k}")
        assert found[f"x{k + 1}.b"] == Route(Way.SKIP, f"x{k + 1}", 0)
        assert found[f"f{k}.x"] == Route(Way.BRANCH, f"x{k + 1}", 1)


def test_nested_skips() -> None:
    b = Builder("out")
    b.leaf("x", 1.0)
    b.add("f1", "tanh", {"x": "x"})
    b.add("g1", "tanh", {"x": "f1"})
    b.add("inner", "add", {"a": "g1", "b": "f1"})
    b.add("f2", "tanh", {"x": "inner"})
    b.add("out", "add", {"a": "f2", "b": "x"})
    pass_ = b.run()
    assert routes_at(pass_, "f1")["inner.b"] == Route(Way.SKIP, "inner", 0)
    # On the long way lie f1, then g1 and inner (or inner alone), then f2: four operators.
    assert routes_at(pass_, "x") == {"out.b": Route(Way.SKIP, "out", 0), "f1.x": Route(Way.BRANCH, "out", 4)}


def test_equal_ways_and_other_joins_have_no_skip() -> None:
    assert routes_at(two_path().run(), "a") == {"d.a": None, "c.a": None}
    b = Builder("s")
    b.leaf("x", 1.0)
    b.add("p", "tanh", {"x": "x"})
    b.add("q", "exp", {"x": "x"})
    b.add("s", "add", {"a": "p", "b": "q"})
    assert set(routes_at(b.run(), "x").values()) == {None}


def test_twice_the_same_summand_has_no_skip() -> None:
    b = Builder("s")
    b.leaf("x", 1.0)
    b.add("s", "add", {"a": "x", "b": "x"})
    assert routes_at(b.run(), "x") == {"s.a": None, "s.b": None}


def test_long_branches_do_not_recurse() -> None:
    b = Builder("out")
    b.leaf("x", 1.0)
    last = "x"
    for k in range(5000):
        last = b.add(f"n{k}", "neg", {"x": last})
    b.add("out", "add", {"a": last, "b": "x"})
    assert routes_at(b.run(), "x")["n0.x"] == Route(Way.BRANCH, "out", 5000)


@pytest.mark.parametrize("slot", ["a", "b"])
def test_which_slot_the_skip_takes_does_not_matter(slot: str) -> None:
    other = {"a": "b", "b": "a"}[slot]
    b = Builder("out")
    b.leaf("x", 1.0)
    b.add("f", "tanh", {"x": "x"})
    b.add("out", "add", {slot: "x", other: "f"})
    assert routes_at(b.run(), "x")[f"out.{slot}"] == Route(Way.SKIP, "out", 0)
