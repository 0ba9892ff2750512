"""Cases of operators that move elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st

from resdebug.ops.shaping import Expand, Flatten, Permute, Reshape, Squeeze, Transpose, Unsqueeze
from tests.ops.cases.table import EmptyRow, Family, RefusedRow, WrongRow, on
from tests.ops.draws import Draw, normal
from tests.ops.strategies import axis, elementwise, problems, sizes

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
    *on(Permute(dims=[1, 0]), lambda _, x: x.permute(1, 0), matrix=normal(2, 3)),
    *on(Permute(dims=[0, 2, 3, 1]), lambda _, x: x.permute(0, 2, 3, 1), channels_last=normal(2, 3, 2, 2)),
    *on(Permute(dims=[-1, 0, 1]), lambda _, x: x.permute(-1, 0, 1), from_behind=normal(2, 3, 4)),
    *on(Permute(dims=[]), lambda _, x: x.permute([]), scalar=normal()),
    *on(Squeeze(), lambda _, x: x.squeeze(), all=normal(1, 2, 1), none=normal(2, 3), scalar=normal()),
    *on(Squeeze(dim=0), lambda _, x: x.squeeze(0), first=normal(1, 2, 1), stays=normal(2, 1)),
    *on(Squeeze(dim=[-1, 0]), lambda _, x: x.squeeze((-1, 0)), ends=normal(1, 2, 1)),
    *on(Unsqueeze(dim=0), lambda _, x: x.unsqueeze(0), front=normal(2, 3), scalar=normal()),
    *on(Unsqueeze(dim=-1), lambda _, x: x.unsqueeze(-1), back=normal(2, 3)),
    *on(Expand(shape=[4, 3]), lambda _, x: x.expand(4, 3), column=normal(1, 3), row=normal(3)),
    *on(Expand(shape=[2, -1, 3]), lambda _, x: x.expand(2, -1, 3), front=normal(4, 1)),
    *on(Expand(shape=[2, 2]), lambda _, x: x.expand(2, 2), scalar=normal(), same=normal(2, 2)),
]

EMPTY: Final[list[EmptyRow]] = [
    (Reshape(shape=[-1, 2]), [(0, 3)], (0, 2)),
    (Flatten(start_dim=1), [(0, 2, 3)], (0, 6)),
    (Transpose(dim0=0, dim1=1), [(0, 3)], (3, 0)),
    (Permute(dims=[1, 0]), [(0, 3)], (3, 0)),
    (Squeeze(), [(1, 0)], (0,)),
    (Unsqueeze(dim=1), [(0,)], (0, 1)),
    (Expand(shape=[0, 3]), [(1, 3)], (0, 3)),
    (Expand(shape=[2, 0]), [(0,)], (2, 0)),
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
    (Permute(dims=[0, 0]), [(2, 3)], "dims", ["(2,3)", "[0, 0]"], "once"),
    (Permute(dims=[0]), [(2, 3)], "dims", ["(2,3)", "[0]"], "once"),
    (Permute(dims=[0, 2]), [(2, 3)], "dims", ["dims 2"], "from -2 to 1"),
    (Squeeze(dim=2), [(2, 3)], "dim", ["dim 2"], "from -2 to 1"),
    (Squeeze(dim=[0, -2]), [(1, 3)], "dim", ["[0, -2]", "twice"], ""),
    (Unsqueeze(dim=3), [(2, 3)], "dim", ["dim 3"], "from -3 to 2"),
    (Expand(shape=[3, 4]), [(2, 4)], "shape", ["(2,4)", "[3, 4]"], "from 1"),
    (Expand(shape=[4]), [(2, 4)], "shape", ["(2,4)", "[4]"], "in front"),
    (Expand(shape=[-1, 4]), [(4,)], "shape", ["(4)", "[-1, 4]"], "in front"),
]

WRONG: Final[list[WrongRow]] = [
    ("reshape", {}, "shape"),
    ("reshape", {"shape": [2, -2]}, "shape"),
    ("reshape", {"shape": 6}, "shape"),
    ("flatten", {"end_dim": 0.5}, "end_dim"),
    ("transpose", {"dim0": 0}, "dim1"),
    ("permute", {}, "dims"),
    ("permute", {"dims": 1}, "dims"),
    ("squeeze", {"dim": "all"}, "dim"),
    ("unsqueeze", {}, "dim"),
    ("expand", {"shape": [-2]}, "shape"),
]


def any_of(*ranks: int) -> Callable[..., list[Draw]]:
    """Return draws of one tensor with one of these numbers of axes."""
    return lambda draw, **_: [normal(*(draw(sizes) for _ in range(draw(st.sampled_from(ranks)))))]


PROBLEMS: Final = problems(
    ("reshape", {"shape": st.lists(st.sampled_from([-1, 1, 2, 3, 4, 6]), max_size=3)}, elementwise()),
    ("flatten", {"start_dim": axis, "end_dim": axis}, elementwise()),
    ("transpose", {"dim0": axis, "dim1": axis}, elementwise()),
    ("permute", {"dims": st.permutations(range(3)) | st.just([1, 0])}, any_of(2, 3)),
    ("squeeze", {"dim": st.none() | axis | st.lists(axis, max_size=2)}, elementwise()),
    ("unsqueeze", {"dim": axis}, elementwise()),
    ("expand", {"shape": st.lists(st.sampled_from([-1, 1, 2, 3]), max_size=3)}, elementwise()),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    elements={
        (op, "x"): "any" for op in ("reshape", "flatten", "transpose", "permute", "squeeze", "unsqueeze", "expand")
    },
)
