"""A comparison as plain data, for machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from resdebug.analysis.divergence.found import Comparison


def as_json(comparison: Comparison, *, everything: bool) -> Iterator[dict[str, Any]]:
    """Yield what is to be told as plain data, one object a line: what is only in one, divergences, then the sum."""
    for side, names in (("first", comparison.only_first), ("second", comparison.only_second)):
        for name in names:
            yield {"kind": "only_in", "pass": side, "node": name}
    for name, how in comparison.rewired:
        yield {"kind": "rewired", "node": name, "how": how}
    for d in comparison.by_weight() if everything else comparison.divergences[:1]:
        yield {
            "kind": "divergence", "of": d.of.value, "node": d.node, "other": d.other, "consumer": d.consumer or None,
            "slot": d.slot or None, "event": d.event, "index": None if d.index is None else list(d.index),
            "first": _strict(d.first), "second": _strict(d.second), "ulps": d.ulps,
            "relative_error": _strict(d.relative), "weight": _strict(d.weight), "elements": d.elements,
            "differing_elements": d.differing, "looks_like": [{"kind": k.kind, "says": k.says} for k in d.looks],
        }  # fmt: skip
    yield {
        "kind": "summary",
        "same": comparison.same,
        "compared": {of.value: n for of, n in comparison.compared.items()},
        "by_statistics": comparison.by_statistics,
        "absent": comparison.absent,
        "divergences": len(comparison.divergences),
        "stopped_at_first": not everything,
        "largest_relative_error_within": comparison.worst,
        "at": comparison.worst_at or None,
        "units": {
            "relative_error": "1 (of the larger of the element and the root mean square of its tensor)",
            "ulps": "numbers of the narrower element type from one to the other",
            "weight": "1 (norm of the difference over the norm of the first)",
            "event": "events of the first pass that have happened",
        },
    }


def _strict(number: float | None) -> float | str | None:
    if number is None or np.isfinite(number):
        return number
    return "NaN" if np.isnan(number) else "Infinity" if number > 0 else "-Infinity"
