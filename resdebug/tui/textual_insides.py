"""What reaches into Textual beyond its public face, all in one place. Checked with textual 8.2.8."""

from __future__ import annotations

import asyncio
import codecs
import signal
import sys
from collections.abc import Callable, Collection
from typing import Any

from rich.segment import Segment
from textual._styles_cache import StylesCache
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

OUR_BUG = 70
MOST_BOXED = 1024


def handle_signals(app: App[None]) -> None:
    """Leave in good order on SIGINT, SIGTERM, SIGHUP and SIGQUIT; Textual would leave the terminal in raw mode."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        number = getattr(signal, name, None)
        if number is not None and sys.platform != "win32":
            loop.add_signal_handler(number, _leave(app, number))


def _leave(app: App[None], number: int) -> Callable[[], None]:
    return lambda: app.exit(return_code=128 + number)


def accept_any_bytes() -> None:
    """Let the driver read bytes that are not UTF-8 as replacement characters; Textual would end the app."""
    if sys.platform == "win32":
        return
    from textual.drivers import linux_driver

    def lenient(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
        return lambda: codecs.getincrementaldecoder(encoding)(errors="replace")

    setattr(linux_driver, "getincrementaldecoder", lenient)  # noqa: B010 - not an export of that module


def mend_page_keys() -> None:
    """Let a page key in a list that was not drawn yet do nothing; Textual would end the app with a KeyError."""
    from textual.widgets import OptionList

    if getattr(OptionList._move_page, "mended", False):
        return
    original = OptionList._move_page

    def move_page(self: OptionList, direction: Any) -> None:
        if self._index_to_line:
            original(self, direction)

    setattr(move_page, "mended", True)  # noqa: B010 - a mark on a function
    setattr(OptionList, "_move_page", move_page)  # noqa: B010 - not a method that may be overridden


class BoxedLines(StylesCache):
    """A pane as the compositor takes it: lines that are styled already, and a border round them.

    Textual works out padding, outline, hatch, tint and opacity anew for every line, none of which a pane has, and
    filters lines that have not changed. What is drawn is the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ready: dict[int, Strip] = {}
        self._boxed: dict[int, tuple[Strip, Strip]] = {}
        """By identity, a line and the same between the borders: so the text for the terminal is kept with it."""
        self._look: tuple[object, ...] = ()
        self._sides: tuple[list[Segment], list[Segment]] = ([], [])

    def clear(self) -> None:
        """Let everything be drawn anew."""
        super().clear()
        self._ready.clear()

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        """Return the rows of a pane; only those that are dirty are drawn."""
        width = widget.outer_size.width
        if width != self._width:
            self.clear()
            self._width = width
        ready, dirty = self._ready, self._dirty_lines
        stale = [y for y in crop.line_range if y in dirty or y not in ready]
        if stale:
            self._draw(widget, stale)
            dirty.difference_update(stale)
        strips = [ready[y] for y in crop.line_range]
        return strips if crop.column_span == (0, width) else [strip.crop(*crop.column_span) for strip in strips]

    def _draw(self, widget: Widget, rows: list[int]) -> None:
        gutter = widget.gutter
        top, bottom = gutter.top, widget.outer_size.height - gutter.bottom
        inside = [y for y in rows if top <= y < bottom]
        for y in set(rows).difference(inside):
            self._ready[y] = super().render_widget(widget, Region(0, y, self._width, 1))[0]
        if not inside:
            return
        background, filters, styles = widget.background_colors[1], widget.get_line_filters(), widget.styles
        look = (styles.border_left, styles.border_right, background, *filters, self._width, widget.app.ansi_theme)
        if look != self._look or len(self._boxed) > MOST_BOXED:
            self._look = look
            self._boxed.clear()
            self._sides = ([], [])
            if gutter.left:
                segments = list(super().render_widget(widget, Region(0, inside[0], self._width, 1))[0])
                self._sides = (segments[:1], segments[-1:])
        left, right = self._sides
        for y in inside:
            line = widget.render_line(y - top)
            before = self._boxed.get(id(line))
            if before is None:
                shown = list(line)
                for each in filters:
                    shown = each.apply(shown, background)
                before = self._boxed[id(line)] = line, Strip([*left, *shown, *right], self._width)
            self._ready[y] = before[1]


def draw_as_lines(widget: Widget) -> None:
    """Draw a widget by ``BoxedLines``: lines as wide as its content, and nothing but a border round them."""
    widget._styles_cache = BoxedLines()


def paint(screen: Screen[Any], widgets: Collection[Widget]) -> None:
    """Paint at once what has been refreshed of some widgets.

    Else each would tell the screen in a message, and the screen start a timer. What needs a new layout goes that way.
    """
    if not screen.is_current or screen._layout_required or any(widget._layout_required for widget in widgets):
        return
    for widget in widgets:
        if widget._repaint_required and widget.display:
            widget._repaint_required = False
            screen._dirty_widgets.add(widget)
    screen._on_timer_update()
