"""The command palette: every command, and every node to go to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider, SearchIcon

from resdebug.text import visible
from resdebug.tui.ascii import to_ascii

if TYPE_CHECKING:
    from resdebug.tui.actions.acting import Acting
    from resdebug.tui.commands import Command

MOST_NODES = 50


class Palette(CommandPalette):
    """Closes once, also when two keys that close it come in the same moment."""

    DEFAULT_CSS = """
    Palette > Vertical { max-width: 92; }
    Palette SearchIcon { color: $accent; }
    Palette.-ascii #--input, Palette.-ascii LoadingIndicator, Palette.-ascii CommandList { border: none; }
    Palette.-ascii CommandList { scrollbar-size: 0 0; }
    """

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(id="--command-palette", placeholder="a command, or the name of a node")
        self.set_class(ascii_only, "-ascii")

    def on_mount(self) -> None:
        """Show a sign that every font has."""
        self.query_one(SearchIcon).icon = ">"

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, unless it is closed already."""
        return super().dismiss(result) if self.is_current else AwaitComplete()


class Commands(Provider):
    """Offers the commands of the screen, and, when something is typed, the nodes whose names match."""

    @property
    def main(self) -> Acting:
        """The debugger's screen, on one pass or two."""
        return cast("Acting", self.screen)

    async def discover(self) -> Hits:
        """Offer every command."""
        for command in self.main.commands:
            label = self._label(command)
            yield DiscoveryHit(Text(label), partial(self.main.run_action, command.action), label, command.help)

    async def search(self, query: str) -> Hits:
        """Offer what matches, the surest first; node names are shown as plain text."""
        matcher = self.matcher(query)
        for command in self.main.commands:
            score = _likeness(query, command.name, command.help, matcher.match(command.name))
            if score > 0:
                label = self._label(command)
                yield Hit(score, Text(label), partial(self.main.run_action, command.action), label, command.help)
        session = self.main.session
        found = session.matches(query) if session is not None else []
        if len(found) > MOST_NODES:
            yield Hit(_MORE, Text(f"… {len(found) - MOST_NODES} more nodes match: type more"), lambda: None, "", None)
        for k, name in enumerate(found[:MOST_NODES]):
            label = f"Select {visible(name, limit=60)}"
            score = _EXACT if name == query else _NODE - k / MOST_NODES / 10
            yield Hit(score, Text(label), partial(self.select, name), label, None)

    def _label(self, command: Command) -> str:
        label = f"{command.name} ({self.main.keys_of(command)})"
        return to_ascii(label) if self.main.ascii_only else label

    def select(self, name: str) -> None:
        """Select a node."""
        self.main.needed.select(name)
        self.main.refresh_panes()


_EXACT, _BEGINS, _NODE, _HOLDS, _MORE, _FUZZY, _TOLD = 1.0, 0.95, 0.9, 0.85, 0.7, 0.6, 0.5


def _likeness(query: str, name: str, told: str, fuzzy: float) -> float:
    """Return how surely a command is meant, from 0 to 1: by its name before what is told of it."""
    wanted, name = query.casefold().strip(), name.casefold()
    if wanted == name:
        return _EXACT
    if name.startswith(wanted):
        return _BEGINS
    if wanted in name:
        return _HOLDS
    if wanted in told.casefold():
        return _TOLD
    return _FUZZY * fuzzy / (fuzzy + 10) if fuzzy > 0 else 0.0
