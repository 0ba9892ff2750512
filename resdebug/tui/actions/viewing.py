"""Commands that change what is shown of the selected node, and where."""

from __future__ import annotations

from resdebug.tui.actions.acting import Acting
from resdebug.tui.pane import Pane

PANES = ("graph", "node", "ledger", "tensor")


class ViewActions(Acting):
    """Tensors, slices, panes."""

    active: str = "ledger"

    def action_view(self, step: int) -> None:
        """Show another tensor of the node."""
        session = self.needed
        session.view = (session.shown_view() + step) % len(session.views())
        self.refresh_panes()

    def action_heat(self) -> None:
        """Switch between numbers and heat map."""
        self.needed.heat = not self.needed.heat
        self.refresh_panes()

    def action_slice(self, step: int) -> None:
        """Show another slice."""
        self.needed.slice += step
        self.refresh_panes()

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

    def action_scroll(self, pages: int) -> None:
        """Scroll the active pane by pages; in the graph that moves the selection."""
        pane = self.query_one(f"#{self.active}", Pane)
        if self.active == "graph":
            self.needed.move_selection(pages * max(1, pane.inner_height - 1) * (self.count() or 1))
            self.refresh_panes()
        else:
            pane.scroll_relative(y=pages * max(1, pane.inner_height - 1), animate=False)
