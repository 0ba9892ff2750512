"""Is the reverse pass right? Every VJP and every adjoint against differences of the forward pass.

The *local* check takes one operator by itself: the VJP of each slot with a random ``ȳ`` against the slope of
``⟨ȳ, f⟩``. It says which rule is wrong. The *global* check moves any node, also in the middle of the network, and
compares the change of the target with that node's adjoint: it covers what happens between the rules too, above all
accumulation.
Elements are sampled; the largest is always among them, and one random direction through all elements shows where to
look (``⟨VJP ȳ, v⟩ = ⟨ȳ, J v⟩``), so that one wrong element among many is found as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from resdebug.analysis.budget import ALL, LOCAL_ELEMENTS, Budget
from resdebug.analysis.completion import completion
from resdebug.analysis.directions import Directions
from resdebug.analysis.rounding import DOUBLE, SINGLE, single_rounding
from resdebug.analysis.slopes import EPS, Doubt, Method, Prober, Slope
from resdebug.analysis.verdicts import ElementCheck, GradientCheck, PlaceCheck, Scope, Verdict
from resdebug.engine.forward import operator_of, result
from resdebug.network.model import Edge, Network, Node
from resdebug.network.precision import in_precision
from resdebug.network.progress import Report
from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.passes.live import LivePass, differentiate
from resdebug.passes.protocol import Pass

COMPLEX_LOCAL: Final = 1e-11
"""Most that a VJP may differ from the complex step, relative to the terms it is a sum of."""
RICHARDSON_LOCAL: Final = 1e-7
COMPLEX_GLOBAL: Final = 1e-9
RICHARDSON_GLOBAL: Final = 1e-6
RECORDED_SINGLE: Final = 1e-4
"""The same of an adjoint that was recorded in single precision."""
GLOBAL_FLOOR: Final = 1e3 * EPS
"""An adjoint's rounding, relative to the largest element of its tensor."""

ROUNDINGS: Final = 64
"""How many times the rounding that was measured is allowed for: it is one draw of many."""

Wanted = Callable[[str], bool]
"""Whether a node of this name is to be checked."""


def check_gradients(
    network: Network,
    *,
    target: str | None = None,
    rule: str = "sum",
    wanted: Wanted | None = None,
    elements: int | None = None,
    seed: int = 0,
    tolerance: float | None = None,
    scopes: Sequence[Scope] = tuple(Scope),
    recorded: Pass | None = None,
    report: Report | None = None,
) -> GradientCheck:
    """Check every VJP and every adjoint of ``network``, in float64 whatever its own element type.

    ``elements`` is how many to check at each place (``ALL`` for all; by default a few, fewer on big networks so that it
    ends in reasonable time); ``tolerance`` replaces the built-in bars, relative to the terms a slope is a sum of. The
    global check judges the adjoints of ``recorded``, a pass of this network, where there is one, else our own.
    Raises UsageError and BadInput as ``differentiate`` does.
    """
    double = in_precision(network, "float64")
    pass_ = differentiate(double, target, rule=rule, report=report)
    wanted = wanted or (lambda _: True)
    budget = Budget(pass_, elements)
    rng = np.random.default_rng(seed)
    found: dict[Scope, list[PlaceCheck]] = {scope: [] for scope in Scope}
    left_out = dict.fromkeys(Scope, 0)
    with threads.ours():
        if Scope.LOCAL in scopes:
            edges = [e for i in pass_.schedule.reverse for e in pass_.schedule.deliveries[i] if wanted(e.consumer)]
            chosen = budget.local(edges)
            left_out[Scope.LOCAL] = len(edges) - len(chosen)
            per_slot = budget.per_slot(chosen)
            for done, edge in enumerate(chosen, start=1):
                found[Scope.LOCAL].append(check_slot(pass_, edge, per_slot, rng, tolerance))
                _tell(report, "local check", done, len(chosen))
        if Scope.GLOBAL in scopes:
            complete = completion(pass_.schedule)
            nodes = [i for i in sorted(complete, key=lambda i: complete[i]) if wanted(double.nodes[i].name)]
            if recorded is not None:
                claimed = _claimed(recorded, [double.nodes[i].name for i in nodes])
                nodes = [i for i in nodes if double.nodes[i].name in claimed]
            plan = budget.global_(nodes)
            noise = single_rounding(pass_).smooth if plan else {}
            single = recorded is not None and network.dtype == "float32"
            precision = 1.0 if single else DOUBLE / SINGLE
            left_out[Scope.GLOBAL] = len(nodes) - len(plan)
            for done, (index, count) in enumerate(plan.items(), start=1):
                node = double.nodes[index]
                rounding = ROUNDINGS * noise.get(node.name, 0.0) * precision
                adjoint = _known(pass_.adjoint(node.name)) if recorded is None else claimed[node.name]
                bar = tolerance if tolerance or not single else RECORDED_SINGLE
                found[Scope.GLOBAL].append(check_node(pass_, node, adjoint, count, rng, bar, rounding))
                _tell(report, "global check", done, len(plan))
    places = tuple(place for scope in Scope for place in found[scope])
    rule = rule if recorded is None else recorded.rule
    return GradientCheck(double, pass_.target, network.dtype, rule, seed, places, left_out, recorded is not None)


def _claimed(recorded: Pass, names: Sequence[str]) -> dict[str, Array]:
    """Return the adjoints that a trace holds, by node."""
    found = ((name, recorded.adjoint(name)) for name in names)
    return {name: np.asarray(array, np.float64) for name, array in found if array is not None}


def _tell(report: Report | None, what: str, done: int, of: int) -> None:
    if report is not None:
        report(what, done, of)


def check_slot(
    pass_: LivePass, edge: Edge, count: int, rng: np.random.Generator, tolerance: float | None = None
) -> PlaceCheck:
    """Check the VJP of one slot by itself, at the saved values, with a random ``ȳ``."""
    node = pass_.network.nodes[edge.consumer_index]
    inputs = [None if e is None else pass_.value(e.source) for e in node.inputs]
    y = pass_.value(node.name)
    ybar = np.asarray(rng.standard_normal(node.shape))
    ybar.flags.writeable = False
    operator = operator_of(node)
    sent = np.asarray(operator.vjp(edge.position, ybar, _known(y), inputs), np.float64)
    x = _known(inputs[edge.position])
    place = partial(
        PlaceCheck, Scope.LOCAL, node.name, operator.slot(edge.position, len(inputs)).name, edge.source, node.op
    )
    if sent.shape != x.shape:
        return place(x.size, (_of_wrong_shape(),))

    complexes: list[Array | None] = []

    def outputs(moved: Array) -> Array:
        if moved.dtype.kind == "c" and not complexes:
            complexes.extend(a.astype(complex) if a is not None and a.dtype.kind == "f" else a for a in inputs)
        others = list(complexes if moved.dtype.kind == "c" else inputs)
        others[edge.position] = moved
        return np.asarray(operator.forward(*others))

    prober = Prober(_known(y), ybar, complex_first=True, strict=True, analytic=operator.analytic)
    exact = operator.analytic
    along = Directions(outputs, x, ybar, sent, exact, 1e-12 if exact else 1e-8)
    hint = along.suspect(rng) if x.size > count != ALL else None
    bars = (tolerance or COMPLEX_LOCAL, tolerance or RICHARDSON_LOCAL)
    floor = 64 * EPS * _largest(sent)

    def check(index: tuple[int, ...]) -> ElementCheck:
        scale = max(1.0, abs(float(x[index])))
        slope = prober.measure(lambda place: outputs(_with(x, index, place)), float(x[index]), scale)
        return judge(index, float(sent[index]), slope, bars, floor)

    return place(x.size, _checked(check, sent, count, rng, hint))


def check_node(
    pass_: LivePass,
    node: Node,
    adjoint: Array,
    count: int,
    rng: np.random.Generator,
    tolerance: float | None = None,
    rounding: float = 0.0,
) -> PlaceCheck:
    """Check a node's ``adjoint``: move the node, and see how the target changes through all that depends on it.

    ``rounding`` is how far off the adjoint may be by itself.
    """
    network, schedule = pass_.network, pass_.schedule
    x = _known(pass_.value(node.name))
    dependents = after(network, schedule.order, node.index)
    needed = {e.source_index for i in dependents for e in network.nodes[i].inputs if e is not None}
    needed -= {*dependents, node.index}
    saved = {i: pass_.value(network.nodes[i].name) for i in needed}
    complexes: dict[int, Array | None] = {}

    def outputs(moved: Array) -> Array:
        values: Any = dict(saved)
        if moved.dtype.kind == "c":
            if not complexes:
                complexes.update(
                    {i: a if a is None or a.dtype.kind != "f" else a.astype(complex) for i, a in saved.items()}
                )
            values = dict(complexes)
        values[node.index] = moved
        for i in dependents:
            values[i] = result(network.nodes[i], values)
        return np.asarray(values[schedule.target])

    base = _known(pass_.value(pass_.target))
    analytic = all(operator_of(network.nodes[i]).analytic for i in dependents)
    prober = Prober(base, np.ones(base.shape), complex_first=False, strict=False, analytic=analytic)
    bars = (tolerance or COMPLEX_GLOBAL, tolerance or RICHARDSON_GLOBAL)
    floor = GLOBAL_FLOOR * _largest(adjoint) + rounding
    typical = float(np.sqrt(np.mean(np.square(x)))) if x.size else 1.0
    typical = typical if np.isfinite(typical) and typical else 1.0

    def check(index: tuple[int, ...]) -> ElementCheck:
        scale = max(typical, abs(float(x[index])))
        slope = prober.measure(lambda place: outputs(_with(x, index, place)), float(x[index]), scale)
        return judge(index, float(adjoint[index]), slope, bars, floor)

    place = partial(PlaceCheck, Scope.GLOBAL, node.name, "", node.name, node.op)
    # What somebody tolerates at an element is tolerated along a direction.
    bar = bars[0] if analytic else 10 * bars[1]
    along = Directions(outputs, x, np.ones(base.shape), adjoint, analytic, bar, floor, typical)
    hint = along.suspect(rng) if x.size > count != ALL else None
    return place(x.size, _checked(check, adjoint, count, rng, hint))


def judge(
    index: tuple[int, ...], analytic: float, slope: Slope, bars: tuple[float, float], floor: float
) -> ElementCheck:
    """Return the verdict on one element: a doubt in the numbers is never a verdict on the derivative."""
    exact = slope.method is Method.COMPLEX
    scale = max(slope.magnitude, abs(slope.value), floor) if slope.magnitude == slope.magnitude else abs(analytic)
    allowed = bars[0 if exact else 1] * max(scale, abs(analytic)) + floor + slope.error
    doubt = slope.doubt
    if analytic and not slope.magnitude and not exact and abs(analytic) <= allowed:
        # Too small to move anything.
        doubt = Doubt.ROUNDING
    if doubt is not Doubt.NONE:
        verdict = Verdict.INCONCLUSIVE
    elif abs(analytic - slope.value) <= allowed:
        verdict = Verdict.PASS
    else:
        verdict = Verdict.FAIL
    return ElementCheck(
        index, analytic, slope.value, slope.h, slope.method, max(scale, abs(analytic)), allowed, slope.truncation,
        slope.roundoff, slope.left, slope.right, verdict, doubt,
    )  # fmt: skip


def after(network: Network, order: Sequence[int], start: int) -> list[int]:
    """Return the nodes of ``order`` that depend on ``start``, inputs before consumers, without ``start``."""
    reached = {start}
    found = []
    for i in reversed(order):
        if i != start and any(e is not None and e.source_index in reached for e in network.nodes[i].inputs):
            reached.add(i)
            found.append(i)
    return found


def _checked(
    check: Callable[[tuple[int, ...]], ElementCheck],
    analytic: Array,
    count: int,
    rng: np.random.Generator,
    hint: int | None,
) -> tuple[ElementCheck, ...]:
    """Check ``count`` elements; for one that decides nothing another is drawn, as far as twice as many go."""
    wanted = analytic.size if count == ALL else min(count, analytic.size)
    done: dict[int, ElementCheck] = {}
    decided = 0
    for flat in _drawn(analytic, wanted, rng, hint):
        if decided >= wanted or len(done) >= 2 * wanted:
            break
        if flat in done:
            continue
        done[flat] = found = check(tuple(int(k) for k in np.unravel_index(flat, analytic.shape)))
        decided += found.verdict is not Verdict.INCONCLUSIVE
    return tuple(done[flat] for flat in sorted(done))


def _drawn(analytic: Array, count: int, rng: np.random.Generator, hint: int | None) -> Iterator[int]:
    """Yield flat indices: what is suspicious, the largest, then others at random."""
    if not analytic.size:
        return
    if hint is not None:
        yield hint
    if count >= analytic.size:
        yield from range(analytic.size)
        return
    yield int(np.nanargmax(np.abs(np.nan_to_num(analytic, nan=np.inf))))
    yield from (int(k) for k in rng.choice(analytic.size, min(analytic.size, 2 * count), replace=False))


def _with(x: Array, index: tuple[int, ...], place: Any) -> Array:
    """Return ``x`` with another number at ``index``, complex where that number is."""
    moved = x.astype(complex) if isinstance(place, complex) else np.array(x)
    moved[index] = place
    moved.flags.writeable = False
    return moved


def _of_wrong_shape() -> ElementCheck:
    nan = float("nan")
    return ElementCheck(
        (), nan, nan, nan, Method.RICHARDSON, nan, 0.0, nan, nan, nan, nan, Verdict.FAIL, Doubt.NOT_FINITE
    )


def _largest(array: Array) -> float:
    finite = np.abs(array[np.isfinite(array)]) if array.ndim else np.abs(array)
    return float(np.max(finite, initial=0.0))


def _known(array: Array | None) -> Array:
    if array is None:
        raise AssertionError("a node that takes part in the pass has no numbers")
    return array


__all__ = ["ALL", "LOCAL_ELEMENTS", "GradientCheck", "check_gradients", "check_node", "check_slot"]
