"""Cases of tensors put together and taken apart."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.joining import Concat, Select, Slice, Split, Stack
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case, on
from tests.ops.draws import Draw, normal
from tests.ops.strategies import axis, elementwise, parts, problems, shapes


def joins(**rows: tuple[int, list[tuple[int, ...]]]) -> list[Case]:
    """Return concatenations along ``dim`` of tensors of these shapes."""
    return [
        case(id_, Concat(dim=dim), [normal(*s) for s in shapes], lambda t, *xs, dim=dim: t.cat(xs, dim))
        for id_, (dim, shapes) in rows.items()
    ]


def stacks(**rows: tuple[int, int, tuple[int, ...]]) -> list[Case]:
    """Return stacks along ``dim`` of so many tensors of a shape."""
    return [
        case(id_, Stack(dim=dim), [normal(*shape)] * count, lambda t, *xs, dim=dim: t.stack(xs, dim))
        for id_, (dim, count, shape) in rows.items()
    ]


def pieces(**rows: tuple[tuple[int, ...], int | list[int], int, int]) -> list[Case]:
    """Return pieces: shape, split size, which, along which axis."""
    return [
        case(
            id_, Split(split_size=size, index=index, dim=dim), [normal(*x)],
            lambda t, x, size=size, index=index, dim=dim: t.split(x, size, dim)[index],
        )
        for id_, (x, size, index, dim) in rows.items()
    ]  # fmt: skip


CASES: Final = [
    *joins(
        alone=(0, [(2, 3)]),
        rows=(0, [(2, 3), (1, 3)]),
        columns=(1, [(2, 1), (2, 3), (2, 2)]),
        channels=(1, [(2, 1, 2, 2), (2, 3, 2, 2)]),
        last=(-1, [(2, 2), (2, 1)]),
        first_from_behind=(-2, [(1, 2), (2, 2), (3, 2)]),
        vectors=(0, [(1,), (2,), (3,)]),
    ),
    *stacks(
        front=(0, 2, (2, 3)), back=(-1, 3, (2, 3)), middle=(1, 2, (2, 3)), scalars=(0, 3, ()), alone=(0, 1, (2,)),
    ),
    *pieces(
        first=((5, 2), 2, 0, 0), shorter=((5, 2), 2, 2, 0), columns=((2, 6), 3, 1, 1), uneven=((6, 2), [1, 3, 2], 1, 0),
        behind=((2, 2, 4), [1, 3], 1, -1), whole=((3,), 3, 0, 0), larger=((3,), 5, 0, 0),
    ),
    *on(Select(dim=0, index=1), lambda _, x: x.select(0, 1), row=normal(3, 2), vector=normal(2)),
    *on(Select(dim=-1, index=-2), lambda _, x: x.select(-1, -2), behind=normal(2, 3, 4)),
    *on(Slice(dim=0), lambda _, x: x[:], all=normal(3, 2)),
    *on(Slice(dim=1, start=1, end=3), lambda _, x: x[:, 1:3], middle=normal(2, 4)),
    *on(Slice(dim=0, start=-2), lambda _, x: x[-2:], tail=normal(5)),
    *on(Slice(dim=-1, end=-1, step=2), lambda _, x: x[..., :-1:2], steps=normal(2, 6)),
    *on(Slice(dim=0, start=1, end=100, step=3), lambda _, x: x[1:100:3], beyond=normal(8)),
    *on(Slice(dim=0, start=-(10**20), end=10**20, step=1 << 62), lambda _, x: x[:1], far_beyond=normal(3)),
]  # fmt: skip

EMPTY: Final[list[EmptyRow]] = [
    (Concat(dim=1), [(2, 0), (2, 3), (2, 0)], (2, 3)),
    (Concat(), [(0,)], (0,)),
    (Stack(), [(0, 2), (0, 2)], (2, 0, 2)),
    (Split(split_size=2, index=0), [(0, 3)], (0, 3)),
    (Split(split_size=[0, 2], index=0), [(2, 3)], (0, 3)),
    (Select(dim=0, index=0), [(1, 0)], (0,)),
    (Slice(dim=0, start=2, end=1), [(4,)], (0,)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Concat(), [(2, 3), (2, 4)], "x1", ["(2,3)", "(2,4)"], "axis 0 only"),
    (Concat(dim=1), [(2, 3), (2, 4), (3, 3)], "x2", ["(2,3)", "(3,3)"], "axis 1 only"),
    (Concat(), [(2,), (2, 2)], "x1", ["(2)", "(2,2)"], "axis 0 only"),
    (Concat(dim=1), [(2, 3), (2,)], "x1", ["(2,3)", "(2)"], "axis 1 only"),
    (Concat(dim=2), [(2, 3), (2, 3)], "dim", ["dim 2", "2 dimensions"], "from -2 to 1"),
    (Concat(), [(), ()], "dim", ["dim 0"], "scalar"),
    (Stack(), [(2, 3), (3, 2)], "x1", ["(2,3)", "(3,2)"], "same shape"),
    (Stack(dim=2), [(2,), (2,)], "dim", ["dim 2"], "from -2 to 1"),
    (Split(split_size=0, index=0), [(4,)], "split_size", ["split_size is 0"], "at least 1"),
    (Split(split_size=2, index=2), [(4,)], "index", ["(4)", "piece 2 among 2"], "from 0 to 1"),
    (Split(split_size=[1, 2], index=0), [(4,)], "split_size", ["[1, 2]", "3", "4"], "whole axis"),
    (Split(split_size=[2, 2], index=2), [(4,)], "index", ["piece 2 among 2"], "from 0 to 1"),
    (Split(split_size=[], index=0), [(0,)], "index", ["piece 0 among 0"], "names no piece"),
    (Split(split_size=2, index=0, dim=1), [(4,)], "dim", ["dim 1"], "from -1 to 0"),
    (Select(dim=0, index=3), [(3, 2)], "index", ["(3,2)", "index 3"], "from -3 to 2"),
    (Select(dim=0, index=0), [(0, 2)], "index", ["(0,2)"], "empty"),
    (Select(dim=2, index=0), [(3, 2)], "dim", ["dim 2"], "from -2 to 1"),
    (Slice(dim=1), [(3,)], "dim", ["dim 1"], "from -1 to 0"),
]

WRONG: Final[list[WrongRow]] = [
    ("concat", {"dim": 0.5}, "dim"),
    ("stack", {"dim": None}, "dim"),
    ("split", {"index": 0}, "split_size"),
    ("split", {"split_size": 2, "index": -1}, "index"),
    ("split", {"split_size": [-1], "index": 0}, "split_size"),
    ("select", {"dim": 0}, "index"),
    ("slice", {"dim": 0, "step": 0}, "step"),
    ("slice", {"dim": 0, "end": "x"}, "end"),
]


def alike(draw: st.DrawFn, **_: Any) -> list[Draw]:
    """Return a few tensors of one shape."""
    return [normal(*draw(shapes))] * draw(st.integers(1, 3))


PROBLEMS: Final = problems(
    ("concat", {"dim": axis}, parts),
    ("stack", {"dim": axis}, alike),
    (
        "split",
        {
            "split_size": st.integers(1, 3) | st.lists(st.integers(0, 2), max_size=3),
            "index": st.integers(0, 1),
            "dim": axis,
        },
        elementwise(),
    ),
    ("select", {"dim": axis, "index": st.integers(-2, 2)}, elementwise()),
    (
        "slice",
        {"dim": axis, "start": st.integers(-3, 3), "end": st.none() | st.integers(-3, 3), "step": st.integers(1, 3)},
        elementwise(),
    ),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    nan_touches_some={"concat": "the other inputs' parts", "stack": "the other inputs' parts"},
    elements={(op, "x"): "any" for op in ("concat", "stack", "split", "select", "slice")},
)
