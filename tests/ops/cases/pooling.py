"""Cases of pooling over windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.pooling import AvgPool1d, AvgPool2d, AvgPool3d, LpPool2d, MaxPool1d, MaxPool2d, MaxPool3d
from tests.ops.cases.convolution import per_axis, places
from tests.ops.cases.table import INF, Case, EmptyRow, Family, KinkRow, RefusedRow, WrongRow, case
from tests.ops.draws import Draw, distinct, normal, off_zero
from tests.ops.strategies import Strategy, both_axes, pooled, problems

MAXIMA: Final = {1: MaxPool1d, 2: MaxPool2d, 3: MaxPool3d}
MEANS: Final = {1: AvgPool1d, 2: AvgPool2d, 3: AvgPool3d}


def max_pool(id_: str, x: tuple[int, ...], kernel: int | list[int], **settings: Any) -> Case:
    """Return a max pooling with these settings, over the places that ``x`` has."""
    axes = len(x) - 2
    return case(
        id_,
        MAXIMA[axes](kernel_size=kernel, **settings),
        [distinct(*x)],
        lambda t, x: getattr(t.nn.functional, f"max_pool{axes}d")(x, kernel, **settings),
    )


def avg_pool(id_: str, x: tuple[int, ...], kernel: int | list[int], **settings: Any) -> Case:
    """Return an average pooling with these settings, over the places that ``x`` has."""
    axes = len(x) - 2
    return case(
        id_,
        MEANS[axes](kernel_size=kernel, **settings),
        [normal(*x)],
        lambda t, x: getattr(t.nn.functional, f"avg_pool{axes}d")(x, kernel, **settings),
    )


def lp_in_torch(kernel: int | list[int], norm_type: float = 2.0, **settings: Any) -> Callable[..., Any]:
    """Return PyTorch's own function of |x|: it takes powers of x, which for negative x and odd powers is another."""
    return lambda t, x: t.nn.functional.lp_pool2d(x.abs(), norm_type, kernel, **settings)


def lp_in_torch_rounded_up(kernel: int, stride: int, more: list[int], norm_type: float = 2.0) -> Callable[..., Any]:
    """Return PyTorch's function of |x| with as many zeros after it as the last windows need, which with ceil_mode it
    would make up for."""

    def function(t: Any, x: Any) -> Any:
        wider = t.nn.functional.pad(x.abs(), (0, more[1], 0, more[0]))
        return t.nn.functional.lp_pool2d(wider, norm_type, kernel, stride)

    return function


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
            pool("rounded-up", (2, 1, 5, 6), 2, ceil_mode=True),
            pool("rounded-up-padding", (1, 2, 6, 5), 3, stride=2, padding=1, ceil_mode=True),
            pool("rounded-up-not", (1, 1, 6, 5), 2, stride=3, padding=[0, 1], ceil_mode=True),
            pool("rounded-up-over-all", (1, 2, 2, 3), 4, stride=3, padding=[0, 1], ceil_mode=True),
            pool("pairs", (2, 2, 6), 2),
            pool("everything", (1, 2, 8), [3], stride=[4], padding=[1], ceil_mode=True),
            pool("overlapping", (2, 1, 5), 3, stride=1, padding=1),
            pool("halving", (2, 1, 4, 2, 4), 2),
            pool("everything", (1, 2, 4, 3, 5), [2, 3, 2], stride=[2, 1, 3], padding=[1, 1, 0], ceil_mode=True),
            pool("overlapping", (1, 2, 2, 3, 2), [2, 2, 1], stride=1),
        )
    ),
    max_pool("dilation2", (1, 2, 6, 5), 2, stride=1, dilation=2),
    max_pool("dilation-pair", (2, 1, 5, 7), [3, 2], stride=2, padding=1, dilation=[1, 3]),
    max_pool("dilation-rounded-up", (1, 2, 6, 6), 3, stride=2, padding=1, dilation=2, ceil_mode=True),
    max_pool("dilation", (2, 1, 7), 3, stride=1, padding=1, dilation=2),
    max_pool("dilation", (1, 1, 4, 5, 3), 2, stride=1, dilation=[2, 3, 1]),
    avg_pool("without-padding-counted", (2, 2, 5, 4), 3, stride=2, padding=1, count_include_pad=False),
    avg_pool("without-padding-counted-pairs", (1, 2, 3, 5), [2, 4], stride=1, padding=[1, 2], count_include_pad=False),
    avg_pool(
        "without-padding-counted-rounded-up", (1, 2, 6, 5), [3, 4], stride=[2, 3], padding=1, ceil_mode=True,
        count_include_pad=False,
    ),
    avg_pool("without-padding-counted", (2, 1, 5), 4, stride=3, padding=2, ceil_mode=True, count_include_pad=False),
    avg_pool("without-padding-counted", (1, 2, 3, 4, 2), 2, padding=[1, 0, 1], count_include_pad=False),
    *(
        case(id_, LpPool2d(kernel_size=kernel, **settings), [off_zero(*x)], lp_in_torch(kernel, **settings))
        for id_, x, kernel, settings in (
            ("halving", (2, 2, 4, 6), 2, {}),
            ("leaves-rows-unseen", (1, 2, 5, 4), [2, 3], {"norm_type": 2.0}),
            ("overlapping", (1, 2, 4, 4), 3, {"stride": 1, "norm_type": 3.0}),
            ("sum", (2, 1, 4, 3), [2, 3], {"stride": [1, 2], "norm_type": 1.0}),
            ("fraction", (1, 1, 4, 4), 2, {"norm_type": 1.5}),
            ("high", (1, 2, 3, 5), [3, 2], {"stride": [1, 3], "norm_type": 8.0}),
            ("rounded-up-not", (1, 2, 4, 6), 2, {"ceil_mode": True}),
            ("single", (1, 1, 1, 1), 1, {"norm_type": 2.0}),
        )
    ),
    case(
        "rounded-up",
        LpPool2d(kernel_size=3, stride=2, ceil_mode=True),
        [off_zero(2, 1, 6, 5)],
        lp_in_torch_rounded_up(3, 2, [1, 0]),
    ),
    case(
        "rounded-up-cubes",
        LpPool2d(kernel_size=2, stride=3, norm_type=3.0, ceil_mode=True),
        [off_zero(1, 2, 4, 7)],
        lp_in_torch_rounded_up(2, 3, [1, 1], 3.0),
    ),
]  # fmt: skip

EMPTY: Final[list[EmptyRow]] = [
    (MaxPool2d(kernel_size=2), [(0, 2, 4, 4)], (0, 2, 2, 2)),
    (MaxPool2d(kernel_size=2), [(2, 0, 4, 4)], (2, 0, 2, 2)),
    (AvgPool2d(kernel_size=2), [(0, 2, 4, 4)], (0, 2, 2, 2)),
    (AvgPool2d(kernel_size=3, padding=1, count_include_pad=False), [(2, 0, 3, 3)], (2, 0, 1, 1)),
    (MaxPool1d(kernel_size=2, ceil_mode=True), [(0, 2, 3)], (0, 2, 2)),
    (AvgPool1d(kernel_size=2, padding=1), [(2, 0, 4)], (2, 0, 3)),
    (MaxPool3d(kernel_size=2), [(0, 1, 2, 3, 4)], (0, 1, 1, 1, 2)),
    (AvgPool3d(kernel_size=1), [(1, 0, 1, 2, 3)], (1, 0, 1, 2, 3)),
    (LpPool2d(kernel_size=2), [(0, 2, 4, 4)], (0, 2, 2, 2)),
]

REFUSED: Final[list[RefusedRow]] = [
    (MaxPool2d(kernel_size=2), [(2, 4, 4)], "x", ["(2,4,4)"], "(N, C, H, W)"),
    (MaxPool2d(kernel_size=5), [(1, 1, 4, 4)], "kernel_size", ["(5,5)", "(4,4)"], "smaller kernel"),
    (MaxPool2d(kernel_size=2, dilation=4), [(1, 1, 5, 4)], "kernel_size", ["(5,5)", "(5,4)"], "smaller kernel"),
    (MaxPool2d(kernel_size=2, padding=2), [(1, 1, 4, 4)], "padding", ["(2,2)"], "2 · padding ≤ kernel_size"),
    (MaxPool2d(kernel_size=2, padding=1, dilation=3), [(1, 1, 4, 2)], "dilation", ["3", "(1,1,4,2)"], "smaller"),
    (MaxPool1d(kernel_size=2), [(1, 1, 4, 4)], "x", ["(1,1,4,4)"], "(N, C, L)"),
    (MaxPool1d(kernel_size=4, stride=1, ceil_mode=True), [(1, 1, 1)], "kernel_size", ["(4)", "(1)"], "smaller kernel"),
    (
        MaxPool1d(kernel_size=2, padding=1, stride=9, dilation=5, ceil_mode=True), [(1, 1, 3)],
        "dilation", ["5", "(1,1,3)"], "smaller",
    ),
    (MaxPool3d(kernel_size=2, padding=[0, 0, 2]), [(1, 1, 4, 4, 4)], "padding", ["(0,0,2)", "(2,2,2)"], "kernel_size"),
    (AvgPool2d(kernel_size=[2, 3], padding=[0, 2]), [(1, 1, 4, 4)], "padding", ["(0,2)", "(2,3)"], "kernel_size"),
    (AvgPool2d(kernel_size=3), [(1, 1, 4, 2)], "kernel_size", ["(3,3)", "(4,2)"], "smaller kernel"),
    (AvgPool2d(kernel_size=2, padding=1), [(1, 1, 0, 2)], "x", ["(1,1,0,2)"], "at least 1"),
    (AvgPool1d(kernel_size=2, padding=1), [(1, 1, 0)], "x", ["(1,1,0)"], "at least 1"),
    (AvgPool3d(kernel_size=2), [(1, 4, 4, 4)], "x", ["(1,4,4,4)"], "(N, C, D, H, W)"),
    (LpPool2d(kernel_size=3), [(1, 1, 4, 2)], "kernel_size", ["(3,3)", "(4,2)"], "smaller kernel"),
    (LpPool2d(kernel_size=1, norm_type=INF), [(1, 1, 2, 2)], "norm_type", ["not finite"], "max_pool2d"),
]  # fmt: skip

WRONG: Final[list[WrongRow]] = [
    ("max_pool2d", {}, "kernel_size"),
    ("max_pool2d", {"kernel_size": 0}, "kernel_size"),
    ("max_pool2d", {"kernel_size": 2, "stride": 0}, "stride"),
    ("max_pool2d", {"kernel_size": 2, "dilation": [1, 0]}, "dilation"),
    ("max_pool2d", {"kernel_size": 2, "ceil_mode": 1}, "ceil_mode"),
    ("max_pool1d", {"kernel_size": [2, 2]}, "kernel_size"),
    ("max_pool3d", {"kernel_size": 2, "padding": [1, 1]}, "padding"),
    ("avg_pool2d", {"kernel_size": [2, 0]}, "kernel_size"),
    ("avg_pool2d", {"kernel_size": 2, "count_include_pad": 1}, "count_include_pad"),
    ("avg_pool1d", {"kernel_size": 2, "padding": -1}, "padding"),
    ("avg_pool3d", {"kernel_size": [2, 2, 2], "stride": [1, 1]}, "stride"),
    ("lp_pool2d", {"kernel_size": 2, "norm_type": 0.5}, "norm_type"),
    ("lp_pool2d", {"kernel_size": 2, "norm_type": "2"}, "norm_type"),
    ("lp_pool2d", {"norm_type": 2}, "kernel_size"),
]

TIES: Final = [[[[3.0, 3.0, 1.0, -1.0], [3.0, 3.0, 1.0, 1.0], [-2.0, -2.0, 0.0, -0.0], [-2.0, -2.0, -0.0, 0.0]]]]
NOTHING: Final = [[[[0.0, -0.0, 0.0, 1.0], [-2.0, -0.0, -0.0, 0.0]]]]
LOWEST: Final = [[[[-INF] * 3] * 3]]

KINKS: Final[list[KinkRow]] = [
    ("max_pool2d", MaxPool2d(kernel_size=2), [TIES], lambda t, x: t.nn.functional.max_pool2d(x, 2)),
    (
        "max_pool2d-overlapping", MaxPool2d(kernel_size=3, stride=1, padding=1), [TIES],
        lambda t, x: t.nn.functional.max_pool2d(x, 3, 1, 1),
    ),
    (
        "max_pool2d-dilation", MaxPool2d(kernel_size=2, stride=1, padding=1, dilation=2), [TIES],
        lambda t, x: t.nn.functional.max_pool2d(x, 2, 1, 1, 2),
    ),
    (
        "max_pool2d-lowest", MaxPool2d(kernel_size=2, padding=1, ceil_mode=True), [LOWEST],
        lambda t, x: t.nn.functional.max_pool2d(x, 2, padding=1, ceil_mode=True),
    ),
    ("max_pool1d", MaxPool1d(kernel_size=3, stride=1), [TIES[0]], lambda t, x: t.nn.functional.max_pool1d(x, 3, 1)),
    ("max_pool3d", MaxPool3d(kernel_size=[1, 2, 2]), [[TIES]], lambda t, x: t.nn.functional.max_pool3d(x, [1, 2, 2])),
    *(
        (
            f"lp_pool2d-{p}", LpPool2d(kernel_size=[1, 2], norm_type=p), [NOTHING],
            lambda t, x, p=p: t.nn.functional.lp_pool2d(x.abs(), p, [1, 2]),
        )
        for p in (1.0, 2.0)
    ),
]  # fmt: skip


def drawn(axes: int, made: Callable[..., Draw]) -> Callable[..., list[Draw]]:
    """Return draws of an input with this many axes of places."""

    def draws(draw: st.DrawFn, **_: Any) -> list[Draw]:
        outer = [draw(st.sampled_from([1, 2, 2, 1, 0])) for _ in range(2)]
        return [made(*outer, *places(draw, axes, 7 if axes < 3 else 4))]

    return draws


def settings(axes: int) -> dict[str, Strategy]:
    """Return the settings of pooling over this many axes."""
    return {
        "kernel_size": per_axis(1, 3, axes),
        "stride": st.none() | per_axis(1, 3, axes),
        "padding": per_axis(0, 1, axes),
        "ceil_mode": st.booleans(),
    }


MAX: Final = [(f"max_pool{n}d", settings(n) | {"dilation": per_axis(1, 2, n)}, drawn(n, distinct)) for n in MAXIMA]
AVG: Final = [(f"avg_pool{n}d", settings(n) | {"count_include_pad": st.booleans()}, drawn(n, normal)) for n in MEANS]

PROBLEMS: Final = problems(
    *MAX,
    *AVG,
    (
        "lp_pool2d",
        {
            "kernel_size": both_axes(1, 3),
            "stride": st.none() | both_axes(1, 3),
            "ceil_mode": st.booleans(),
            "norm_type": st.sampled_from([1.0, 1.5, 2.0, 3.0]),
        },
        pooled(off_zero),
    ),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    kinks=KINKS,
    not_analytic={"lp_pool2d": "forward takes |x|, which drops the imaginary part"},
)
