"""Cases of normalisations within groups and channels, and by the root mean square."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.group_normalisation import GroupNorm, InstanceNorm, RmsNorm
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import Draw, normal, positive
from tests.ops.strategies import problems, shapes, sizes, some


def group_norm(id_: str, x: tuple[int, ...], groups: int, given: str, eps: float = 1e-5) -> Case:
    """Return a group normalisation; ``given`` says which vectors are there."""
    vectors = [normal(x[1]) if key in given else None for key in "wb"]
    return case(
        id_, GroupNorm(num_groups=groups, eps=eps), [normal(*x), *vectors],
        lambda t, x, w, b: t.nn.functional.group_norm(x, groups, w, b, eps),
    )  # fmt: skip


def instance_norm(id_: str, x: tuple[int, ...], given: str, **settings: Any) -> Case:
    """Return an instance normalisation; PyTorch would update the running statistics, so it gets copies."""
    c = x[1]
    vectors = [
        normal(c) if "w" in given else None, normal(c) if "b" in given else None,
        normal(c) if "r" in given else None, positive(c) if "r" in given else None,
    ]  # fmt: skip
    own = settings.get("use_input_stats", True)

    def equivalent(t: Any, x: Any, w: Any, b: Any, m: Any, v: Any) -> Any:
        m, v = (None, None) if own else (m, v)
        return t.nn.functional.instance_norm(x, m, v, w, b, own, 0.1, settings.get("eps", 1e-5))

    return case(id_, InstanceNorm(**settings), [normal(*x), *vectors], equivalent)


def rms_norm(id_: str, x: tuple[int, ...], shape: int | list[int], given: str, eps: float | None = None) -> Case:
    """Return a root-mean-square normalisation."""
    tail = [shape] if isinstance(shape, int) else shape
    return case(
        id_, RmsNorm(normalized_shape=shape, eps=eps), [normal(*x), normal(*tail) if given else None],
        lambda t, x, w: t.nn.functional.rms_norm(x, tail, w, eps),
    )  # fmt: skip


CASES: Final = [
    group_norm("image", (2, 4, 3, 2), 2, "wb"),
    group_norm("one-group", (2, 3, 4), 1, "wb"),
    group_norm("as-instance", (2, 3, 4), 3, "w"),
    group_norm("rows", (3, 8), 2, "wb"),
    group_norm("bare", (1, 4, 2, 2), 2, "", 0.1),
    instance_norm("image", (2, 3, 3, 2), "wb"),
    instance_norm("sequence", (2, 2, 4), "w"),
    instance_norm("bare", (1, 2, 3), "", eps=0.1),
    instance_norm("bias-ignores-running", (2, 2, 3), "br"),
    instance_norm("running", (2, 3, 2, 2), "wbr", use_input_stats=False),
    instance_norm("running-bare", (2, 3, 4), "r", use_input_stats=False, eps=0.1),
    rms_norm("rows", (3, 4), 4, "w"),
    rms_norm("sequence", (2, 3, 4), [4], "w", 1e-6),
    rms_norm("two-axes", (2, 3, 4), [3, 4], "w", 0.1),
    rms_norm("bare", (2, 5), 5, ""),
]

EMPTY: Final[list[EmptyRow]] = [
    (GroupNorm(num_groups=2), [(0, 4, 3), (4,), None], (0, 4, 3)),
    (InstanceNorm(), [(0, 2, 3), None, (2,), None, None], (0, 2, 3)),
    (InstanceNorm(use_input_stats=False), [(2, 0, 3), None, None, (0,), (0,)], (2, 0, 3)),
    (RmsNorm(normalized_shape=3), [(0, 3), (3,)], (0, 3)),
]

REFUSED: Final[list[RefusedRow]] = [
    (GroupNorm(num_groups=2), [(3,), None, None], "x", ["(3)"], "(N, C, ...)"),
    (GroupNorm(num_groups=2), [(2, 3, 4), None, None], "num_groups", ["(2,3,4)", "2 groups", "3 channels"], "divisor"),
    (GroupNorm(num_groups=2), [(2, 4, 0), None, None], "x", ["(2,4,0)", "empty"], "> 0"),
    (GroupNorm(num_groups=1), [(2, 4, 3), (3,), None], "weight", ["(2,4,3)", "(3)"], "per channel: (4)"),
    (GroupNorm(num_groups=1), [(2, 4, 3), None, (1,)], "bias", ["(2,4,3)", "(1)"], "per channel: (4)"),
    (InstanceNorm(), [(2,), None, None, None, None], "x", ["(2)"], "(N, C, ...)"),
    (InstanceNorm(), [(2, 3, 1), None, None, None, None], "x", ["(2,3,1)", "more than one place"], "larger image"),
    (InstanceNorm(), [(2, 3), None, None, None, None], "x", ["(2,3)"], "larger image"),
    (InstanceNorm(use_input_stats=False), [(2, 3, 4)] + [None] * 4, "use_input_stats", ["running_mean"], "true"),
    (InstanceNorm(), [(2, 3, 4), None, None, (4,), (3,)], "running_mean", ["(2,3,4)", "(4)"], "per channel: (3)"),
    (RmsNorm(normalized_shape=3), [(2, 4), None], "normalized_shape", ["(2,4)", "(3)"], "sizes"),
    (RmsNorm(normalized_shape=4), [(2, 4), (1,)], "weight", ["(1)", "(4)"], "equal"),
]

WRONG: Final[list[WrongRow]] = [
    ("group_norm", {}, "num_groups"),
    ("group_norm", {"num_groups": 0}, "num_groups"),
    ("group_norm", {"num_groups": 1, "eps": -1.0}, "eps"),
    ("instance_norm", {"use_input_stats": 1}, "use_input_stats"),
    ("rms_norm", {}, "normalized_shape"),
    ("rms_norm", {"normalized_shape": 3, "eps": -1e-6}, "eps"),
]


def grouped(draw: st.DrawFn, num_groups: int, **_: Any) -> list[Draw | None]:
    """Return a tensor whose channels the groups divide."""
    c = num_groups * draw(st.integers(1, 2))
    places = draw(st.lists(st.integers(1, 3), max_size=2))
    # A group of one element has no spread, and differences of 0/0 none at all.
    return [normal(draw(sizes), c, 2, *places), some(draw, normal(c)), some(draw, normal(c))]


def instances(draw: st.DrawFn, use_input_stats: bool, **_: Any) -> list[Draw | None]:
    """Return a tensor of channels with two or more places."""
    c = draw(sizes)
    running = [None, None] if use_input_stats else [normal(c), positive(c)]
    return [normal(draw(sizes), c, draw(st.integers(2, 4))), some(draw, normal(c)), some(draw, normal(c)), *running]


def rows(draw: st.DrawFn, normalized_shape: int | list[int], **_: Any) -> list[Draw | None]:
    """Return a tensor that ends in the shape, and a weight of it."""
    tail = [normalized_shape] if isinstance(normalized_shape, int) else normalized_shape
    return [normal(*draw(shapes)[:2], *tail), some(draw, normal(*tail))]


PROBLEMS: Final = problems(
    ("group_norm", {"num_groups": st.integers(1, 3), "eps": st.floats(0.01, 1)}, grouped),
    ("instance_norm", {"use_input_stats": st.booleans(), "eps": st.floats(0.01, 1)}, instances),
    (
        "rms_norm",
        {
            "normalized_shape": st.integers(1, 4) | st.lists(st.integers(1, 3), min_size=1, max_size=2),
            "eps": st.floats(0.01, 1),
        },
        rows,
    ),
)

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED, wrong=WRONG)
