"""The check of derivatives as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from resdebug.analysis.gradient_check import LOCAL_ELEMENTS
from resdebug.analysis.slopes import Doubt
from resdebug.analysis.verdicts import ElementCheck, GradientCheck, PlaceCheck, Scope, Verdict
from resdebug.engine.forward import operator_of
from resdebug.text import plural, visible

MOST_ROWS: Final = 60
"""With more places at one scope, those that pass are told by operator."""
MOST_SHOWN: Final = 20

ABOUT: Final = {
    Scope.LOCAL: "local: each VJP by itself, with a random ȳ, against differences of its operator",
    Scope.GLOBAL: "global: each node moved, and what it does to the target, against the node's adjoint",
}
SAMPLED: Final = (
    "  elements: the largest, some drawn, and the worst where a random direction through all of them disagrees"
)


def check_lines(found: GradientCheck, *, details: bool = False) -> Iterator[str]:
    """Yield the lines of a report."""
    in_ = "checked in float64" if found.dtype == "float64" else f"a {found.dtype} network, checked in float64"
    rule = "" if found.rule == "sum" else f", rule {found.rule} (wrong on purpose)"
    name, target = visible(found.network.name, limit=60), visible(found.target, limit=60)
    of = ", the adjoints of the trace" if found.of_trace else ""
    yield f"{name}: target {target}, {in_}{of}, seed {found.seed}{rule}"
    for scope in Scope:
        places = found.of(scope)
        if places or found.left_out[scope]:
            yield ""
            yield from _scope(found, scope, places, details=details)
    yield ""
    yield from conclusion(found)


def _scope(found: GradientCheck, scope: Scope, places: Sequence[PlaceCheck], *, details: bool) -> Iterator[str]:
    yield ABOUT[scope]
    if any(len(p.elements) < p.size for p in places):
        yield SAMPLED
    shown, hidden = list(places), 0
    if len(places) > MOST_ROWS and not details:
        shown = [p for p in places if p.verdict is not Verdict.PASS or p.count(Verdict.INCONCLUSIVE)]
        yield from _by_operator([p for p in places if p.verdict is Verdict.PASS])
        hidden = max(0, len(shown) - MOST_ROWS)
        # Failures are never hidden behind what is merely undecided.
        shown = sorted(shown, key=lambda p: p.verdict is not Verdict.FAIL)[:MOST_ROWS]
    rows = [_row(p) for p in shown]
    if rows:
        yield from table(
            ["verdict", "slot" if scope is Scope.LOCAL else "node", *HEADINGS], rows, shown, found, details=details
        )
    if hidden:
        yield f"  … and {hidden} more that fail or are undecided: --details shows them"
    if found.left_out[scope]:
        unit = "slot" if scope is Scope.LOCAL else "node"
        yield (
            f"  {plural(found.left_out[scope], unit)} of {len(places) + found.left_out[scope]} left out to end in "
            "reasonable time: --node chooses some, --elements 1 takes them all"
        )


HEADINGS: Final = ("operator", "checked", "worst at", "analytic", "numeric", "scaled error", "by")


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    places: Sequence[PlaceCheck],
    found: GradientCheck,
    *,
    details: bool,
) -> Iterator[str]:
    """Yield aligned rows; what does not pass is followed by all that is known of its worst element."""
    widths = [max(len(row[k]) for row in (headings, *rows)) for k in range(len(headings))]
    yield "  " + "  ".join(h.ljust(w) for h, w in zip(headings, widths, strict=True)).rstrip()
    for row, place in zip(rows, places, strict=True):
        yield "  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        if details or place.verdict is Verdict.FAIL:
            yield from _details(place)
        if place.count(Verdict.INCONCLUSIVE):
            yield f"    {_inconclusive(place)}{_rule(place, found)}"


def _row(place: PlaceCheck) -> list[str]:
    worst = place.worst
    verdict = place.verdict.value
    checked = f"{len(place.elements)} of {place.size}"
    name = visible(place.name, limit=40)
    if worst is None:
        return [verdict, name, place.op, checked, "", "", "", "", ""]
    analytic, numeric = both(worst.analytic, worst.numeric, differ=worst.verdict is Verdict.FAIL)
    return [
        verdict, name, place.op, checked, at(worst.index), analytic, numeric, f"{worst.scaled:.1e}", worst.method.value,
    ]  # fmt: skip


def _details(place: PlaceCheck) -> Iterator[str]:
    e = place.worst
    if e is None:
        return
    if place.scope is Scope.LOCAL and e.doubt is Doubt.NOT_FINITE and e.h != e.h:
        yield "    the contribution has not the shape of its input" if e.verdict is Verdict.FAIL else "    not finite"
        return
    analytic, numeric = both(e.analytic, e.numeric, differ=True)
    yield (
        f"    {at(e.index)}: analytic {analytic}, numeric {numeric} by {e.method.value}; off by {e.error:.2e} "
        f"({e.scaled:.2e} scaled), allowed {e.tolerance:.2e}"
    )
    yield (
        f"    h {e.h:.2e}, truncation {e.truncation:.1e}, roundoff {e.roundoff:.1e}; "
        f"slopes {_short(e.left)} from the left, {_short(e.right)} from the right"
    )


def _inconclusive(place: PlaceCheck) -> str:
    doubts = ", ".join(
        f"inconclusive: {doubt.value}" + (f" ({count})" if len(place.doubts) > 1 else "")
        for doubt, count in place.doubts.items()
    )
    first = next(e for e in place.elements if e.verdict is Verdict.INCONCLUSIVE)
    count = place.count(Verdict.INCONCLUSIVE)
    return f"{count} of {len(place.elements)} {doubts}, first at {at(first.index)}: {_slopes(first)}"


def _slopes(e: ElementCheck) -> str:
    return f"slopes {_short(e.left)} from the left, {_short(e.right)} from the right, analytic {_short(e.analytic)}"


def _rule(place: PlaceCheck, found: GradientCheck) -> str:
    """Return what an operator does at its kinks, where that is why nothing can be said."""
    if Doubt.KINK not in place.doubts or place.scope is not Scope.LOCAL:
        return ""
    convention = operator_of(found.network[place.node]).convention
    return f"; by convention {convention.split(';')[0]}" if convention else ""


def _by_operator(places: Sequence[PlaceCheck]) -> Iterator[str]:
    counts = Counter(p.op for p in places)
    worst: dict[str, float] = {}
    for p in places:
        if p.worst is not None:
            worst[p.op] = max(worst.get(p.op, 0.0), p.worst.scaled)
    width = max(map(len, counts), default=0)
    for op, count in sorted(counts.items()):
        yield f"  pass  {op:<{width}}  {count} of them, scaled error at most {worst.get(op, 0.0):.1e}"


def conclusion(found: GradientCheck) -> Iterator[str]:
    """Yield what the check has come to, and, where something is wrong, what is to blame."""
    places = found.places
    elements = sum(len(p.elements) for p in places)
    doubts = sum(p.count(Verdict.INCONCLUSIVE) for p in places)
    unsure = [p for p in places if p.verdict is Verdict.INCONCLUSIVE]
    told = f"{plural(len(places), 'place')}, {plural(elements, 'element')}"
    if not places:
        yield "nothing to check: no node takes part in the reverse pass"
    elif found.passed:
        rest = f"; {plural(doubts, 'element')} inconclusive" if doubts else ""
        if unsure:
            rest += f", {plural(len(unsure), 'place')} altogether"
        yield f"pass: {told}{rest}"
    else:
        yield f"FAIL: {len(found.failed)} of {told}"
        yield from _blame(found)


def _blame(found: GradientCheck) -> Iterator[str]:
    local = [p for p in found.failed if p.scope is Scope.LOCAL]
    wide = [p for p in found.failed if p.scope is Scope.GLOBAL]
    for place in local[:MOST_SHOWN]:
        if place.worst is not None:
            analytic, numeric = both(place.worst.analytic, place.worst.numeric, differ=True)
            where = f"{visible(place.name, limit=60)} ({place.op}) at {at(place.worst.index)}"
            yield f"  {where}: the VJP says {analytic}, differences say {numeric}"
    if len(local) > MOST_SHOWN:
        yield f"  … and {len(local) - MOST_SHOWN} more"
    if wide:
        first = wide[0]
        name = visible(first.node, limit=60)
        if local:
            yield f"  the first wrong adjoint in reverse order is that of {name}"
        elif found.of(Scope.LOCAL):
            yield f"  every rule is right by itself: it is how contributions accumulate, first in {name}"
        else:
            yield f"  the first wrong adjoint in reverse order is that of {name}; --only local checks the rules"


def at(index: tuple[int, ...]) -> str:
    """Write where an element is: ``[0,2]``; a scalar has no place."""
    return f"[{','.join(map(str, index))}]"


def both(a: float, b: float, *, differ: bool) -> tuple[str, str]:
    """Write two numbers to six digits, or to as many as it takes to tell them apart."""
    for digits in (6, 9, 12, 17):
        texts = _short(a, digits), _short(b, digits)
        if texts[0] != texts[1] or not differ:
            return texts
    return texts


def _short(x: float, digits: int = 6) -> str:
    return f"{x:.{digits}g}".replace("-", "−")


__all__ = ["LOCAL_ELEMENTS", "at", "both", "check_lines", "conclusion"]
