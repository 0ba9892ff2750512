"""Cases of functions of one tensor."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from resdebug.ops.elementwise import Exp, Identity, Log, Neg, Pow, Scale, Sqrt
from tests.ops.cases.table import INF, NAN, EmptyRow, Family, PointRow, WrongRow, alike, on
from tests.ops.draws import normal, positive
from tests.ops.strategies import elementwise, problems

CASES: Final = [
    *on(Identity(), lambda _, x: x.clone(), plane=normal(2, 3), scalar=normal()),
    *on(Neg(), lambda _, x: -x, plane=normal(2, 3), scalar=normal()),
    *on(Scale(factor=0.5), lambda _, x: 0.5 * x, half=normal(2, 3)),
    *on(Scale(factor=-3.0), lambda _, x: -3.0 * x, minus3=normal(2, 1, 2)),
    *on(Scale(factor=0.0), lambda _, x: 0.0 * x, zero=normal()),
    *on(Pow(exponent=2.0), lambda _, x: x**2, square=normal(2, 3)),
    *on(Pow(exponent=3.0), lambda _, x: x**3, cube_scalar=normal()),
    *on(Pow(exponent=1.0), lambda _, x: x**1, one=normal(3)),
    *on(Pow(exponent=0.0), lambda _, x: x**0, zero=normal(3)),
    *on(Pow(exponent=0.5), lambda _, x: x**0.5, root=positive(2, 3)),
    *on(Pow(exponent=-1.5), lambda _, x: x**-1.5, minus1_5=positive(4)),
    *on(Exp(), lambda _, x: x.exp(), plane=normal(2, 3), scalar=normal()),
    *on(Log(), lambda _, x: x.log(), plane=positive(2, 3), scalar=positive()),
    *on(Sqrt(), lambda _, x: x.sqrt(), plane=positive(2, 3), scalar=positive()),
]

EMPTY: Final[list[EmptyRow]] = [
    *alike((2, 0, 3), Identity(), Neg(), Scale(factor=2), Pow(exponent=2), Exp(), Log()),
    *alike((0,), Sqrt()),
]

WRONG: Final[list[WrongRow]] = [
    ("scale", {}, "factor"),
    ("scale", {"factor": "2"}, "factor"),
    ("pow", {"exponent": None}, "exponent"),
]

POINTS: Final[list[PointRow]] = [
    (Sqrt(), 0.0, 0.0, INF),
    (Sqrt(), -1.0, NAN, NAN),
    (Sqrt(), INF, INF, 0.0),
    (Log(), 0.0, -INF, INF),
    (Log(), -1.0, NAN, -1.0),
    (Log(), INF, INF, 0.0),
    (Exp(), -INF, 0.0, 0.0),
    (Exp(), 1000.0, INF, INF),
    (Pow(exponent=0), 0.0, 1.0, 0.0),
    (Pow(exponent=0), INF, 1.0, 0.0),
    (Pow(exponent=1), 0.0, 0.0, 1.0),
    (Pow(exponent=2), 0.0, 0.0, 0.0),
    (Pow(exponent=0.5), 0.0, 0.0, INF),
    (Pow(exponent=0.5), -1.0, NAN, NAN),
    (Pow(exponent=-1), 0.0, INF, -INF),
    (Pow(exponent=3), -2.0, -8.0, 12.0),
    (Scale(factor=0), INF, NAN, 0.0),
]

PROBLEMS: Final = problems(
    ("identity", {}, elementwise()),
    ("neg", {}, elementwise()),
    ("scale", {"factor": st.floats(-3, 3)}, elementwise()),
    ("pow", {"exponent": st.sampled_from([-2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 2.5])}, elementwise(positive)),
    ("exp", {}, elementwise()),
    ("log", {}, elementwise(positive)),
    ("sqrt", {}, elementwise(positive)),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    wrong=WRONG,
    points=POINTS,
    nan_stops={"pow-zero": "IEEE 754 has NaN⁰ = 1"},
    adjoint_stops={"pow-zero": "a constant passes nothing on"},
)
