"""Where an activation is flat: dead units of a ReLU, saturated elements of a sigmoid, tanh or softmax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from resdebug.analysis.measured import adjoint_norm
from resdebug.engine.norms import norm
from resdebug.network.model import Network, Node
from resdebug.ops.base import Array
from resdebug.passes.protocol import Pass

LEFT: Final = 0.01
"""An element is saturated where its derivative is below this part of the greatest that there is."""

CHANNELS_SECOND: Final = ("conv", "batch_norm", "group_norm", "instance_norm", "max_pool", "avg_pool")
"""What makes tensors whose units lie along the second axis."""


@dataclass(frozen=True, slots=True)
class Flatness:
    """How flat one activation is at this pass's values."""

    node: Node
    elements: int
    zeros: int
    """Elements that are exactly 0 (of a ReLU)."""
    units: int
    """Channels or features (of a ReLU)."""
    dead: int
    """Units that are 0 at every example and place (of a ReLU)."""
    seen: int
    """Elements per unit."""
    saturated: int
    """Saturated elements; of a softmax, those in rows where one takes all but a hundredth."""
    passes: float | None
    """Norm of the contribution that it sends in terms of the adjoint that it gets; None where it gets none or zero."""


def flatness(pass_: Pass, node: Node) -> Flatness | None:
    """Return how flat an activation is; None for other operators and for values that the pass does not have."""
    value = pass_.value(node.name) if node.op == "relu" or node.op in _SATURATED else None
    if value is None or not value.size:
        return None
    passes = _passes(pass_, node)
    if node.op == "relu":
        axis = _unit_axis(pass_.network, node)
        others = tuple(a for a in range(value.ndim) if a != axis)
        greatest = value.max(axis=others) if others else value
        units = value.shape[axis] if value.ndim else 1
        dead = int(units - np.count_nonzero(greatest))
        zeros = int(value.size - np.count_nonzero(value))
        return Flatness(node, value.size, zeros, units, dead, value.size // units, 0, passes)
    saturated = int(np.count_nonzero(_SATURATED[node.op](node, value)))
    return Flatness(node, value.size, 0, 0, 0, 0, saturated, passes)


def _unit_axis(network: Network, node: Node) -> int:
    """Return along which axis the units of a layer lie: the second behind a convolution, else the last."""
    if len(node.shape) > 3:
        return 1
    here = node
    while len(here.shape) == 3 and here.inputs and here.inputs[0] is not None:
        if here.op.startswith(CHANNELS_SECOND):
            return 1
        if here.op in {"linear", "matmul", "layer_norm", "rms_norm", "embedding", "einsum"}:
            break
        here = network.nodes[here.inputs[0].source_index]
    return max(0, len(node.shape) - 1)


def _passes(pass_: Pass, node: Node) -> float | None:
    got = adjoint_norm(pass_, node.index)
    sent = [edge for edge in pass_.schedule.deliveries[node.index] if edge.position == 0]
    if not got or not np.isfinite(got) or not sent:
        return None
    source = sent[0].source_index
    if len(pass_.schedule.arrivals[source]) == 1:
        return (adjoint_norm(pass_, source) or 0.0) / got
    return norm(pass_.contribution(sent[0])) / got


def _sigmoid(_node: Node, y: Array) -> NDArray[np.bool_]:
    return np.asarray(y * (1 - y) < LEFT / 4)


def _tanh(_node: Node, y: Array) -> NDArray[np.bool_]:
    return np.asarray(1 - y * y < LEFT)


def _softmax(node: Node, y: Array) -> NDArray[np.bool_]:
    greatest = y.max(axis=int(node.attributes["dim"]), keepdims=True)
    return np.broadcast_to(greatest > 1 - LEFT, y.shape)


def _ends(low: str | float, high: str | float) -> Callable[[Node, Array], NDArray[np.bool_]]:
    def at_ends(node: Node, y: Array) -> NDArray[np.bool_]:
        settings = node.attributes
        bottom = settings[low] if isinstance(low, str) else low
        top = settings[high] if isinstance(high, str) else high
        return np.asarray((y <= bottom) | (y >= top))

    return at_ends


_SATURATED: Final[dict[str, Callable[[Node, Array], NDArray[np.bool_]]]] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "softmax": _softmax,
    "hard_sigmoid": _ends(0.0, 1.0),
    "hardtanh": _ends("min_val", "max_val"),
}
