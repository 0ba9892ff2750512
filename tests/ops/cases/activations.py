"""Cases of activations."""

from __future__ import annotations

import math
from typing import Any, Final

from hypothesis import strategies as st

from resdebug.ops.activations import (
    Celu,
    Elu,
    HardSigmoid,
    HardSwish,
    Hardtanh,
    LeakyRelu,
    Prelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Tanh,
)  # fmt: skip
from tests.ops.cases.table import INF, Case, EmptyRow, Family, KinkRow, PointRow, RefusedRow, WrongRow, alike, case, on
from tests.ops.draws import Draw, normal, off_zero
from tests.ops.strategies import elementwise, problems, shapes


def wide(*shape: int) -> Draw:
    """From −8 to 8 in steps of 1, a quarter off the whole numbers: never at the kinks at 0, 1/2, ±1, ±2, ±3 and 6."""
    return Draw(shape, lambda rng, s: rng.integers(-8, 8, s) + 0.25)


def hard_sigmoid(t: Any, x: Any) -> Any:
    """PyTorch's own, except on the way back in float64: there it takes 1/6 in single precision, and is off by 5e-9."""
    if x.requires_grad and x.dtype == t.float64:
        return t.nn.functional.relu6(x + 3) / 6
    return t.nn.functional.hardsigmoid(x)


def slopes(**rows: tuple[tuple[int, ...], tuple[int, ...]]) -> list[Case]:
    """Return learned slopes of these shapes; PyTorch takes no scalar for one."""

    def equivalent(t: Any, x: Any, weight: Any) -> Any:
        return t.nn.functional.prelu(x, weight.reshape(-1))

    return [case(id_, Prelu(), [off_zero(*x), normal(*weight)], equivalent) for id_, (x, weight) in rows.items()]


CASES: Final = [
    *on(Relu(), lambda _, x: x.relu(), plane=off_zero(3, 4), scalar=off_zero(), image=off_zero(1, 2, 3, 2)),
    *on(Tanh(), lambda _, x: x.tanh(), plane=normal(3, 4), scalar=normal()),
    *on(Sigmoid(), lambda _, x: x.sigmoid(), plane=normal(3, 4), scalar=normal()),
    *on(Relu6(), lambda t, x: t.nn.functional.relu6(x), plane=wide(4, 5), scalar=wide()),
    *on(Hardtanh(), lambda t, x: t.nn.functional.hardtanh(x), plane=wide(4, 5), scalar=wide()),
    *on(Hardtanh(min_val=-2.0, max_val=0.5), lambda t, x: t.nn.functional.hardtanh(x, -2.0, 0.5), lopsided=wide(4, 5)),
    *on(HardSigmoid(), hard_sigmoid, plane=wide(4, 5), scalar=wide()),
    *on(HardSwish(), lambda t, x: t.nn.functional.hardswish(x), plane=wide(4, 5), scalar=wide()),
    *on(LeakyRelu(), lambda t, x: t.nn.functional.leaky_relu(x), plane=off_zero(3, 4), scalar=off_zero()),
    *on(LeakyRelu(negative_slope=-0.5), lambda t, x: t.nn.functional.leaky_relu(x, -0.5), steep=off_zero(3, 4)),
    *on(Elu(), lambda t, x: t.nn.functional.elu(x), plane=off_zero(3, 4), scalar=off_zero()),
    *on(Elu(alpha=0.5), lambda t, x: t.nn.functional.elu(x, 0.5), half=off_zero(3, 4)),
    *on(Selu(), lambda t, x: t.nn.functional.selu(x), plane=off_zero(3, 4), scalar=off_zero()),
    *on(Celu(), lambda t, x: t.nn.functional.celu(x), plane=off_zero(3, 4), scalar=off_zero()),
    *on(Celu(alpha=0.5), lambda t, x: t.nn.functional.celu(x, 0.5), half=off_zero(3, 4)),
    *slopes(
        one=((3, 4), (1,)),
        number=((3, 4), ()),
        channels=((2, 3, 2), (3,)),
        image=((2, 2, 2, 2), (2,)),
        vector=((4,), (1,)),
        scalar=((), (1,)),
    ),
]

EMPTY: Final[list[EmptyRow]] = [
    *alike((0,), Relu(), Tanh(), Sigmoid(), Relu6(), Hardtanh(), HardSigmoid(), HardSwish(), LeakyRelu(), Elu()),
    *alike((2, 0), Selu(), Celu()),
    (Prelu(), [(2, 3, 0), (3,)], (2, 3, 0)),
    (Prelu(), [(2, 0), (0,)], (2, 0)),
]

REFUSED: Final[list[RefusedRow]] = [
    (Hardtanh(min_val=1, max_val=1), [(2,)], "min_val", ["min_val 1", "max_val 1"], "exchange"),
    (Prelu(), [(2, 3), (2,)], "weight", ["(2,3)", "(2)"], "(1) or (3)"),
    (Prelu(), [(2, 3), (1, 3)], "weight", ["(2,3)", "(1,3)"], "(1) or (3)"),
    (Prelu(), [(4,), (4,)], "weight", ["(4)"], "weight is (1)"),
]

WRONG: Final[list[WrongRow]] = [
    ("hardtanh", {"min_val": None}, "min_val"),
    ("leaky_relu", {"negative_slope": "a"}, "negative_slope"),
    ("elu", {"alpha": None}, "alpha"),
    ("celu", {"alpha": 0}, "alpha"),
]

POINTS: Final[list[PointRow]] = [
    (Relu(), 0.0, 0.0, 0.0),
    (Relu(), -0.0, 0.0, 0.0),
    (Relu(), INF, INF, 1.0),
    (Relu(), -INF, 0.0, 0.0),
    (Relu(), 5e-324, 5e-324, 1.0),
    (Tanh(), INF, 1.0, 0.0),
    (Tanh(), -INF, -1.0, 0.0),
    (Sigmoid(), 1000.0, 1.0, 0.0),
    (Sigmoid(), -1000.0, 0.0, 0.0),
    (Sigmoid(), -INF, 0.0, 0.0),
    (Sigmoid(), -40.0, math.exp(-40), math.exp(-40)),
    (Relu6(), INF, 6.0, 0.0),
    (Hardtanh(), -INF, -1.0, 0.0),
    (HardSigmoid(), -INF, 0.0, 0.0),
    (HardSwish(), 1e308, 1e308, 1.0),
    (HardSwish(), -1e308, -0.0, 0.0),
    (LeakyRelu(), -INF, -INF, 0.01),
    (Elu(alpha=0.5), -INF, -0.5, 0.0),
    (Elu(), 1000.0, 1000.0, 1.0),
    (Celu(alpha=0.5), -INF, -0.5, 0.0),
    (Selu(), -INF, -1.0507009873554805 * 1.6732632423543772, 0.0),
]

EDGES: Final = [0.0, -0.0, 6.0, 1.0, -1.0, 3.0, -3.0, 9.0, -9.0]
ZEROS: Final = [0.0, -0.0]

KINKS: Final[list[KinkRow]] = [
    ("relu6", Relu6(), [EDGES], lambda t, x: t.nn.functional.relu6(x)),
    ("hardtanh", Hardtanh(), [EDGES], lambda t, x: t.nn.functional.hardtanh(x)),
    ("hard_sigmoid", HardSigmoid(), [EDGES], hard_sigmoid),
    ("hard_swish", HardSwish(), [[-3.0, 0.0, 3.0, 6.0, -6.0, 1.5]], lambda t, x: t.nn.functional.hardswish(x)),
    ("leaky_relu", LeakyRelu(negative_slope=0.25), [EDGES], lambda t, x: t.nn.functional.leaky_relu(x, 0.25)),
    ("elu", Elu(alpha=0.5), [ZEROS], lambda t, x: t.nn.functional.elu(x, 0.5)),
    ("celu", Celu(alpha=0.5), [ZEROS], lambda t, x: t.nn.functional.celu(x, 0.5)),
    ("selu", Selu(), [ZEROS], lambda t, x: t.nn.functional.selu(x)),
    ("prelu", Prelu(), [EDGES, [0.25]], lambda t, x, w: t.nn.functional.prelu(x, w)),
    ("relu", Relu(), [[0.0, -0.0, 1.0, -1.0]], lambda _, x: x.relu()),
]


def sloped(draw: st.DrawFn) -> list[Draw]:
    """Return a tensor and its slopes."""
    x = draw(shapes)
    return [off_zero(*x), normal(draw(st.sampled_from([1, *x[1:2]])))]


PROBLEMS: Final = problems(
    ("relu", {}, elementwise(off_zero)),
    ("tanh", {}, elementwise()),
    ("sigmoid", {}, elementwise()),
    ("relu6", {}, elementwise(wide)),
    ("hardtanh", {"min_val": st.sampled_from([-2.0, -1.0]), "max_val": st.sampled_from([0.5, 2.0])}, elementwise(wide)),
    ("hard_sigmoid", {}, elementwise(wide)),
    ("hard_swish", {}, elementwise(wide)),
    ("leaky_relu", {"negative_slope": st.floats(-1, 1)}, elementwise(off_zero)),
    ("elu", {"alpha": st.floats(0.1, 2)}, elementwise(off_zero)),
    ("selu", {}, elementwise(off_zero)),
    ("celu", {"alpha": st.floats(0.5, 2)}, elementwise(off_zero)),
    ("prelu", {}, sloped),
)

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    points=POINTS,
    nan_touches_some={"prelu": "a slope meets negative elements only"},
    refused=REFUSED,
    wrong=WRONG,
    kinks=KINKS,
    not_analytic={"sigmoid": "forward takes |x|, which drops the imaginary part"},
)
