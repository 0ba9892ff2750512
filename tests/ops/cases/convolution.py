"""Cases of convolutions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.convolution import Conv1d, Conv2d, Conv3d
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import Draw, normal
from tests.ops.strategies import Strategy, problems, some

CONVOLUTIONS: Final = {1: Conv1d, 2: Conv2d, 3: Conv3d}
"""By the number of axes of places."""


def in_torch(axes: int, padding: Any = 0, **settings: Any) -> Callable[..., Any]:
    """Return PyTorch's convolution; where each side has its own padding, that of an image padded by PyTorch."""

    def function(t: Any, x: Any, w: Any, b: Any) -> Any:
        around = padding
        if isinstance(padding, list) and len(padding) == 2 * axes:
            # PyTorch's pad starts at the last axis.
            last_first = [padding[2 * i + side] for i in reversed(range(axes)) for side in (0, 1)]
            x, around = t.nn.functional.pad(x, last_first), 0
        with warnings.catch_warnings():
            # "same" with an even kernel is slow in PyTorch, which says so.
            warnings.simplefilter("ignore", UserWarning)
            return getattr(t.nn.functional, f"conv{axes}d")(x, w, b, padding=around, **settings)

    return function


def convolution(id_: str, x: tuple[int, ...], weight: tuple[int, ...], *, bias: bool = False, **settings: Any) -> Case:
    """Return a convolution with these settings, over the places that ``x`` has."""
    axes = len(x) - 2
    return case(
        id_,
        CONVOLUTIONS[axes](**settings),
        [normal(*x), normal(*weight), normal(weight[0]) if bias else None],
        in_torch(axes, **settings),
    )


CASES: Final = [
    convolution("plain", (2, 3, 5, 4), (4, 3, 3, 3)),
    convolution("bias", (2, 2, 4, 4), (3, 2, 3, 3), bias=True),
    convolution("same-size", (1, 2, 4, 5), (2, 2, 3, 3), padding=1, bias=True),
    convolution("stride2", (2, 2, 6, 5), (3, 2, 3, 3), stride=2, padding=1),
    convolution("stride-leaves-rows-unseen", (1, 2, 6, 8), (2, 2, 2, 3), stride=3),
    convolution("stride-pair", (1, 2, 5, 6), (2, 2, 2, 2), stride=[1, 2]),
    convolution("padding-pair", (1, 2, 4, 3), (2, 2, 3, 2), padding=[0, 2]),
    convolution("padding-sides", (1, 2, 4, 3), (2, 2, 3, 2), padding=[0, 1, 2, 0], bias=True),
    convolution("padding-sides-stride", (2, 1, 5, 4), (2, 1, 2, 3), padding=[2, 0, 0, 1], stride=2),
    convolution("same", (1, 2, 4, 5), (2, 2, 3, 3), padding="same"),
    convolution("same-even", (1, 2, 3, 5), (2, 2, 2, 4), padding="same", bias=True),
    convolution("same-dilation", (1, 1, 4, 5), (2, 1, 2, 3), padding="same", dilation=[3, 1]),
    convolution("valid", (1, 2, 4, 5), (2, 2, 3, 2), padding="valid", stride=2),
    convolution("dilation2", (1, 2, 6, 7), (2, 2, 3, 3), dilation=2),
    convolution("dilation-pair", (2, 1, 6, 4), (2, 1, 3, 2), dilation=[2, 3]),
    convolution("groups2", (2, 4, 4, 4), (6, 2, 3, 3), groups=2, padding=1, bias=True),
    convolution("depthwise", (2, 3, 4, 5), (3, 1, 3, 3), groups=3, padding=1),
    convolution("depthwise-stride", (1, 3, 5, 6), (3, 1, 3, 2), groups=3, stride=2, padding=[1, 0, 0, 1], bias=True),
    convolution("depthwise-doubling", (1, 3, 4, 4), (6, 1, 3, 3), groups=3, padding=1),
    convolution("pointwise", (2, 3, 3, 2), (4, 3, 1, 1), bias=True),
    convolution("pointwise-depthwise", (2, 3, 3, 2), (3, 1, 1, 1), groups=3),
    convolution("pointwise-padding", (1, 2, 3, 2), (3, 2, 1, 1), padding=[0, 1]),
    convolution("projection", (2, 2, 4, 4), (3, 2, 1, 1), stride=2),
    convolution("rectangle", (1, 2, 4, 6), (2, 2, 1, 4), padding=[0, 1]),
    convolution("kernel-fills-image", (2, 2, 3, 4), (2, 2, 3, 4)),
    convolution("ones", (1, 1, 1, 1), (1, 1, 1, 1), bias=True),
    convolution("kernel-over-border", (1, 1, 1, 2), (1, 1, 3, 3), padding=[1, 2]),
    convolution(
        "everything", (2, 4, 7, 8), (4, 2, 2, 3), stride=[2, 1], padding=[1, 2], dilation=[3, 2], groups=2, bias=True
    ),
    convolution("plain", (2, 3, 6), (4, 3, 3)),
    convolution("same-even", (1, 2, 5), (3, 2, 4), padding="same", dilation=2, bias=True),
    convolution("causal", (2, 1, 6), (2, 1, 3), padding=[4, 0], dilation=[2]),
    convolution("stride", (2, 2, 7), (2, 2, 3), padding=[1], stride=[2]),
    convolution("pointwise", (2, 3, 4), (4, 3, 1), bias=True),
    convolution("depthwise", (2, 3, 5), (3, 1, 3), groups=3, padding=1, bias=True),
    convolution("groups2", (1, 4, 5), (6, 2, 2), groups=2, stride=2),
    convolution("plain", (2, 2, 3, 4, 3), (3, 2, 2, 3, 2), bias=True),
    convolution("same-even", (1, 1, 3, 2, 3), (2, 1, 2, 3, 1), padding="same"),
    convolution("depthwise", (1, 2, 3, 3, 2), (2, 1, 2, 2, 2), groups=2, padding=[1, 0, 1]),
    convolution("padding-sides", (1, 2, 2, 3, 2), (2, 2, 2, 2, 2), padding=[1, 0, 0, 1, 0, 2]),
    convolution("pointwise", (1, 3, 2, 2, 3), (2, 3, 1, 1, 1)),
    convolution(
        "everything", (2, 2, 5, 4, 4), (4, 1, 2, 3, 2), stride=[2, 1, 2], padding=1, dilation=[1, 2, 3], groups=2
    ),
]

EMPTY: Final[list[EmptyRow]] = [
    (Conv2d(), [(0, 2, 4, 4), (3, 2, 3, 3), (3,)], (0, 3, 2, 2)),
    (Conv2d(padding=1), [(1, 2, 0, 4), (3, 2, 2, 2), (3,)], (1, 3, 1, 5)),
    (Conv2d(groups=2), [(0, 2, 3, 4), (2, 1, 2, 2), None], (0, 2, 2, 3)),
    (Conv1d(padding=[2, 0]), [(2, 1, 0), (3, 1, 2), (3,)], (2, 3, 1)),
    (Conv3d(), [(0, 1, 2, 2, 2), (1, 1, 2, 1, 2), None], (0, 1, 1, 2, 1)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Conv2d(), [(3, 4, 4), (2, 3, 3, 3), None], "x", ["(3,4,4)"], "(N, C, H, W)"),
    (Conv1d(), [(3, 4), (2, 3, 3), None], "x", ["(3,4)"], "(N, C, L)"),
    (Conv3d(), [(1, 3, 4, 4), (2, 3, 3, 3, 3), None], "x", ["(1,3,4,4)"], "(N, C, D, H, W)"),
    (Conv2d(), [(1, 3, 4, 4), (2, 3, 3), None], "weight", ["(2,3,3)"], "(out, in / groups, kh, kw)"),
    (Conv2d(), [(1, 3, 4, 4), (2, 3, 0, 3), None], "weight", ["(2,3,0,3)"], "(out, in / groups, kh, kw)"),
    (Conv1d(), [(1, 3, 4), (2, 3), None], "weight", ["(2,3)"], "(out, in / groups, k)"),
    (Conv3d(), [(1, 3, 4, 4, 4), (2, 3, 3), None], "weight", ["(2,3,3)"], "(out, in / groups, kd, kh, kw)"),
    (Conv2d(), [(1, 3, 4, 4), (2, 4, 3, 3), None], "weight", ["(1,3,4,4)", "(2,4,3,3)", "takes 4"], "in / groups"),
    (Conv2d(groups=2), [(1, 4, 4, 4), (2, 4, 3, 3), None], "weight", ["(1,4,4,4)", "(2,4,3,3)", "takes 8"], "groups"),
    (Conv2d(groups=2), [(1, 3, 4, 4), (2, 1, 3, 3), None], "groups", ["(1,3,4,4)", "(2,1,3,3)", "2", "3"], "groups"),
    (Conv2d(groups=2), [(1, 4, 4, 4), (3, 2, 3, 3), None], "groups", ["(1,4,4,4)", "(3,2,3,3)"], "groups"),
    (Conv2d(), [(1, 1, 4, 4), (2, 1, 3, 3), (1,)], "bias", ["(1)", "(2,1,3,3)"], "bias is (2)"),
    (Conv2d(), [(1, 1, 2, 4), (2, 1, 3, 3), None], "weight", ["(3,3)", "(2,4)"], "smaller kernel or more padding"),
    (Conv2d(dilation=2, padding=1), [(1, 1, 2, 9), (1, 1, 3, 3), None], "weight", ["(5,5)", "(4,11)"], "padding"),
    (Conv1d(padding=[0, 1]), [(1, 1, 2), (1, 1, 4), None], "weight", ["(4)", "(3)"], "padding"),
    (Conv2d(padding="same", stride=[1, 2]), [(1, 1, 4, 4), (1, 1, 3, 3), None], "padding", ["[1, 2]"], "stride 1"),
    (Conv2d(padding=[1, 1, 1]), [(1, 1, 4, 4), (1, 1, 3, 3), None], "padding", ["3 numbers", "(H, W)"], "two per axis"),
    (Conv3d(padding=[1] * 4), [(1, 1, 4, 4, 4), (1, 1, 3, 3, 3), None], "padding", ["4 numbers"], "two per axis"),
]  # fmt: skip

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
    ("conv2d", {"padding": "full"}, "padding"),
    ("conv2d", {"padding": [1]}, "padding"),
    ("conv2d", {"padding": [1, 1, 1, 1, 1]}, "padding"),
    ("conv2d", {"dilation": 0}, "dilation"),
    ("conv2d", {"groups": 0}, "groups"),
    ("conv2d", {"groups": [1, 1]}, "groups"),
    ("conv1d", {"stride": [1, 1]}, "stride"),
    ("conv1d", {"padding": [1, 1, 1]}, "padding"),
    ("conv1d", {"dilation": []}, "dilation"),
    ("conv3d", {"stride": [1, 1]}, "stride"),
    ("conv3d", {"padding": [1, 1]}, "padding"),
    ("conv3d", {"dilation": [1, 1, 0]}, "dilation"),
]


def per_axis(low: int, high: int, axes: int) -> Strategy:
    """Return one number, or one per axis."""
    return st.integers(low, high) | st.lists(st.integers(low, high), min_size=axes, max_size=axes)


def places(draw: st.DrawFn, axes: int, largest: int) -> tuple[int, ...]:
    """Return the sizes of the axes of places, seldom 0."""
    size = st.sampled_from([n for n in (4, 5, 3, 6, 7, 2, 1, 4, 5, 3) if n <= largest] * 2 + [0])
    return tuple(draw(size) for _ in range(axes))


def drawn(axes: int) -> Callable[..., list[Draw | None]]:
    """Return draws of an input, a kernel and perhaps a bias; every third is depthwise."""

    def draws(draw: st.DrawFn, groups: int, **_: Any) -> list[Draw | None]:
        inside, out = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 2)]))
        largest = 7 if axes < 3 else 4
        x = (draw(st.sampled_from([1, 2, 1, 2, 0])), groups * inside, *places(draw, axes, largest))
        kernel = tuple(draw(st.integers(1, 3)) for _ in range(axes))
        return [normal(*x), normal(groups * out, inside, *kernel), some(draw, normal(groups * out))]

    return draws


def settings(axes: int) -> dict[str, Strategy]:
    """Return the settings of a convolution over this many axes."""
    sides = st.lists(st.integers(0, 2), min_size=2 * axes, max_size=2 * axes)
    return {
        "stride": per_axis(1, 3, axes),
        "padding": per_axis(0, 2, axes) | sides | st.sampled_from(["same", "valid"]),
        "dilation": per_axis(1, 2, axes),
        "groups": st.integers(1, 3),
    }


PROBLEMS: Final = problems(*((f"conv{axes}d", settings(axes), drawn(axes)) for axes in CONVOLUTIONS))

IN_THE_PADDING: Final = (
    "conv2d-padding-pair", "conv2d-padding-sides", "conv2d-padding-sides-stride", "conv2d-pointwise-padding",
    "conv3d-padding-sides",
)  # fmt: skip

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    nan_touches_some=dict.fromkeys(IN_THE_PADDING, "windows that lie in the padding"),
)
