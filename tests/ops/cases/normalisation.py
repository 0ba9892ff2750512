"""Cases of normalisations."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.batch_normalisation import BatchNorm
from resdebug.ops.normalisation import LayerNorm
from tests.ops.cases.table import Case, EmptyRow, Family, RefusedRow, WrongRow, case
from tests.ops.draws import normal, positive
from tests.ops.strategies import batch, problems, rows


def batch_norms() -> list[Case]:
    """Return batch normalisations: which vectors are there, training or not, from two axes to four."""
    rows: list[tuple[str, tuple[int, ...], str, dict[str, Any]]] = [
        ("training", (3, 2, 2, 3), "wb", {"training": True}),
        ("training-bare", (3, 2, 2, 2), "", {"training": True}),
        ("training-weight", (4, 3), "w", {"training": True}),
        ("training-bias", (2, 3, 4), "b", {"training": True}),
        ("training-ignores-running", (3, 2, 2, 2), "wbr", {"training": True}),
        ("training-eps", (4, 2), "wb", {"training": True, "eps": 0.1}),
        ("training-one-example", (1, 2, 2, 3), "wb", {"training": True}),
        ("inference", (2, 3, 2, 2), "wbr", {}),
        ("inference-bare", (2, 3), "r", {}),
        ("inference-weight", (1, 3, 2), "wr", {"eps": 0.1}),
        ("inference-bias-ones", (1, 1), "br", {}),
    ]
    made = []
    for id_, shape, given, settings in rows:
        c = shape[1]
        vectors = [
            normal(c) if "w" in given else None, normal(c) if "b" in given else None,
            normal(c) if "r" in given else None, positive(c) if "r" in given else None,
        ]  # fmt: skip
        training, eps = settings.get("training", False), settings.get("eps", 1e-5)

        # In training PyTorch would update the running statistics in place; it is not given any.
        def equivalent(
            t: Any, x: Any, w: Any, b: Any, m: Any, v: Any, training: bool = training, eps: float = eps
        ) -> Any:
            m, v = (None, None) if training else (m, v)
            return t.nn.functional.batch_norm(x, m, v, w, b, training=training, eps=eps)

        made.append(case(id_, BatchNorm(**settings), [normal(*shape), *vectors], equivalent))
    return made


def layer_norm(id_: str, x: tuple[int, ...], shape: int | list[int], given: str, eps: float = 1e-5) -> Case:
    """Return a layer normalisation over the last axes ``shape``; ``given`` says which vectors are there."""
    tail = [shape] if isinstance(shape, int) else shape
    vectors = [normal(*tail) if key in given else None for key in "wb"]
    return case(
        id_,
        LayerNorm(normalized_shape=shape, eps=eps),
        [normal(*x), *vectors],
        lambda t, x, w, b: t.nn.functional.layer_norm(x, tail, w, b, eps),
    )


CASES: Final = [
    *batch_norms(),
    layer_norm("rows", (3, 4), 4, "wb"),
    layer_norm("sequence", (2, 3, 4), [4], "wb"),
    layer_norm("two-axes", (2, 3, 4), [3, 4], "wb"),
    layer_norm("whole", (3, 4), [3, 4], "wb"),
    layer_norm("bare", (2, 5), 5, ""),
    layer_norm("weight", (2, 5), 5, "w"),
    layer_norm("bias", (2, 5), 5, "b", 0.1),
]

EMPTY: Final[list[EmptyRow]] = [
    (BatchNorm(), [(0, 2, 3), (2,), (2,), (2,), (2,)], (0, 2, 3)),
    (BatchNorm(), [(3, 0), (0,), None, (0,), (0,)], (3, 0)),
    (LayerNorm(normalized_shape=3), [(0, 3), (3,), (3,)], (0, 3)),
]

REFUSED: Final[list[RefusedRow]] = [
    (BatchNorm(training=True), [(3,), None, None, None, None], "x", ["(3)"], "(N, C, ...)"),
    (BatchNorm(training=True), [(4, 3), (4,), None, None, None], "weight", ["(4,3)", "(4)"], "per channel: (3)"),
    (BatchNorm(training=True), [(4, 3), None, (1,), None, None], "bias", ["(4,3)", "(1)"], "per channel: (3)"),
    (BatchNorm(), [(4, 3), None, None, (4,), (3,)], "running_mean", ["(4,3)", "(4)"], "per channel: (3)"),
    (BatchNorm(), [(4, 3), None, None, (3,), (3, 1)], "running_var", ["(4,3)", "(3,1)"], "per channel: (3)"),
    (BatchNorm(), [(4, 3), None, None, None, None], "training", ["running_mean", "running_var"], '"training": true'),
    (BatchNorm(), [(4, 3), None, None, (3,), None], "training", ["running_mean", "running_var"], '"training": true'),
    (BatchNorm(training=True), [(1, 3), None, None, None, None], "x", ["(1,3)"], "larger batch"),
    (BatchNorm(training=True), [(0, 3, 2), None, None, None, None], "x", ["(0,3,2)"], "larger batch"),
    (LayerNorm(normalized_shape=3), [(2, 4), None, None], "normalized_shape", ["(2,4)", "(3)"], "sizes"),
    (LayerNorm(normalized_shape=[2, 3, 4]), [(3, 4), None, None], "normalized_shape", ["(3,4)", "(2,3,4)"], "sizes"),
    (LayerNorm(normalized_shape=[]), [(3, 4), None, None], "normalized_shape", ["(3,4)", "()"], "sizes"),
    (LayerNorm(normalized_shape=0), [(3, 0), None, None], "normalized_shape", ["(3,0)", "(0)"], "sizes"),
    (LayerNorm(normalized_shape=4), [(3, 4), (3,), None], "weight", ["(3)", "(4)"], "equal"),
    (LayerNorm(normalized_shape=4), [(3, 4), None, (1,)], "bias", ["(1)", "(4)"], "equal"),
]

WRONG: Final[list[WrongRow]] = [
    ("batch_norm", {"eps": -1e-5}, "eps"),
    ("batch_norm", {"training": "yes"}, "training"),
    ("layer_norm", {}, "normalized_shape"),
    ("layer_norm", {"normalized_shape": -1}, "normalized_shape"),
    ("layer_norm", {"normalized_shape": [3, -1]}, "normalized_shape"),
]

PROBLEMS: Final = problems(
    ("batch_norm", {"training": st.booleans(), "eps": st.floats(0.01, 1)}, batch),
    (
        "layer_norm",
        {
            "normalized_shape": st.integers(1, 4) | st.lists(st.integers(1, 3), min_size=1, max_size=2),
            "eps": st.floats(0.01, 1),
        },
        rows,
    ),
)

FAMILY: Final = Family(cases=CASES, empty=EMPTY, problems=PROBLEMS, refused=REFUSED, wrong=WRONG)
