"""The timeline: the order of events, and that every position is found directly."""

from __future__ import annotations

from resdebug.passes.events import Completed, Contributed, Evaluated, Event, Seeded
from tests.support import block, residual_chain, two_path


def told(event: Event) -> str:
    match event:
        case Evaluated(node):
            return f"= {node}"
        case Seeded(node):
            return f"1 {node}"
        case Completed(node):
            return f"✓ {node}"
        case Contributed(edge):
            return f"{edge.consumer}.{edge.slot} → {edge.source}"


def test_events_of_two_path_by_hand() -> None:
    # Reverse order: d, then its deepest operand c, then a (all of whose consumers have come), then b.
    assert [told(e) for e in two_path().run().events] == [
        "= b", "= a", "= c", "= d",
        "1 d",
        "✓ d", "d.a → a", "d.b → c",
        "✓ c", "c.a → a", "c.b → b",
        "✓ a",
        "✓ b",
    ]  # fmt: skip


def test_every_consumer_delivers_before_its_input_is_complete() -> None:
    events = list(block(projection=True).run().events)
    complete: set[str] = set()
    arrived: dict[str, int] = {}
    for event in events:
        if isinstance(event, Contributed):
            assert event.edge.consumer in complete
            assert event.edge.source not in complete
            arrived[event.edge.source] = arrived.get(event.edge.source, 0) + 1
        elif isinstance(event, Completed):
            complete.add(event.node)
    assert arrived["x"] == 2


def test_slots_contribute_in_slot_order() -> None:
    events = block().run().events
    slots = [e.edge.slot for e in events if isinstance(e, Contributed) and e.edge.consumer == "bn1"]
    assert slots == ["x", "weight", "bias"]


def test_positions_agree_with_the_sequence() -> None:
    pass_ = block(projection=True).run()
    timeline = pass_.events
    sequence = list(timeline)
    assert len(sequence) == len(timeline)
    for k, event in enumerate(sequence):
        assert timeline[k] == event
        index = pass_.network[event.node].index
        match event:
            case Evaluated():
                assert timeline.after_evaluation(index) == k + 1
            case Seeded():
                assert timeline.seeded == k + 1
            case Completed():
                assert timeline.after_completion(index) == k + 1
            case Contributed(edge):
                assert timeline.after_contribution(edge) == k + 1
                assert (timeline.end_of_visit(edge.consumer_index) or 0) >= k + 1


def test_what_takes_no_part_has_no_position() -> None:
    b = two_path()
    b.add("aside", "exp", {"x": "b"})
    pass_ = b.run()
    aside = pass_.network["aside"].index
    assert pass_.events.after_evaluation(aside) is None
    assert pass_.events.after_completion(aside) is None
    assert all(event.node != "aside" for event in pass_.events)


def test_constants_are_evaluated_but_get_no_events_in_the_reverse_pass() -> None:
    pass_ = block().run()
    kinds = [type(event).__name__ for event in pass_.events if event.node == "t"]
    assert kinds == ["Evaluated"]


def test_slices_and_negative_positions() -> None:
    timeline = residual_chain(3).run().events
    assert timeline[-1] == timeline[len(timeline) - 1]
    assert timeline[2:5] == [timeline[2], timeline[3], timeline[4]]
