"""What functions of the condition language are of a tensor of which a trace has only statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from resdebug.passes.summary import Summary


def _of_finite(tell: Callable[[Summary], float]) -> Callable[[Summary], float | None]:
    """Statistics leave out what is not finite, a condition does not: only where all is finite they agree."""
    return lambda s: None if s.nans + s.infinities or not s.size else tell(s)


FROM_STATISTICS: Final[Mapping[str, Callable[[Summary], float | None]]] = {
    "norm": lambda s: s.norm,
    "max": _of_finite(lambda s: s.maximum),
    "min": _of_finite(lambda s: s.minimum),
    "absmax": _of_finite(lambda s: max(abs(s.minimum), abs(s.maximum))),
    "mean": _of_finite(lambda s: s.mean),
    "sum": _of_finite(lambda s: s.mean * s.size),
    "std": _of_finite(lambda s: s.deviation),
    "rms": lambda s: s.norm / s.size**0.5 if s.size else None,
    "zeros": lambda s: s.zeros / s.size if s.size else None,
    "nans": lambda s: float(s.nans),
    "infs": lambda s: float(s.infinities),
    "anynan": lambda s: float(s.nans > 0),
    "anyinf": lambda s: float(s.infinities > 0),
    "known": lambda _: 1.0,
}
"""What a function of the condition language is, by a tensor's statistics."""
