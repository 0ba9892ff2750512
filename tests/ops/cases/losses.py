"""Cases of losses over classes."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.losses import CrossEntropy, NllLoss
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import Draw, classes, normal, positive
from tests.ops.strategies import losses, problems, sizes, some

SHAPES: Final = {
    "batch": ((4, 3), (4,)), "single": ((3,), ()), "pixels": ((2, 3, 2, 2), (2, 2, 2)), "ones": ((1, 1), (1,)),
}  # fmt: skip


def of_classes(x: tuple[int, ...]) -> int:
    """Return how many classes there are."""
    return x[min(1, len(x) - 1)]


def indexed(kind: type[CrossEntropy | NllLoss], id_: str, *, weighted: bool = False, **settings: Any) -> Case:
    """Return a loss by class indices."""
    x, y = SHAPES[id_]
    name = "-".join([id_, *(f"{v}" for v in settings.values()), *["weighted"] * weighted])

    def equivalent(t: Any, x: Any, target: Any, weight: Any) -> Any:
        return getattr(t.nn.functional, kind.op())(x, target, weight, **settings)

    weight = positive(of_classes(x)) if weighted else None
    return case(name, kind(**settings), [normal(*x), classes(of_classes(x), *y), weight], equivalent)


def probable(id_: str, *, weighted: bool = False, **settings: Any) -> Case:
    """Return a cross entropy by probabilities, which need not sum to 1."""
    x, _ = SHAPES[id_]
    name = "-".join(["probabilities", id_, *(f"{v}" for v in settings.values()), *["weighted"] * weighted])

    def equivalent(t: Any, x: Any, target: Any, weight: Any) -> Any:
        return t.nn.functional.cross_entropy(x, target, weight, **settings)

    weight = positive(of_classes(x)) if weighted else None
    return case(name, CrossEntropy(**settings), [normal(*x), positive(*x), weight], equivalent)


CASES: Final = [
    *(indexed(CrossEntropy, id_, reduction=reduction) for reduction in ("mean", "sum", "none") for id_ in SHAPES),
    *(
        indexed(CrossEntropy, id_, reduction=reduction, weighted=True, label_smoothing=0.1)
        for reduction in ("mean", "sum", "none")
        for id_ in ("batch", "pixels")
    ),
    indexed(CrossEntropy, "batch", label_smoothing=0.3),
    indexed(CrossEntropy, "batch", label_smoothing=1.0),
    indexed(CrossEntropy, "batch", weighted=True),
    indexed(CrossEntropy, "pixels", ignore_index=1),
    indexed(CrossEntropy, "batch", ignore_index=-100),
    indexed(CrossEntropy, "pixels", ignore_index=2, label_smoothing=0.2, weighted=True),
    *(probable(id_, reduction=reduction) for reduction in ("mean", "sum", "none") for id_ in SHAPES),
    *(probable("batch", reduction=reduction, weighted=True) for reduction in ("mean", "sum", "none")),
    probable("batch", label_smoothing=0.2),
    probable("pixels", label_smoothing=0.2, weighted=True),
    *(indexed(NllLoss, id_, reduction=reduction) for reduction in ("mean", "sum", "none") for id_ in SHAPES),
    *(indexed(NllLoss, "pixels", reduction=reduction, weighted=True) for reduction in ("mean", "sum", "none")),
    indexed(NllLoss, "pixels", ignore_index=1),
    indexed(NllLoss, "batch", ignore_index=-100),
    indexed(NllLoss, "batch", ignore_index=0, weighted=True, reduction="none"),
]

EMPTY: Final[list[EmptyRow]] = [
    (CrossEntropy(reduction="none"), [(2, 3, 0), (2, 3, 0), None], (2, 0)),
    (CrossEntropy(reduction="sum"), [(0, 3), (0, 3), (3,)], ()),
    (NllLoss(reduction="sum"), [(0, 3), (0,), None], ()),
    (NllLoss(reduction="none"), [(2, 3, 0), (2, 0), (3,)], (2, 0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (CrossEntropy(), [(4, 3), (3,), None], "target", ["(4,3)", "(3)"], "shape of x"),
    (CrossEntropy(), [(2, 3, 5, 5), (2, 5), None], "target", ["(2,3,5,5)", "(2,5)"], "int64"),
    (CrossEntropy(), [(), (), None], "x", ["scalar"], "(N, C) or (C)"),
    (CrossEntropy(), [(4, 0), (4, 0), None], "x", ["(4,0)", "no classes"], ""),
    (CrossEntropy(), [(0, 3), (0, 3), None], "x", ["mean of nothing"], "sum"),
    (CrossEntropy(), [(4, 3), (4, 3), (4,)], "weight", ["(4,3)", "(4)"], "per class: (3)"),
    (CrossEntropy(ignore_index=0), [(4, 3), (4, 3), None], "ignore_index", ["probabilities", "0"], "class indices"),
    (NllLoss(), [(4, 3), (3,), None], "target", ["(4,3)", "(3)"], "one class index per example: (4)"),
    (NllLoss(), [(), (), None], "x", ["scalar"], "(N, C) or (C)"),
    (NllLoss(), [(4, 3), (4,), (1,)], "weight", ["(4,3)", "(1)"], "per class: (3)"),
    (NllLoss(), [(0, 3), (0,), None], "x", ["mean of nothing"], "sum"),
]

WRONG: Final[list[WrongRow]] = [
    ("cross_entropy", {"reduction": "max"}, "reduction"),
    ("cross_entropy", {"label_smoothing": 1.5}, "label_smoothing"),
    ("cross_entropy", {"label_smoothing": -0.1}, "label_smoothing"),
    ("cross_entropy", {"ignore_index": "none"}, "ignore_index"),
    ("cross_entropy", {"ignore_index": 0.5}, "ignore_index"),
    ("nll_loss", {"reduction": 1}, "reduction"),
    ("nll_loss", {"ignore_index": "-100"}, "ignore_index"),
]


def labelled(draw: st.DrawFn, **_: Any) -> list[Draw | None]:
    """Return scores, the right classes, perhaps weights."""
    count = draw(st.integers(1, 4))
    rest = draw(st.lists(sizes, max_size=3))
    weight = some(draw, positive(count))
    return [normal(*rest[:1], count, *rest[1:]), classes(count, *rest), weight]


def judged(draw: st.DrawFn, **_: Any) -> list[Draw | None]:
    """Return scores with classes or probabilities."""
    scores, target, weight = labelled(draw)
    return [scores, target if draw(st.booleans()) or scores is None else positive(*scores.shape), weight]


PROBLEMS: Final = problems(
    ("cross_entropy", {**losses, "label_smoothing": st.sampled_from([0.0, 0.1])}, judged),
    ("nll_loss", losses, labelled),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    elements={("cross_entropy", "target"): "any", ("nll_loss", "target"): "integer"},
    nan_touches_some={"nll_loss": "other classes, and ignored examples", "cross_entropy-pixels-1": "ignored examples",
                      "cross_entropy-pixels-2-0.2-weighted": "ignored examples"},
)  # fmt: skip
