"""The second opinion: per operator its slots, its definition, and what each slot sends back."""

from __future__ import annotations

from typing import Final

from resdebug.verification.formulas import arithmetic, convolution, elementwise, losses, pooling, reductions, routing
from resdebug.verification.formulas.case import Case, Formula, NotDerived

__all__ = ["ELEMENTARY", "FORWARD", "LEAVES", "SLOTS", "Case", "Formula", "NotDerived", "slots_of", "vjp_of"]

LEAVES: Final = ("input", "parameter", "constant")
_FILES: Final = (arithmetic, elementwise, routing, convolution, pooling, reductions, losses)
FORWARD: Final[dict[str, Formula]] = {op: f for file in _FILES for op, f in file.FORWARD.items()}
VJP: Final[dict[str, dict[str, Formula]]] = {op: f for file in _FILES for op, f in file.VJP.items()}

_TWO, _AFFINE = ("a", "b"), ("x", "weight", "bias")
SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(FORWARD, ("x",)),
    **dict.fromkeys((*arithmetic.FORWARD,), _TWO),
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "layer_norm", "group_norm"), _AFFINE),
    **dict.fromkeys(("batch_norm", "instance_norm"), (*_AFFINE, "running_mean", "running_var")),
    "rms_norm": ("x", "weight"),
    "where": ("condition", *_TWO),
    "prelu": ("x", "weight"),
    "dropout": ("x", "mask"),
    "gather": ("x", "index"),
    "embedding": ("index", "weight"),
    **dict.fromkeys(losses.FORWARD, ("x", "target")),
    **dict.fromkeys(
        ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"),
        ("x", "target", "weight"),
    ),
}
"""Slots per operator, in their order; those of ``VARIADIC`` are x0, x1, …"""
VARIADIC: Final = frozenset({"concat", "stack", "einsum"})


ELEMENTARY: Final = frozenset({"add", "sub", "mul", "div", "maximum", "minimum", *elementwise.FORWARD}) - {
    "prelu",
    "dropout",
}
"""Operators that treat every element alike: of operands of one shape, as many as one likes may be stacked."""


def slots_of(op: str, count: int) -> tuple[str, ...] | None:
    """Return the slots of an operator with so many operands, in order; None for an unknown operator."""
    if op in VARIADIC:
        return tuple(f"x{i}" for i in range(count))
    return SLOTS.get(op)


def differentiable(op: str, slot: str) -> bool:
    """Whether an operator sends something through a slot."""
    return op in VARIADIC or slot in VJP.get(op, {})


def vjp_of(op: str, slot: str) -> Formula | None:
    """Return the formula of what goes through a slot, None where there is none."""
    if op not in VARIADIC:
        return VJP.get(op, {}).get(slot)
    position = int(slot[1:])
    return arithmetic.einsum_slot(position) if op == "einsum" else routing.join_slot(op, position)
