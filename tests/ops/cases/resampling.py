"""Cases of resampling."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.resampling import PixelShuffle, PixelUnshuffle, Upsample
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case, on
from tests.ops.draws import Draw, normal
from tests.ops.strategies import both_axes, image, pooled, problems


def upsample(id_: str, x: tuple[int, ...], mode: str, **settings: Any) -> Case:
    """Return a resampling by a mode; where places follow from PyTorch's own factor, its sizes must be used instead."""
    exact = {"recompute_scale_factor": True} if id_.startswith("cut") else {}
    corners = {} if mode == "nearest" else {"align_corners": settings.get("align_corners", False)}
    rest = {name: value for name, value in settings.items() if name != "align_corners"}
    return case(
        f"{mode}-{id_}",
        Upsample(mode=mode, **settings),  # type: ignore[arg-type]
        [normal(*x)],
        lambda t, x: t.nn.functional.interpolate(x, mode=mode, **rest, **corners, **exact),
    )


CASES: Final = [
    *(
        row
        for mode in ("nearest", "bilinear")
        for row in (
            upsample("doubling", (2, 2, 3, 4), mode, scale_factor=2.0),
            upsample("factors", (1, 2, 3, 2), mode, scale_factor=[1.0, 3.0]),
            upsample("fraction", (1, 2, 4, 2), mode, scale_factor=1.5),
            upsample("halving", (2, 1, 4, 6), mode, scale_factor=0.5),
            upsample("cut", (1, 2, 5, 3), mode, scale_factor=[1.3, 2.5]),
            upsample("cut-smaller", (1, 1, 7, 5), mode, scale_factor=0.4),
            upsample("size", (1, 2, 3, 4), mode, size=[5, 7]),
            upsample("size-of-both", (2, 1, 5, 2), mode, size=4),
            upsample("smaller", (1, 2, 7, 5), mode, size=[3, 2]),
            upsample("to-one", (1, 2, 3, 4), mode, size=1),
            upsample("from-one", (1, 2, 1, 1), mode, size=[3, 2]),
            upsample("same-size", (1, 1, 3, 2), mode, size=[3, 2]),
        )
    ),
    upsample("corners", (2, 2, 3, 4), "bilinear", scale_factor=2.0, align_corners=True),
    upsample("corners-size", (1, 2, 3, 4), "bilinear", size=[5, 7], align_corners=True),
    upsample("corners-smaller", (1, 2, 7, 5), "bilinear", size=[3, 2], align_corners=True),
    upsample("corners-cut", (1, 1, 3, 5), "bilinear", scale_factor=[2.5, 1.3], align_corners=True),
    upsample("corners-to-one", (1, 2, 3, 4), "bilinear", size=[1, 2], align_corners=True),
    upsample("corners-from-one", (1, 2, 1, 1), "bilinear", size=[3, 2], align_corners=True),
    *on(
        PixelShuffle(upscale_factor=2),
        lambda t, x: t.nn.functional.pixel_shuffle(x, 2),
        image=normal(2, 8, 2, 3),
        single=normal(1, 4, 1, 1),
    ),
    *on(PixelShuffle(upscale_factor=3), lambda t, x: t.nn.functional.pixel_shuffle(x, 3), three=normal(1, 9, 2, 1)),
    *on(PixelShuffle(upscale_factor=1), lambda t, x: t.nn.functional.pixel_shuffle(x, 1), one=normal(1, 2, 2, 2)),
    *on(
        PixelUnshuffle(downscale_factor=2),
        lambda t, x: t.nn.functional.pixel_unshuffle(x, 2),
        image=normal(2, 2, 4, 6),
        single=normal(1, 1, 2, 2),
    ),
    *on(
        PixelUnshuffle(downscale_factor=3), lambda t, x: t.nn.functional.pixel_unshuffle(x, 3), three=normal(1, 1, 3, 6)
    ),
]

EMPTY: Final[list[EmptyRow]] = [
    (Upsample(size=3), [(0, 2, 2, 2)], (0, 2, 3, 3)),
    (Upsample(scale_factor=2.0, mode="bilinear"), [(2, 0, 2, 3)], (2, 0, 4, 6)),
    (PixelShuffle(upscale_factor=2), [(1, 0, 2, 2)], (1, 0, 4, 4)),
    (PixelShuffle(upscale_factor=2), [(1, 4, 0, 2)], (1, 1, 0, 4)),
    (PixelUnshuffle(downscale_factor=2), [(1, 1, 2, 0)], (1, 4, 1, 0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Upsample(size=2), [(2, 3, 4)], "x", ["(2,3,4)"], "(N, C, H, W)"),
    (Upsample(size=2), [(2, 3, 0, 4)], "x", ["(2,3,0,4)"], "at least 1"),
    (Upsample(), [(1, 1, 2, 2)], "size", ["neither"], "one of them"),
    (Upsample(size=2, scale_factor=2.0), [(1, 1, 2, 2)], "size", ["both"], "one of them"),
    (Upsample(size=2, align_corners=True), [(1, 1, 2, 2)], "align_corners", ["nearest"], "bilinear"),
    (Upsample(scale_factor=[1.0, 0.3]), [(1, 1, 3, 3)], "scale_factor", ["(1,1,3,3)", "(3,0)"], "larger"),
    (PixelShuffle(upscale_factor=2), [(4, 2, 2)], "x", ["(4,2,2)"], "(N, C, H, W)"),
    (PixelShuffle(upscale_factor=2), [(1, 6, 2, 2)], "upscale_factor", ["(1,6,2,2)", "6"], "multiple of 4"),
    (PixelUnshuffle(downscale_factor=2), [(4, 2, 2)], "x", ["(4,2,2)"], "(N, C, H, W)"),
    (PixelUnshuffle(downscale_factor=3), [(1, 1, 6, 4)], "downscale_factor", ["(1,1,6,4)"], "multiples of 3"),
]

WRONG: Final[list[WrongRow]] = [
    ("upsample", {"size": 0}, "size"),
    ("upsample", {"size": [1, 2, 3]}, "size"),
    ("upsample", {"size": 1.5}, "size"),
    ("upsample", {"scale_factor": 0}, "scale_factor"),
    ("upsample", {"scale_factor": -1.0}, "scale_factor"),
    ("upsample", {"scale_factor": [2.0]}, "scale_factor"),
    ("upsample", {"size": 2, "mode": "bicubic"}, "mode"),
    ("upsample", {"size": 2, "align_corners": None}, "align_corners"),
    ("pixel_shuffle", {}, "upscale_factor"),
    ("pixel_shuffle", {"upscale_factor": 0}, "upscale_factor"),
    ("pixel_unshuffle", {"downscale_factor": [2, 2]}, "downscale_factor"),
]


def blocks(draw: st.DrawFn, **factor: int) -> list[Draw]:
    """Return an image of which the channels make blocks."""
    (r,) = factor.values()
    return [normal(*image(draw, r**2 * draw(st.integers(0, 2))))]


def divided(draw: st.DrawFn, **factor: int) -> list[Draw]:
    """Return an image of which the places make blocks."""
    (r,) = factor.values()
    n, c, h, w = image(draw, draw(st.integers(0, 2)))
    return [normal(n, c, r * (h // 2), r * (w // 2))]


PROBLEMS: Final = problems(
    (
        "upsample",
        {
            "size": st.none() | both_axes(1, 8),
            "scale_factor": st.none() | st.floats(0.25, 3) | st.lists(st.floats(0.25, 3), min_size=2, max_size=2),
            "mode": st.sampled_from(["nearest", "bilinear"]),
            "align_corners": st.booleans(),
        },
        pooled(normal),
    ),
    ("pixel_shuffle", {"upscale_factor": st.integers(1, 3)}, blocks),
    ("pixel_unshuffle", {"downscale_factor": st.integers(1, 3)}, divided),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    elements={("pixel_shuffle", "x"): "any", ("pixel_unshuffle", "x"): "any"},
)
