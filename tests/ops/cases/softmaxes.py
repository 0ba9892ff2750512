"""Cases of softmaxes."""

from __future__ import annotations

from typing import Final

from resdebug.ops.softmaxes import LogSoftmax, Softmax
from tests.ops.cases.table import EmptyRow, Family, RefusedRow, case
from tests.ops.draws import normal
from tests.ops.strategies import axis, elementwise, problems

CASES: Final = [
    case(id_, kind(dim=dim), [normal(*x)], lambda t, x, dim=dim, kind=kind: getattr(t, kind.op())(x, dim))
    for kind in (Softmax, LogSoftmax)
    for id_, x, dim in (
        ("rows", (3, 4), -1), ("columns", (3, 4), 0), ("middle", (2, 3, 4), 1), ("vector", (5,), 0), ("one", (2, 1), 1),
    )
]  # fmt: skip

EMPTY: Final[list[EmptyRow]] = [
    (Softmax(), [(0, 3)], (0, 3)),
    (LogSoftmax(dim=1), [(2, 3, 0)], (2, 3, 0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Softmax(dim=2), [(2, 3)], "dim", ["dim 2"], "from -2 to 1"),
    (Softmax(), [(2, 0)], "dim", ["(2,0)", "empty"], ""),
    (LogSoftmax(dim=0), [()], "dim", ["dim 0"], "scalar"),
]

PROBLEMS: Final = problems(
    ("softmax", {"dim": axis}, elementwise()),
    ("log_softmax", {"dim": axis}, elementwise()),
)

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED)
