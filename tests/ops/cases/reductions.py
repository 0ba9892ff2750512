"""Cases of reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from resdebug.ops.reductions import Logsumexp, Mean, Prod, Reduction, Sum
from tests.ops.cases.table import INF, Case, EmptyRow, Family, KinkRow, RefusedRow, WrongRow, case, on
from tests.ops.draws import Draw, normal, off_zero
from tests.ops.strategies import elementwise, problems, reduced


def reductions(kind: type[Sum | Mean]) -> list[Case]:
    """Return reductions over no axis named, one, from behind, and several, with and without ``keepdim``."""
    name = kind.op()
    rows: list[tuple[str, tuple[int, ...], int | list[int] | None]] = [
        ("all", (2, 3, 4), None), ("scalar", (), None), ("first", (2, 3), 0), ("last", (2, 3, 4), -1),
        ("several", (2, 3, 4), [0, 2]), ("unordered", (2, 3, 4), [-1, 0]), ("ones", (1, 1), [1]),
    ]  # fmt: skip
    return [
        case(id_, kind(dim=dim), [normal(*x)],
             lambda t, x, dim=dim: getattr(t, name)(x) if dim is None else getattr(t, name)(x, dim))
        for id_, x, dim in rows
    ] + [
        case(f"{id_}-keepdim", kind(dim=dim, keepdim=True), [normal(*x)],
             lambda t, x, dim=dim: getattr(t, name)(x, tuple(range(x.ndim)) if dim is None else dim, keepdim=True))
        for id_, x, dim in rows
    ]  # fmt: skip


def in_turn(function: Callable[[Any, int], Any]) -> Callable[[Any, list[int], bool], Any]:
    """Return a reduction over several axes made of PyTorch's over one."""

    def reduce(x: Any, dims: list[int], keepdim: bool) -> Any:
        for dim in sorted((d % x.ndim for d in dims), reverse=True):
            x = function(x, dim)
            x = x.unsqueeze(dim) if keepdim else x
        return x

    return reduce


def over(kind: type[Reduction], draw: Callable[..., Draw], function: Callable[[Any, Any, list[int], bool], Any],
         **settings: Any) -> list[Case]:  # fmt: skip
    """Return reductions over all axes, one, and several; ``function`` is given torch, x, the axes and keepdim."""
    rows: list[tuple[str, tuple[int, ...], int | list[int] | None, bool]] = [
        ("all", (2, 3, 2), None, False), ("scalar", (), None, False), ("first", (2, 3), 0, False),
        ("last", (2, 3, 4), -1, True), ("several", (2, 3, 2), [0, 2], False), ("unordered", (2, 3, 2), [-1, 0], True),
        ("ones", (1, 1), [1], False), ("kept", (2, 3), None, True),
    ]  # fmt: skip
    suffix = "".join(f"-{key}{value}" for key, value in settings.items())
    made = []
    for id_, x, dim, keepdim in rows:
        dims = list(range(len(x))) if dim is None else [dim] if isinstance(dim, int) else dim

        def equivalent(t: Any, x: Any, dims: list[int] = dims, keepdim: bool = keepdim) -> Any:
            return function(t, x, dims, keepdim)

        made.append(case(f"{id_}{suffix}", kind(dim=dim, keepdim=keepdim, **settings), [draw(*x)], equivalent))
    return made


def with_zeros(*shape: int) -> Draw:
    """About every third number is 0."""
    return Draw(shape, lambda rng, s: rng.standard_normal(s) * (rng.random(s) < 0.7))


CASES: Final = [
    *reductions(Sum),
    *reductions(Mean),
    *over(Prod, off_zero, lambda t, x, dims, keepdim: in_turn(t.prod)(x, dims, keepdim)),
    *on(Prod(dim=1), lambda _, x: x.prod(1), zeros=with_zeros(6, 4)),
    *over(Logsumexp, normal, lambda t, x, dims, keepdim: t.logsumexp(x, dims, keepdim) if dims else x.clone()),
]

EMPTY: Final[list[EmptyRow]] = [
    (Sum(), [(0, 3)], ()),
    (Sum(dim=0), [(0, 3)], (3,)),
    (Sum(dim=1, keepdim=True), [(0, 3)], (0, 1)),
    (Mean(dim=1), [(0, 3)], (0,)),
    (Prod(dim=0), [(0, 3)], (3,)),
    (Logsumexp(dim=1), [(0, 3)], (0,)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Sum(dim=2), [(2, 3)], "dim", ["dim 2", "2 dimensions"], "from -2 to 1"),
    (Sum(dim=[0, -2]), [(2, 3)], "dim", ["[0, -2]", "twice"], ""),
    (Sum(dim=0), [()], "dim", ["dim 0"], "scalar"),
    (Mean(dim=-3), [(2, 3)], "dim", ["dim -3"], "from -2 to 1"),
    (Mean(), [(0, 3)], "x", ["(0,3)", "mean of nothing"], "at least size 1"),
    (Mean(dim=1), [(2, 0)], "x", ["(2,0)", "mean of nothing"], "at least size 1"),
    (Prod(dim=2), [(2, 3)], "dim", ["dim 2"], "from -2 to 1"),
    (Logsumexp(), [(0, 3)], "x", ["(0,3)", "largest of nothing"], "at least size 1"),
]

WRONG: Final[list[WrongRow]] = [
    ("sum", {"dim": "all"}, "dim"),
    ("sum", {"dim": [0.0]}, "dim"),
    ("mean", {"keepdim": 1}, "keepdim"),
    ("prod", {"dim": [None]}, "dim"),
    ("logsumexp", {"dim": "x"}, "dim"),
]

PROBLEMS: Final = problems(
    ("sum", reduced, elementwise()),
    ("mean", reduced, elementwise()),
    ("prod", reduced, elementwise(off_zero)),
    ("logsumexp", reduced, elementwise()),
)

KINKS: Final[list[KinkRow]] = [
    ("prod", Prod(dim=1), [[[2.0, 0.0, 3.0], [0.0, 5.0, 0.0], [-1.0, 4.0, -0.0]]], lambda t, x: t.prod(x, 1)),
    ("logsumexp", Logsumexp(dim=1), [[[-INF, -INF], [INF, 0.0], [-INF, 0.0]]], lambda t, x: t.logsumexp(x, 1)),
]

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED, wrong=WRONG, kinks=KINKS)
