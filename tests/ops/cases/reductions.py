"""Cases of reductions."""

from __future__ import annotations

from typing import Final

from resdebug.ops.reductions import Mean, Sum
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import normal
from tests.ops.strategies import elementwise, problems, reduced


def reductions(kind: type[Sum | Mean]) -> list[Case]:
    """Return reductions over no axis named, one, from behind, and several, with and without ``keepdim``."""
    name = kind.op()
    rows: list[tuple[str, tuple[int, ...], int | list[int] | None]] = [
        ("all", (2, 3, 4), None), ("scalar", (), None), ("first", (2, 3), 0), ("last", (2, 3, 4), -1),
        ("several", (2, 3, 4), [0, 2]), ("unordered", (2, 3, 4), [-1, 0]), ("ones", (1, 1), [1]),
    ]  # fmt: skip
    return [
        case(id_, kind(dim=dim), [normal(*x)],
             lambda t, x, dim=dim: getattr(t, name)(x) if dim is None else getattr(t, name)(x, dim))
        for id_, x, dim in rows
    ] + [
        case(f"{id_}-keepdim", kind(dim=dim, keepdim=True), [normal(*x)],
             lambda t, x, dim=dim: getattr(t, name)(x, tuple(range(x.ndim)) if dim is None else dim, keepdim=True))
        for id_, x, dim in rows
    ]  # fmt: skip


CASES: Final = [*reductions(Sum), *reductions(Mean)]

EMPTY: Final[list[EmptyRow]] = [
    (Sum(), [(0, 3)], ()),
    (Sum(dim=0), [(0, 3)], (3,)),
    (Sum(dim=1, keepdim=True), [(0, 3)], (0, 1)),
    (Mean(dim=1), [(0, 3)], (0,)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Sum(dim=2), [(2, 3)], "dim", ["dim 2", "2 dimensions"], "from -2 to 1"),
    (Sum(dim=[0, -2]), [(2, 3)], "dim", ["[0, -2]", "twice"], ""),
    (Sum(dim=0), [()], "dim", ["dim 0"], "scalar"),
    (Mean(dim=-3), [(2, 3)], "dim", ["dim -3"], "from -2 to 1"),
    (Mean(), [(0, 3)], "x", ["(0,3)", "mean of nothing"], "at least size 1"),
    (Mean(dim=1), [(2, 0)], "x", ["(2,0)", "mean of nothing"], "at least size 1"),
]

WRONG: Final[list[WrongRow]] = [
    ("sum", {"dim": "all"}, "dim"),
    ("sum", {"dim": [0.0]}, "dim"),
]

PROBLEMS: Final = problems(
    ("sum", reduced, elementwise()),
    ("mean", reduced, elementwise()),
)

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED, wrong=WRONG)
