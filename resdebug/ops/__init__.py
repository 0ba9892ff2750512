"""The operators: one family a file, each operator one class.

``CATALOGUE`` finds an operator by the name that files use.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from resdebug.ops import (
    activations,
    arithmetic,
    batch_normalisation,
    binary_losses,
    comparisons,
    contractions,
    convolution,
    elementwise,
    extremes,
    gates,
    global_pooling,
    group_normalisation,
    indexing,
    joining,
    leaves,
    linear_algebra,
    losses,
    moving,
    normalisation,
    pooling,
    reductions,
    regression_losses,
    resampling,
    shaping,
    smooth_activations,
    softmaxes,
    spreads,
    transposed_convolution,
)
from resdebug.ops.base import Operator

FAMILIES: Final = (
    leaves,
    arithmetic,
    comparisons,
    elementwise,
    activations,
    smooth_activations,
    gates,
    linear_algebra,
    contractions,
    convolution,
    transposed_convolution,
    batch_normalisation,
    normalisation,
    group_normalisation,
    pooling,
    global_pooling,
    resampling,
    shaping,
    joining,
    moving,
    indexing,
    reductions,
    extremes,
    spreads,
    softmaxes,
    losses,
    regression_losses,
    binary_losses,
)


def family(module: ModuleType) -> list[type[Operator]]:
    """Return the operators that a family's file defines, in its order; classes without a tag are shared bases."""
    return [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Operator) and c.__module__ == module.__name__ and c.formula
    ]


CATALOGUE: Final[dict[str, type[Operator]]] = {c.op(): c for module in FAMILIES for c in family(module)}
