"""The operators: one family a file, each operator one class.

``CATALOGUE`` finds an operator by the name that files use.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from resdebug.ops import (
    activations,
    arithmetic,
    convolution,
    elementwise,
    leaves,
    linear_algebra,
    losses,
    normalisation,
    pooling,
    reductions,
    shaping,
    softmaxes,
)
from resdebug.ops.base import Operator

FAMILIES: Final = (
    leaves, arithmetic, elementwise, activations, linear_algebra, convolution, normalisation, pooling, shaping,
    reductions, softmaxes, losses,
)  # fmt: skip


def family(module: ModuleType) -> list[type[Operator]]:
    """Return the operators that a family's file defines, in its order; classes without a tag are shared bases."""
    return [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Operator) and c.__module__ == module.__name__ and c.formula
    ]


CATALOGUE: Final[dict[str, type[Operator]]] = {c.op(): c for module in FAMILIES for c in family(module)}
