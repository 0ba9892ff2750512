"""How much rounding an adjoint has, measured: the same pass in single precision, where it is 5·10⁸ times as much.

A norm or a size of the result alone would not tell: where large terms cancel (a bias before a normalisation), nothing
but their rounding is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from resdebug.analysis.mutation import Mutation, Mutator, Send, known
from resdebug.engine.forward import operator_of
from resdebug.errors import ResdebugError
from resdebug.network.precision import in_precision
from resdebug.ops.base import Array
from resdebug.ops.elementwise import Elementwise
from resdebug.passes.live import LivePass

SINGLE: Final = float(np.finfo(np.float32).eps)
DOUBLE: Final = float(np.finfo(np.float64).eps)


NEAR: Final = 8
"""How many typical roundings a value may be from a kink for somebody else's to end on its other side."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """How far single precision may be off, by node: differences of its adjoint."""

    smooth: Mapping[str, float]
    """The largest of any element, between this pass and the same in single precision."""
    kinks: Mapping[str, Array]
    """Element by element, between this pass and one that has every rectifier's input within rounding of zero on the
    other side."""


def single_rounding(pass_: LivePass, *, kinks: bool = False) -> Rounding:
    """Measure the rounding of single precision in ``pass_``, which is in float64.

    With ``kinks`` also what it does where a rectifier's input is so near to zero that another program may find it on
    the other side. Nodes are left out whose numbers single precision cannot
    hold.
    """
    try:
        single = LivePass(in_precision(pass_.network, "float32"), pass_.target, pass_.rule)
    except ResdebugError:
        return Rounding({}, {})
    names = [pass_.network.nodes[i].name for i in pass_.schedule.reverse]
    smooth = {name: _gap(pass_.adjoint(name), single.adjoint(name)) for name in names}
    crossed = _crossing(pass_, single) if kinks else {}
    return Rounding({name: gap for name, gap in smooth.items() if np.isfinite(gap)}, crossed)


def _gap(ours: Array | None, theirs: Array | None) -> float:
    if ours is None or theirs is None:
        return np.inf
    with np.errstate(all="ignore"):
        return float(np.max(np.abs(ours - theirs), initial=0.0))


def _crossing(pass_: LivePass, single: LivePass) -> Mapping[str, Array]:
    """Return how far adjoints are off with every rectifier input within rounding of zero on its other side."""
    sends: dict[int, Send] = {}
    for i in pass_.schedule.reverse:
        for edge in pass_.schedule.deliveries[i]:
            operator = operator_of(pass_.network.nodes[i])
            if isinstance(operator, Elementwise) and len(operator.slots) == 1:
                x, y = known(pass_.value(edge.source)), known(pass_.value(edge.consumer))
                off = NEAR * _typical(x, known(single.value(edge.source)))
                if np.isfinite(off) and (np.abs(x) < off).any():
                    moved = x - off * np.sign(x)
                    sends[edge.index] = partial(operator.vjp, 0, y=y, inputs=[moved])
    crossed: dict[str, Array] = {}
    for i, adjoint in Mutator(pass_).run(Mutation(sends)):
        name = pass_.network.nodes[i].name
        with np.errstate(all="ignore"):
            gap = np.abs(adjoint - known(pass_.adjoint(name)))
        crossed[name] = np.nan_to_num(gap, nan=0.0, posinf=0.0)
    return crossed


def _typical(ours: Array, theirs: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(np.square(ours - theirs)))) if ours.size else np.inf
