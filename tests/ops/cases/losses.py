"""Cases of losses."""

from __future__ import annotations

from typing import Final

from resdebug.ops.losses import CrossEntropy, MseLoss
from tests.ops.cases.table import EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import classes, normal
from tests.ops.strategies import labelled, losses, problems, same_shape

CASES: Final = [
    *(
        case(f"{id_}-{reduction}", CrossEntropy(reduction=reduction), [normal(*x), classes(x[min(1, len(x) - 1)], *y)],
             lambda t, x, y, reduction=reduction: t.nn.functional.cross_entropy(x, y, reduction=reduction))
        for reduction in ("mean", "sum", "none")
        for id_, x, y in (
            ("batch", (4, 3), (4,)), ("single", (3,), ()), ("pixels", (2, 3, 2, 2), (2, 2, 2)), ("ones", (1, 1), (1,)),
        )
    ),
    *(
        case(f"{id_}-{reduction}", MseLoss(reduction=reduction), [normal(*x), normal(*x)],
             lambda t, x, y, reduction=reduction: t.nn.functional.mse_loss(x, y, reduction=reduction))
        for reduction in ("mean", "sum", "none")
        for id_, x in (("plane", (3, 4)), ("scalar", ()), ("ones", (1, 1)))
    ),
]  # fmt: skip

EMPTY: Final[list[EmptyRow]] = [
    (CrossEntropy(reduction="sum"), [(0, 3), (0,)], ()),
    (CrossEntropy(reduction="none"), [(2, 3, 0), (2, 0)], (2, 0)),
    (MseLoss(reduction="sum"), [(0,), (0,)], ()),
    (MseLoss(reduction="none"), [(2, 0), (2, 0)], (2, 0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (CrossEntropy(), [(4, 3), (3,)], "target", ["(4,3)", "(3)"], "(4)"),
    (CrossEntropy(), [(4, 3), (4, 3)], "target", ["(4,3)"], "one class index per example: (4)"),
    (CrossEntropy(), [(2, 3, 5, 5), (2, 5)], "target", ["(2,3,5,5)", "(2,5)"], "(2,5,5)"),
    (CrossEntropy(), [(), ()], "x", ["scalar"], "(N, C) or (C)"),
    (CrossEntropy(), [(4, 0), (4,)], "x", ["(4,0)", "no classes"], ""),
    (CrossEntropy(), [(0, 3), (0,)], "x", ["mean of nothing"], "sum"),
    (MseLoss(), [(2, 3), (3,)], "target", ["(2,3)", "(3)"], "same shape"),
    (MseLoss(), [(2, 3), (2, 1)], "target", ["(2,3)", "(2,1)"], "same shape"),
    (MseLoss(), [(0,), (0,)], "x", ["(0)", "mean of nothing"], "sum"),
]

WRONG: Final[list[WrongRow]] = [
    ("cross_entropy", {"reduction": "max"}, "reduction"),
    ("mse_loss", {"reduction": None}, "reduction"),
]

PROBLEMS: Final = problems(
    ("cross_entropy", losses, labelled),
    ("mse_loss", losses, same_shape),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    elements={("cross_entropy", "target"): "integer"},
)
