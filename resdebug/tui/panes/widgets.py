"""The panes as widgets: each asks its function for lines when the session has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.timer import Timer

from resdebug.tui.commands import ONE_PASS, Command, KeysOf, written
from resdebug.tui.pane import Pane

if TYPE_CHECKING:
    from resdebug.tui.pair import Pair
    from resdebug.tui.session import Session
    from resdebug.tui.tensors.view import Look
    from resdebug.tui.tour import Tour


class SessionPane(Pane):
    """A pane that shows something of a session; ``update_from`` is called whenever the session has moved."""

    session: Session | None = None

    def update_from(self, session: Session) -> None:
        """Show the session as it is now."""
        self.session = session
        if self.size.width and self.display:
            self.draw(session)

    def draw(self, session: Session) -> None:
        """Write the pane's lines."""
        raise NotImplementedError

    def on_resize(self) -> None:
        """Lines depend on the width."""
        if self.session is not None:
            self.update_from(self.session)


class HeaderPane(SessionPane):
    """The line on top."""

    beside: str = ""
    """What another pass beside this one is called."""

    def tell_loading(self, name: str, progress: str) -> None:
        """Tell how far the loading is."""
        from resdebug.tui.panes.header_loading import loading_line

        self.show([loading_line(name, progress, self.size.width)])

    def draw(self, session: Session) -> None:
        """Write the header."""
        from resdebug.tui.panes.header import header_line

        self.show([header_line(session, self.size.width, self.beside)])


class NarrationPane(SessionPane):
    """What has just happened."""

    def draw(self, session: Session) -> None:
        """Write the sentence."""
        from resdebug.tui.panes.narration import narration_lines

        self.show(narration_lines(session, self.size.width))


class BetweenPane(Pane):
    """Two passes compared at the selected node."""

    def compare(self, pair: Pair) -> None:
        """Write what lies between them."""
        from resdebug.tui.panes.between import between_lines

        self.show(between_lines(pair))


class DivergencePane(Pane):
    """What is found of two passes: the divergence at the cursor, or how many there are and where."""

    def tell(self, pair: Pair) -> None:
        """Write what is known."""
        from resdebug.tui.panes.divergence import divergence_lines

        self.show(divergence_lines(pair, self.size.width, self.inner_height))


class TourPane(Pane):
    """What the guided tour has to say; not there without one."""

    tour: Tour | None = None

    def tell(self, tour: Tour | None) -> None:
        """Show the tour's present step, or nothing."""
        self.tour = tour
        self.display = tour is not None
        self.write()

    def on_resize(self) -> None:
        """Fit the text into the width."""
        self.write()

    def write(self) -> None:
        """Write the step."""
        if self.tour is not None:
            lines = self.tour.lines(self.size.width or 80)
            self.styles.height = len(lines)
            self.show(lines)


class NodePane(SessionPane):
    """The selected node; a click on a neighbour follows it."""

    class NameClicked(Message):
        """The person clicked on a piece of text that may be a neighbour's name."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def on_click(self, event: events.Click) -> None:
        """Tell what is under the mouse."""
        place = event.get_content_offset_capture(self)
        at = 0
        for text, role in self.line_at(place.y + self.top) or []:
            at += cell_len(text)
            if place.x < at:
                if role in {"accent", "link"}:
                    self.post_message(self.NameClicked(text))
                return

    def draw(self, session: Session) -> None:
        """Write formulas and statistics."""
        from resdebug.tui.panes.node import node_lines, node_title

        self.show(node_lines(session, self.inner_width), node_title(session))


class LedgerPane(SessionPane):
    """The selected node's ledger; its end, the sum, is kept in view."""

    def draw(self, session: Session) -> None:
        """Write the entries and the sum."""
        from resdebug.tui.panes.ledger import ledger_lines, ledger_title

        if session.duelling:
            from resdebug.tui.panes.duel import duel_lines, duel_title

            self.show(duel_lines(session, self.inner_width), duel_title(session))
            return
        self.show(ledger_lines(session, self.inner_width), ledger_title(session))
        arrived = session.selected != session.pass_.target
        if self.move_to(self.count if arrived else 0):
            self.refresh()


class TensorPane(SessionPane):
    """The selected node's tensors."""

    def draw(self, session: Session) -> None:
        """Write numbers or a heat map."""
        from resdebug.tui.panes.tensor import tensor_lines, tensor_subtitle, tensor_title

        self.show(tensor_lines(session, self._look()), tensor_title(session), tensor_subtitle(session))

    def _look(self) -> Look:
        from resdebug.tui.tensors.view import Look

        colour = not self.ascii_only and not self.app.no_color
        return Look(self.inner_width, self.inner_height, colour, self.app.current_theme.dark)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell all digits of the element under the mouse."""
        from resdebug.tui.panes.tensor import told_element

        self.tooltip = None
        if self.session is not None:
            place = event.get_content_offset_capture(self)
            told = told_element(self.session, self._look(), place.x, place.y + self.top)
            self.tooltip = Text(told) if told else None


class FooterPane(Pane):
    """The keys, a click on one presses it; for some seconds, what a command has to tell."""

    keys_of: KeysOf = staticmethod(written)
    commands: tuple[Command, ...] = ONE_PASS
    _told: Timer | None = None

    def on_resize(self) -> None:
        """Fit the keys into the width; what is being told stays."""
        if self._told is None:
            self.show_keys()

    def show_keys(self) -> None:
        """Show the keys."""
        from resdebug.tui.panes.footer import footer

        if self._told is not None:
            self._told.stop()
            self._told = None
        line, self._buttons = footer(self.size.width, self.keys_of, self.commands)
        self.show([line])

    def tell(self, text: str, seconds: float) -> None:
        """Show a sentence in place of the keys; a click brings them back."""
        if self._told is not None:
            self._told.stop()
        self._buttons = []
        self.show([[(" ● ", "now"), (text, "strong")]])
        self._told = self.set_timer(seconds, self.show_keys)

    async def on_click(self, event: events.Click) -> None:
        """Run the command under the mouse."""
        for button in self._buttons:
            if button.start <= event.x < button.end:
                await self.screen.run_action(button.command.action)
                return
        if self._told is not None:
            self.show_keys()
