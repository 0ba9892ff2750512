"""Cases of matrix products."""

from __future__ import annotations

from typing import Final

from resdebug.ops.linear_algebra import Linear, Matmul
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, case
from tests.ops.draws import normal
from tests.ops.strategies import layer, matrices, problems


def products(**shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> list[Case]:
    """Return matrix products of these shapes."""
    return [
        case(id_, Matmul(), [normal(*left), normal(*right)], lambda _, a, b: a @ b)
        for id_, (left, right) in shapes.items()
    ]


def layers(**shapes: tuple[int, ...]) -> list[Case]:
    """Return fully connected layers from the last of ``shape`` to 3, with and without a bias."""
    return [
        case(f"{id_}{'-bias' if bias else ''}", Linear(), [normal(*x), normal(3, x[-1]), bias],
             lambda t, x, w, b: t.nn.functional.linear(x, w, b))
        for id_, x in shapes.items() for bias in (None, normal(3))
    ]  # fmt: skip


CASES: Final = [
    *products(
        vectors=((3,), (3,)),
        vector_matrix=((3,), (3, 4)),
        matrix_vector=((2, 3), (3,)),
        matrices=((2, 3), (3, 4)),
        square=((3, 3), (3, 3)),
        batches=((2, 3, 4), (2, 4, 2)),
        batch_matrix=((2, 3, 4), (4, 2)),
        matrix_batch=((3, 4), (2, 4, 2)),
        vector_batch=((4,), (2, 4, 3)),
        batch_vector=((2, 3, 4), (4,)),
        stretched=((2, 1, 3, 4), (3, 4, 2)),
        ones=((1, 1), (1, 1)),
        inner_one=((3, 1), (1, 2)),
    ),
    *layers(rows=(4, 5), vector=(5,), sequence=(2, 4, 5), single=(1, 1)),
]

EMPTY: Final[list[EmptyRow]] = [
    (Matmul(), [(0, 3), (3, 2)], (0, 2)),
    (Matmul(), [(2, 0), (0, 3)], (2, 3)),
    (Matmul(), [(0,), (0,)], ()),
    (Matmul(), [(0, 2, 3), (3,)], (0, 2)),
    (Linear(), [(0, 3), (2, 3), (2,)], (0, 2)),
    (Linear(), [(4, 0), (2, 0), (2,)], (4, 2)),
    (Linear(), [(4, 3), (0, 3), None], (4, 0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Matmul(), [(2, 3), (4, 2)], "b", ["(2,3)", "(4,2)", "3 and 4"], "(…, n, k) · (…, k, m)"),
    (Matmul(), [(3,), (4,)], "b", ["(3)", "(4)"], "gives"),
    (Matmul(), [(2, 3), (2,)], "b", ["(2,3)", "(2)"], "gives"),
    (Matmul(), [(), (3,)], "a", ["()", "(3)"], "mul"),
    (Matmul(), [(3,), ()], "b", ["()", "(3)"], "mul"),
    (Matmul(), [(2, 3, 4), (3, 4, 5)], "b", ["(2,3,4)", "(3,4,5)", "leading"], ""),
    (Linear(), [(2, 3), (5, 4), None], "weight", ["(2,3)", "(5,4)"], "must be 4"),
    (Linear(), [(2, 3), (3,), None], "weight", ["(3)"], "(out features, in features)"),
    (Linear(), [(), (5, 4), None], "weight", ["()", "(5,4)"], "(out, in)"),
    (Linear(), [(2, 3), (5, 3), (3,)], "bias", ["(3)", "(5,3)"], "bias is (5)"),
    (Linear(), [(2, 3), (5, 3), (1,)], "bias", ["(1)", "(5,3)"], "bias is (5)"),
]

PROBLEMS: Final = problems(
    ("matmul", {}, matrices),
    ("linear", {}, layer),
)

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED)
