"""Cases of padding, rolling and flipping."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.moving import Flip, Pad, Roll
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case, on
from tests.ops.draws import normal
from tests.ops.strategies import axis, elementwise, problems


def padded(id_: str, x: tuple[int, ...], pad: list[int], mode: Any = "constant", value: float = 0.0) -> Case:
    """Return a padding with these settings."""

    def equivalent(t: Any, x: Any) -> Any:
        return t.nn.functional.pad(x, pad, mode, value) if mode == "constant" else t.nn.functional.pad(x, pad, mode)

    return case(id_, Pad(pad=pad, mode=mode, value=value), [normal(*x)], equivalent)


def first_axis(mode: Any, pair: list[int]) -> Case:
    """Return a padding of the first axis; PyTorch gets it moved to the end."""

    def equivalent(t: Any, x: Any) -> Any:
        return t.nn.functional.pad(x.movedim(0, -1), pair, mode).movedim(-1, 0)

    return case(f"{mode}-first", Pad(pad=[0, 0, 0, 0, *pair], mode=mode), [normal(3, 2, 2)], equivalent)


def around(t: Any, x: Any) -> Any:
    """Return what padding the first axis by its mirror image gives; PyTorch pads the last ones only."""
    return t.cat([x[1:3].flip(0), x, x[-2:-1]])


CASES: Final = [
    padded("last", (2, 3), [1, 2]),
    padded("image", (1, 2, 3, 3), [1, 0, 2, 1]),
    padded("channels", (1, 2, 2, 2), [0, 0, 0, 0, 1, 3]),
    padded("ones", (3,), [2, 1], value=1.5),
    padded("nothing", (2, 3), [0, 0]),
    padded("no-axis", (2, 3), []),
    *(
        row
        for mode in ("reflect", "replicate", "circular")
        for row in (
            padded(f"{mode}-1d", (1, 2, 4), [2, 3], mode),
            padded(f"{mode}-2d", (1, 2, 3, 4), [1, 3, 2, 0], mode),
            padded(f"{mode}-3d", (1, 1, 3, 2, 3), [1, 1, 1, 0, 2, 1], mode),
        )
    ),
    padded("replicate-far", (1, 1, 2), [5, 4], "replicate"),
    *(first_axis(mode, pair) for mode, pair in (("reflect", [2, 1]), ("replicate", [1, 3]), ("circular", [3, 2]))),
    case("reflect-first-axis", Pad(pad=[0, 0, 2, 1], mode="reflect"), [normal(4, 2)], around),
    *on(Roll(shifts=[1], dims=[0]), lambda _, x: x.roll(1, 0), one=normal(4, 2)),
    *on(Roll(shifts=[-2, 5], dims=[-1, 0]), lambda _, x: x.roll((-2, 5), (-1, 0)), two=normal(3, 4)),
    *on(Roll(shifts=[1, 1], dims=[0, 0]), lambda _, x: x.roll((1, 1), (0, 0)), twice=normal(4)),
    *on(Roll(shifts=[3 * 10**20 + 1], dims=[0]), lambda _, x: x.roll(1, 0), around=normal(3)),
    *on(Flip(dims=[0]), lambda _, x: x.flip(0), rows=normal(3, 2)),
    *on(Flip(dims=[-1, 0]), lambda _, x: x.flip(-1, 0), both=normal(2, 3, 2)),
]

EMPTY: Final[list[EmptyRow]] = [
    (Pad(pad=[1, 1]), [(2, 0)], (2, 2)),
    (Pad(pad=[0, 0, 1, 0], mode="replicate"), [(2, 0)], (3, 0)),
    (Roll(shifts=[1], dims=[0]), [(0, 2)], (0, 2)),
    (Flip(dims=[1]), [(2, 0)], (2, 0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Pad(pad=[1]), [(2, 3)], "pad", ["[1]", "(2,3)"], "two for every"),
    (Pad(pad=[1, 1, 1, 1]), [(3,)], "pad", ["(3)"], "two for every"),
    (Pad(pad=[0, 3], mode="reflect"), [(2, 3)], "pad", ["axis 1", "(2,3)", "reflect"], "less 1"),
    (Pad(pad=[4, 0], mode="circular"), [(2, 3)], "pad", ["axis 1", "(2,3)", "circular"], "at most the size"),
    (Pad(pad=[1, 0], mode="replicate"), [(2, 0)], "pad", ["axis 1", "(2,0)", "replicate"], "edge"),
    (Pad(pad=[1, 0], mode="reflect"), [(2, 0)], "pad", ["axis 1", "(2,0)", "reflect"], "less 1"),
    (Roll(shifts=[1, 2], dims=[0]), [(2, 3)], "shifts", ["2 shifts", "1 dims"], "one per axis"),
    (Roll(shifts=[1], dims=[2]), [(2, 3)], "dims", ["dims 2"], "from -2 to 1"),
    (Flip(dims=[2]), [(2, 3)], "dims", ["dims 2"], "from -2 to 1"),
    (Flip(dims=[0, -2]), [(2, 3)], "dims", ["[0, -2]", "twice"], ""),
]

WRONG: Final[list[WrongRow]] = [
    ("pad", {}, "pad"),
    ("pad", {"pad": [-1, 0]}, "pad"),
    ("pad", {"pad": [1, 1], "mode": "mirror"}, "mode"),
    ("pad", {"pad": [1, 1], "value": None}, "value"),
    ("roll", {"shifts": 1, "dims": [0]}, "shifts"),
    ("roll", {"shifts": [1]}, "dims"),
    ("flip", {"dims": 0}, "dims"),
    ("flip", {"dims": []}, "dims"),
]

PROBLEMS: Final = problems(
    (
        "pad",
        {
            "pad": st.lists(st.integers(0, 3), max_size=4),
            "mode": st.sampled_from(["constant", "reflect", "replicate", "circular"]),
            "value": st.floats(-2, 2),
        },
        elementwise(),
    ),
    (
        "roll",
        {"shifts": st.lists(axis, min_size=1, max_size=2), "dims": st.lists(axis, min_size=1, max_size=2)},
        elementwise(),
    ),
    ("flip", {"dims": st.lists(axis, min_size=1, max_size=2)}, elementwise()),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    nan_touches_some={"pad": "a constant border"},
    elements={("roll", "x"): "any", ("flip", "x"): "any"},
)
