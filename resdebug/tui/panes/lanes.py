"""Which lanes of the graph are drawn where there are many, and where the last contribution ran along them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from resdebug.analysis.rails import Rails
from resdebug.analysis.rows import Rows
from resdebug.network.model import Edge

MOST_COLUMNS: Final = 12


class Travel(NamedTuple):
    """Where the contribution of the last event is drawn: from the consumer's row down to the source's, in a column.

    Rows are those of the rails.
    """

    top: int
    bottom: int
    column: int
    head: int
    """The place in the source's row where the contribution comes in, from the right."""


def travel_of(rows: Rows, edge: Edge | None) -> Travel | None:
    """Return where an edge's contribution is drawn, None when it goes to a leaf or within a folded block."""
    if edge is None or edge.source_index not in rows.drawn:
        return None
    rails = rows.rails
    top, bottom = rows.rail_of[edge.consumer_index], rows.rail_of[edge.source_index]
    if top == bottom:
        return None
    path = next((link.path for link in rails.links[top] if link.carries == bottom), rails.path_of[top])
    column, here = rails.paths[path].column, rails.column(bottom)
    return Travel(top, bottom, column, 2 * here + 1 if column > here else -1)


def columns_in(rails: Rails, view: Sequence[int], here: int, most: int, before: Sequence[int]) -> Sequence[int]:
    """Return the columns worth drawing of the rows in view: those of the row where time is, of nodes, of their links.

    What was drawn before stays where it is still of use, so that lanes keep their places while the person steps.
    """
    nodes = Counter(rails.column(row) for row in view)
    links = Counter(rails.paths[link.path].column for row in view for link in rails.links[row])
    now = (
        {rails.column(here), *(rails.paths[link.path].column for link in rails.links[here])} if here in view else set()
    )
    kept = set(before)
    wanted = sorted(
        (c for c in {*nodes, *links, *now} if c >= 0),
        key=lambda c: (c not in now, -nodes[c] - links[c] - 2 * (c in kept), c),
    )
    rest = (c for c in range(rails.columns) if c not in wanted)
    chosen = wanted[:most]
    while len(chosen) < most:
        chosen.append(next(rest))
    return sorted(chosen)
