"""The table of cases: every operator with a spread of settings and shapes, and the same in PyTorch.

The last entry of a case is a function of the module ``torch`` and one tensor per filled slot (None where an optional
slot is empty), so that the table can be read where PyTorch is not installed. Inputs stay away from kinks, ties and
poles: relu and div use ``off_zero``, max_pool2d ``distinct``, log, sqrt, variances and fractional powers ``positive``.
What happens at those places is a convention, and the ``points`` rows and test_conventions.py have it.
"""

from __future__ import annotations

from typing import Final

from resdebug.network.signature import LEAVES
from resdebug.ops import CATALOGUE
from tests.ops.cases import (
    activations,
    arithmetic,
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
from tests.ops.cases.table import Case

FAMILIES: Final = [
    module.FAMILY
    for module in (
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
]

DIFFERENTIATED: Final = tuple(name for name in CATALOGUE if name not in LEAVES)
"""Every operator that computes something."""

CASES: Final[list[Case]] = [c for family in FAMILIES for c in family.cases]
EMPTY: Final = [row for family in FAMILIES for row in family.empty]
REFUSED: Final = [row for family in FAMILIES for row in family.refused]
WRONG: Final = [row for family in FAMILIES for row in family.wrong]
POINTS: Final = [row for family in FAMILIES for row in family.points]
KINKS: Final = [row for family in FAMILIES for row in family.kinks]
PROBLEMS: Final = {op: problem for family in FAMILIES for op, problem in family.problems.items()}
ELEMENTS: Final = {key: elements for family in FAMILIES for key, elements in family.elements.items()}
NOT_ANALYTIC: Final = {op: why for family in FAMILIES for op, why in family.not_analytic.items()}

SLOTS: Final = [(c, position) for c in CASES for position in c.positions()]
"""Every case with every slot of it that takes an adjoint."""

SLOT_IDS: Final = [f"{c.id}-{c.operator.slot(position, len(c.draws)).name}" for c, position in SLOTS]
