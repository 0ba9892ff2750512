"""Commands that change what is shown of the selected node, and where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from resdebug.tui.actions.acting import Acting
from resdebug.tui.memory import remember
from resdebug.tui.pane import Pane
from resdebug.tui.settings import THEME_NAMES

LEAST_WIDTH = 24
PANES = ("graph", "node", "ledger", "tensor")


class ViewActions(Acting):
    """Tensors, slices, panes."""

    def action_view(self, step: int) -> None:
        """Show another tensor of the node."""
        session = self.needed
        session.view = (session.shown_view() + step) % len(session.views())
        self.refresh_panes()

    def look(self, **changes: Any) -> None:
        """Change how tensors are looked at."""
        session = self.needed
        session.tensor_view = replace(session.tensor_view, **changes)
        self.refresh_panes()

    def action_mode(self, step: int) -> None:
        """Draw tensors in another way: numbers, heat map, histogram, statistics, image."""
        session = self.needed
        modes = session.modes()
        self.look(mode=modes[(modes.index(session.shown_mode()) + step) % len(modes)])

    def action_slice(self, step: int) -> None:
        """Show another slice."""
        self.look(slice=self.needed.tensor_view.slice + step * (self.count() or 1))

    def action_axes(self) -> None:
        """Show another pair of axes as rows and columns."""
        session = self.needed
        if len(session.node.shape) < 3:
            self.tell("a tensor of one or two axes has no other pair to show")
            return
        from resdebug.tui.tensors.view import pairs

        self.look(axes=(session.tensor_view.axes + 1) % len(pairs(len(session.node.shape))), slice=0, cursor=None)

    def action_beside(self) -> None:
        """Show the value beside the adjoint or contribution, or no longer."""
        self.look(beside=not self.needed.tensor_view.beside)

    def action_lock_scale(self) -> None:
        """Keep the heat map's present scale while stepping, or let each map have its own again."""
        session = self.needed
        array = session.views()[session.shown_view()].array
        if session.tensor_view.scale is not None or array is None:
            self.look(scale=None)
            self.tell("each heat map has its own scale")
            return
        from resdebug.passes.summary import summarise

        top = summarise(array)
        self.look(scale=max(abs(top.minimum), abs(top.maximum)))
        self.tell("the heat map's scale is locked")

    def action_point(self, down: int, right: int) -> None:
        """Point at another element; the first key press points at the first one."""
        session = self.needed
        array = session.views()[session.shown_view()].array
        if array is None or not array.size:
            return
        from resdebug.tui.tensors.view import clamped, plane

        here, times = session.tensor_view.cursor, self.count() or 1
        row, column = here if here is not None else (0, 0)
        if here is not None:
            row, column = row + down * times, column + right * times
        self.look(cursor=clamped(plane(array, session.tensor_view), (row, column)))

    def action_leaves(self) -> None:
        """Show or tuck away parameters."""
        self.needed.show_leaves = not self.needed.show_leaves
        self.refresh_panes()

    def action_pane(self, step: int) -> None:
        """Make another pane the active one."""
        self.activate(PANES[(PANES.index(self.active) + step) % len(PANES)])
        self.call_after_refresh(self.refresh_panes)

    def activate(self, name: str) -> None:
        """Mark a pane as active: it scrolls, and on narrow screens it is the one that shows."""
        self.active = name
        for other in PANES:
            pane = self.query_one(f"#{other}", Pane)
            pane.set_class(other == name, "-active")
            if name != "graph":
                pane.set_class(other == name, "-shown")
        self.query_one("#side").set_class(name == "graph", "-idle")

    def action_maximise(self) -> None:
        """Give the active pane the whole screen, or take it back."""
        self.toggle_class("-maximised")
        self.call_after_refresh(self.refresh_panes)

    def action_widen(self, cells: int) -> None:
        """Move the border between the graph and the other panes; it is remembered."""
        graph = self.query_one("#graph", Pane)
        width = min(max(graph.outer_size.width + cells * (self.count() or 1), LEAST_WIDTH), self.size.width - 40)
        if width >= LEAST_WIDTH:
            graph.styles.width = width
            remember(graph_width=width)
            self.call_after_refresh(self.refresh_panes)

    def action_theme(self) -> None:
        """Put on the next theme; it is remembered."""
        names = [f"resdebug-{name}" for name in THEME_NAMES]
        now = names.index(self.app.theme) if self.app.theme in names else -1
        self.app.theme = names[(now + 1) % len(names)]
        remember(theme=self.app.theme.removeprefix("resdebug-"))
        self.tell(f"theme: {self.app.theme.removeprefix('resdebug-')}")
        self.call_after_refresh(self.refresh_panes)

    def action_scroll(self, pages: int) -> None:
        """Scroll the active pane by pages; in the graph that moves the selection."""
        pane = self.query_one(f"#{self.active}", Pane)
        if self.active == "graph":
            self.needed.move_selection(pages * max(1, pane.inner_height - 1) * (self.count() or 1))
            self.refresh_panes()
        else:
            pane.scroll_lines(pages * max(1, pane.inner_height - 1))
