"""Cases of elements picked by an index."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from resdebug.ops.indexing import Embedding, Gather
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import Draw, classes, normal
from tests.ops.strategies import axis, problems, shapes, sizes


def picked(id_: str, x: tuple[int, ...], dim: int, index: tuple[int, ...]) -> Case:
    """Return a gathering along ``dim`` by an index of this shape."""
    draws = [normal(*x), classes(x[dim], *index)]
    return case(id_, Gather(dim=dim), draws, lambda t, x, i: t.gather(x, dim, i))


def looked_up(id_: str, index: tuple[int, ...], weight: tuple[int, int], padding_idx: int | None = None) -> Case:
    """Return a look-up in a table."""
    # What stands at padding_idx is cut off on purpose, so that differences would not agree; test_indexing.py has it.
    low = 0 if padding_idx is None else padding_idx + 1
    rows = Draw(index, lambda rng, s: rng.integers(low, weight[0], s), "int64")
    return case(
        id_, Embedding(padding_idx=padding_idx), [rows, normal(*weight)],
        lambda t, i, w: t.nn.functional.embedding(i, w, padding_idx),
    )  # fmt: skip


CASES: Final = [
    picked("rows", (4, 3), 0, (6, 3)),
    picked("columns", (3, 4), 1, (2, 5)),
    picked("behind", (2, 3, 4), -1, (2, 2, 6)),
    picked("vector", (3,), 0, (5,)),
    picked("one", (1, 1), 0, (3, 1)),
    looked_up("tokens", (2, 5), (4, 3)),
    looked_up("one", (), (4, 3)),
    looked_up("padding", (3, 4), (3, 2), padding_idx=1),
]

EMPTY: Final[list[EmptyRow]] = [
    (Gather(dim=0), [(3, 2), (0, 2)], (0, 2)),
    (Gather(dim=0), [(0, 2), (0, 2)], (0, 2)),
    (Embedding(), [(0, 2), (3, 4)], (0, 2, 4)),
    (Embedding(), [(2,), (3, 0)], (2, 0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Gather(dim=2), [(2, 3), (2, 3)], "dim", ["dim 2"], "from -2 to 1"),
    (Gather(dim=0), [(2, 3), (2,)], "index", ["(2,3)", "(2)"], "axis 0 only"),
    (Gather(dim=0), [(2, 3), (2, 4)], "index", ["(2,3)", "(2,4)"], "axis 0 only"),
    (Gather(dim=0), [(0, 3), (2, 3)], "x", ["(0,3)"], "nothing to pick"),
    (Embedding(), [(2,), (3,)], "weight", ["(3)"], "(rows, width)"),
    (Embedding(padding_idx=3), [(2,), (3, 2)], "padding_idx", ["(3,2)", "row 3"], "from 0 to 2"),
    (Embedding(), [(2,), (0, 2)], "weight", ["(0,2)"], "nothing to pick"),
]

WRONG: Final[list[WrongRow]] = [
    ("gather", {}, "dim"),
    ("embedding", {"padding_idx": -1}, "padding_idx"),
    ("embedding", {"padding_idx": 0.5}, "padding_idx"),
]


def gathered(draw: st.DrawFn, dim: int) -> list[Draw]:
    """Return a tensor and an index."""
    x = list(draw(shapes))
    index = [draw(st.integers(0, n)) for n in x]
    if -len(x) <= dim < len(x):
        index[dim] = draw(sizes)
    count = x[dim] if -len(x) <= dim < len(x) else 1
    return [normal(*x), classes(max(count, 1), *index)]


def table(draw: st.DrawFn, padding_idx: int | None) -> list[Draw]:
    """Return an index that avoids the padding, and a table."""
    low = 0 if padding_idx is None else padding_idx + 1
    rows = low + draw(st.integers(1, 4))
    index = Draw(draw(shapes)[:2], lambda rng, s: rng.integers(low, rows, s), "int64")
    return [index, normal(rows, draw(sizes))]


PROBLEMS: Final = problems(
    ("gather", {"dim": axis}, gathered),
    ("embedding", {"padding_idx": st.none() | st.integers(0, 2)}, table),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    elements={("gather", "x"): "any", ("gather", "index"): "integer", ("embedding", "index"): "integer"},
)
