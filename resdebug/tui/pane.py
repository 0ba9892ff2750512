"""A pane: lines of styled text that scroll, drawn line by line, never laid out again when only the text changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
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

    def __init__(self, *, id: str, bare: bool = False, ascii_only: bool = False) -> None:  # noqa: A002
        super().__init__(id=id, classes="-bare" if bare else "")
        self.lines: Sequence[Line] = []
        self.ascii_only = ascii_only
        self._shown_title = ""
        self._looks: dict[str, Style] = {}

    def show(self, lines: Sequence[Line], title: str = "") -> None:
        """Replace the lines and the title."""
        self.lines = lines
        self.set_title(title)
        self.virtual_size = Size(self.inner_width, len(lines))
        self.refresh()

    def set_title(self, title: str) -> None:
        """Set the title, as plain text."""
        if not self.has_class("-bare") and self._shown_title != title:
            self._shown_title = title
            self.border_title = Text(to_ascii(title) if self.ascii_only else title)

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
