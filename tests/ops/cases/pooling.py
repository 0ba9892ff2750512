"""Cases of pooling."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.pooling import AvgPool2d, GlobalAvgPool, MaxPool2d
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case, on
from tests.ops.draws import distinct, normal
from tests.ops.strategies import pool, pooled, problems


def max_pool(id_: str, x: tuple[int, ...], kernel: int | list[int], **settings: Any) -> Case:
    """Return a max pooling with these settings."""
    return case(
        id_,
        MaxPool2d(kernel_size=kernel, **settings),
        [distinct(*x)],
        lambda t, x: t.nn.functional.max_pool2d(x, kernel, **settings),
    )


def avg_pool(id_: str, x: tuple[int, ...], kernel: int | list[int], **settings: Any) -> Case:
    """Return an average pooling with these settings."""
    return case(
        id_,
        AvgPool2d(kernel_size=kernel, **settings),
        [normal(*x)],
        lambda t, x: t.nn.functional.avg_pool2d(x, kernel, **settings),
    )


CASES: Final = [
    *(
        row
        for pool in (max_pool, avg_pool)
        for row in (
            pool("halving", (2, 2, 4, 6), 2),
            pool("stem", (1, 2, 6, 7), 3, stride=2, padding=1),
            pool("overlapping", (1, 2, 4, 4), 2, stride=1),
            pool("pairs", (2, 1, 5, 7), [2, 3], stride=[1, 2], padding=[1, 0]),
            pool("leaves-rows-unseen", (1, 1, 5, 5), 2),
            pool("gaps", (1, 2, 6, 6), 2, stride=3),
            pool("single", (1, 1, 1, 1), 1),
        )
    ),
    avg_pool("without-padding-counted", (2, 2, 5, 4), 3, stride=2, padding=1, count_include_pad=False),
    avg_pool("without-padding-counted-pairs", (1, 2, 3, 5), [2, 4], stride=1, padding=[1, 2], count_include_pad=False),
    *on(
        GlobalAvgPool(),
        lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, 1),
        image=normal(2, 3, 4, 5),
        single=normal(1, 1, 1, 1),
    ),
]

EMPTY: Final[list[EmptyRow]] = [
    (MaxPool2d(kernel_size=2), [(0, 2, 4, 4)], (0, 2, 2, 2)),
    (MaxPool2d(kernel_size=2), [(2, 0, 4, 4)], (2, 0, 2, 2)),
    (AvgPool2d(kernel_size=2), [(0, 2, 4, 4)], (0, 2, 2, 2)),
    (AvgPool2d(kernel_size=3, padding=1, count_include_pad=False), [(2, 0, 3, 3)], (2, 0, 1, 1)),
    (GlobalAvgPool(), [(0, 2, 3, 3)], (0, 2, 1, 1)),
]

REFUSED: Final[list[RefusedRow]] = [
    (MaxPool2d(kernel_size=2), [(2, 4, 4)], "x", ["(2,4,4)"], "(N, C, H, W)"),
    (MaxPool2d(kernel_size=5), [(1, 1, 4, 4)], "kernel_size", ["(5,5)", "(4,4)"], "smaller kernel"),
    (MaxPool2d(kernel_size=2, padding=2), [(1, 1, 4, 4)], "padding", ["(2, 2)"], "2 · padding ≤ kernel_size"),
    (AvgPool2d(kernel_size=[2, 3], padding=[0, 2]), [(1, 1, 4, 4)], "padding", ["(0, 2)", "(2, 3)"], "kernel_size"),
    (AvgPool2d(kernel_size=3), [(1, 1, 4, 2)], "kernel_size", ["(3,3)", "(4,2)"], "smaller kernel"),
    (GlobalAvgPool(), [(2, 3)], "x", ["(2,3)"], "(N, C, H, W)"),
    (GlobalAvgPool(), [(2, 3, 0, 4)], "x", ["(2,3,0,4)"], "at least 1"),
]

WRONG: Final[list[WrongRow]] = [
    ("max_pool2d", {}, "kernel_size"),
    ("max_pool2d", {"kernel_size": 0}, "kernel_size"),
    ("max_pool2d", {"kernel_size": 2, "stride": 0}, "stride"),
    ("avg_pool2d", {"kernel_size": [2, 0]}, "kernel_size"),
    ("avg_pool2d", {"kernel_size": 2, "count_include_pad": 1}, "count_include_pad"),
]

PROBLEMS: Final = problems(
    ("max_pool2d", pool, pooled(distinct)),
    ("avg_pool2d", {**pool, "count_include_pad": st.booleans()}, pooled(normal)),
    ("global_avg_pool", {}, pooled(normal)),
)

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED, wrong=WRONG)
