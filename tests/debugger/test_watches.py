"""Watches follow the cursor, with what they were before."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.debugger.debugger import Debugger
from resdebug.debugger.watches import same
from resdebug.errors import BadInput
from tests.support import two_path


def test_before_and_after_a_step() -> None:
    d = Debugger(two_path().run())
    d.watches.add("norm(adj(a))")
    d.watches.add("name")
    d.watches.add("fork")
    d.step("edge")
    assert [(w.before, w.now) for w in d.watched()] == [(None, 7.0), ("d", "a"), (False, True)]
    assert all(w.changed for w in d.watched())
    d.step("edge", 2)
    assert [(w.before, w.now) for w in d.watched()] == [(7.0, 11.0), ("a", "a"), (True, True)]
    # A step back shows the change the other way round.
    d.back("edge", 2)
    assert (d.watched()[0].before, d.watched()[0].now) == (11.0, 7.0)
    d.jump(d.position)
    assert d.watched()[0].before == 11.0


def test_numbers_are_not_used_twice_and_one_text_is_watched_once() -> None:
    d = Debugger(two_path().run())
    assert [d.watches.add(text).number for text in ("adj", "value", "adj")] == [1, 2, 1]
    d.watches.delete(1)
    assert d.watches.add("adj").number == 3
    with pytest.raises(BadInput, match="there is no watch 1"):
        d.watches.delete(1)
    with pytest.raises(BadInput, match="at column 4"):
        d.watches.add("a +")
    d.watches.clear()
    assert d.watched() == ()


def test_what_counts_as_the_same() -> None:
    nan = float("nan")
    assert same(nan, nan)
    assert same(None, None)
    assert not same(None, 0.0)
    assert not same(True, 1.0)
    assert same(np.array([nan, -0.0]), np.array([nan, -0.0]))
    assert not same(np.array([0.0]), np.array([-0.0]))
