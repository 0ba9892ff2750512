"""Cases of comparisons, of the choice by a mask, and of the causal mask."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.comparisons import CausalMask, Comparison, Eq, Ge, Gt, Le, Lt, Ne, Where
from tests.ops.cases.table import INF, NAN, Case, EmptyRow, Family, KinkRow, RefusedRow, WrongRow, case
from tests.ops.draws import Draw, mask, normal
from tests.ops.strategies import broadcasting, problems, shapes, sizes

COMPARISONS: Final[list[type[Comparison]]] = [Gt, Ge, Lt, Le, Eq, Ne]


def small(*shape: int) -> Draw:
    """Few different numbers, so that many are equal."""
    return Draw(shape, lambda rng, s: rng.integers(-1, 2, s))


def compared(kind: type[Comparison]) -> list[Case]:
    """Return comparisons of floats, with and without broadcasting, and of whole numbers."""

    def equivalent(t: Any, a: Any, b: Any) -> Any:
        return getattr(t, kind.op())(a, b)

    whole = Draw((4,), lambda rng, s: rng.integers(0, 2, s), "int64")
    rows = {
        "plane": (small(3, 4), small(3, 4)), "row": (small(2, 3), small(3)), "scalars": (small(), small()),
        "whole": (whole, whole),
    }  # fmt: skip
    return [case(id_, kind(), pair, equivalent) for id_, pair in rows.items()]


def choices(**rows: tuple[Draw, tuple[int, ...], tuple[int, ...]]) -> list[Case]:
    """Return choices by a condition between tensors of two shapes."""
    return [
        case(id_, Where(), [condition, normal(*a), normal(*b)], lambda t, c, a, b: t.where(c != 0, a, b))
        for id_, (condition, a, b) in rows.items()
    ]


def masked(t: Any, x: Any, diagonal: int) -> Any:
    """Return PyTorch's version of the causal mask."""
    return x.masked_fill(t.ones(x.shape[-2:], dtype=t.bool).triu(diagonal + 1), float("-inf"))


CASES: Final = [
    *(c for kind in COMPARISONS for c in compared(kind)),
    *choices(
        same=(mask(3, 4), (3, 4), (3, 4)),
        row=(mask(4), (3, 4), (3, 1)),
        stretched=(mask(2, 1, 3), (1,), (4, 3)),
        scalars=(mask(), (), ()),
        one_scalar=(mask(2, 3), (), (2, 3)),
        whole=(Draw((3, 2), lambda rng, s: rng.integers(0, 3, s), "int64"), (3, 2), (2,)),
    ),
    *(
        case(id_, CausalMask(diagonal=d), [normal(*x)], lambda t, x, d=d: masked(t, x, d))
        for id_, x, d in (
            ("square", (4, 4), 0), ("heads", (2, 2, 3, 3), 0), ("wide", (2, 5), 1), ("tall", (5, 2), -1),
            ("one", (1, 1), 0),
        )
    ),
]  # fmt: skip

NOTHING: Final[list[EmptyRow]] = [(kind(), [(0, 3), (1, 3)], (0, 3)) for kind in COMPARISONS]

EMPTY: Final[list[EmptyRow]] = [
    *NOTHING,
    (Where(), [(2, 1), (2, 0), ()], (2, 0)),
    (CausalMask(), [(0, 2, 2)], (0, 2, 2)),
]  # fmt: skip

UNEQUAL: Final[list[RefusedRow]] = [
    (kind(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal") for kind in COMPARISONS
]

REFUSED: Final[list[RefusedRow]] = [
    *UNEQUAL,
    (Where(), [(3,), (2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Where(), [(4,), (2, 3), (2, 3)], "condition", ["(4)", "(2,3)"], "equal"),
    (CausalMask(), [(3,)], "x", ["(3)"], "(…, T, S)"),
]  # fmt: skip

WRONG: Final[list[WrongRow]] = [
    ("causal_mask", {"diagonal": 0.5}, "diagonal"),
    ("causal_mask", {"diagonal": "0"}, "diagonal"),
]


def chosen(draw: st.DrawFn) -> list[Draw]:
    """Return a condition and two tensors that broadcast."""
    a, b = broadcasting(draw)
    return [mask(*draw(st.sampled_from([a.shape, b.shape, ()]))), a, b]


PROBLEMS: Final = problems(
    *((kind.op(), {}, broadcasting) for kind in COMPARISONS),
    ("where", {}, chosen),
    (
        "causal_mask",
        {"diagonal": st.integers(-2, 2)},
        lambda draw, **_: [normal(*draw(shapes)[:2], draw(sizes), draw(sizes))],
    ),
)

HALF_CHOSEN: Final = [[1.0, 0.0, 1.0, 0.0], [1.0, NAN, INF, 2.0], [NAN, 3.0, -INF, -INF]]

KINKS: Final[list[KinkRow]] = [
    ("where", Where(), HALF_CHOSEN, lambda t, c, a, b: t.where(c != 0, a, b)),
    ("causal_mask", CausalMask(), [[[1.0, 2.0], [float("nan"), 3.0]]], lambda t, x: masked(t, x, 0)),
]

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    kinks=KINKS,
    elements={("where", "condition"): "integer"} | {(kind.op(), slot): "any" for kind in COMPARISONS for slot in "ab"},
    nan_touches_some={"where": "the elements of the other tensor", "causal_mask": "what is masked"},
)
