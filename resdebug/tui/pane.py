"""A pane: lines of styled text, drawn line by line.

It scrolls by itself: Textual's own scrolling lays the whole screen out again whenever a text grows beyond its pane.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from resdebug.tui.ascii import ascii_line, to_ascii
from resdebug.tui.lines import ROLES, Line, cut
from resdebug.tui.lines import width as measure
from resdebug.tui.styles import role_css
from resdebug.tui.textual_insides import draw_as_lines

MOST_STRIPS = 512
WHEEL = 3
"""Lines that a notch of the mouse wheel scrolls."""


class Pane(Widget):
    """Shows lines. Their text is never read as markup."""

    DEFAULT_CSS = """
        Pane {
            border: round $rd-border;
            border-title-color: $rd-dim;
            border-subtitle-color: $rd-dim;
            background: $background;
            overflow: hidden;
        }
        Pane.-active { border: round $accent; border-title-color: $accent; }
        Pane.-bare { border: none; overflow: hidden; }
        """ + role_css("Pane")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"role--{role}" for role in ROLES}
    can_focus = False
    _only_row: int | None = None
    """The row of the border that is all that changes."""

    def __init__(self, *, id: str, bare: bool = False, ascii_only: bool = False) -> None:  # noqa: A002
        super().__init__(id=id, classes="-bare" if bare else "")
        self._bare = bare
        draw_as_lines(self)
        self.lines: Sequence[Line] = []
        self.top = 0
        """The first line in view."""
        self.ascii_only = ascii_only
        self._titles = ("", "")
        self._looks: dict[str, Style] = {}
        self._strips: dict[tuple[object, ...], Strip] = {}

    def show(self, lines: Sequence[Line], title: str = "", subtitle: str = "") -> None:
        """Replace the lines and the titles."""
        before, self.lines = self.lines, lines
        self.set_title(title, subtitle)
        scrolled = self.move_to(self.top)
        if scrolled or (len(before) > self.inner_height) != self.overflows or (self.overflows and before != lines):
            self.refresh()
            return
        rows = range(self.top, self.top + self.inner_height)
        changed = [self._region(y) for y in rows if before[y : y + 1] != lines[y : y + 1]]
        if changed:
            self.refresh(*changed)

    @property
    def count(self) -> int:
        """How many lines there are to scroll through."""
        return len(self.lines)

    @property
    def overflows(self) -> bool:
        """Whether there is more than can be seen."""
        return self.count > self.inner_height

    def move_to(self, top: int) -> bool:
        """Make ``top`` the first line in view, as far as that is possible; returns whether anything changed."""
        top = max(0, min(top, self.count - self.inner_height))
        changed = top != self.top
        self.top = top
        return changed

    def scroll_lines(self, lines: int) -> None:
        """Scroll by so many lines."""
        if self.move_to(self.top + lines):
            self.refresh()

    def refresh_row(self, y: int) -> None:
        """Draw one line anew, counted from the first there is."""
        self.refresh(self._region(y))

    def _region(self, y: int) -> Region:
        return Region(0, y - self.top, self.size.width, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self.scroll_lines(WHEEL)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self.scroll_lines(-WHEEL)
        event.stop()

    def set_title(self, title: str, subtitle: str = "") -> None:
        """Set the titles, as plain text; nothing but the border is drawn anew."""
        before, self._titles = self._titles, (title, subtitle)
        if self._bare or before == self._titles:
            return
        if before[0] != title:
            self._only_row = -1
            self.border_title = Text(to_ascii(title) if self.ascii_only else title)
        if before[1] != subtitle:
            self._only_row = self.size.height
            self.border_subtitle = Text(to_ascii(subtitle) if self.ascii_only else subtitle)
        self._only_row = None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw anew: everything, or some regions; while a title changes, its row of the border."""
        if self._only_row is not None:
            regions = (Region(-1, self._only_row, self.size.width + 2, 1),)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    @property
    def size(self) -> Size:
        """The size of what is inside the border; Textual would look the pane up on the screen for every answer."""
        width, height = self.outer_size
        border = 0 if self._bare else 2
        return Size(max(width - border, 0), max(height - border, 0))

    @property
    def inner_width(self) -> int:
        """Cells for a line: one is kept for the scroll bar."""
        return max(1, self.size.width - (0 if self._bare else 1))

    @property
    def inner_height(self) -> int:
        """Rows for lines."""
        return max(1, self.size.height)

    def look(self, role: str) -> Style:
        """Return what a role looks like; a role may also be a colour, or two: ``#rrggbb on #rrggbb``."""
        if role not in self._looks:
            if len(self._looks) > 4096:
                self._looks.clear()
            base = self.rich_style
            if role.startswith("#"):
                self._looks[role] = base + Style.parse(role)
            else:
                self._looks[role] = (
                    base + self.get_component_rich_style(f"role--{role}", partial=True) if role else base
                )
        return self._looks[role]

    def notify_style_update(self) -> None:
        """Forget what roles looked like: the theme has changed."""
        super().notify_style_update()
        self._looks.clear()
        self._strips.clear()

    def line_at(self, y: int) -> Line | None:
        """Return the line at row ``y`` of the whole text, None beyond its end."""
        return self.lines[y] if y < len(self.lines) else None

    def strip_of(self, line: Line, *, selected: bool = False) -> Strip:
        """Return a line as the compositor wants it, with an ellipsis where it is too long."""
        key = (tuple(line), selected, self.size.width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= MOST_STRIPS:
                self._strips.clear()
            strip = self._strips[key] = self._strip(line, selected=selected).simplify()
        return strip

    def _strip(self, line: Line, *, selected: bool) -> Strip:
        # What a cell's own colour tells is told in the selected row too.
        over = Style(bgcolor=self.look("selected").bgcolor) if selected else Style.null()
        width = self.size.width
        if measure(line) > width:
            line = cut(line, width)
        if self.ascii_only:
            line = ascii_line(line)
        segments = [Segment(text, self.look(role) + over if selected else self.look(role)) for text, role in line]
        return Strip(segments).adjust_cell_length(width, self.look("selected" if selected else ""))

    def render_line(self, y: int) -> Strip:
        """Return one visible line, beside it a piece of the scroll bar."""
        line = self.line_at(y + self.top)
        strip = Strip.blank(self.size.width, self.look("")) if line is None else self.strip_of(line)
        if self._bare or not self.overflows:
            return strip
        thumb = Segment(" " if not self._in_thumb(y) else "#" if self.ascii_only else "▐", self.look("dim"))
        return Strip([*strip.crop(0, self.size.width - 1), thumb], self.size.width)

    def _in_thumb(self, y: int) -> bool:
        height, count = self.inner_height, self.count
        size = max(1, height * height // count)
        start = (height - size) * self.top // max(1, count - height)
        return start <= y < start + size
