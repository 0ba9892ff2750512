"""What the signs of the graph mean, below it where the pane has nothing else to show."""

from __future__ import annotations

from typing import Final

from resdebug.tui.lines import Line, cut, width

SIGNS: Final[tuple[Line, ...]] = (
    [("○", ""), (" waits  ", "dim"), ("◐", "sum"), (" partly arrived  ", "dim"), ("●", "strong"), (" complete", "dim")],
    [("◎ ◉", "strong"), (" fork: used more than once, so its", "dim")],
    [("    contributions are added (", "dim"), ("Σ2", "sum"), (": of two)", "dim")],
    [("⊕", "strong"), (" join: the paths of a block meet", "dim")],
    [("┊", "dim"), (" to come  ", "dim"), ("┃", "lit"), (" carries a sum  ", "dim"), ("│", "dim"), (" done", "dim")],
    [("▶", "now"), (" time is here  ", "dim"), ("▼", "travel"), (" has just sent", "dim")],
    [("■", "bad"), (" a stop  ", "dim"), ("▏▌█", "accent"), (" small, large gradient", "dim")],
)


def legend(cells: int, room: int) -> list[Line]:
    """Return lines that fill ``room`` from its lower end, or nothing where the legend has no room."""
    if room < len(SIGNS) + 2 or cells < max(map(width, SIGNS)) + 1:
        return []
    return [[("", "")]] * (room - len(SIGNS)) + [[(" ", ""), *cut(line, cells - 1)] for line in SIGNS]
