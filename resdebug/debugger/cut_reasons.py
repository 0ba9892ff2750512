"""Why nothing goes through an edge, although the consumer's adjoint is there and not zero."""

from __future__ import annotations

from enum import Enum
from typing import Final

import numpy as np

from resdebug.engine.forward import operator_of
from resdebug.network.model import Edge, Node
from resdebug.network.signature import slots_of
from resdebug.ops.base import Array
from resdebug.passes.protocol import Of, Pass
from resdebug.text import visible

MASKS: Final = frozenset((
    "relu", "relu6", "hardtanh", "hard_sigmoid", "hard_swish", "clip", "where", "causal_mask", "dropout", "maximum",
    "minimum", "max", "min", "max_pool1d", "max_pool2d", "max_pool3d", "global_max_pool", "adaptive_max_pool2d",
    "leaky_relu", "prelu",
))  # fmt: skip
PRODUCTS: Final = frozenset((
    "mul", "linear", "matmul", "outer", "einsum", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "prelu",
))  # fmt: skip
PIECES: Final = frozenset(("slice", "select", "split", "gather", "embedding", "concat", "stack", "pad"))
SATURATING: Final = frozenset((
    "sigmoid", "tanh", "softmax", "log_softmax", "silu", "gelu", "mish", "softplus", "logsigmoid", "elu", "selu",
    "celu", "erf", "exp", "cross_entropy",
))  # fmt: skip


class Reason(Enum):
    """Why an edge carries nothing."""

    STOP_GRADIENT = "stop_gradient"
    NOT_DIFFERENTIABLE = "not differentiable"
    MASK = "mask"
    ZERO_FACTOR = "zero factor"
    UNSELECTED = "not selected"
    SATURATED = "saturated"
    UNDERFLOW = "underflow"
    FLAT = "local derivative is zero"
    CANCELLATION_INSIDE = "cancellation inside the operator"
    RULE = "accumulation rule"
    CANCELLATION = "cancellation"
    RECORDED = "recorded as zero"
    NOT_HELD = "not known"


def differentiable(pass_: Pass, edge: Edge) -> bool:
    """Whether the operator at the end of ``edge`` could send anything through it."""
    consumer = pass_.network.nodes[edge.consumer_index]
    slot = slots_of(consumer.operator, len(consumer.inputs))[edge.position]
    source = pass_.network.nodes[edge.source_index]
    return slot.differentiable and consumer.type.is_float and source.type.is_float


def why_not_differentiable(pass_: Pass, edge: Edge) -> tuple[Reason, str]:
    """Say why nothing can ever go through an edge."""
    consumer = pass_.network.nodes[edge.consumer_index]
    if consumer.op == "stop_gradient":
        return Reason.STOP_GRADIENT, "stop_gradient lets nothing back through, by definition"
    if not consumer.type.is_float or not pass_.network.nodes[edge.source_index].type.is_float:
        return Reason.NOT_DIFFERENTIABLE, f"{consumer.op} makes or takes whole numbers or a mask: it has no derivative"
    return Reason.NOT_DIFFERENTIABLE, f"slot {visible(edge.slot)} of {consumer.op} takes no adjoint"


def why_zero(pass_: Pass, edge: Edge) -> tuple[Reason, str]:
    """Say why the contribution through an edge is zero, though the consumer's adjoint is not.

    That is ``NOT_HELD`` where the pass is a trace that lacks what it takes to tell.
    """
    names = [edge.consumer, *(e.source for e in pass_.network.nodes[edge.consumer_index].inputs if e is not None)]
    asked = [(Of.ADJOINT, edge.consumer), *((Of.VALUE, name) for name in names)]
    lacking = next((why for of, name in asked if (why := pass_.lacking(of, name))), "")
    if lacking:
        return Reason.NOT_HELD, lacking
    with np.errstate(all="ignore"):
        return _Blocked(pass_, edge).reason()


class _Blocked:
    def __init__(self, pass_: Pass, edge: Edge) -> None:
        self.edge = edge
        self.node: Node = pass_.network.nodes[edge.consumer_index]
        self.ybar, self.y = _there(pass_.adjoint(edge.consumer)), _there(pass_.value(edge.consumer))
        self.inputs = [None if e is None else pass_.value(e.source) for e in self.node.inputs]
        self.names = [None if e is None else e.source for e in self.node.inputs]

    def reason(self) -> tuple[Reason, str]:
        met = np.count_nonzero(self.ybar)
        met_text = f"{met} of {self.ybar.size} elements of ȳ are not zero" if met < self.ybar.size else "ȳ is not zero"
        if np.any(self.send(self.ybar)):
            return Reason.RECORDED, f"the rule of {self.node.op} would send something, and the trace has zeros"
        if np.any(self.send(self.enlarged())):
            smallest = float(np.abs(self.ybar[self.ybar != 0]).max())
            return Reason.UNDERFLOW, f"the product rounds to 0 in {self.node.dtype}: ȳ is at most {smallest:.3g}"
        everywhere = np.any(self.send(self.drawn(np.ones(self.ybar.shape, bool))))
        if np.any(self.send(self.drawn(self.ybar != 0))):
            return Reason.CANCELLATION_INSIDE, f"{self.node.op} adds up parts that are not zero, and their sum is"
        reason, text = self.flat()
        if everywhere:
            return reason, f"{text}, wherever ȳ is not zero ({met_text})"
        return reason, text

    def flat(self) -> tuple[Reason, str]:
        """Say why the local derivative is zero where it is asked for."""
        op, x = self.node.op, self.inputs[self.edge.position]
        if op in PRODUCTS or op == "scale":
            zero = self.zero_factors()
            if zero:
                return Reason.ZERO_FACTOR, f"it is multiplied by {zero}"
        if op in MASKS:
            if op == "relu" and x is not None:
                return Reason.MASK, f"relu lets nothing through where x ≤ 0 ({_of_all(x)})"
            return Reason.MASK, f"{op} lets nothing through: this input had no influence on what came out"
        if op in PIECES:
            return Reason.UNSELECTED, f"{op} takes other elements"
        if op in SATURATING:
            return Reason.SATURATED, f"{op} is saturated: its derivative rounds to 0 in {self.node.dtype}"
        return Reason.FLAT, f"the derivative of {op} is 0 there"

    def zero_factors(self) -> str:
        """Name the other operands that are all zeros, or the factor."""
        if self.node.op == "scale":
            return "the factor 0" if self.node.attributes["factor"] == 0 else ""
        others = [
            (name, array)
            for k, (name, array) in enumerate(zip(self.names, self.inputs, strict=True))
            if k != self.edge.position and array is not None and name is not None
            and not (self.node.inputs[k] is not None and self.node.inputs[k].slot == "bias")  # type: ignore[union-attr]
        ]  # fmt: skip
        zero = [f'"{visible(name)}", which is all zeros' for name, array in others if not np.any(array)]
        some = [f'zeros of "{visible(name)}"' for name, array in others if np.any(array) and not np.all(array)]
        return " and ".join(zero) or " and ".join(some)

    def send(self, ybar: Array) -> Array:
        return np.asarray(operator_of(self.node).vjp(self.edge.position, ybar, self.y, self.inputs))

    def enlarged(self) -> Array:
        """Return ȳ with its largest element at about 2⁶⁰: what underflowed then does not."""
        largest = float(np.abs(self.ybar[np.isfinite(self.ybar)]).max(initial=0.0))
        _, exponent = np.frexp(largest)
        return np.ldexp(self.ybar, 60 - int(exponent))

    def drawn(self, mask: np.ndarray) -> Array:
        """Return random numbers where the mask holds: nothing cancels by chance."""
        drawn = np.random.Generator(np.random.PCG64(0)).uniform(0.5, 1.5, self.ybar.shape)
        return np.where(mask, drawn, 0.0).astype(self.ybar.dtype)


def _of_all(x: Array) -> str:
    below = int((x <= 0).sum())
    if below < x.size:
        return f"{below} of {x.size} elements"
    return f"all {x.size} elements, the greatest is {float(np.max(x)):.3g}" if x.size else "no elements"


def _there(array: Array | None) -> Array:
    if array is None:
        raise AssertionError("a consumer with an adjoint has a value")
    return array
