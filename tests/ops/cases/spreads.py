"""Cases of variances, deviations and norms."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.spreads import Norm, Std, Var
from tests.ops.cases.reductions import over
from tests.ops.cases.table import Case, EmptyRow, Family, KinkRow, RefusedRow, WrongRow
from tests.ops.draws import Draw, distinct, normal, off_zero
from tests.ops.strategies import elementwise, problems, reduced


def spread(kind: type[Var | Std], correction: int) -> list[Case]:
    """Return variances or deviations, where there are enough elements."""

    def equivalent(t: Any, x: Any, dims: list[int], keepdim: bool) -> Any:
        return getattr(t, kind.op())(x, dims, correction=correction, keepdim=keepdim)

    # One element has no unbiased variance, and a deviation of 0, where there is a kink.
    few = {"ones", "scalar"} if correction or kind is Std else set()
    cases = over(kind, normal, equivalent, correction=correction)
    return [c for c in cases if c.id.split("-")[1] not in few]


def norms(p: Any) -> list[Case]:
    """Return p-norms; the sizes of elements are apart, so that none ties."""

    def equivalent(t: Any, x: Any, dims: list[int], keepdim: bool) -> Any:
        order = float("inf") if p == "inf" else p
        return t.linalg.vector_norm(x, order, dims, keepdim) if dims else x.abs()

    return over(Norm, apart if p == "inf" else off_zero, equivalent, p=p)


def apart(*shape: int) -> Draw:
    """Numbers of either sign whose sizes lie apart, none of them 0."""
    inner = distinct(*shape)
    return Draw(shape, lambda rng, s: (inner.make(rng, s) + 10) * rng.choice([-1.0, 1.0], s))


CASES: Final = [
    *spread(Var, 1), *spread(Var, 0), *spread(Std, 1), *spread(Std, 0),
    *norms(2.0), *norms(1.0), *norms(3.0), *norms(0.5), *norms("inf"),
]  # fmt: skip

EMPTY: Final[list[EmptyRow]] = [
    (Var(dim=1), [(0, 3)], (0,)),
    (Std(dim=1, keepdim=True), [(0, 3)], (0, 1)),
    (Norm(dim=0), [(0, 3)], (3,)),
    (Norm(dim=1, p="inf"), [(0, 3)], (0,)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Var(dim=1), [(3, 1)], "correction", ["(3,1)", "1 elements", "correction of 1"], "lower the correction"),
    (Std(correction=4), [(2, 2)], "correction", ["(2,2)", "4"], "lower the correction"),
    (Var(dim=3), [(3, 1)], "dim", ["dim 3"], "from -2 to 1"),
    (Norm(p="inf"), [(0,)], "x", ["(0)", "largest of nothing"], "at least size 1"),
    (Norm(dim=1), [(2,)], "dim", ["dim 1"], "from -1 to 0"),
]

WRONG: Final[list[WrongRow]] = [
    ("var", {"correction": -1}, "correction"),
    ("std", {"correction": 0.5}, "correction"),
    ("norm", {"p": 0}, "p"),
    ("norm", {"p": "fro"}, "p"),
]

KINKS: Final[list[KinkRow]] = [
    ("std-of-equal-numbers", Std(dim=1), [[[3.0, 3.0], [1.0, 2.0]]], lambda t, x: t.std(x, 1)),
    ("std-of-one", Std(dim=1, correction=0), [[[3.0], [-1.0]]], lambda t, x: t.std(x, 1, correction=0)),
    ("var-of-equal-numbers", Var(), [[3.0, 3.0, 3.0]], lambda t, x: t.var(x)),
    ("norm2", Norm(dim=1), [[[0.0, 0.0], [0.0, 4.0]]], lambda t, x: t.linalg.vector_norm(x, 2, 1)),
    ("norm3", Norm(dim=1, p=3), [[[0.0, -0.0], [0.0, -1.0]]], lambda t, x: t.linalg.vector_norm(x, 3, 1)),
    ("norm-half", Norm(dim=1, p=0.5), [[[0.0, 0.0], [0.0, -4.0]]], lambda t, x: t.linalg.vector_norm(x, 0.5, 1)),
    ("norm1", Norm(dim=1, p=1), [[[0.0, -0.0], [0.0, -4.0]]], lambda t, x: t.linalg.vector_norm(x, 1, 1)),
    (
        "norm-inf", Norm(dim=1, p="inf"), [[[0.0, 0.0], [4.0, -4.0], [-1.0, 0.0]]],
        lambda t, x: t.linalg.vector_norm(x, float("inf"), 1),
    ),
]  # fmt: skip

PROBLEMS: Final = problems(
    ("var", {**reduced, "correction": st.integers(0, 2)}, elementwise()),
    ("std", {**reduced, "correction": st.integers(0, 1)}, elementwise(distinct)),
    ("norm", {**reduced, "p": st.sampled_from([1.0, 2.0, 2.5, "inf"])}, elementwise(apart)),
)

SIZES: Final = "sizes drop the imaginary part"

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
    kinks=KINKS,
    not_analytic={"norm": SIZES},
)
