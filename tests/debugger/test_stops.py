"""Stops: where each kind holds, against plain loops; running back finds what running on would have passed."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest

import resdebug
from resdebug.debugger.debugger import Debugger, Ending
from resdebug.debugger.stops import Spec, StopKind
from resdebug.errors import BadInput
from resdebug.network.model import Node
from resdebug.passes.events import Completed
from resdebug.passes.protocol import Pass
from tests.support import GRAPHS, Builder, block, residual_chain, two_path

PASSES: dict[str, Pass] = {
    "two_path": two_path().run(),
    "block": block(projection=True).run(),
    "chain": residual_chain(4).run(),
    "residual20": resdebug.differentiate(resdebug.load(GRAPHS / "residual20.json")),
}
ANY = [
    "fork", "join", "op add", "x*", "norm(adj) < 0.3", "anynan(adj) or anyinf(adj)", "fanout > 1 and skip_share > 0.3",
    "cos(skip, branch) < 0", "adj.max > 0.02", "norm(adj) / norm(prev(adj)) > 1.5", "norm(value) > 1",
    "sent.absmax > 0.2", 'event == "evaluated" and leaf', "changed(norm(adj))", "true", "false",
]  # fmt: skip


def completions(pass_: Pass, holds: Callable[[Node], bool]) -> list[int]:
    """Return where the adjoints of chosen nodes are complete, or where those without one were evaluated."""
    found = []
    completed = {event.node for event in pass_.events if isinstance(event, Completed)}
    for k, event in enumerate(pass_.events, start=1):
        kind = type(event).__name__
        if kind == ("Completed" if event.node in completed else "Evaluated") and holds(pass_.network[event.node]):
            found.append(k)
    return found


@pytest.mark.parametrize("name", PASSES)
def test_every_kind_holds_where_a_loop_finds_it(name: str) -> None:
    p = PASSES[name]
    d = Debugger(p)
    some = p.network.nodes[len(p.network.nodes) // 2]
    assert d.positions(Spec(StopKind.NODE, some.name)) == completions(p, lambda n: n is some)
    assert d.positions(f"op {some.op}") == completions(p, lambda n: n.op == some.op)
    glob = f"{some.name[0]}*"
    assert d.positions(glob) == d.positions(f"name {glob}") == completions(p, lambda n: fnmatchcase(n.name, glob))
    assert d.positions("fork") == completions(p, lambda n: len(p.arrivals(n.name)) > 1)
    if some.block:
        assert d.positions(f"block {some.block}") == completions(p, lambda n: n.block == some.block)


def test_joins_are_where_a_block_ends() -> None:
    for name, joins in (("block", ["add"]), ("chain", ["x4", "x3", "x2", "x1"]), ("two_path", ["d"])):
        d = Debugger(PASSES[name])
        assert [d.timeline[k - 1] for k in d.positions("join")] == [Completed(join) for join in joins]


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("stop", ANY)
def test_running_back_finds_exactly_the_last_stop_that_running_on_would_have_passed(name: str, stop: str) -> None:
    stop = {("x*", "residual20"): "relu*", ("x*", "two_path"): "?"}.get((stop, name), stop)
    d = Debugger(PASSES[name])
    d.stops.add(stop if stop != "op add" or name != "two_path" else "op mul")
    passed = []
    d.jump(0)
    while (reason := d.run()).ending is Ending.STOP:
        passed.append(reason.position)
        assert reason.stops
        assert reason.node == d.focus()
    assert d.position == len(d.timeline)
    assert passed == d.positions(d.stops[1].spec)
    for here in range(len(d.timeline) + 1):
        d.jump(here)
        back = d.run(reverse=True)
        before = [k for k in passed if k < here]
        assert (back.ending, d.position) == ((Ending.STOP, before[-1]) if before else (Ending.START, 0))
        d.jump(here)
        on = d.run(d.stops[1].spec)
        after = [k for k in passed if k > here]
        assert (on.ending, d.position) == ((Ending.STOP, after[0]) if after else (Ending.END, len(d.timeline)))


def test_several_stops_count_together_unless_disabled() -> None:
    d = Debugger(PASSES["chain"])
    fork, f1, condition = (d.stops.add(text) for text in ("fork", "f1", "norm(adj) > 3"))
    assert [stop.number for stop in d.stops] == [1, 2, 3]
    assert d.stops.add("fork") == fork
    union = sorted({*d.positions("fork"), *d.positions("node f1"), *d.positions("norm(adj) > 3")})
    assert d.stops.all_positions().tolist() == union
    d.stops.enable(1, enabled=False)
    d.stops.enable(3, enabled=False)
    assert d.stops.all_positions().tolist() == d.positions("f1")
    reason = d.run()
    assert (reason.node, reason.stops) == ("f1", (f1,))
    d.stops.delete(2)
    assert d.run().ending is Ending.END
    d.stops.enable(3)
    assert d.run(reverse=True).stops == (condition,)
    d.stops.clear()
    d.jump(0)
    assert d.run().node == "x3"


def test_breakpoints_by_name_are_stops() -> None:
    d = Debugger(PASSES["block"])
    assert d.toggle_breakpoint("conv1")
    assert d.breakpoints == {"conv1"}
    assert [str(stop.spec) for stop in d.stops] == ["node conv1"]
    d.stops.enable(1, enabled=False)
    assert d.breakpoints == set()
    assert d.toggle_breakpoint("conv1")
    assert d.stop_nodes() == ["conv1"]
    assert not d.toggle_breakpoint("conv1")
    d.stops.add("op relu")
    assert d.breakpoints == set()
    assert d.stop_nodes() == ["relu1", "relu2"]


def test_until_does_not_count_afterwards() -> None:
    d = Debugger(PASSES["block"])
    reason = d.run(until="op conv2d")
    assert (reason.node, reason.stops, reason.spec) == ("conv2", (), Spec(StopKind.OPERATOR, "conv2d"))
    assert d.holds("op conv2d")
    assert not d.holds("fork")
    assert not d.stops


def test_nodes_named_like_the_language_can_still_be_stopped_at() -> None:
    b = Builder("norm")
    b.leaf("fork", 2.0)
    b.leaf("a*b", 3.0)
    b.add("norm(adj) > 0", "mul", {"a": "fork", "b": "a*b"})
    b.add("leaf", "neg", {"x": "norm(adj) > 0"})
    b.add("norm", "mul", {"a": "leaf", "b": "leaf"})
    d = Debugger(b.run())
    for name in ("fork", "a*b", "norm(adj) > 0", "leaf", "norm"):
        at = d.timeline.after_completion(d.pass_.network[name].index)
        assert d.positions(f"node {name}") == [at]
        if name != "fork":
            assert d.positions(name) == [at]
    assert d.positions("fork") == d.positions("node leaf")
    assert d.positions("fork and depth == 1") == d.positions("node leaf")
    assert len(d.positions("if norm(adj) > 0")) == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("konv1", 'did you mean "conv1"?'),
        ("op rellu", 'did you mean "relu"?'),
        ("block b2", "there is: b1"),
        ("name z*", "matches"),
        ("z*", "matches"),
        ("op", "which"),
        ("fork me", "nothing after it"),
        ("", "empty"),
        ("if", "empty"),
        ("a*a*a*a*a*a*a*a*a*a*", "8 stars"),
    ],
)
def test_stops_at_fault_say_what_there_is(text: str, told: str) -> None:
    d = Debugger(PASSES["block"])
    with pytest.raises(BadInput, match=r"error\[C0") as caught:
        d.stops.add(text)
    assert told in str(caught.value)
    assert len(d.stops) == 0
    with pytest.raises(BadInput, match="there is no stop 1"):
        d.stops.delete(1)


def test_stops_and_watches_move_to_another_pass() -> None:
    d = Debugger(PASSES["block"])
    for stop in ("proj", "op conv2d", "norm(adj) > 0.3"):
        d.stops.add(stop)
    d.stops.enable(2, enabled=False)
    d.watches.add("norm(adj(proj))")
    d.watches.add("norm(adj)")
    d.bookmarks.set("here", 3)
    d.jump(20)
    other = d.on(block().run())
    assert [(stop.number, stop.enabled) for stop in other.stops] == [(2, False), (3, True)]
    assert [watch.expression.text for watch in other.watches] == ["norm(adj)"]
    assert (other.last, list(other.bookmarks)) == (d.last, [("here", 3)])
    assert other.stops.add("fork").number == 4
