"""Cases of smooth activations."""

from __future__ import annotations

import math
from typing import Final

from hypothesis import strategies as st

from resdebug.ops.smooth_activations import Gelu, Logsigmoid, Mish, Silu, Softplus
from tests.ops.cases.table import INF, EmptyRow, Family, KinkRow, PointRow, WrongRow, alike, on
from tests.ops.draws import Draw, normal
from tests.ops.strategies import elementwise, problems


def far(*shape: int) -> Draw:
    """Out to ±30, where exponentials are tiny or huge."""
    return Draw(shape, lambda rng, s: rng.uniform(-30, 30, s))


CASES: Final = [
    *on(Gelu(), lambda t, x: t.nn.functional.gelu(x), plane=normal(3, 4), scalar=normal(), far=far(8)),
    *on(
        Gelu(approximate="tanh"), lambda t, x: t.nn.functional.gelu(x, approximate="tanh"),
        tanh=normal(3, 4), tanh_far=far(8),
    ),
    *on(Silu(), lambda t, x: t.nn.functional.silu(x), plane=normal(3, 4), scalar=normal(), far=far(8)),
    *on(Softplus(), lambda t, x: t.nn.functional.softplus(x), plane=normal(3, 4), scalar=normal(), far=far(8)),
    *on(Softplus(beta=2.0), lambda t, x: t.nn.functional.softplus(x, 2.0), steep=normal(3, 4)),
    *on(Softplus(threshold=1.0), lambda t, x: t.nn.functional.softplus(x, 1.0, 1.0), low=normal(3, 4)),
    *on(Mish(), lambda t, x: t.nn.functional.mish(x), plane=normal(3, 4), scalar=normal(), far=far(8)),
    *on(Logsigmoid(), lambda t, x: t.nn.functional.logsigmoid(x), plane=normal(3, 4), scalar=normal(), far=far(8)),
]  # fmt: skip

EMPTY: Final[list[EmptyRow]] = [*alike((0, 2), Gelu(), Silu(), Softplus(), Mish(), Logsigmoid())]

WRONG: Final[list[WrongRow]] = [
    ("gelu", {"approximate": "erf"}, "approximate"),
    ("softplus", {"beta": 0}, "beta"),
    ("softplus", {"threshold": None}, "threshold"),
]

POINTS: Final[list[PointRow]] = [
    (Gelu(), 0.0, 0.0, 0.5),
    (Gelu(), 40.0, 40.0, 1.0),
    (Gelu(), -40.0, -0.0, 0.0),
    (Gelu(approximate="tanh"), 0.0, 0.0, 0.5),
    (Gelu(approximate="tanh"), 1e200, 1e200, 1.0),
    (Gelu(approximate="tanh"), -1e200, -0.0, 0.0),
    (Silu(), 0.0, 0.0, 0.5),
    (Silu(), 1000.0, 1000.0, 1.0),
    (Silu(), -1000.0, -0.0, 0.0),
    (Softplus(), 0.0, math.log(2), 0.5),
    (Softplus(), 1000.0, 1000.0, 1.0),
    (Softplus(), -1000.0, 0.0, 0.0),
    (Softplus(), -INF, 0.0, 0.0),
    (Softplus(threshold=0.0), 1.0, 1.0, 1.0),
    (Softplus(beta=2.0), 1e308, 1e308, 1.0),
    (Mish(), 0.0, 0.0, 0.6),
    (Mish(), 1000.0, 1000.0, 1.0),
    (Logsigmoid(), 0.0, -math.log(2), 0.5),
    (Logsigmoid(), -1000.0, -1000.0, 1.0),
    (Logsigmoid(), INF, 0.0, 0.0),
]

KINKS: Final[list[KinkRow]] = [
    # On the threshold itself it is still the logarithm.
    ("softplus", Softplus(threshold=0.0), [[0.0, -0.0, 1.0, 30.0]], lambda t, x: t.nn.functional.softplus(x, 1.0, 0.0)),
]

PROBLEMS: Final = problems(
    ("gelu", {"approximate": st.sampled_from(["none", "tanh"])}, elementwise()),
    ("silu", {}, elementwise()),
    ("softplus", {"beta": st.floats(0.5, 2), "threshold": st.just(20.0)}, elementwise()),
    ("mish", {}, elementwise()),
    ("logsigmoid", {}, elementwise()),
)

SHIFTED: Final = "forward takes |x|, which drops the imaginary part"

FAMILY: Final = Family(
    cases=CASES,
    empty=EMPTY,
    problems=PROBLEMS,
    wrong=WRONG,
    points=POINTS,
    kinks=KINKS,
    not_analytic=dict.fromkeys(("silu", "softplus", "mish", "logsigmoid"), SHIFTED),
)
