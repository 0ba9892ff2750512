"""Cases of losses that measure a distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.regression_losses import DistanceLoss, HuberLoss, L1Loss, MseLoss, SmoothL1Loss
from tests.ops.cases.table import Case, EmptyRow, Family, KinkRow, RefusedRow, WrongRow, case
from tests.ops.draws import Draw
from tests.ops.strategies import losses, problems, shapes

KINDS: Final[list[type[DistanceLoss]]] = [MseLoss, L1Loss, HuberLoss, SmoothL1Loss]


def quarters(*shape: int) -> Draw:
    """Whole numbers and a quarter, so that differences to whole numbers never meet a kink."""
    return Draw(shape, lambda rng, s: rng.integers(-3, 3, s) + 0.25)


def whole(*shape: int) -> Draw:
    """Whole numbers."""
    return Draw(shape, lambda rng, s: rng.integers(-3, 4, s).astype(float))


def distances(kind: type[DistanceLoss], **settings: float) -> list[Case]:
    """Return a loss with every reduction, on tensors of several shapes."""

    def in_pytorch(reduction: str) -> Callable[..., Any]:
        return lambda t, x, y: getattr(t.nn.functional, kind.op())(x, y, reduction=reduction, **settings)

    suffix = "".join(f"-{key}{value}" for key, value in settings.items())
    return [
        case(
            f"{id_}-{reduction}{suffix}", kind(reduction=reduction, **settings), [quarters(*x), whole(*x)],
            in_pytorch(reduction),
        )
        for reduction in ("mean", "sum", "none")
        for id_, x in (("plane", (3, 4)), ("scalar", ()), ("ones", (1, 1)))
    ]  # fmt: skip


CASES: Final = [
    *(c for kind in KINDS for c in distances(kind)),
    *distances(HuberLoss, delta=0.5),
    *distances(SmoothL1Loss, beta=2.0),
]

NOTHING: Final[list[EmptyRow]] = [(kind(reduction="sum"), [(0,), (0,)], ()) for kind in KINDS]

EMPTY: Final[list[EmptyRow]] = [*NOTHING, (MseLoss(reduction="none"), [(2, 0), (2, 0)], (2, 0))]

UNEQUAL: Final[list[RefusedRow]] = [
    (kind(), [(2, 3), (2, 1)], "target", ["(2,3)", "(2,1)"], "same shape") for kind in KINDS
]

REFUSED: Final[list[RefusedRow]] = [
    *UNEQUAL,
    (MseLoss(), [(2, 3), (3,)], "target", ["(2,3)", "(3)"], "same shape"),
    (MseLoss(), [(0,), (0,)], "x", ["(0)", "mean of nothing"], "sum"),
]

WRONG: Final[list[WrongRow]] = [
    ("mse_loss", {"reduction": None}, "reduction"),
    ("l1_loss", {"reduction": "max"}, "reduction"),
    ("huber_loss", {"delta": 0}, "delta"),
    ("smooth_l1_loss", {"beta": -1.0}, "beta"),
]

KINKS: Final[list[KinkRow]] = [
    ("l1", L1Loss(reduction="none"), [[1.0, 2.0, -0.0], [1.0, 3.0, 0.0]],
     lambda t, x, y: t.nn.functional.l1_loss(x, y, reduction="none")),
    ("huber", HuberLoss(reduction="none"), [[1.0, 0.0, 3.0, -1.0], [0.0, 0.0, 1.0, 0.0]],
     lambda t, x, y: t.nn.functional.huber_loss(x, y, reduction="none")),
    ("huber-delta", HuberLoss(reduction="none", delta=0.5), [[0.5, 0.0, -0.0, -0.5, 0.25], [0.0, 0.0, 0.0, 0.0, 1.0]],
     lambda t, x, y: t.nn.functional.huber_loss(x, y, reduction="none", delta=0.5)),
    ("smooth_l1-beta", SmoothL1Loss(reduction="none", beta=2.0), [[2.0, 0.0, -0.0, -2.0, 1.0], [0.0] * 5],
     lambda t, x, y: t.nn.functional.smooth_l1_loss(x, y, reduction="none", beta=2.0)),
    ("smooth_l1", SmoothL1Loss(reduction="none"), [[1.0, 0.0, 3.0, -1.0], [0.0, 0.0, 1.0, 0.0]],
     lambda t, x, y: t.nn.functional.smooth_l1_loss(x, y, reduction="none")),
]  # fmt: skip


def pairs(draw: st.DrawFn, **_: Any) -> list[Draw]:
    """Return two tensors of one shape."""
    shape = draw(shapes)
    return [quarters(*shape), whole(*shape)]


PROBLEMS: Final = problems(
    ("mse_loss", losses, pairs),
    ("l1_loss", losses, pairs),
    ("huber_loss", {**losses, "delta": st.sampled_from([0.5, 1.0])}, pairs),
    ("smooth_l1_loss", {**losses, "beta": st.sampled_from([0.5, 1.0])}, pairs),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    kinks=KINKS,
    not_analytic={"l1_loss": "the size drops the imaginary part", "huber_loss": "so does the size in its lines",
                  "smooth_l1_loss": "so does the size in its lines"},
)  # fmt: skip
