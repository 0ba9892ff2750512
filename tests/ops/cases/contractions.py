"""Cases of einsum and the outer product."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.contractions import Einsum, Outer
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import Draw, normal
from tests.ops.strategies import problems, sizes

SIZES: Final = dict(zip("abijkln", (2, 3, 2, 3, 4, 2, 2), strict=True))


def einsum(id_: str, equation: str) -> Case:
    """Return a contraction; every letter has its own size."""
    left = equation.replace(" ", "").partition("->")[0]
    draws = [normal(*(SIZES[letter] for letter in term)) for term in left.split(",")]
    return case(id_, Einsum(equation=equation), draws, lambda t, *xs: t.einsum(equation, *xs))


CASES: Final = [
    case("vectors", Outer(), [normal(3), normal(4)], lambda t, a, b: t.outer(a, b)),
    case("ones", Outer(), [normal(1), normal(1)], lambda t, a, b: t.outer(a, b)),
    einsum("matrices", "ij,jk->ik"),
    einsum("implicit", "ij,jk"),
    einsum("spaces", " ij , jk -> k i "),
    einsum("inner", "i,i->"),
    einsum("outer", "i,j->ij"),
    einsum("batch", "nij,njk->nik"),
    einsum("bilinear", "i,ijk,k->j"),
    einsum("attention", "nia,nja->nij"),
    einsum("transposed", "ijk->kij"),
    einsum("summed", "ijk->j"),
    einsum("summed-alone", "ij,k->k"),
    einsum("all", "ij->"),
    einsum("diagonal", "ii->i"),
    einsum("trace", "ii"),
    einsum("diagonal-times", "iji,j->i"),
    einsum("scalars", ",->"),
    einsum("elementwise", "ij,ij->ij"),
    einsum("four", "ij,jk,kl,ln->in"),
]

EMPTY: Final[list[EmptyRow]] = [
    (Outer(), [(0,), (3,)], (0, 3)),
    (Einsum(equation="ij,jk->ik"), [(2, 0), (0, 3)], (2, 3)),
    (Einsum(equation="ij->j"), [(0, 3)], (3,)),
    (Einsum(equation="ii->i"), [(0, 0)], (0,)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Outer(), [(2, 3), (3,)], "a", ["(2,3)"], "vectors"),
    (Outer(), [(3,), ()], "b", ["()"], "vectors"),
    (Einsum(equation="ij,jk->ik"), [(2, 3)], "equation", ["2 operands", "1 inputs"], "commas"),
    (Einsum(equation="ij,jk->ik"), [(2, 3), (4, 2)], "x1", ["(4,2)", "(2,3)", '"j" is 4 and 3'], "one size"),
    (Einsum(equation="ij->i"), [(2, 3, 4)], "x0", ["(2,3,4)", '"ij"'], "one letter per axis"),
    (Einsum(equation="ij->k"), [(2, 3)], "equation", ['"k" is in no operand'], "once"),
    (Einsum(equation="ij->ii"), [(2, 3)], "equation", ['"i" stands twice'], "once"),
    (Einsum(equation="...i->i"), [(2, 3)], "equation", ["not of the form"], "letters"),
    (Einsum(equation="ij->i->j"), [(2, 3)], "equation", ["not of the form"], "letters"),
    (Einsum(equation="i1->i"), [(2, 3)], "equation", ["not of the form"], "letters"),
    (Einsum(equation="ii->i"), [(2, 3)], "x0", ['"i" is 3 and 2'], "one size"),
]

WRONG: Final[list[WrongRow]] = [
    ("einsum", {}, "equation"),
    ("einsum", {"equation": 3}, "equation"),
    ("einsum", {"equation": "i" * 501}, "equation"),
]


def vectors(draw: st.DrawFn) -> list[Draw]:
    """Return two vectors."""
    return [normal(draw(sizes)), normal(draw(sizes))]


def operands(draw: st.DrawFn, equation: str) -> list[Draw]:
    """Return tensors whose sizes fit the equation."""
    size = {letter: draw(sizes) for letter in "ijkl"}
    return [normal(*(size[letter] for letter in term)) for term in equation.partition("->")[0].split(",")]


def equations() -> st.SearchStrategy[Any]:
    """Return equations of one to three operands over four letters, repetitions among them."""
    term = st.text("ijkl", max_size=3)
    return st.lists(term, min_size=1, max_size=3).flatmap(
        lambda terms: (
            st.lists(st.sampled_from(sorted({*"".join(terms)})), unique=True, max_size=3).map(
                lambda out: f"{','.join(terms)}->{''.join(out)}"
            )
            if "".join(terms)
            else st.just(f"{','.join(terms)}->")
        )
    )


PROBLEMS: Final = problems(("outer", {}, vectors), ("einsum", {"equation": equations()}, operands))

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    refused=REFUSED,
    wrong=WRONG,
)
