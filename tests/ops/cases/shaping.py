"""Cases of operators that move elements."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from resdebug.ops.shaping import Concat, Flatten, Reshape, Transpose
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case, on
from tests.ops.draws import normal
from tests.ops.strategies import axis, elementwise, parts, problems


def joins(**rows: tuple[int, list[tuple[int, ...]]]) -> list[Case]:
    """Return concatenations along ``dim`` of tensors of these shapes."""
    return [
        case(id_, Concat(dim=dim), [normal(*s) for s in shapes], lambda t, *xs, dim=dim: t.cat(xs, dim))
        for id_, (dim, shapes) in rows.items()
    ]


CASES: Final = [
    *on(Reshape(shape=[6, 4]), lambda _, x: x.reshape(6, 4), full=normal(2, 3, 4)),
    *on(Reshape(shape=[2, -1]), lambda _, x: x.reshape(2, -1), open=normal(2, 3, 4)),
    *on(Reshape(shape=[-1]), lambda _, x: x.reshape(-1), vector=normal(2, 3), scalar=normal()),
    *on(Reshape(shape=[]), lambda _, x: x.reshape(()), to_scalar=normal(1, 1)),
    *on(Flatten(), lambda _, x: x.flatten(), all=normal(2, 3, 4), scalar=normal(), vector=normal(3)),
    *on(Flatten(start_dim=1), lambda _, x: x.flatten(1), examples=normal(2, 3, 2, 2)),
    *on(Flatten(start_dim=-3, end_dim=-2), lambda _, x: x.flatten(-3, -2), middle=normal(2, 3, 2, 2)),
    *on(Transpose(dim0=0, dim1=1), lambda _, x: x.transpose(0, 1), matrix=normal(2, 3), more=normal(2, 3, 4)),
    *on(Transpose(dim0=-1, dim1=0), lambda _, x: x.transpose(-1, 0), ends=normal(2, 3, 4)),
    *on(Transpose(dim0=1, dim1=1), lambda _, x: x.transpose(1, 1), nothing=normal(2, 3)),
    *joins(
        alone=(0, [(2, 3)]),
        rows=(0, [(2, 3), (1, 3)]),
        columns=(1, [(2, 1), (2, 3), (2, 2)]),
        channels=(1, [(2, 1, 2, 2), (2, 3, 2, 2)]),
        last=(-1, [(2, 2), (2, 1)]),
        first_from_behind=(-2, [(1, 2), (2, 2), (3, 2)]),
        vectors=(0, [(1,), (2,), (3,)]),
    ),
]

EMPTY: Final[list[EmptyRow]] = [
    (Reshape(shape=[-1, 2]), [(0, 3)], (0, 2)),
    (Flatten(start_dim=1), [(0, 2, 3)], (0, 6)),
    (Transpose(dim0=0, dim1=1), [(0, 3)], (3, 0)),
    (Concat(dim=1), [(2, 0), (2, 3), (2, 0)], (2, 3)),
    (Concat(), [(0,)], (0,)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Reshape(shape=[2, 2]), [(2, 3)], "shape", ["(2,3)", "6", "[2, 2]"], "takes 4"),
    (Reshape(shape=[-1, -1]), [(2, 3)], "shape", ["[-1, -1]"], "only one"),
    (Reshape(shape=[-1, 4]), [(2, 3)], "shape", ["(2,3)", "[-1, 4]"], "multiple of 4"),
    (Reshape(shape=[-1, 0]), [(0, 3)], "shape", ["(0,3)", "[-1, 0]"], "multiple"),
    (Flatten(start_dim=2), [(2, 3)], "start_dim", ["start_dim 2", "2 dimensions"], "from -2 to 1"),
    (Flatten(end_dim=-3), [(2, 3)], "end_dim", ["end_dim -3"], "from -2 to 1"),
    (Flatten(start_dim=1, end_dim=0), [(2, 3)], "start_dim", ["start_dim 1", "end_dim 0"], ""),
    (Transpose(dim0=0, dim1=2), [(2, 3)], "dim1", ["dim1 2"], "from -2 to 1"),
    (Transpose(dim0=0, dim1=0), [()], "dim0", ["dim0 0"], "scalar"),
    (Concat(), [(2, 3), (2, 4)], "x1", ["(2,3)", "(2,4)"], "axis 0 only"),
    (Concat(dim=1), [(2, 3), (2, 4), (3, 3)], "x2", ["(2,3)", "(3,3)"], "axis 1 only"),
    (Concat(), [(2,), (2, 2)], "x1", ["(2)", "(2,2)"], "axis 0 only"),
    (Concat(dim=1), [(2, 3), (2,)], "x1", ["(2,3)", "(2)"], "axis 1 only"),
    (Concat(dim=2), [(2, 3), (2, 3)], "dim", ["dim 2", "2 dimensions"], "from -2 to 1"),
    (Concat(), [(), ()], "dim", ["dim 0"], "scalar"),
]

WRONG: Final[list[WrongRow]] = [
    ("reshape", {}, "shape"),
    ("reshape", {"shape": [2, -2]}, "shape"),
    ("reshape", {"shape": 6}, "shape"),
    ("transpose", {"dim0": 0}, "dim1"),
]

PROBLEMS: Final = problems(
    ("reshape", {"shape": st.lists(st.sampled_from([-1, 1, 2, 3, 4, 6]), max_size=3)}, elementwise()),
    ("flatten", {"start_dim": axis, "end_dim": axis}, elementwise()),
    ("transpose", {"dim0": axis, "dim1": axis}, elementwise()),
    ("concat", {"dim": axis}, parts),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    nan_touches_some={"concat": "the other inputs' parts"},
    elements={(op, "x"): "any" for op in ("reshape", "flatten", "transpose", "concat")},
)
