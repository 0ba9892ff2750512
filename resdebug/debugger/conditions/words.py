"""The words of the condition language, with their help: what may stand in a condition without brackets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from resdebug.debugger.conditions.columns import Column, Columns
from resdebug.debugger.conditions.places import Moment, Places
from resdebug.debugger.conditions.typed import Kind, Make, Need, Typed, constant, scalar, tensor
from resdebug.network.model import Node
from resdebug.passes.routes import Way


@dataclass(frozen=True, slots=True)
class WordRow:
    """A word, what it means, and what it becomes."""

    name: str
    about: str
    typed: Typed


def _of_node(name: str, kind: Kind, of: Callable[[Node], Any]) -> Typed:
    dtype: Any = {Kind.NUMBER: np.float64, Kind.TRUTH: np.bool_, Kind.TEXT: object}[kind]

    def column(columns: Columns, places: Places) -> Column:
        all_ = columns.of_nodes(name, lambda: np.array([of(node) for node in columns.nodes], dtype))
        return _known(all_[places.node])

    return scalar(kind, Need.NODE, column)


def _known(data: np.ndarray[Any, Any], known: np.ndarray[Any, Any] | None = None) -> Column:
    return Column(data, np.ones(len(data), bool) if known is None else known)


def _depth(columns: Columns, places: Places) -> Column:
    depth = columns.depths[places.node]
    return _known(depth.astype(np.float64), depth >= 0)


def _of_edge(get: Callable[[Columns, int], str]) -> Make:
    def column(columns: Columns, places: Places) -> Column:
        data = np.array([get(columns, e) if e >= 0 else "" for e in places.edge.tolist()], object)
        return _known(data, places.edge >= 0)

    return column


def _way(columns: Columns, edge: int) -> str:
    route = columns.routes.route(columns.edges[edge])
    return "" if route is None else route.way.value


def _skip_share(columns: Columns, places: Places) -> Column:
    whole = places.moment == Moment.COMPLETED
    data, known = np.full(len(places), np.nan), np.zeros(len(places), bool)

    def fill(missing: np.ndarray[Any, Any]) -> Column:
        shares = [columns.skip_share(i) for i in missing.tolist()]
        found = np.array([share is not None for share in shares], bool)
        return Column(np.array([np.nan if share is None else share for share in shares]), found)

    made = columns.kept(("skip_share", ""), places.node[whole], fill)
    data[whole], known[whole] = made.data, made.known
    return Column(data, known)


_EVENTS: Final = np.array([moment.name.lower() for moment in Moment], object)


def _event(_: Columns, places: Places) -> Column:
    return _known(_EVENTS[places.moment])


def _position(_: Columns, places: Places) -> Column:
    return _known(places.position.astype(np.float64))


WORDS: Final = {
    row.name: row
    for row in (
        WordRow("name", "the node's name", _of_node("name", Kind.TEXT, lambda n: n.name)),
        WordRow("op", 'the node\'s operator: op == "relu"', _of_node("op", Kind.TEXT, lambda n: n.op)),
        WordRow("block", "the node's block, an empty text where it has none",
                _of_node("block", Kind.TEXT, lambda n: n.block)),
        WordRow("dtype", "the element type: float64", _of_node("dtype", Kind.TEXT, lambda n: n.dtype)),
        WordRow("size", "the number of elements", _of_node("size", Kind.NUMBER, lambda n: n.type.size)),
        WordRow("ndim", "the number of dimensions", _of_node("ndim", Kind.NUMBER, lambda n: len(n.shape))),
        WordRow("leaf", "whether it is an input, parameter or constant",
                _of_node("leaf", Kind.TRUTH, lambda n: n.is_leaf)),
        WordRow("depth", "the longest way to the target, in edges",
                scalar(Kind.NUMBER, Need.NODE, _depth)),
        WordRow("fanout", "how many edges consume the node's value",
                scalar(Kind.NUMBER, Need.NODE, lambda c, p: _known(c.fan_out[p.node].astype(np.float64)))),
        WordRow("arrivals", "how many contributions come to the node in all",
                scalar(Kind.NUMBER, Need.NODE, lambda c, p: _known(c.arrivals[p.node].astype(np.float64)))),
        WordRow("fork", "whether two or more contributions come to the node",
                scalar(Kind.TRUTH, Need.NODE, lambda c, p: _known(c.arrivals[p.node] > 1))),
        WordRow("join", "whether the ways from a fork meet again in the node",
                scalar(Kind.TRUTH, Need.NODE, lambda c, p: _known(c.joins[p.node]))),
        WordRow("value", "the node's value", tensor(Need.VALUE, lambda c, p: c.value(p))),
        WordRow("adj", "the node's adjoint, as far as it has come", tensor(Need.ADJOINT, lambda c, p: c.adjoint(p))),
        WordRow("skip", "what came to a fork through the skip",
                tensor(Need.ADJOINT, lambda c, p: c.way(Way.SKIP, p))),
        WordRow("branch", "what came to a fork through the branch, or the sum of several",
                tensor(Need.ADJOINT, lambda c, p: c.way(Way.BRANCH, p))),
        WordRow("skip_share", "norm(skip) as a share of the norms of all contributions to a fork, 0 to 1",
                scalar(Kind.NUMBER, Need.ADJOINT, _skip_share)),
        WordRow("sent", "the contribution that arrives", tensor(Need.CONTRIBUTION, lambda c, p: c.sent(p))),
        WordRow("consumer", "the node that sent the contribution",
                scalar(Kind.TEXT, Need.CONTRIBUTION, _of_edge(lambda c, e: c.edges[e].consumer))),
        WordRow("slot", "the consumer's slot that it came through",
                scalar(Kind.TEXT, Need.CONTRIBUTION, _of_edge(lambda c, e: c.edges[e].slot))),
        WordRow("way", 'by which way it came: "skip", "branch", or an empty text',
                scalar(Kind.TEXT, Need.CONTRIBUTION, _of_edge(_way))),
        WordRow("arrived", "how many contributions have come to the node by now",
                scalar(Kind.NUMBER, Need.CONTRIBUTION, lambda c, p: _known(c.arrived(p).astype(np.float64)))),
        WordRow("event", 'what happened: "evaluated", "seeded", "completed" or "contributed"',
                scalar(Kind.TEXT, Need.EVENT, _event)),
        WordRow("position", "how many events have happened",
                scalar(Kind.NUMBER, Need.NODE, _position)),
        WordRow("true", "the condition that always holds", constant(Kind.TRUTH, True)),
        WordRow("false", "the condition that never holds", constant(Kind.TRUTH, False)),
        WordRow("inf", "infinity", constant(Kind.NUMBER, float("inf"))),
        WordRow("nan", "not a number; it compares with nothing: use isnan(x)", constant(Kind.NUMBER, float("nan"))),
    )
}  # fmt: skip
