"""Panes are drawn line by line, and at once: the picture is what Textual itself would draw."""

from __future__ import annotations

import asyncio
from threading import Event, Thread

import pytest
from textual._styles_cache import StylesCache
from textual.geometry import Region
from textual.strip import Strip

import resdebug
from resdebug.tui.pane import Pane
from resdebug.tui.shared import Shared
from tests.support import GRAPHS
from tests.tui.driving import opened


def cells(strips: list[Strip]) -> list[list[tuple[str, str]]]:
    """Every cell with how it looks."""
    return [[(text, str(s.style)) for s in strip for text in s.text] for strip in strips]


def told_by_textual(pane: Pane) -> list[Strip]:
    return StylesCache().render_widget(pane, Region(0, 0, *pane.outer_size))


@pytest.mark.parametrize("plain", [False, True])
async def test_panes_look_as_textual_draws_them(plain: bool) -> None:
    source = resdebug.differentiate(resdebug.load(GRAPHS / "digits_resnet.json"))
    async with opened(source, (110, 30), plain=plain) as d:
        for key in ("n", "s", "2", "0", "j", "J", "tab", "h", "k", "T", "n", "T", "N"):
            await d.press(key)
            panes = [pane for pane in d.app.main.query(Pane) if pane.display and pane.outer_size.area]
            assert len(panes) > 5
            for pane in panes:
                drawn = pane.render_lines(Region(0, 0, *pane.outer_size))
                assert cells(drawn) == cells(told_by_textual(pane)), (key, pane.id)


async def test_a_key_is_painted_before_anything_else_runs() -> None:
    source = resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json"))
    async with opened(source) as d:
        painted: list[str] = []
        d.app.post_display_hook = lambda: painted.append(d.screen())  # type: ignore[method-assign]
        d.app.main.action_step("node")
        assert [f"event {d.session.debugger.position}/" in screen for screen in painted] == [True]
        await d.pilot.pause()
        await asyncio.sleep(0.1)
        assert len(set(painted)) == 1, "a later picture shows something else"


def test_two_threads_share_an_answer() -> None:
    begun, go_on, asked = Event(), Event(), list[str]()

    def answer(about: str) -> str:
        asked.append(about)
        begun.set()
        assert go_on.wait(10)
        return about * 2

    shared, got = Shared(answer, 10), list[str]()
    threads = [Thread(target=lambda: got.append(shared("x"))) for _ in range(2)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    assert "x" not in shared
    go_on.set()
    for thread in threads:
        thread.join()
    assert asked == ["x"]
    assert got == ["xx", "xx"]
    assert "x" in shared


def test_answers_are_kept_while_there_is_room() -> None:
    asked: list[str] = []

    def answer(about: str) -> int:
        asked.append(about)
        return int(about)

    shared = Shared(answer, 100, lambda size: size)
    for about in ("10", "20", "30", "5", "10", "60", "20"):
        shared(about)
    # With 60 there would be 125, so that what was asked for longest ago has to go: 20, and with it again, 30.
    assert asked == ["10", "20", "30", "5", "60", "20"]
    assert "30" not in shared
    assert "10" in shared
