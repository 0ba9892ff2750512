"""A pane: lines of styled text that scroll, drawn line by line, never laid out again when only the text changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from resdebug.tui.ascii import to_ascii
from resdebug.tui.lines import ROLES, Line, cut
from resdebug.tui.lines import width as measure
from resdebug.tui.styles import role_css


class Pane(ScrollView):
    """Shows lines. Their text is never read as markup."""

    DEFAULT_CSS = """
        Pane {
            border: round $rd-border;
            border-title-color: $rd-dim;
            border-subtitle-color: $rd-dim;
            background: $background;
            scrollbar-size-vertical: 1;
            scrollbar-size-horizontal: 0;
            scrollbar-gutter: auto;
            overflow-x: hidden;
        }
        Pane.-active { border: round $accent; border-title-color: $accent; }
        Pane.-bare { border: none; overflow: hidden; }
        """ + role_css("Pane")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"role--{role}" for role in ROLES}
    can_focus = False
    _only_border = False

    def __init__(self, *, id: str, bare: bool = False, ascii_only: bool = False) -> None:  # noqa: A002
        super().__init__(id=id, classes="-bare" if bare else "")
        self.lines: Sequence[Line] = []
        self.ascii_only = ascii_only
        self._titles = ("", "")
        self._looks: dict[str, Style] = {}

    def show(self, lines: Sequence[Line], title: str = "", subtitle: str = "") -> None:
        """Replace the lines and the titles."""
        before, self.lines = self.lines, lines
        self.set_title(title, subtitle)
        if self.reserve(len(lines)):
            self.refresh()
            return
        top = self.scroll_offset.y
        for y in range(top, top + self.inner_height):
            if before[y : y + 1] != lines[y : y + 1]:
                self.refresh_lines(y)

    def reserve(self, rows: int) -> bool:
        """Make room for so many rows; return whether that changed anything.

        A change makes Textual lay out the whole screen, so there is always room for as many as can be seen.
        """
        size = Size(self.inner_width, max(rows, self.inner_height))
        changed = size != self.virtual_size
        if changed:
            self.virtual_size = size
        return changed

    def set_title(self, title: str, subtitle: str = "") -> None:
        """Set the titles, as plain text; nothing but the border is drawn anew."""
        if self.has_class("-bare") or self._titles == (title, subtitle):
            return
        self._titles = title, subtitle
        self._only_border = True
        self.border_title, self.border_subtitle = (
            Text(to_ascii(text) if self.ascii_only else text) for text in (title, subtitle)
        )
        self._only_border = False

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw anew: everything, or some regions; while the titles change, the border's rows."""
        if self._only_border:
            width, height = self.size.width + 2, self.size.height
            regions = Region(-1, -1, width, 1), Region(-1, height, width, 1)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    @property
    def inner_width(self) -> int:
        """Cells for a line: one is kept for the scroll bar."""
        return max(1, self.size.width - (0 if self.has_class("-bare") else 1))

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

    def line_at(self, y: int) -> Line | None:
        """Return the line at row ``y`` of the whole text, None beyond its end."""
        return self.lines[y] if y < len(self.lines) else None

    def strip_of(self, line: Line, *, selected: bool = False) -> Strip:
        """Return a line as the compositor wants it, with an ellipsis where it is too long."""
        over = self.look("selected") if selected else Style.null()
        width = self.size.width
        if measure(line) > width:
            line = cut(line, width)
        segments = [
            Segment(
                to_ascii(text) if self.ascii_only else text, self.look(role) + over if selected else self.look(role)
            )
            for text, role in line
        ]
        return Strip(segments).adjust_cell_length(width, self.look("selected" if selected else ""))

    def render_line(self, y: int) -> Strip:
        """Return one visible line."""
        line = self.line_at(y + self.scroll_offset.y)
        if line is None:
            return Strip.blank(self.size.width, self.look(""))
        return self.strip_of(line)
