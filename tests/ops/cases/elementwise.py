"""Cases of functions of one tensor."""

from __future__ import annotations

import math
from typing import Final

from hypothesis import strategies as st

from resdebug.ops.elementwise import (
    Abs,
    Clip,
    Cos,
    Erf,
    Exp,
    Expm1,
    Identity,
    Log,
    Log1p,
    Neg,
    Pow,
    Reciprocal,
    Rsqrt,
    Scale,
    Sin,
    Sqrt,
    Square,
)  # fmt: skip
from tests.ops.cases.table import INF, NAN, EmptyRow, Family, KinkRow, PointRow, RefusedRow, WrongRow, alike, on
from tests.ops.draws import Draw, distinct, normal, off_zero, positive
from tests.ops.strategies import elementwise, problems


def tiny(*shape: int) -> Draw:
    """Numbers of 1e-10, where adding 1 loses all digits."""
    return Draw(shape, lambda rng, s: 1e-10 * rng.standard_normal(s))


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
    *on(Abs(), lambda _, x: x.abs(), plane=off_zero(2, 3), scalar=off_zero()),
    *on(Square(), lambda _, x: x.square(), plane=normal(2, 3), scalar=normal()),
    *on(Reciprocal(), lambda _, x: x.reciprocal(), plane=off_zero(2, 3), scalar=off_zero()),
    *on(Rsqrt(), lambda _, x: x.rsqrt(), plane=positive(2, 3), scalar=positive()),
    *on(Log1p(), lambda _, x: x.log1p(), plane=positive(2, 3), scalar=positive(), tiny=tiny(4)),
    *on(Expm1(), lambda _, x: x.expm1(), plane=normal(2, 3), scalar=normal(), tiny=tiny(4)),
    *on(Sin(), lambda _, x: x.sin(), plane=normal(2, 3), scalar=normal()),
    *on(Cos(), lambda _, x: x.cos(), plane=normal(2, 3), scalar=normal()),
    *on(Erf(), lambda _, x: x.erf(), plane=normal(2, 3), scalar=normal()),
    *on(Clip(min=-1.05, max=0.95), lambda _, x: x.clip(-1.05, 0.95), both=distinct(4, 6), scalar=distinct()),
    *on(Clip(min=0.05), lambda _, x: x.clip(min=0.05), below=distinct(4, 6)),
    *on(Clip(max=0.55), lambda _, x: x.clip(max=0.55), above=distinct(4, 6)),
]

EMPTY: Final[list[EmptyRow]] = [
    *alike((2, 0, 3), Identity(), Neg(), Scale(factor=2), Pow(exponent=2), Exp(), Log()),
    *alike((0,), Sqrt(), Abs(), Square(), Reciprocal(), Rsqrt(), Log1p(), Expm1(), Sin(), Cos(), Erf()),
    *alike((2, 0), Clip(min=0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Clip(), [(2, 3)], "min", ["neither min nor max"], "at least one"),
    (Clip(min=2, max=1), [(2, 3)], "min", ["min 2", "max 1"], "exchange"),
]

WRONG: Final[list[WrongRow]] = [
    ("scale", {}, "factor"),
    ("scale", {"factor": "2"}, "factor"),
    ("pow", {"exponent": None}, "exponent"),
    ("clip", {"min": "low"}, "min"),
    ("clip", {"max": True}, "max"),
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
    (Abs(), -INF, INF, -1.0),
    (Square(), 1e200, INF, 2e200),
    (Reciprocal(), 0.0, INF, -INF),
    (Reciprocal(), -INF, -0.0, -0.0),
    (Rsqrt(), 0.0, INF, -INF),
    (Rsqrt(), -1.0, NAN, NAN),
    (Rsqrt(), INF, 0.0, -0.0),
    (Log1p(), -1.0, -INF, INF),
    (Log1p(), 1e-300, 1e-300, 1.0),
    (Log1p(), -2.0, NAN, -1.0),
    (Expm1(), -INF, -1.0, 0.0),
    (Expm1(), -40.0, -1.0, math.exp(-40)),
    (Expm1(), 1e-300, 1e-300, 1.0),
    (Sin(), INF, NAN, NAN),
    (Cos(), 0.0, 1.0, -0.0),
    (Erf(), INF, 1.0, 0.0),
    (Erf(), -INF, -1.0, 0.0),
    (Clip(min=-1, max=1), INF, 1.0, 0.0),
    (Clip(min=-1, max=1), 1.0, 1.0, 1.0),
    (Clip(min=-1, max=1), -1.0, -1.0, 1.0),
]

KINKS: Final[list[KinkRow]] = [
    ("abs", Abs(), [[0.0, -0.0, 2.0, -2.0]], lambda _, x: x.abs()),
    ("reciprocal", Reciprocal(), [[0.0, -0.0]], lambda _, x: x.reciprocal()),
    ("rsqrt", Rsqrt(), [[0.0, -1.0]], lambda _, x: x.rsqrt()),
    ("clip", Clip(min=-1, max=1), [[-1.0, 1.0, 0.0, -2.0, 2.0]], lambda _, x: x.clip(-1, 1)),
    ("clip-min", Clip(min=0), [[0.0, -0.0, -2.0, 2.0]], lambda _, x: x.clip(min=0)),
    ("sqrt", Sqrt(), [[0.0, 0.0]], lambda _, x: x.sqrt()),
    ("log", Log(), [[0.0, 0.0]], lambda _, x: x.log()),
    *((f"pow-{p}", Pow(exponent=p), [[0.0, 0.0]], lambda _, x, p=p: x**p) for p in (0.0, 1.0, 2.0, 0.5)),
]

PROBLEMS: Final = problems(
    ("identity", {}, elementwise()),
    ("neg", {}, elementwise()),
    ("scale", {"factor": st.floats(-3, 3)}, elementwise()),
    ("pow", {"exponent": st.sampled_from([-2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 2.5])}, elementwise(positive)),
    ("exp", {}, elementwise()),
    ("log", {}, elementwise(positive)),
    ("sqrt", {}, elementwise(positive)),
    ("abs", {}, elementwise(off_zero)),
    ("square", {}, elementwise()),
    ("reciprocal", {}, elementwise(off_zero)),
    ("rsqrt", {}, elementwise(positive)),
    ("log1p", {}, elementwise(positive)),
    ("expm1", {}, elementwise()),
    ("sin", {}, elementwise()),
    ("cos", {}, elementwise()),
    ("erf", {}, elementwise()),
    (
        "clip",
        {"min": st.sampled_from([None, -1.05, -0.25]), "max": st.sampled_from([None, 0.15, 1.25])},
        elementwise(distinct),
    ),
)

NOT_ANALYTIC: Final = {
    "abs": "the size drops the imaginary part",
}

FAMILY: Final = Family(
    not_analytic=NOT_ANALYTIC,
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    wrong=WRONG,
    refused=REFUSED,
    points=POINTS,
    kinks=KINKS,
    nan_stops={"pow-zero": "IEEE 754 has NaN⁰ = 1"},
)
