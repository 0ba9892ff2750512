"""The command palette: every command, and every node to go to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from resdebug.text import visible

if TYPE_CHECKING:
    from resdebug.tui.actions.acting import Acting

MOST_NODES = 50


class Palette(CommandPalette):
    """Closes once, also when two keys that close it come in the same moment."""

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
            label = f"{command.name} ({self.main.keys_of(command)})"
            yield DiscoveryHit(Text(label), partial(self.main.run_action, command.action), label, command.help)

    async def search(self, query: str) -> Hits:
        """Offer what matches; node names are shown as plain text."""
        matcher = self.matcher(query)
        for command in self.main.commands:
            score = matcher.match(f"{command.name} {command.help}")
            if score > 0:
                label = f"{command.name} ({self.main.keys_of(command)})"
                yield Hit(score, Text(label), partial(self.main.run_action, command.action), label, command.help)
        session = self.main.session
        found = session.matches(query) if session is not None else []
        if len(found) > MOST_NODES:
            yield Hit(0.4, Text(f"… {len(found) - MOST_NODES} more nodes match: type more"), lambda: None, "", None)
        for name in found[:MOST_NODES]:
            label = f"Select {visible(name, limit=60)}"
            yield Hit(0.5, Text(label), partial(self.select, name), label, None)

    def select(self, name: str) -> None:
        """Select a node."""
        self.main.needed.select(name)
        self.main.refresh_panes()
