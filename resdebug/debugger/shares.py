"""Which elements of a consumer's adjoint made one element of a contribution, and how much each.

A contribution is linear in ``ȳ``: its element e is ``Σ_j J[j, e] · ȳ[j]``, with the Jacobian of the consumer by the
operand. So one column of the Jacobian is wanted. It is found by whatever is exact and cheap for the operator:

- elementwise: e meets only its own copies (one, unless it was broadcast), and their products come out of the VJP;
- linear in the operand: the column is what the forward function makes of the e-th unit vector;
- analytic: one forward evaluation at ``x + ih·eₑ`` has the column in its imaginary part, to the last digits (the
  complex step: Squire and Trapp 1998, SIAM Review 40);
- anything else: NaN is put in place e and the outputs that it reaches are the only candidates; the VJP is asked once
  for each of them. That costs a VJP a candidate, so there is a limit.

Whatever the way, the products must add up to the contribution; where they do not, the last way is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np

from resdebug.engine.forward import operator_of
from resdebug.network.model import Edge, Node
from resdebug.ops.base import Array, Operator
from resdebug.passes.protocol import Pass

MOST_PROBES: Final = 4096
"""Most VJPs that are asked for one element."""
MOST_WORK: Final = 1 << 28
"""Most elements that these VJPs may touch together."""
STEP: Final = 1e-30
"""Of the complex step: it is not subtracted from anything, so it may be as small as one likes."""
TOLERANCE: Final = {"float64": 1e-8, "float32": 1e-3}
"""How far products may miss the contribution, as a share of the sum of their magnitudes."""

MOVES: Final = frozenset((
    "reshape", "flatten", "transpose", "permute", "squeeze", "unsqueeze", "expand", "concat", "stack", "split",
    "select", "slice", "pad", "roll", "flip", "pixel_shuffle", "pixel_unshuffle", "gather", "embedding",
))  # fmt: skip
LINEAR: Final = MOVES | frozenset((
    "matmul", "linear", "outer", "einsum", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "avg_pool1d", "avg_pool2d",
    "avg_pool3d", "global_avg_pool", "adaptive_avg_pool2d", "upsample", "sum", "mean",
))  # fmt: skip
"""Linear in each operand that takes an adjoint, but for a bias and for what a border is filled with."""
ANALYTIC: Final = frozenset((
    "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "softmax", "log_softmax", "var", "std",
    "prod", "logsumexp",
))  # fmt: skip
IN_PLACE: Final = frozenset(("causal_mask", "prelu", "gelu", "dropout", "where"))
"""Not declared elementwise, but each output depends on its own place of an operand of the output's shape."""


class Way(Enum):
    """How a column of the Jacobian was found."""

    ONLY = "the only element"
    ELEMENTWISE = "elementwise"
    UNIT_VECTOR = "the forward function on a unit vector"
    COMPLEX_STEP = "the complex step"
    PROBED = "one VJP for each element that it reaches"


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts that make up one element of a contribution.

    ``places`` are flat indices into the consumer's adjoint, in order; ``amounts`` what came from each, in float64
    (zeros are left out, unless all are zero).
    """

    places: np.ndarray
    amounts: np.ndarray
    way: Way

    @property
    def largest(self) -> int:
        """Which part is the largest by magnitude, the first of equals; NaN is larger than anything."""
        return largest(self.amounts)


class TooDear(Exception):
    """The parts would take more work than is allowed; or they do not add up to what the pass has."""


def largest(numbers: Any) -> int:
    """Return the place of the largest magnitude, the first of equals; NaN is larger than anything."""
    sizes = np.abs(np.asarray(numbers, dtype=np.float64)).ravel()
    missing = np.isnan(sizes)
    return int(np.argmax(missing)) if missing.any() else int(np.argmax(sizes))


def shares(pass_: Pass, edge: Edge, index: tuple[int, ...], contribution: float) -> Shares:
    """Return the parts of element ``index`` of the contribution through ``edge``, which is ``contribution``.

    Raises TooDear when that takes too long, or when the pass holds something else than the operator's own rule gives.
    """
    with np.errstate(all="ignore"):
        return _Element(pass_, edge, index, contribution).shares()


class _Element:
    def __init__(self, pass_: Pass, edge: Edge, index: tuple[int, ...], contribution: float) -> None:
        self.node: Node = pass_.network.nodes[edge.consumer_index]
        self.operator: Operator = operator_of(self.node)
        self.position = edge.position
        self.index = index
        self.contribution = contribution
        ybar, y = pass_.adjoint(edge.consumer), pass_.value(edge.consumer)
        self.inputs = [None if e is None else pass_.value(e.source) for e in self.node.inputs]
        operand = self.inputs[edge.position]
        if ybar is None or y is None or operand is None:
            raise TooDear("the pass does not hold what the consumer computed")
        self.ybar: Array = ybar
        self.y: Array = y
        self.operand: Array = operand

    def shares(self) -> Shares:
        op = self.node.op
        if self.ybar.size == 1:
            return Shares(np.zeros(1, np.intp), np.array([self.contribution]), Way.ONLY)
        same = self.operand.shape == self.y.shape
        if same and (self.operator.elementwise or op in IN_PLACE):
            place = np.ravel_multi_index(self.index, self.y.shape) if self.index else 0
            return Shares(np.array([place], np.intp), np.array([self.contribution]), Way.ELEMENTWISE)
        found: Shares | None = None
        if self.operator.elementwise or op == "where":
            found = self._copies()
        elif op in LINEAR:
            found = self._of(self._linear(), Way.UNIT_VECTOR)
        elif op in ANALYTIC:
            found = self._of(self._complex(), Way.COMPLEX_STEP)
        if found is not None and self._adds_up(found):
            return found
        return self._probed()

    def _copies(self) -> Shares:
        """Take the VJP of nothing but the copies of the element, spread out so that it does not add them up."""
        shape = self.y.shape
        extra = len(shape) - len(self.index)
        where = tuple(
            slice(None) if k < extra or self.operand.shape[k - extra] == 1 else slice(i, i + 1)
            for k, i in enumerate((0,) * extra + self.index)
        )
        block = [None if a is None else np.broadcast_to(a, shape)[where] for a in self.inputs]
        parts = self.operator.vjp(self.position, self.ybar[where], self.y[where], block)
        places = np.arange(self.y.size).reshape(shape)[where].ravel()
        return Shares(places, np.asarray(parts, np.float64).ravel(), Way.ELEMENTWISE)

    def _of(self, column: np.ndarray, way: Way) -> Shares:
        places = np.flatnonzero(column)
        if not places.size:
            places = np.zeros(1, np.intp)
        return Shares(places, column.ravel()[places] * self.ybar.astype(np.float64).ravel()[places], way)

    def _linear(self) -> np.ndarray:
        op, inputs = self.node.op, [_double(a) for a in self.inputs]
        if op in {"concat", "stack"}:
            inputs = [None if a is None else np.zeros_like(a) for a in inputs]
        for k, slot in enumerate(self.operator.slots if not self.operator.variadic else ()):
            if slot.name == "bias" and k != self.position:
                inputs[k] = None
        if op.startswith(("conv", "linear")) and self.operator.slots[self.position].name == "bias":
            inputs[0] = np.zeros_like(inputs[0]) if inputs[0] is not None else None
        unit = np.zeros(self.operand.shape)
        inputs[self.position] = unit
        nothing = np.asarray(self.operator.forward(*inputs)) if op == "pad" else 0.0
        unit[self.index] = 1.0
        return np.asarray(self.operator.forward(*inputs) - nothing, np.float64)

    def _complex(self) -> np.ndarray:
        inputs: list[Any] = [_double(a) for a in self.inputs]
        # Operators remember what they worked out of an array they have seen: this one is new.
        moved = self.operand.astype(np.complex128)
        moved[self.index] += 1j * STEP
        inputs[self.position] = moved
        made = np.asarray(self.operator.forward(*inputs))
        return np.asarray(made.imag / STEP) if made.dtype.kind == "c" else np.full(self.y.shape, np.nan)

    def _adds_up(self, found: Shares) -> bool:
        amounts = found.amounts
        if not np.isfinite(amounts).all():
            return not np.isfinite(self.contribution)
        missing = abs(float(amounts.sum()) - self.contribution)
        return missing <= TOLERANCE[self.ybar.dtype.name] * float(np.abs(amounts).sum())

    def _probed(self) -> Shares:
        """Ask the VJP once for each output that NaN in this place reaches."""
        marked = np.array(self.operand)
        marked[self.index] = np.nan
        inputs: list[Any] = [*self.inputs]
        inputs[self.position] = marked
        made = np.asarray(self.operator.forward(*inputs))
        reached = np.flatnonzero(~_same(made, self.y) & (self.ybar != 0))
        work = max(self.y.size, self.operand.size)
        if reached.size > MOST_PROBES or reached.size * work > MOST_WORK:
            raise TooDear(
                f"{self.node.op} takes a VJP for each of {reached.size} elements it reaches, of {work} numbers"
            )
        amounts = np.empty(reached.size)
        one: Array = np.zeros(self.ybar.shape, self.ybar.dtype)
        for k, place in enumerate(reached.tolist()):
            one.ravel()[place] = self.ybar.ravel()[place]
            amounts[k] = np.asarray(self.operator.vjp(self.position, one, self.y, self.inputs))[self.index]
            one.ravel()[place] = 0
        if not reached.size and self.contribution == 0:
            return Shares(np.zeros(1, np.intp), np.zeros(1), Way.PROBED)
        found = Shares(reached, amounts, Way.PROBED)
        if not reached.size or not self._adds_up(found):
            raise TooDear(f"what the pass holds is not what the rule of {self.node.op} gives, element by element")
        return found


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)))


def _double(array: Array | None) -> Any:
    return array.astype(np.float64) if array is not None and array.dtype == np.float32 else array
