"""How much rounding an adjoint has, measured: the same pass in single precision, where it is 5·10⁸ times as much.

A norm or a size of the result alone would not tell: where large terms cancel (a bias before a normalisation), nothing
but their rounding is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from resdebug.errors import ResdebugError
from resdebug.network.model import Network
from resdebug.network.precision import in_precision
from resdebug.passes.live import LivePass

SINGLE: Final = float(np.finfo(np.float32).eps)
DOUBLE: Final = float(np.finfo(np.float64).eps)


def single_rounding(pass_: LivePass) -> Mapping[str, float]:
    """Return, by node, the largest difference that single precision makes to an element of its adjoint.

    ``pass_`` is in float64. Nodes are left out whose numbers single precision cannot hold.
    """
    single = _single(pass_.network, pass_.target, pass_.rule)
    found: dict[str, float] = {}
    if single is None:
        return found
    for i in pass_.schedule.reverse:
        name = pass_.network.nodes[i].name
        ours, theirs = pass_.adjoint(name), single.adjoint(name)
        if ours is None or theirs is None:
            continue
        with np.errstate(all="ignore"):
            gap = float(np.max(np.abs(ours - theirs), initial=0.0))
        if np.isfinite(gap):
            found[name] = gap
    return found


def _single(network: Network, target: str, rule: str) -> LivePass | None:
    try:
        return LivePass(in_precision(network, "float32"), target, rule)
    except ResdebugError:
        return None
