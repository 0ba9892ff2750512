"""How the elements of a tensor are spread: one bar a line, bins of equal width."""

from __future__ import annotations

import numpy as np

from resdebug.ops.base import Array
from resdebug.tui.lines import Line
from resdebug.tui.numbers import bar, scientific
from resdebug.tui.tensors.view import Look


def histogram(array: Array, look: Look) -> tuple[list[Line], str]:
    """Return the bars over all elements of the tensor; zeros, NaN and infinities are told apart."""
    flat = np.asarray(array, dtype=np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    if not finite.size:
        return [[("no finite elements", "bad")]], ""
    low, high = float(finite.min()), float(finite.max())
    zeros = int(finite.size - np.count_nonzero(finite))
    others = f"; {flat.size - finite.size} not finite" if finite.size < flat.size else ""
    told = f"{flat.size} elements, {zeros} of them zero{others}"
    if low == high:
        return [[(f"all finite elements are {scientific(low)}", "")]], told
    counts, edges = np.histogram(finite, bins=max(2, min(look.height, 40)))
    most = int(counts.max())
    digits = len(str(most))
    room = max(4, look.width - 22 - digits)
    lines: list[Line] = []
    for count, left, right in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        role = "positive" if left >= 0 else "negative" if right <= 0 else "strong"
        drawn = bar(count / most, room)
        # A bin that holds anything shows something.
        if count and not drawn.strip():
            drawn = "▏" + drawn[1:]
        lines.append(
            [
                (f"{scientific(left):>9} … {scientific(right):>8} "[: look.width], "dim"),
                (drawn, role),
                (f" {count:>{digits}}", ""),
            ]
        )
    return lines, told
