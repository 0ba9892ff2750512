"""The time left follows from the pace so far."""

from __future__ import annotations

import pytest

from resdebug.estimate import Estimate


def test_nothing_is_said_too_early() -> None:
    estimate = Estimate()
    assert estimate.tell("forward", 0, 100, 50.0) == "forward 0 of 100 nodes"
    assert estimate.tell("forward", 40, 100, 50.5) == "forward 40 of 100 nodes"


@pytest.mark.parametrize(
    ("done", "now", "left"),
    # Ten nodes in two seconds: a fifth of a second each.
    [(10, 2.0, "18 s"), (99, 2.0, "1 s"), (1, 2.0, "3 min"), (1, 100.0, "3 h")],
)
def test_what_is_left_goes_on_at_the_same_pace(done: int, now: float, left: str) -> None:
    estimate = Estimate()
    estimate.tell("forward", 0, 100, 0.0)
    assert estimate.tell("forward", done, 100, now) == f"forward {done} of 100 nodes, about {left} left"


def test_every_phase_has_its_own_pace() -> None:
    estimate = Estimate()
    estimate.tell("forward", 0, 10, 0.0)
    estimate.tell("forward", 10, 10, 100.0)
    estimate.tell("reverse", 1, 5, 100.0)
    assert estimate.tell("reverse", 2, 5, 104.0) == "reverse 2 of 5 nodes, about 12 s left"
    assert estimate.tell("reverse", 5, 5, 110.0) == "reverse 5 of 5 nodes"


def test_reading_is_told_in_percent() -> None:
    estimate = Estimate()
    assert estimate.tell("reading", 3, 100, 0.0) == "reading 3 %"
    assert estimate.tell("reading", 53, 100, 2.0) == "reading 53 %, about 2 s left"
    assert estimate.tell("reading", 150, 200, 2.1).startswith("reading 75 %")
