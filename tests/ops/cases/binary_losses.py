"""Cases of losses of yes-or-no answers, and of distributions."""

from __future__ import annotations

import warnings
from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.binary_losses import (
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    HingeEmbeddingLoss,
    HingeLoss,
    KlDiv,
    WeightedLoss,
)
from tests.ops.cases.table import INF, Case, EmptyRow, Family, KinkRow, RefusedRow, WrongRow, case
from tests.ops.draws import Draw, normal, positive
from tests.ops.strategies import losses, problems, shapes, some

BCE: Final[list[type[WeightedLoss]]] = [BinaryCrossEntropy, BinaryCrossEntropyWithLogits]
REDUCTIONS: Final = ("mean", "sum", "none")


def unit(*shape: int) -> Draw:
    """Between 0.1 and 0.9: probabilities away from the poles of their logarithms."""
    return Draw(shape, lambda rng, s: rng.uniform(0.1, 0.9, s))


def signs(*shape: int) -> Draw:
    """1 or −1."""
    return Draw(shape, lambda rng, s: rng.choice([-1.0, 1.0], s))


def scores(kind: type[WeightedLoss]) -> Any:
    """Return how the answers of a loss are drawn."""
    return unit if kind is BinaryCrossEntropy else normal


def answers(kind: type[WeightedLoss]) -> list[Case]:
    """Return a loss of answers, with every reduction, weighted and not."""

    def equivalent(reduction: str) -> Any:
        return lambda t, x, y, w: getattr(t.nn.functional, kind.op())(x, y, w, reduction=reduction)

    rows: dict[str, tuple[tuple[int, ...], Draw | None]] = {
        "plane": ((3, 4), None), "weighted": ((3, 4), positive(3, 4)), "row": ((2, 3), positive(3)),
        "scalar": ((), None),
    }  # fmt: skip
    return [
        case(f"{id_}-{r}", kind(reduction=r), [scores(kind)(*x), unit(*x), weight], equivalent(r))
        for r in REDUCTIONS
        for id_, (x, weight) in rows.items()
    ]


def divergence(id_: str, x: tuple[int, ...], **settings: Any) -> Case:
    """Return a divergence."""
    log = settings.get("log_target", False)

    def equivalent(t: Any, x: Any, y: Any) -> Any:
        with warnings.catch_warnings():
            # PyTorch advises against the mean on every call.
            warnings.simplefilter("ignore")
            return t.nn.functional.kl_div(x, y, **settings)

    name = "-".join([id_, *map(str, settings.values())])
    return case(
        name, KlDiv(**settings), [normal(*x), normal(*x) if log else unit(*x)],
        equivalent,
    )  # fmt: skip


def hinge(id_: str, x: tuple[int, ...], reduction: Any, margin: float = 1.0) -> Case:
    """Return a hinge loss; PyTorch has it under no name of its own."""

    def equivalent(t: Any, x: Any, y: Any) -> Any:
        single = t.nn.functional.relu(margin - y * x)
        return single.mean() if reduction == "mean" else single.sum() if reduction == "sum" else single

    return case(
        f"{id_}-{reduction}-{margin}", HingeLoss(reduction=reduction, margin=margin), [wide(*x), signs(*x)], equivalent
    )


def embedding(id_: str, x: tuple[int, ...], reduction: Any, margin: float = 1.0, target: Any = signs) -> Case:
    """Return a hinge loss of distances."""
    return case(
        f"{id_}-{reduction}-{margin}",
        HingeEmbeddingLoss(reduction=reduction, margin=margin),
        [wide(*x), target(*x)],
        lambda t, x, y: t.nn.functional.hinge_embedding_loss(x, y, margin, reduction=reduction),
    )


def wide(*shape: int) -> Draw:
    """Whole numbers and a quarter, so that no answer lies on the margin."""
    return Draw(shape, lambda rng, s: rng.integers(-3, 3, s) + 0.25)


CASES: Final = [
    *(c for kind in BCE for c in answers(kind)),
    *(divergence("plane", (3, 4), reduction=r) for r in (*REDUCTIONS, "batchmean")),
    *(divergence("plane", (3, 4), reduction=r, log_target=True) for r in (*REDUCTIONS, "batchmean")),
    divergence("scalar", ()),
    *(hinge("plane", (3, 4), r) for r in REDUCTIONS),
    hinge("margin", (3, 4), "mean", 0.5),
    hinge("scalar", (), "sum"),
    *(embedding("plane", (3, 4), r) for r in REDUCTIONS),
    embedding("margin", (2, 3, 2), "mean", 2.5),
    embedding("scalar", (), "sum"),
    embedding("neither", (3, 4), "none", target=normal),
]

NOTHING: Final[list[EmptyRow]] = [(kind(reduction="sum"), [(0, 3), (0, 3), None], ()) for kind in BCE]

EMPTY: Final[list[EmptyRow]] = [
    *NOTHING,
    (KlDiv(reduction="batchmean"), [(2, 0), (2, 0)], ()),
    (HingeLoss(reduction="none"), [(2, 0), (2, 0)], (2, 0)),
    (HingeEmbeddingLoss(reduction="sum"), [(0,), (0,)], ()),
]

UNEQUAL: Final[list[RefusedRow]] = [
    (kind(), [(2, 3), (3,), None], "target", ["(2,3)", "(3)"], "same shape") for kind in BCE
]
UNFIT: Final[list[RefusedRow]] = [
    (kind(), [(2, 3), (2, 3), (2,)], "weight", ["(2,3)", "(2)"], "broadcast") for kind in BCE
]

REFUSED: Final[list[RefusedRow]] = [
    *UNEQUAL,
    *UNFIT,
    (BinaryCrossEntropy(), [(3,), (3,), (2, 3)], "weight", ["(3)", "(2,3)"], "broadcast"),
    (BinaryCrossEntropy(), [(0,), (0,), None], "x", ["mean of nothing"], "sum"),
    (KlDiv(), [(2, 3), (3,)], "target", ["(2,3)", "(3)"], "same shape"),
    (KlDiv(reduction="batchmean"), [(), ()], "x", ["no batch"], "sum"),
    (KlDiv(), [(2, 0), (2, 0)], "x", ["mean of nothing"], "sum"),
    (HingeLoss(), [(2, 3), (3,)], "target", ["(2,3)", "(3)"], "same shape"),
    (HingeEmbeddingLoss(), [(2, 3), (2, 1)], "target", ["(2,3)", "(2,1)"], "same shape"),
    (HingeEmbeddingLoss(), [(0,), (0,)], "x", ["mean of nothing"], "sum"),
]

WRONG: Final[list[WrongRow]] = [
    ("binary_cross_entropy", {"reduction": "batchmean"}, "reduction"),
    ("binary_cross_entropy_with_logits", {"reduction": 0}, "reduction"),
    ("kl_div", {"reduction": "batch"}, "reduction"),
    ("kl_div", {"log_target": 1}, "log_target"),
    ("hinge_loss", {"margin": None}, "margin"),
    ("hinge_embedding_loss", {"margin": "1"}, "margin"),
    ("hinge_embedding_loss", {"reduction": "batchmean"}, "reduction"),
]

KINKS: Final[list[KinkRow]] = [
    ("hinge-margin", HingeLoss(reduction="none"), [[1.0, -1.0, 0.0], [1.0, -1.0, 1.0]],
     lambda t, x, y: t.nn.functional.relu(1 - y * x)),
    ("hinge_embedding-margin", HingeEmbeddingLoss(reduction="none", margin=2.0),
     [[2.0, 2.0, 2.0, 0.0, -0.0, 3.0, 1.0], [1.0, -1.0, 0.0, 1.0, -1.0, -1.0, 0.5]],
     lambda t, x, y: t.nn.functional.hinge_embedding_loss(x, y, 2.0, reduction="none")),
    ("kl_div-nothing-expected", KlDiv(reduction="none", log_target=True), [[-1.0, -INF, 0.0], [0.0, 0.0, -800.0]],
     lambda t, x, y: t.nn.functional.kl_div(x, y, reduction="none", log_target=True)),
    ("bce_with_logits-far", BinaryCrossEntropyWithLogits(reduction="none"),
     [[0.0, -0.0, INF, 800.0, -800.0], [0.0, 1.0, 0.0, 0.0, 1.0], None],
     lambda t, x, y, w: t.nn.functional.binary_cross_entropy_with_logits(x, y, w, reduction="none")),
]  # fmt: skip


def pairs(made: Any, other: Any, *, weighted: bool = True) -> Any:
    """Return draws of two tensors of one shape, perhaps with a weight."""

    def draws(draw: st.DrawFn, **_: Any) -> list[Draw | None]:
        shape = draw(shapes)
        return [made(*shape), other(*shape), *([some(draw, positive(*shape))] if weighted else [])]

    return draws


PROBLEMS: Final = problems(
    ("binary_cross_entropy", losses, pairs(unit, unit)),
    ("binary_cross_entropy_with_logits", losses, pairs(normal, unit)),
    (
        "kl_div",
        {"reduction": st.sampled_from([*REDUCTIONS, "batchmean"]), "log_target": st.booleans()},
        lambda draw, log_target, **_: pairs(normal, normal if log_target else unit, weighted=False)(draw),
    ),
    ("hinge_loss", {**losses, "margin": st.sampled_from([0.5, 1.0])}, pairs(wide, signs, weighted=False)),
    ("hinge_embedding_loss", {**losses, "margin": st.sampled_from([0.5, 1.0])}, pairs(wide, signs, weighted=False)),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    kinks=KINKS,
    not_analytic={"binary_cross_entropy_with_logits": "forward takes |x|, which drops the imaginary part"},
)
