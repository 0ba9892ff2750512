"""Which tensors of a pass are written with all their numbers, and which as statistics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fnmatch import translate
from functools import cached_property
from glob import escape
from typing import Final

from resdebug.errors import Fault, UsageError
from resdebug.network.model import Network
from resdebug.text import did_you_mean, visible


class Level(Enum):
    """How much of the chosen nodes is written; the rest is statistics."""

    STATS = "stats"
    """Statistics of every tensor."""
    ADJOINTS = "adjoints"
    """Adjoints with all their numbers."""
    FULL = "full"
    """Values, adjoints and contributions with all their numbers."""


@dataclass(frozen=True)
class Selection:
    """A level, and patterns of the nodes that it is about; no patterns are all nodes.

    A contribution belongs to the node that receives it.
    """

    level: Level = Level.FULL
    nodes: tuple[str, ...] = ()

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return re.compile("|".join(map(translate, self.nodes))) if self.nodes else None

    def chosen(self, node: str) -> bool:
        """Whether ``node`` is one of those that the level is about."""
        return self._pattern is None or self._pattern.match(node) is not None

    def value(self, node: str) -> bool:
        """Whether the value of ``node`` is written in full; so are contributions to it, and their sums."""
        return self.level is Level.FULL and self.chosen(node)

    def adjoint(self, node: str) -> bool:
        """Whether the adjoint of ``node`` is written in full."""
        return self.level is not Level.STATS and self.chosen(node)

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.level is Level.FULL and not self.nodes

    @property
    def written(self) -> str:
        """How a trace was asked for, as the command line has it: ``--level stats --nodes conv*``."""
        words = [] if self.level is Level.FULL else [f"--level {self.level.value}"]
        words += [f"--nodes {visible(pattern, limit=40)}" for pattern in self.nodes[:4]]
        return " ".join([*words, "…"] if len(self.nodes) > 4 else words)

    def within(self, other: Selection, network: Network) -> Selection:
        """Return what both this selection and ``other`` keep."""
        if other.everything:
            return self
        level = min(self.level, other.level, key=list(Level).index)
        if not self.nodes or not other.nodes or self.nodes == other.nodes:
            return Selection(level, self.nodes or other.nodes)
        both = [node.name for node in network.nodes if self.chosen(node.name) and other.chosen(node.name)]
        return Selection(level if both else Level.STATS, tuple(map(escape, both)))

    def check(self, network: Network) -> None:
        """Raise UsageError for a pattern that no node of ``network`` matches."""
        faults = []
        for pattern in self.nodes:
            match = re.compile(translate(pattern)).match
            if not any(match(node.name) for node in network.nodes):
                hint = did_you_mean(pattern, (node.name for node in network.nodes))
                what = f'no node matches "{visible(pattern)}"'
                faults.append(Fault("X006", what, hint or 'quote patterns: --nodes "layer3.*"'))
        if faults:
            raise UsageError(faults)


EVERYTHING: Final = Selection()


def selection(level: str | None = None, nodes: Iterable[str] = ()) -> Selection:
    """Return the selection of a level by its word, ``full`` where None."""
    return Selection(Level(level or "full"), tuple(nodes))
