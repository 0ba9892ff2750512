"""Cases of arithmetic of two tensors."""

from __future__ import annotations

from typing import Final

from resdebug.ops.arithmetic import Add, Div, Mul, Sub
from tests.ops.cases.table import EmptyRow, Family, RefusedRow, both
from tests.ops.draws import off_zero
from tests.ops.strategies import broadcasting, problems

CASES: Final = [
    *both(Add(), lambda _, a, b: a + b),
    *both(Sub(), lambda _, a, b: a - b),
    *both(Mul(), lambda _, a, b: a * b),
    *both(Div(), lambda _, a, b: a / b, b=off_zero),
]

EMPTY: Final[list[EmptyRow]] = [
    (Add(), [(0, 3), (1, 3)], (0, 3)),
    (Sub(), [(2, 1), (2, 0)], (2, 0)),
    (Mul(), [(0,), ()], (0,)),
    (Div(), [(2, 0), (1,)], (2, 0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Add(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Sub(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Mul(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Div(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Add(), [(3, 1, 2), (2, 2, 2)], "b", ["(3,1,2)", "(2,2,2)"], "one of them 1"),
]

PROBLEMS: Final = problems(
    ("add", {}, broadcasting),
    ("sub", {}, broadcasting),
    ("mul", {}, broadcasting),
    ("div", {}, lambda draw: broadcasting(draw, off_zero)),
)

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED)
