"""Cases of pooling to a given size, and over the whole image."""

from __future__ import annotations

from typing import Any, Final

from resdebug.ops.global_pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, GlobalAvgPool, GlobalMaxPool
from tests.ops.cases.table import INF, Case, EmptyRow, Family, KinkRow, RefusedRow, WrongRow, case, on
from tests.ops.draws import distinct, normal
from tests.ops.strategies import both_axes, pooled, problems


def adaptive(id_: str, x: tuple[int, ...], output_size: Any) -> list[Case]:
    """Return both kinds of adaptive pooling."""
    return [
        case(
            id_,
            AdaptiveAvgPool2d(output_size=output_size),
            [normal(*x)],
            lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, output_size),
        ),
        case(
            id_,
            AdaptiveMaxPool2d(output_size=output_size),
            [distinct(*x)],
            lambda t, x: t.nn.functional.adaptive_max_pool2d(x, output_size),
        ),
    ]


CASES: Final = [
    *on(
        GlobalAvgPool(),
        lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, 1),
        image=normal(2, 3, 4, 5),
        single=normal(1, 1, 1, 1),
    ),
    *on(
        GlobalMaxPool(),
        lambda _, x: x.amax(dim=(2, 3), keepdim=True),
        image=distinct(2, 3, 4, 5),
        single=distinct(1, 1, 1, 1),
    ),
    *adaptive("whole", (2, 3, 4, 5), 1),
    *adaptive("even", (1, 2, 4, 6), [2, 3]),
    *adaptive("uneven", (2, 2, 5, 7), 3),
    *adaptive("uneven-pair", (1, 1, 7, 5), [4, 2]),
    *adaptive("same-size", (1, 2, 3, 2), [3, 2]),
    *adaptive("larger", (1, 2, 3, 2), [5, 4]),
    *adaptive("single", (1, 1, 1, 1), 2),
]

EMPTY: Final[list[EmptyRow]] = [
    (GlobalAvgPool(), [(0, 2, 3, 3)], (0, 2, 1, 1)),
    (GlobalMaxPool(), [(2, 0, 3, 3)], (2, 0, 1, 1)),
    (AdaptiveAvgPool2d(output_size=2), [(0, 2, 3, 3)], (0, 2, 2, 2)),
    (AdaptiveMaxPool2d(output_size=[2, 1]), [(2, 0, 3, 3)], (2, 0, 2, 1)),
]

REFUSED: Final[list[RefusedRow]] = [
    (GlobalAvgPool(), [(2, 3)], "x", ["(2,3)"], "(N, C, H, W)"),
    (GlobalAvgPool(), [(2, 3, 0, 4)], "x", ["(2,3,0,4)"], "at least 1"),
    (GlobalMaxPool(), [(2, 3, 4)], "x", ["(2,3,4)"], "(N, C, H, W)"),
    (GlobalMaxPool(), [(2, 3, 4, 0)], "x", ["(2,3,4,0)"], "at least 1"),
    (AdaptiveAvgPool2d(output_size=2), [(2, 3, 4)], "x", ["(2,3,4)"], "(N, C, H, W)"),
    (AdaptiveMaxPool2d(output_size=2), [(2, 3, 0, 4)], "x", ["(2,3,0,4)"], "at least 1"),
]

WRONG: Final[list[WrongRow]] = [
    ("adaptive_avg_pool2d", {}, "output_size"),
    ("adaptive_avg_pool2d", {"output_size": 0}, "output_size"),
    ("adaptive_avg_pool2d", {"output_size": [1, 2, 3]}, "output_size"),
    ("adaptive_max_pool2d", {"output_size": [2, None]}, "output_size"),
    ("adaptive_max_pool2d", {"output_size": 1.5}, "output_size"),
]

TIES: Final = [[[[3.0, 3.0, 1.0], [3.0, -INF, -INF], [0.0, -0.0, -INF]]]]

KINKS: Final[list[KinkRow]] = [
    ("global_max_pool", GlobalMaxPool(), [TIES], lambda _, x: x.amax(dim=(2, 3), keepdim=True)),
    *(
        (
            f"adaptive_max_pool2d-{n}", AdaptiveMaxPool2d(output_size=n), [TIES],
            lambda t, x, n=n: t.nn.functional.adaptive_max_pool2d(x, n),
        )
        for n in (1, 2, 3, 4)
    ),
]  # fmt: skip

PROBLEMS: Final = problems(
    ("global_avg_pool", {}, pooled(normal)),
    ("global_max_pool", {}, pooled(distinct)),
    ("adaptive_avg_pool2d", {"output_size": both_axes(1, 5)}, pooled(normal)),
    ("adaptive_max_pool2d", {"output_size": both_axes(1, 5)}, pooled(distinct)),
)

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED, wrong=WRONG, kinks=KINKS)
