"""Cases of stop_gradient and dropout.

PyTorch's random stream is another one, so the mask of a seeded case is drawn here once more, by the recipe that the
operator documents, and PyTorch multiplies by it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from hypothesis import strategies as st

from resdebug.ops.gates import Dropout, StopGradient
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, alike, case, on
from tests.ops.draws import Draw, mask, normal
from tests.ops.strategies import elementwise, problems, shapes, some


def dropped(id_: str, shape: tuple[int, ...], given: Draw | None = None, p: float = 0.5, **settings: Any) -> Case:
    """Return a dropout, seeded or by a given mask."""

    def equivalent(t: Any, x: Any, m: Any) -> Any:
        if not settings.get("training", True):
            return x.clone()
        draws = np.random.Generator(np.random.PCG64(settings.get("seed", 0))).random(shape)
        kept = t.as_tensor(draws >= p) if m is None else m
        return x * kept.to(x.dtype) / (1 - p)

    return case(id_, Dropout(p=p, **settings), [normal(*shape), given], equivalent)


CASES: Final = [
    *on(StopGradient(), lambda _, x: x.detach(), plane=normal(2, 3), scalar=normal()),
    dropped("seeded", (4, 5)),
    dropped("another-seed", (4, 5), seed=7, p=0.2),
    dropped("given", (3, 4), mask(3, 4)),
    dropped("given-whole", (3, 4), Draw((3, 4), lambda rng, s: rng.integers(0, 2, s), "int64"), p=0.25),
    dropped("none", (3, 4), p=0.0),
    dropped("inference", (3, 4), training=False),
    dropped("scalar", ()),
]

EMPTY: Final[list[EmptyRow]] = [*alike((0, 2), StopGradient()), (Dropout(), [(0, 3), None], (0, 3))]

REFUSED: Final[list[RefusedRow]] = [
    (Dropout(), [(2, 3), (3,)], "mask", ["(2,3)", "(3)"], "same shape"),
]

WRONG: Final[list[WrongRow]] = [
    ("dropout", {"p": 1.0}, "p"),
    ("dropout", {"p": -0.1}, "p"),
    ("dropout", {"seed": -1}, "seed"),
    ("dropout", {"training": 1}, "training"),
]


def thinned(draw: st.DrawFn, **_: Any) -> list[Draw | None]:
    """Return a tensor, with or without a mask."""
    shape = draw(shapes)
    return [normal(*shape), some(draw, mask(*shape))]


PROBLEMS: Final = problems(
    ("stop_gradient", {}, elementwise()),
    ("dropout", {"p": st.floats(0, 0.9), "seed": st.integers(0, 9), "training": st.booleans()}, thinned),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    elements={("dropout", "mask"): "any"},
)
