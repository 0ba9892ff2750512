"""The adjoint split by how many branches its paths cross, for all numbers at once, never by listing paths.

The reverse pass is linear in the adjoint: a family of adjoints, one per number of branches crossed, goes through the
same vector-Jacobian products, and moves up by one where a path enters a branch. The parts add up to the adjoint. Veit,
Wilber and Belongie 2016, Residual Networks Behave Like Ensembles of Relatively Shallow Networks, is where the question
comes from; here it is answered for one network at one input, exactly.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from resdebug.engine.kept import ByNode
from resdebug.engine.norms import norm
from resdebug.engine.reverse import contribution, seed_of
from resdebug.network.model import Edge
from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.passes.blocks import Block
from resdebug.passes.protocol import Pass

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The adjoint of a node by how many branches its paths cross; ``parts[k]`` crosses exactly k."""

    node: str
    adjoint: Array
    parts: Mapping[int, Array]
    counts: Mapping[int, int]
    """How many paths there are that cross exactly k branches."""

    @property
    def discrepancy(self) -> float:
        """‖Σ_k s_k − x̄‖ / ‖x̄‖: rounding, if all is well."""
        with np.errstate(all="ignore"):
            total = sum((np.asarray(part, np.float64) for part in self.parts.values()), np.zeros(self.adjoint.shape))
            gap = norm(np.asarray(total - np.asarray(self.adjoint, np.float64)))
        size = norm(self.adjoint)
        return gap / size if size else gap

    @property
    def norms(self) -> dict[int, float]:
        """The norm of each part."""
        return {k: norm(part) for k, part in sorted(self.parts.items())}

    @property
    def shares(self) -> dict[int, float]:
        """What each part adds to the adjoint in its own direction, ⟨s_k, x̄⟩ / ‖x̄‖²; they add up to 1."""
        whole = np.asarray(self.adjoint, np.float64).ravel()
        square = float(whole @ whole)
        if not square:
            return dict.fromkeys(sorted(self.parts), math.nan)
        return {k: float(np.asarray(p, np.float64).ravel() @ whole) / square for k, p in sorted(self.parts.items())}

    @property
    def effective_depth(self) -> float:
        """Σ k · share_k: how many branches the adjoint crosses on the average."""
        return sum(k * share for k, share in self.shares.items())


def spectrum(pass_: Pass, found: Sequence[Block], node: str, progress: Progress | None = None) -> Spectrum:
    """Split the adjoint of ``node``. Raises KeyError for a node without an adjoint."""
    adjoint = pass_.adjoint(node)
    if adjoint is None:
        raise KeyError(f"{node} has no adjoint")
    network, plan, values = pass_.network, pass_.schedule, _values(pass_)
    crossing = _crossings(found)
    end = network[node].index
    needed = _upwards(pass_, end)
    families: dict[int, dict[int, Array]] = {plan.target: {0: seed_of(network, plan)}}
    order = [i for i in plan.reverse if i in needed]
    with threads.ours(), np.errstate(all="ignore"):
        for done, i in enumerate(order):
            if i == end:
                break
            family = families.pop(i)
            for edge in plan.deliveries[i]:
                if edge.source_index not in needed:
                    continue
                step = edge.index in crossing
                receiver = families.setdefault(edge.source_index, {})
                for k, part in family.items():
                    sent = contribution(network, edge, part, values)
                    held = receiver.get(k + step)
                    receiver[k + step] = sent if held is None else np.asarray(held + sent)
            if progress is not None:
                progress(done + 1, len(order))
    return Spectrum(node, adjoint, families[end], path_counts(pass_, found, node))


@dataclass(frozen=True, slots=True)
class Moments:
    """How many branches the adjoint of a node crosses: mean and variance, weighed as ``Spectrum.shares``."""

    node: str
    mean: float
    variance: float


def moments(pass_: Pass, found: Sequence[Block], node: str) -> Moments:
    """Return mean and variance alone, which takes two more adjoints and not a whole family.

    With M_1 = Σ k s_k and M_2 = Σ k² s_k, a crossing turns them into M_1 + x̄ and M_2 + 2 M_1 + x̄. Raises KeyError for
    a node without an adjoint.
    """
    adjoint = pass_.adjoint(node)
    if adjoint is None:
        raise KeyError(f"{node} has no adjoint")
    network, plan, values = pass_.network, pass_.schedule, _values(pass_)
    crossing = _crossings(found)
    end = network[node].index
    needed = _upwards(pass_, end)
    kept: dict[int, tuple[Array, Array] | None] = {plan.target: None}
    with threads.ours(), np.errstate(all="ignore"):
        for i in plan.reverse:
            if i not in needed or i == end:
                continue
            held = kept.pop(i)
            ybar = pass_.adjoint(network.nodes[i].name)
            for edge in plan.deliveries[i]:
                if edge.source_index not in needed or ybar is None:
                    continue
                first, second = held if held is not None else (None, None)
                if edge.index in crossing:
                    second = ybar if first is None or second is None else np.asarray(second + 2 * first + ybar)
                    first = ybar if first is None else np.asarray(first + ybar)
                if first is None or second is None:
                    kept.setdefault(edge.source_index, None)
                    continue
                sent = contribution(network, edge, first, values), contribution(network, edge, second, values)
                before = kept.get(edge.source_index)
                kept[edge.source_index] = (
                    sent if before is None else (np.asarray(before[0] + sent[0]), np.asarray(before[1] + sent[1]))
                )
    whole = np.asarray(adjoint, np.float64).ravel()
    square = float(whole @ whole)
    pair = kept.get(end)
    if pair is None or not square:
        return Moments(node, 0.0 if square else math.nan, 0.0 if square else math.nan)
    mean = float(np.asarray(pair[0], np.float64).ravel() @ whole) / square
    return Moments(node, mean, float(np.asarray(pair[1], np.float64).ravel() @ whole) / square - mean**2)


def path_counts(pass_: Pass, found: Sequence[Block], node: str) -> dict[int, int]:
    """Return how many paths lead from the target to a node, by how many branches they cross; exact whole numbers."""
    plan, crossing = pass_.schedule, _crossings(found)
    end = pass_.network[node].index
    needed = _upwards(pass_, end)
    counts: dict[int, dict[int, int]] = {plan.target: {0: 1}}
    for i in plan.reverse:
        if i not in needed or i == end:
            continue
        here = counts.pop(i)
        for edge in plan.deliveries[i]:
            if edge.source_index in needed:
                receiver = counts.setdefault(edge.source_index, {})
                for k, count in here.items():
                    at = k + (edge.index in crossing)
                    receiver[at] = receiver.get(at, 0) + count
    return dict(sorted(counts[end].items()))


@dataclass(frozen=True, slots=True)
class Path:
    """One path from the target to a node of a network of scalars, and what it alone contributes to the adjoint."""

    contribution: float
    edges: tuple[Edge, ...]
    crossed: int


def top_paths(pass_: Pass, found: Sequence[Block], node: str, most: int = 10) -> list[Path]:
    """Return the paths of greatest contribution, by magnitude, found without listing all.

    Along a path of scalars the derivatives multiply, so the best paths to a node are among the best to its consumers.
    Raises ValueError where a node on the way is no scalar: there contributions are vectors, which do not multiply.
    """
    network, plan, values = pass_.network, pass_.schedule, _values(pass_)
    crossing = _crossings(found)
    end = network[node].index
    needed = _upwards(pass_, end)
    if any(network.nodes[i].type.size != 1 for i in needed):
        raise ValueError("single paths are told apart in networks of scalars only: elsewhere a path is a matrix")
    best: dict[int, list[tuple[float, tuple[Edge, ...]]]] = {plan.target: [(1.0, ())]}
    with np.errstate(all="ignore"):
        for i in plan.reverse:
            if i not in needed or i == end:
                continue
            here = best.pop(i)
            one = np.ones(network.nodes[i].shape, network.nodes[i].dtype)
            for edge in plan.deliveries[i]:
                if edge.source_index in needed:
                    slope = float(contribution(network, edge, one, values).reshape(-1)[0])
                    longer = [(value * slope, (*edges, edge)) for value, edges in here]
                    merged = best.get(edge.source_index, []) + longer
                    best[edge.source_index] = heapq.nlargest(most, merged, key=lambda item: abs(item[0]))
    return [Path(value, edges, sum(e.index in crossing for e in edges)) for value, edges in best.get(end, [])]


def _crossings(found: Sequence[Block]) -> frozenset[int]:
    """Return the edges (by index) by which the reverse pass enters a branch."""
    return frozenset(edge.index for block in found if block.skip is not None for edge in block.branches)


def _upwards(pass_: Pass, node: int) -> frozenset[int]:
    """Return the nodes through which contributions reach ``node``, itself included."""
    seen, stack = {node}, [node]
    while stack:
        for edge in pass_.schedule.arrivals[stack.pop()]:
            if edge.consumer_index not in seen:
                seen.add(edge.consumer_index)
                stack.append(edge.consumer_index)
    return frozenset(seen)


def _values(pass_: Pass) -> ByNode:
    values: list[Array | None] = [None] * len(pass_.network.nodes)
    for i in pass_.schedule.order:
        values[i] = pass_.value(pass_.network.nodes[i].name)
    return values
