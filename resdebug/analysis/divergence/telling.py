"""A comparison in words, as the command and the screen say them."""

from __future__ import annotations

from typing import Final

from resdebug.analysis.divergence.found import Comparison, Divergence
from resdebug.text import plural, visible

MANY: Final = 1_000_000
"""From so many ulps on, the exact number tells nothing."""


def what(d: Divergence) -> str:
    """Return which tensor it is, by the names it has in both passes."""
    name = f'"{visible(d.node)}"' + (f' ("{visible(d.other)}" in B)' if d.other != d.node else "")
    if d.slot:
        return f'contribution from "{visible(d.consumer)}" (slot {visible(d.slot)}) to {name}'
    return f"{d.of.value} of {name}"


def place(d: Divergence) -> str:
    """Return the index of the element that is furthest off, nothing for a number and where there is none."""
    return f"[{', '.join(map(str, d.index))}]" if d.index else ""


def distance(d: Divergence) -> str:
    """Return how far apart the two are: relative error, ulps, how many elements."""
    gap = ""
    if d.ulps is not None:
        gap = f", {plural(d.ulps, 'ulp')}" if d.ulps < MANY else f", {d.ulps:.2g} ulps"
    differ = "differs" if d.differing == 1 else "differ"
    return f"relative error {d.relative:.3g}{gap}; {d.differing} of {plural(d.elements, 'element')} {differ}"


def looks(d: Divergence) -> list[str]:
    """Return what it looks like, likeliest first, as ``kind: sentence``."""
    return [f"{look.kind}: {visible(look.says, limit=300)}" for look in d.looks]


def structure(comparison: Comparison, a: str, b: str, most: int) -> list[str]:
    """Return which nodes are only in one of the passes called ``a`` and ``b``, and which differ in operator or inputs.

    Of each at most ``most`` are named.
    """
    lines = []
    for name, only in ((a, comparison.only_first), (b, comparison.only_second)):
        if only:
            shown = ", ".join(visible(node, limit=60) for node in only[:most])
            more = f", … and {len(only) - most} more" if len(only) > most else ""
            lines.append(f"only in {name}: {plural(len(only), 'node')}: {shown}{more}")
    lines += [f'"{visible(node)}" differs: {visible(how)}' for node, how in comparison.rewired[:most]]
    if len(comparison.rewired) > most:
        lines.append(f"… and {len(comparison.rewired) - most} more that differ in operator or inputs")
    return lines


def counts(comparison: Comparison) -> str:
    """Return how much was compared."""
    return ", ".join(plural(n, of.value) for of, n in comparison.compared.items())


def rest(comparison: Comparison) -> list[str]:
    """Return what could not be compared, and the largest error that is none."""
    lines = []
    if comparison.by_statistics:
        lines.append(f"compared by statistics alone: {plural(comparison.by_statistics, 'tensor')}")
    if comparison.absent:
        lines.append(f"not compared: {plural(comparison.absent, 'tensor')} that one of the traces does not hold")
    if comparison.worst:
        lines.append(f"largest relative error within tolerance: {comparison.worst:.2g}, {visible(comparison.worst_at)}")
    return lines
