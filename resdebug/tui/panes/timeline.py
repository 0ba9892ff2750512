"""The timeline: the norm of the adjoint along the reverse pass, on a log scale, and where the cursor is."""

from __future__ import annotations

import math

from rich.cells import cell_len

from resdebug.passes.events import Completed
from resdebug.text import visible
from resdebug.tui.lines import Line, fit, shorten
from resdebug.tui.numbers import level, scientific
from resdebug.tui.session import Session

LABEL = 9
MIN_NAME = 4
"""A block's name is not cut to less than that."""


class Profile:
    """What of the timeline does not move: which events fall into which column, norms, forks."""

    def __init__(self, session: Session, width: int) -> None:
        self._stops: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
        self._divergent: tuple[int, frozenset[int]] = (0, frozenset())
        self.total = max(len(session.debugger.timeline), 1)
        self.cells = max(1, width - LABEL)
        self.norms = self._norms(session)
        self.low, self.high = session.norm_range()
        self.forks = {self.of_node(session, name) for name in session.debugger.forks()}
        self.stretches = self._stretches(session)
        """Where each block begins and ends, in columns, with its name."""
        self.blocks = self._blocks()
        """Per column 0 outside of blocks, else 1 and 2 in turn from block to block."""

    def column(self, position: int) -> int:
        """Return the column of a position."""
        return min(self.cells - 1, max(0, (position - 1) * self.cells // self.total))

    def position(self, column: int) -> int:
        """Return the first position of a column, for a click."""
        return min(self.total, -(-max(column, 0) * self.total // self.cells) + 1)

    def of_node(self, session: Session, name: str) -> int:
        """Return the column in which a node's adjoint is completed."""
        return self.column(session.debugger.timeline.after_completion(session.network[name].index) or 0)

    def _norms(self, session: Session) -> list[float | None]:
        """Return the largest norm among the adjoints completed in each column, up to the end of the node's visit."""
        timeline = session.debugger.timeline
        norms: list[float | None] = [None] * self.cells
        for i in timeline.reverse:
            size = session.adjoint_norm(i)
            if size is None:
                continue
            start = self.column(timeline.after_completion(i) or 0)
            for column in range(start, self.column(timeline.end_of_visit(i) or 0) + 1):
                held = norms[column]
                if held is None or size > held or math.isnan(size):
                    norms[column] = size
        return norms

    def stops(self, session: Session) -> frozenset[int]:
        """Return the columns in which a stop holds."""
        timeline = session.debugger.timeline
        key = session.stop_indices
        if self._stops[0] != key:
            places = (timeline.after_completion(i) or timeline.after_evaluation(i) or 0 for i in key)
            self._stops = key, frozenset(map(self.column, places))
        return self._stops[1]

    def divergences(self, session: Session) -> frozenset[int]:
        """Return the columns in which the pass beside this one differs."""
        if self._divergent[0] != len(session.divergences):
            self._divergent = len(session.divergences), frozenset(map(self.column, session.divergences))
        return self._divergent[1]

    def _stretches(self, session: Session) -> list[tuple[int, int, str]]:
        timeline = session.debugger.timeline
        found: list[tuple[int, int, str]] = []
        for i in timeline.reverse:
            node = timeline.network.nodes[i]
            if node.is_leaf or not node.block:
                continue
            start = self.column(timeline.after_completion(i) or 0)
            end = self.column(timeline.end_of_visit(i) or 0) + 1
            if found and found[-1][2] == node.block:
                found[-1] = found[-1][0], max(end, found[-1][1]), node.block
            else:
                found.append((start, end, node.block))
        return found

    def _blocks(self) -> list[int]:
        marks = [0] * self.cells
        for k, (start, end, _) in enumerate(self.stretches):
            marks[start:end] = [k % 2 + 1] * (end - start)
        return marks


def moment(session: Session, position: int) -> str:
    """Tell the event just before a position: its number, what it was, and the norm where an adjoint was completed."""
    event = session.debugger.timeline[position - 1]
    what = type(event).__name__.lower()
    node = session.network[event.node]
    told = f"event {position}: {what} {visible(event.node, limit=40)}"
    if isinstance(event, Completed):
        size = session.adjoint_norm(node.index)
        told += "" if size is None else f", norm {scientific(size)}"
    return told + (f" in {visible(node.block, limit=30)}" if node.block else "")


def timeline_lines(session: Session, profile: Profile, height: int = 2) -> list[Line]:
    """Return the profile of norms, under it a ruler with the seed, blocks, forks, stops and the cursor.

    Where there is room the profile is as many lines high as there are, and the blocks have their names under it.
    """
    here = profile.column(session.debugger.position)
    seed = profile.column(session.debugger.timeline.seeded)
    lines = [_bars(profile, k, max(1, height - 2), seed, here) for k in range(max(1, height - 2))]
    lines[0][0] = (fit(f"{scientific(10**profile.high, 2):>8}", LABEL), "dim")
    ruler = ["◆" if c in profile.forks else "─━╌"[turn] for c, turn in enumerate(profile.blocks)]
    ruler[seed] = "┴"
    for column in profile.divergences(session):
        ruler[column] = "≠"
    for column in profile.stops(session):
        ruler[column] = "■"
    marks: Line = [(fit(f"{scientific(10**profile.low, 2):>8}", LABEL), "dim")]
    marks += [
        ("▲", "now") if c == here else (glyph, "bad" if glyph in "■≠" else "dim") for c, glyph in enumerate(ruler)
    ]
    return [*lines, marks, *([_names(profile)] if height > 2 else [])]


def _bars(profile: Profile, line: int, of: int, seed: int, here: int) -> Line:
    """Return one line of the profile, counted from the top; what cannot be drawn to scale is told on the lowest."""
    written: Line = [(" " * LABEL, "")]
    forward = " forward pass" if seed > 14 and line == of - 1 else ""
    for column, x in enumerate(profile.norms):
        glyph = " "
        if x is None:
            glyph = forward[column] if column < len(forward) else " "
        elif x > 0 and math.isfinite(x):
            glyph = level(math.log10(x), profile.low, profile.high, line, of)
        elif line == of - 1:
            glyph = "0" if x == 0 else "!"
        written.append((glyph, "lit" if seed <= column <= here else "dim"))
    return written


def _names(profile: Profile) -> Line:
    """Return the names of the blocks under their stretches of the ruler, those that fit."""
    line: Line = [(" " * LABEL, "")]
    at = 0
    for start, end, block in profile.stretches:
        name = shorten(visible(block, limit=60), end - start - 1)
        if start < at or (len(name) < MIN_NAME and name != block):
            continue
        before = start + (end - start - cell_len(name)) // 2
        line += [(" " * (before - at), ""), (name, "dim")]
        at = before + cell_len(name)
    return line
