"""All that a page knows of a pass, as plain data in columns: nodes, edges, tensors, and where steps stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from resdebug.analysis import formulas
from resdebug.debugger.stepping import Granularity, stops
from resdebug.engine.forward import operator_of
from resdebug.export.replay.bounds import Bounds
from resdebug.export.replay.tensors import NONE, Pool
from resdebug.network.model import Edge, Node
from resdebug.network.types import TensorType
from resdebug.ops.base import Array
from resdebug.passes.encoding import same_bits
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.recorded import RecordedPass
from resdebug.passes.routes import Routes, Way
from resdebug.passes.selection import Selection
from resdebug.passes.summary import cosine
from resdebug.text import visible
from resdebug.version import __version__

Progress = Callable[[int, int], None]
_NAME = 120
_WAYS = {Way.SKIP: 1, Way.BRANCH: 2}


class _Words:
    """Texts that stand in many places, each written once and referred to by its number."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._known: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = len(self.all)
            self.all.append(text)
        return self._known[text]


class Collector:
    """Goes through a pass node by node; what no longer is needed of a ledger is let go."""

    def __init__(self, pass_: Pass, selection: Selection, bounds: Bounds) -> None:
        self.pass_ = pass_
        self.selection = selection
        self.bounds = bounds
        self.words = _Words()
        self.pool = Pool(bounds)
        self.routes = Routes(pass_)
        self.types: dict[TensorType, int] = {}
        self.closes: list[int] = [-1] * len(pass_.network.nodes)
        """Per node, whether its ledger gives its adjoint, bit for bit; −1 where that cannot be told."""
        nodes = pass_.network.nodes
        everything = [*pass_.schedule.order, *(n.index for n in nodes if n.index not in pass_.schedule.place)]
        wanted = sorted(everything, key=lambda i: not selection.chosen(nodes[i].name))
        self.written = frozenset(wanted[: bounds.formulas])
        """Nodes whose formulas are written out, with those of what they send."""

    def document(self, progress: Progress) -> dict[str, Any]:
        """Return the page's data. Text from the file is made visible; numbers are as the pass has them."""
        pass_, network = self.pass_, self.pass_.network
        total = len(pass_.events)
        edges = self._edges(lambda done: progress(min(done, total), total))
        nodes = self._nodes()
        progress(total, total)
        description = visible(network.description, limit=4000, keep="\n")
        return {
            "generator": f"resdebug {__version__}",
            "name": visible(network.name) or "network",
            "description": description,
            "target": pass_.schedule.target,
            "dtype": network.dtype,
            "rule": pass_.rule,
            "events": total,
            "whole": pass_.whole,
            "notes": [*self.bounds.notes(pass_, self.selection), *self._absent()],
            "words": self.words.all,
            "types": [
                {"text": str(t), "shape": list(t.shape), "dtype": t.dtype, "float": t.is_float} for t in self.types
            ],
            "nodes": nodes,
            "edges": edges,
            "order": list(pass_.schedule.order),
            "reverse": list(pass_.schedule.reverse),
            "deliveries": [[edge.index for edge in pass_.schedule.deliveries[i]] for i in pass_.schedule.reverse],
            "stops": {g.value: _gaps(stops(pass_.events, g).positions) for g in Granularity},
            "tensors": self.pool.records,
        }

    def _absent(self) -> list[str]:
        pass_ = self.pass_
        if pass_.whole or not isinstance(pass_, RecordedPass):
            return []
        return [f"the pass is not whole: {visible(pass_.absent)}"]

    def _nodes(self) -> dict[str, list[Any]]:
        names = ("name", "op", "type", "block", "value", "adjoint", "formula", "numbers", "about", "convention")
        columns: dict[str, list[Any]] = {name: [] for name in names}
        for node in self.pass_.network.nodes:
            formula, numbers = self._formula(node)
            row = (
                visible(node.name, limit=_NAME), self.words(node.op), self.types.setdefault(node.type, len(self.types)),
                self.words(visible(node.block, limit=500)), self._value(node), self._adjoint(node), formula, numbers,
                self.words(_settings(node)), self.words(operator_of(node).convention),
            )  # fmt: skip
            for name, item in zip(names, row, strict=True):
                columns[name].append(item)
        columns["closes"] = self.closes
        return columns

    def _formula(self, node: Node) -> tuple[str, str]:
        if node.index not in self.written:
            return "", ""
        with_numbers = self._takes_part(node) and self.selection.value(node.name)
        numbers = formulas.forward_numbers(self.pass_, node) if with_numbers else ""
        return formulas.forward_formula(self.pass_.network, node), numbers

    def _takes_part(self, node: Node) -> bool:
        return node.index in self.pass_.schedule.place

    def _value(self, node: Node) -> int:
        if not self._takes_part(node) or self.pass_.events.after_evaluation(node.index) is None:
            return NONE
        full = self.selection.value(node.name)
        return self._tensor(Of.VALUE, node.name, self.pass_.value(node.name), full=full)

    def _adjoint(self, node: Node) -> int:
        if self.pass_.events.after_completion(node.index) is None:
            return NONE
        full = self.selection.adjoint(node.name)
        return self._tensor(Of.ADJOINT, node.name, self.pass_.adjoint(node.name), full=full)

    def _tensor(self, of: Of, which: str | Edge, array: Array | None, *, full: bool) -> int:
        if array is not None:
            return self.pool.put(array, full=full)
        return self.pool.told(self.pass_.statistics(of, which) if isinstance(self.pass_, RecordedPass) else None)

    def _edges(self, progress: Callable[[int], None]) -> dict[str, list[Any]]:
        edges = self.pass_.network.edges
        columns: dict[str, list[Any]] = {
            "source": [e.source_index for e in edges],
            "consumer": [e.consumer_index for e in edges],
            "slot": [self.words(e.slot) for e in edges],
            "position": [e.position for e in edges],
            "way": [0] * len(edges), "join": [-1] * len(edges),
            "sent": [NONE] * len(edges), "running": [NONE] * len(edges),
            "cosine": [None] * len(edges), "formula": [""] * len(edges), "numbers": [""] * len(edges),
            "sum": [""] * len(edges), "reason": [-1] * len(edges),
        }  # fmt: skip
        done = 0
        for i in self.pass_.schedule.reverse:
            self._ledger(i, columns)
            done += 1 + len(self.pass_.schedule.deliveries[i])
            progress(done)
        return columns

    def _ledger(self, node: int, columns: dict[str, list[Any]]) -> None:
        pass_ = self.pass_
        name = pass_.network.nodes[node].name
        full = self.selection.value(name)
        before: list[Array] = []
        running: Array | None = None
        for k, edge in enumerate(pass_.schedule.arrivals[node], start=1):
            at = edge.index
            if edge.consumer_index in self.written:
                columns["formula"][at] = formulas.contribution_formula(pass_.network, edge)
                columns["reason"][at] = self.words(formulas.reason(pass_.network, edge))
            route = self.routes.route(edge)
            if route is not None:
                columns["way"][at], columns["join"][at] = _WAYS[route.way], pass_.network[route.join].index
            if pass_.events.after_contribution(edge) is None:
                continue
            if not pass_.holds(Of.CONTRIBUTION, edge):
                columns["sent"][at] = self._tensor(Of.CONTRIBUTION, edge, None, full=full)
                columns["running"][at] = self._tensor(Of.PARTIAL, edge, None, full=full)
                continue
            sent = pass_.contribution(edge)
            earlier, running = running, pass_.accumulate(running, sent, k)
            columns["sent"][at] = self.pool.put(sent, full=full)
            columns["running"][at] = self.pool.put(running, full=full)
            if earlier is not None:
                columns["cosine"][at] = _rounded(cosine(sent, earlier))
            if sent.size <= formulas.SHOWN_ELEMENTS and full and edge.consumer_index in self.written:
                columns["numbers"][at] = formulas.contribution_numbers(pass_, edge)
                before.append(sent)
                if pass_.rule == "sum" and len(before) == k > 1:
                    columns["sum"][at] = formulas.sum_numbers(before, running)
        adjoint = pass_.adjoint(name)
        if running is not None and adjoint is not None and pass_.events.after_completion(node) is not None:
            self.closes[node] = int(same_bits(running, adjoint))


def _rounded(x: float | None) -> float | None:
    return None if x is None else round(x, 6)


def _settings(node: Node) -> str:
    told = [f"{name} {_setting(value)}" for name, value in node.attributes.items() if value is not None]
    return " · ".join(told)


def _setting(value: object) -> str:
    return visible(str(value), limit=24) if isinstance(value, str) else visible(str(value).replace(" ", "").lower())


def _gaps(positions: Sequence[int]) -> list[int]:
    """Return sorted positions as the first and the distances after it."""
    return [positions[0], *(b - a for a, b in pairwise(positions))]
