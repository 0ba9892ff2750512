"""Cases of activations."""

from __future__ import annotations

import math
from typing import Final

from resdebug.ops.activations import Relu, Sigmoid, Tanh
from tests.ops.cases.table import INF, EmptyRow, Family, PointRow, alike, on
from tests.ops.draws import normal, off_zero
from tests.ops.strategies import elementwise, problems

CASES: Final = [
    *on(Relu(), lambda _, x: x.relu(), plane=off_zero(3, 4), scalar=off_zero(), image=off_zero(1, 2, 3, 2)),
    *on(Tanh(), lambda _, x: x.tanh(), plane=normal(3, 4), scalar=normal()),
    *on(Sigmoid(), lambda _, x: x.sigmoid(), plane=normal(3, 4), scalar=normal()),
]

EMPTY: Final[list[EmptyRow]] = [
    *alike((0,), Relu(), Tanh(), Sigmoid()),
]

POINTS: Final[list[PointRow]] = [
    (Relu(), 0.0, 0.0, 0.0),
    (Relu(), -0.0, 0.0, 0.0),
    (Relu(), INF, INF, 1.0),
    (Relu(), -INF, 0.0, 0.0),
    (Relu(), 5e-324, 5e-324, 1.0),
    (Tanh(), INF, 1.0, 0.0),
    (Tanh(), -INF, -1.0, 0.0),
    (Sigmoid(), 1000.0, 1.0, 0.0),
    (Sigmoid(), -1000.0, 0.0, 0.0),
    (Sigmoid(), -INF, 0.0, 0.0),
    (Sigmoid(), -40.0, math.exp(-40), math.exp(-40)),
]

PROBLEMS: Final = problems(
    ("relu", {}, elementwise(off_zero)),
    ("tanh", {}, elementwise()),
    ("sigmoid", {}, elementwise()),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    points=POINTS,
    not_analytic={"sigmoid": "forward takes |x|, which drops the imaginary part"},
)
