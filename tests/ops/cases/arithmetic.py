"""Cases of arithmetic of two tensors."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from resdebug.ops.arithmetic import Add, Div, Maximum, Minimum, Mul, Sub
from tests.ops.cases.table import INF, NAN, EmptyRow, Family, KinkRow, RefusedRow, both
from tests.ops.draws import Draw, off_zero
from tests.ops.strategies import broadcasting, problems

CASES: Final = [
    *both(Add(), lambda _, a, b: a + b),
    *both(Sub(), lambda _, a, b: a - b),
    *both(Mul(), lambda _, a, b: a * b),
    *both(Div(), lambda _, a, b: a / b, b=off_zero),
    *both(Maximum(), lambda t, a, b: t.maximum(a, b)),
    *both(Minimum(), lambda t, a, b: t.minimum(a, b)),
]

EMPTY: Final[list[EmptyRow]] = [
    (Add(), [(0, 3), (1, 3)], (0, 3)),
    (Sub(), [(2, 1), (2, 0)], (2, 0)),
    (Mul(), [(0,), ()], (0,)),
    (Div(), [(2, 0), (1,)], (2, 0)),
    (Maximum(), [(2, 0), (1,)], (2, 0)),
    (Minimum(), [(0,), (0,)], (0,)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Add(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Sub(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Mul(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Div(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Maximum(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Minimum(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Add(), [(3, 1, 2), (2, 2, 2)], "b", ["(3,1,2)", "(2,2,2)"], "one of them 1"),
]


def apart(draw: st.DrawFn) -> list[Draw]:
    """Return two operands that broadcast and are never nearly equal: one has whole numbers, the other halves."""
    left, right = broadcasting(draw)
    return [
        Draw(left.shape, lambda rng, s: rng.integers(-3, 4, s).astype(float)),
        Draw(right.shape, lambda rng, s: rng.integers(-3, 4, s) + 0.5),
    ]


PROBLEMS: Final = problems(
    ("add", {}, broadcasting),
    ("sub", {}, broadcasting),
    ("mul", {}, broadcasting),
    ("div", {}, lambda draw: broadcasting(draw, off_zero)),
    ("maximum", {}, apart),
    ("minimum", {}, apart),
)

TIES: Final = [
    [1.0, 2.0, 3.0, 0.0, -0.0, -1.0, INF, -INF, INF, NAN, 1.0, NAN],
    [2.0, 2.0, 1.0, -0.0, 0.0, -1.0, INF, -INF, -INF, 1.0, NAN, NAN],
]
STRETCHED_TIES: Final = [[[1.0, 2.0], [2.0, 3.0]], [2.0]]

KINKS: Final[list[KinkRow]] = [
    ("maximum", Maximum(), TIES, lambda t, a, b: t.maximum(a, b)),
    ("minimum", Minimum(), TIES, lambda t, a, b: t.minimum(a, b)),
    ("maximum-stretched", Maximum(), STRETCHED_TIES, lambda t, a, b: t.maximum(a, b)),
    ("minimum-stretched", Minimum(), STRETCHED_TIES, lambda t, a, b: t.minimum(a, b)),
]

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED, kinks=KINKS)
