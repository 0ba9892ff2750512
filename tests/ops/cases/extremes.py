"""Cases of the largest and the smallest along axes."""

from __future__ import annotations

from typing import Final

from resdebug.ops.extremes import Max, Min
from tests.ops.cases.reductions import over
from tests.ops.cases.table import EmptyRow, Family, KinkRow, RefusedRow, WrongRow
from tests.ops.draws import distinct
from tests.ops.strategies import elementwise, problems, reduced

CASES: Final = [
    *over(Max, distinct, lambda t, x, dims, keepdim: t.amax(x, dims, keepdim) if dims else x.clone()),
    *over(Min, distinct, lambda t, x, dims, keepdim: t.amin(x, dims, keepdim) if dims else x.clone()),
]

EMPTY: Final[list[EmptyRow]] = [(Max(dim=1), [(0, 3)], (0,)), (Min(dim=-1, keepdim=True), [(0, 3)], (0, 1))]

REFUSED: Final[list[RefusedRow]] = [
    (Max(dim=2), [(2, 3)], "dim", ["dim 2"], "from -2 to 1"),
    (Max(), [(0, 3)], "x", ["(0,3)", "extreme of nothing"], "at least size 1"),
    (Min(dim=1), [(2, 0)], "x", ["(2,0)", "extreme of nothing"], "at least size 1"),
]

WRONG: Final[list[WrongRow]] = [("max", {"dim": 0.5}, "dim"), ("min", {"keepdim": "yes"}, "keepdim")]

TIES: Final = [[1.0, 3.0, 3.0, -2.0], [0.0, -0.0, 0.0, 0.0], [5.0, 4.0, -4.0, -4.0]]

KINKS: Final[list[KinkRow]] = [
    ("max-ties", Max(dim=1), [TIES], lambda t, x: t.amax(x, 1)),
    ("min-ties", Min(dim=1), [TIES], lambda t, x: t.amin(x, 1)),
    ("max-all", Max(), [TIES], lambda t, x: t.amax(x, (0, 1))),
]

PROBLEMS: Final = problems(("max", reduced, elementwise(distinct)), ("min", reduced, elementwise(distinct)))

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED, wrong=WRONG, kinks=KINKS)
