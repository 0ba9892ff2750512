"""Cases of convolutions."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.convolution import Conv2d
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import normal
from tests.ops.strategies import both_axes, convolved, problems


def convolution(id_: str, x: tuple[int, ...], weight: tuple[int, ...], *, bias: bool = False, **settings: Any) -> Case:
    """Return a convolution with these settings."""
    return case(
        id_,
        Conv2d(**settings),
        [normal(*x), normal(*weight), normal(weight[0]) if bias else None],
        lambda t, x, w, b: t.nn.functional.conv2d(x, w, b, **settings),
    )


CASES: Final = [
    convolution("plain", (2, 3, 5, 4), (4, 3, 3, 3)),
    convolution("bias", (2, 2, 4, 4), (3, 2, 3, 3), bias=True),
    convolution("same-size", (1, 2, 4, 5), (2, 2, 3, 3), padding=1, bias=True),
    convolution("stride2", (2, 2, 6, 5), (3, 2, 3, 3), stride=2, padding=1),
    convolution("stride-leaves-rows-unseen", (1, 2, 6, 8), (2, 2, 2, 3), stride=3),
    convolution("stride-pair", (1, 2, 5, 6), (2, 2, 2, 2), stride=[1, 2]),
    convolution("padding-pair", (1, 2, 4, 3), (2, 2, 3, 2), padding=[0, 2]),
    convolution("dilation2", (1, 2, 6, 7), (2, 2, 3, 3), dilation=2),
    convolution("dilation-pair", (2, 1, 6, 4), (2, 1, 3, 2), dilation=[2, 3]),
    convolution("groups2", (2, 4, 4, 4), (6, 2, 3, 3), groups=2, padding=1, bias=True),
    convolution("depthwise", (1, 3, 4, 4), (6, 1, 3, 3), groups=3, padding=1),
    convolution("pointwise", (2, 3, 3, 2), (4, 3, 1, 1), bias=True),
    convolution("projection", (2, 2, 4, 4), (3, 2, 1, 1), stride=2),
    convolution("rectangle", (1, 2, 4, 6), (2, 2, 1, 4), padding=[0, 1]),
    convolution("kernel-fills-image", (2, 2, 3, 4), (2, 2, 3, 4)),
    convolution("ones", (1, 1, 1, 1), (1, 1, 1, 1), bias=True),
    convolution("kernel-over-border", (1, 1, 1, 2), (1, 1, 3, 3), padding=[1, 2]),
    convolution(
        "everything", (2, 4, 7, 8), (4, 2, 2, 3), stride=[2, 1], padding=[1, 2], dilation=[3, 2], groups=2, bias=True
    ),
]

EMPTY: Final[list[EmptyRow]] = [
    (Conv2d(), [(0, 2, 4, 4), (3, 2, 3, 3), (3,)], (0, 3, 2, 2)),
    (Conv2d(padding=1), [(1, 2, 0, 4), (3, 2, 2, 2), (3,)], (1, 3, 1, 5)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Conv2d(), [(3, 4, 4), (2, 3, 3, 3), None], "x", ["(3,4,4)"], "(N, C, H, W)"),
    (Conv2d(), [(1, 3, 4, 4), (2, 3, 3), None], "weight", ["(2,3,3)"], "(out, in / groups, kh, kw)"),
    (Conv2d(), [(1, 3, 4, 4), (2, 3, 0, 3), None], "weight", ["(2,3,0,3)"], "(out, in / groups, kh, kw)"),
    (Conv2d(), [(1, 3, 4, 4), (2, 4, 3, 3), None], "weight", ["(1,3,4,4)", "(2,4,3,3)", "takes 4"], "in / groups"),
    (Conv2d(groups=2), [(1, 4, 4, 4), (2, 4, 3, 3), None], "weight", ["(1,4,4,4)", "(2,4,3,3)", "takes 8"], "groups"),
    (Conv2d(groups=2), [(1, 3, 4, 4), (2, 1, 3, 3), None], "groups", ["(1,3,4,4)", "(2,1,3,3)", "2", "3"], "groups"),
    (Conv2d(groups=2), [(1, 4, 4, 4), (3, 2, 3, 3), None], "groups", ["(1,4,4,4)", "(3,2,3,3)"], "groups"),
    (Conv2d(), [(1, 1, 4, 4), (2, 1, 3, 3), (1,)], "bias", ["(1)", "(2,1,3,3)"], "bias is (2)"),
    (Conv2d(), [(1, 1, 2, 4), (2, 1, 3, 3), None], "weight", ["(3,3)", "(2,4)"], "smaller kernel or more padding"),
    (Conv2d(dilation=2, padding=1), [(1, 1, 2, 9), (1, 1, 3, 3), None], "weight", ["(5,5)", "(4,11)"], "padding"),
]

WRONG: Final[list[WrongRow]] = [
    ("conv2d", {"stride": 0}, "stride"),
    ("conv2d", {"stride": [1, 0]}, "stride"),
    ("conv2d", {"stride": [1, 1, 1]}, "stride"),
    ("conv2d", {"stride": [1]}, "stride"),
    ("conv2d", {"stride": -1}, "stride"),
    ("conv2d", {"stride": 1.5}, "stride"),
    ("conv2d", {"stride": True}, "stride"),
    ("conv2d", {"stride": None}, "stride"),
    ("conv2d", {"padding": -1}, "padding"),
    ("conv2d", {"padding": [0, -1]}, "padding"),
    ("conv2d", {"padding": "same"}, "padding"),
    ("conv2d", {"dilation": 0}, "dilation"),
    ("conv2d", {"groups": 0}, "groups"),
    ("conv2d", {"groups": [1, 1]}, "groups"),
]

PROBLEMS: Final = problems(
    (
        "conv2d",
        {
            "stride": both_axes(1, 3),
            "padding": both_axes(0, 2),
            "dilation": both_axes(1, 2),
            "groups": st.integers(1, 3),
        },
        convolved,
    ),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    nan_touches_some={"conv2d": "windows that lie in the padding"},
)
