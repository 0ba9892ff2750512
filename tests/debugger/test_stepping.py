"""Stepping: what each unit is, and that a step back undoes exactly the same unit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import resdebug
from resdebug.debugger.debugger import Debugger, NodeState, State
from resdebug.debugger.stepping import Granularity
from resdebug.passes.events import Completed, Contributed, Evaluated, Event, Seeded
from resdebug.passes.protocol import Pass
from tests.support import GRAPHS, block, residual_chain, two_path

PASSES: dict[str, Pass] = {
    "two_path": two_path().run(),
    "block": block(projection=True).run(),
    "chain": residual_chain(4).run(),
}
GRANULARITIES = list(Granularity)


def last(debugger: Debugger) -> Event | None:
    return debugger.last


def snapshot(debugger: Debugger) -> object:
    """Everything that can be seen at the cursor."""
    names = [node.name for node in debugger.pass_.network.nodes]
    ledgers = tuple(
        (row.consumer, row.slot, row.contribution.tobytes(), row.running.tobytes())
        for name in names
        for row in debugger.ledger(name)
    )
    return debugger.position, debugger.last, debugger.focus(), tuple(map(debugger.node_state, names)), ledgers


def test_opens_just_after_the_seed() -> None:
    debugger = Debugger(PASSES["two_path"])
    assert debugger.last == Seeded("d")
    assert debugger.focus() == "d"


def test_node_steps_of_two_path() -> None:
    debugger = Debugger(PASSES["two_path"])
    stops = [debugger.last]
    while debugger.position < len(debugger.timeline):
        debugger.step("node")
        stops.append(debugger.last)
    assert stops == [Seeded("d"), Completed("d"), Completed("c"), Completed("a"), Completed("b")]


def test_edge_steps_show_the_receiver_with_its_partial_sum() -> None:
    debugger = Debugger(PASSES["two_path"])
    seen = []
    for _ in range(4):
        debugger.step("edge")
        assert isinstance(debugger.last, Contributed)
        seen.append((debugger.focus(), float(debugger.ledger(debugger.focus())[-1].running)))
    assert seen == [("a", 7.0), ("c", 4.0), ("a", 11.0), ("b", 4.0)]
    debugger.step("edge")
    assert debugger.position == len(debugger.timeline)


def test_forward_part_steps_by_node_in_every_granularity() -> None:
    for granularity in GRANULARITIES:
        debugger = Debugger(PASSES["two_path"])
        debugger.jump(0)
        seen = []
        for _ in range(4):
            debugger.step(granularity)
            seen.append(debugger.last)
        assert seen == [Evaluated("b"), Evaluated("a"), Evaluated("c"), Evaluated("d")]


def test_block_step_runs_to_the_last_event_of_the_block() -> None:
    debugger = Debugger(PASSES["chain"])
    for k in (3, 2, 1, 0):
        debugger.step("block")
        event = debugger.last
        assert isinstance(event, Contributed)
        assert debugger.pass_.network[event.edge.consumer].block == f"block{k}"
        following = debugger.timeline[debugger.position]
        assert debugger.pass_.network[following.node].block != f"block{k}"


def test_blocks_of_networks_with_parameters_end_with_their_last_operator() -> None:
    # Parameters are visited last of all, though they carry their block's name: they do not make a block longer.
    debugger = Debugger(resdebug.differentiate(resdebug.load(GRAPHS / "residual20.json")))
    debugger.step("block")
    assert debugger.last == Contributed(debugger.pass_.arrivals("relu20")[0])
    for k in range(10, 0, -1):
        debugger.step("block")
        event = debugger.last
        assert isinstance(event, Contributed)
        assert (event.edge.consumer, event.edge.source) == (f"conv{2 * k - 1}", f"W{2 * k - 1}")
    debugger.step("block")
    assert debugger.position == len(debugger.timeline)


def test_both_ends_hold() -> None:
    debugger = Debugger(PASSES["block"])
    assert debugger.jump(-5) == 0
    assert debugger.back("edge") == 0
    assert debugger.last is None
    assert debugger.jump(10**9) == len(debugger.timeline)
    assert debugger.step("node", 3) == len(debugger.timeline)


@pytest.mark.parametrize("name", PASSES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(start=st.integers(0, 400), granularity=st.sampled_from(GRANULARITIES), count=st.integers(1, 60))
def test_k_forward_and_k_back_is_where_one_started(name: str, start: int, granularity: Granularity, count: int) -> None:
    debugger = Debugger(PASSES[name])
    debugger.jump(start)
    debugger.step(granularity)
    debugger.back(granularity)
    before = snapshot(debugger)
    taken = 0
    for _ in range(count):
        here = debugger.position
        taken += debugger.step(granularity) != here
    for _ in range(taken):
        debugger.back(granularity)
    assert snapshot(debugger) == before


@pytest.mark.parametrize("name", PASSES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(count=st.integers(1, 40), granularity=st.sampled_from(GRANULARITIES), start=st.integers(0, 400))
def test_a_count_is_that_many_single_steps(name: str, count: int, granularity: Granularity, start: int) -> None:
    one, many = Debugger(PASSES[name]), Debugger(PASSES[name])
    for debugger in (one, many):
        debugger.jump(start)
    for _ in range(count):
        one.step(granularity)
    many.step(granularity, count)
    assert one.position == many.position
    for _ in range(count):
        one.back(granularity)
    many.back(granularity, count)
    assert one.position == many.position


walks = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["step", "back"]), st.sampled_from(GRANULARITIES), st.integers(1, 5)),
        st.tuples(st.just("jump"), st.integers(-3, 80)),
        st.tuples(st.just("resume"), st.booleans()),
        st.tuples(st.just("stop"), st.integers(0, 30)),
    ),
    max_size=40,
)


@pytest.mark.parametrize("name", PASSES)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(walk=walks)
def test_what_is_seen_depends_on_the_position_alone(name: str, walk: list[tuple[object, ...]]) -> None:
    pass_ = PASSES[name]
    walker = Debugger(pass_)
    for move in walk:
        match move:
            case ("step", Granularity() as granularity, int(count)):
                walker.step(granularity, count)
            case ("back", Granularity() as granularity, int(count)):
                walker.back(granularity, count)
            case ("jump", int(position)):
                walker.jump(position)
            case ("resume", bool(reverse)):
                walker.resume(reverse=reverse)
            case ("stop", int(index)):
                walker.toggle_breakpoint(pass_.network.nodes[index % len(pass_.network)].name)
    straight = Debugger(pass_)
    straight.jump(walker.position)
    assert snapshot(walker) == snapshot(straight)


def test_states_on_the_way() -> None:
    debugger = Debugger(PASSES["two_path"])
    assert debugger.node_state("a") == NodeState(State.EVALUATED, 0, 2)
    debugger.step("edge")
    assert debugger.node_state("a") == NodeState(State.PARTIAL, 1, 2)
    debugger.jump(len(debugger.timeline))
    assert debugger.node_state("a") == NodeState(State.COMPLETE, 2, 2)
    debugger.jump(0)
    assert debugger.node_state("a") == NodeState(State.WAITING, 0, 2)


def test_continue_stops_at_forks_without_breakpoints_and_at_breakpoints_with() -> None:
    debugger = Debugger(PASSES["chain"])
    assert [debugger.resume() for _ in range(5)] == ["x3", "x2", "x1", "x0", None]
    # x0 is completed by the last event, so the end is the stop at x0.
    assert [debugger.resume(reverse=True) for _ in range(4)] == ["x1", "x2", "x3", None]
    assert debugger.toggle_breakpoint("f1")
    assert debugger.resume() == "f1"
    assert debugger.last == Completed("f1")
    assert debugger.resume() is None
    assert not debugger.toggle_breakpoint("f1")


def test_run_to_a_node_and_unknown_names() -> None:
    debugger = Debugger(PASSES["block"])
    debugger.to_node("conv1")
    assert last(debugger) == Completed("conv1")
    debugger.to_node("t")
    assert last(debugger) == Evaluated("t")
    with pytest.raises(KeyError, match="did you mean"):
        debugger.to_node("konv1")
