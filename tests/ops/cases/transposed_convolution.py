"""Cases of transposed convolutions."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.transposed_convolution import ConvTranspose2d
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import Draw, normal
from tests.ops.strategies import both_axes, image, problems, some


def transposed(id_: str, x: tuple[int, ...], weight: tuple[int, ...], *, bias: bool = False, **settings: Any) -> Case:
    """Return a transposed convolution with these settings."""
    out = weight[1] * settings.get("groups", 1)
    return case(
        id_,
        ConvTranspose2d(**settings),
        [normal(*x), normal(*weight), normal(out) if bias else None],
        lambda t, x, w, b: t.nn.functional.conv_transpose2d(x, w, b, **settings),
    )


CASES: Final = [
    transposed("plain", (2, 3, 3, 4), (3, 2, 3, 3)),
    transposed("bias", (1, 2, 3, 2), (2, 3, 2, 3), bias=True),
    transposed("doubling", (2, 2, 3, 2), (2, 3, 2, 2), stride=2, bias=True),
    transposed("doubling-overlapping", (1, 2, 2, 3), (2, 1, 4, 4), stride=2, padding=1),
    transposed("doubling-odd-kernel", (1, 2, 3, 3), (2, 2, 3, 3), stride=2, padding=1, output_padding=1),
    transposed("same-size", (1, 2, 4, 3), (2, 2, 3, 3), padding=1),
    transposed("padding-pair", (1, 1, 2, 3), (1, 2, 3, 2), padding=[1, 0]),
    transposed("gaps", (1, 2, 2, 3), (2, 1, 1, 2), stride=[2, 3], bias=True),
    transposed("stride-pair", (2, 1, 2, 3), (1, 2, 2, 3), stride=[3, 1], output_padding=[2, 0]),
    transposed("dilation2", (1, 2, 3, 2), (2, 2, 2, 3), dilation=2),
    transposed("more-than-stride", (2, 1, 2, 2), (1, 2, 2, 2), dilation=[3, 2], output_padding=[2, 1], bias=True),
    transposed("pointwise-more-than-stride", (1, 2, 2, 3), (2, 1, 1, 1), dilation=3, output_padding=[2, 0]),
    transposed("groups2", (2, 4, 2, 3), (4, 3, 2, 2), groups=2, stride=2, bias=True),
    transposed("depthwise", (1, 3, 3, 2), (3, 1, 2, 3), groups=3, stride=[1, 2], padding=1, bias=True),
    transposed("depthwise-doubling", (1, 3, 2, 3), (3, 2, 2, 2), groups=3),
    transposed("pointwise", (2, 3, 2, 3), (3, 2, 1, 1)),
    transposed("ones", (1, 1, 1, 1), (1, 1, 1, 1), bias=True),
    transposed("single-place", (2, 2, 1, 1), (2, 2, 3, 2)),
    transposed(
        "everything", (2, 4, 3, 2), (4, 2, 3, 2), stride=[3, 2], padding=[2, 1], output_padding=[1, 2],
        dilation=[2, 3], groups=2, bias=True,
    ),
]  # fmt: skip

EMPTY: Final[list[EmptyRow]] = [
    (ConvTranspose2d(stride=2), [(0, 2, 3, 4), (2, 3, 2, 2), (3,)], (0, 3, 6, 8)),
    (ConvTranspose2d(groups=2), [(0, 2, 3, 4), (2, 1, 3, 3), None], (0, 2, 5, 6)),
]

REFUSED: Final[list[RefusedRow]] = [
    (ConvTranspose2d(), [(3, 4, 4), (3, 2, 3, 3), None], "x", ["(3,4,4)"], "(N, C, H, W)"),
    (ConvTranspose2d(), [(1, 3, 0, 4), (3, 2, 3, 3), None], "x", ["(1,3,0,4)"], "at least 1"),
    (ConvTranspose2d(), [(1, 3, 4, 4), (3, 2, 3), None], "weight", ["(3,2,3)"], "(in, out / groups, kh, kw)"),
    (ConvTranspose2d(), [(1, 3, 4, 4), (3, 0, 3, 3), None], "weight", ["(3,0,3,3)"], "(in, out / groups, kh, kw)"),
    (ConvTranspose2d(), [(1, 3, 4, 4), (2, 3, 3, 3), None], "weight", ["(1,3,4,4)", "(2,3,3,3)", "takes 2"], "in"),
    (ConvTranspose2d(groups=2), [(1, 3, 4, 4), (4, 1, 3, 3), None], "weight", ["3 channels", "takes 4"], "in"),
    (ConvTranspose2d(groups=2), [(1, 3, 4, 4), (3, 1, 3, 3), None], "groups", ["(3,1,3,3)", "2", "3 inputs"], "in"),
    (ConvTranspose2d(groups=2), [(1, 2, 4, 4), (2, 3, 3, 3), (3,)], "bias", ["(3)", "(2,3,3,3)"], "bias is (6)"),
    (ConvTranspose2d(output_padding=1), [(1, 1, 4, 4), (1, 1, 3, 3), None], "output_padding", ["(1,1)"], "stride"),
    (
        ConvTranspose2d(stride=[2, 1], dilation=[1, 2], output_padding=[1, 2]),
        [(1, 1, 4, 4), (1, 1, 3, 3), None],
        "output_padding",
        ["(1,2)", "(2,1)"],
        "dilation",
    ),
    (ConvTranspose2d(padding=[0, 2]), [(1, 1, 2, 2), (1, 1, 3, 3), None], "padding", ["(1,1,2,2)", "(4,0)"], "less"),
]

WRONG: Final[list[WrongRow]] = [
    ("conv_transpose2d", {"stride": 0}, "stride"),
    ("conv_transpose2d", {"stride": [2]}, "stride"),
    ("conv_transpose2d", {"padding": -1}, "padding"),
    ("conv_transpose2d", {"padding": "same"}, "padding"),
    ("conv_transpose2d", {"padding": [1, 1, 1, 1]}, "padding"),
    ("conv_transpose2d", {"output_padding": [0, -1]}, "output_padding"),
    ("conv_transpose2d", {"dilation": 0}, "dilation"),
    ("conv_transpose2d", {"groups": 0}, "groups"),
]


def drawn(draw: st.DrawFn, groups: int, **_: Any) -> list[Draw | None]:
    """Return an image, a kernel, and perhaps a bias."""
    inside, out = groups * draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    return [normal(*image(draw, inside)), normal(inside, out, *kernel), some(draw, normal(groups * out))]


PROBLEMS: Final = problems(
    (
        "conv_transpose2d",
        {
            "stride": both_axes(1, 3),
            "padding": both_axes(0, 2),
            "output_padding": st.sampled_from([0, 0, 1, [0, 1], [2, 0]]),
            "dilation": both_axes(1, 3),
            "groups": st.integers(1, 3),
        },
        drawn,
    ),
)

GAPS: Final = (
    "doubling-odd-kernel", "gaps", "stride-pair", "dilation2", "more-than-stride", "pointwise-more-than-stride",
    "everything",
)  # fmt: skip

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    nan_touches_some={f"conv_transpose2d-{id_}": "places that no kernel covers" for id_ in GAPS},
)
