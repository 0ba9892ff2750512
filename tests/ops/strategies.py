"""Random problems for every operator: settings and shapes, with sizes 0 and 1 among them.

What an operator's shape rule refuses is drawn again, so that a problem is always one that a network may hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from resdebug.network.signature import RuleBroken
from resdebug.network.types import TensorType
from resdebug.ops import CATALOGUE
from resdebug.ops.base import Operator
from tests.ops.draws import Array, Draw, normal, positive

Shape: TypeAlias = tuple[int, ...]
Strategy: TypeAlias = st.SearchStrategy[Any]


@dataclass(frozen=True)
class Problem:
    """An operator with its settings, and the draws of its inputs."""

    operator: Operator
    draws: tuple[Draw | None, ...]
    seed: int

    @property
    def output(self) -> TensorType:
        """The output's type by the operator's own shape rule."""
        return self.operator.infer(
            *(None if d is None else TensorType(d.shape, d.fixed or "float64") for d in self.draws)
        )

    def arrays(self) -> list[Array | None]:
        """Return the inputs, read-only."""
        rng = np.random.default_rng([self.seed, 0])
        return [None if draw is None else draw.array(rng) for draw in self.draws]

    def random(self, shape: Shape, purpose: int) -> Array:
        """Return an adjoint or a direction."""
        return np.asarray(np.random.default_rng([self.seed, purpose]).standard_normal(shape))

    def positions(self) -> list[int]:
        """Return the filled slots that take an adjoint; whole numbers never do."""
        count = len(self.draws)
        floats = [i for i, d in enumerate(self.draws) if d is not None and not d.fixed]
        return [i for i in floats if self.operator.slot(i, count).differentiable]


# One size in twelve is 0: with more, most tensors of several axes would be empty.
sizes = st.sampled_from([2, 3, 1, 4, 2, 3, 1, 4, 2, 3, 5, 0])
shapes = st.lists(sizes, max_size=4).map(tuple)


@st.composite
def problem(draw: st.DrawFn, op: str, settings: dict[str, Strategy], draws: Callable[..., Sequence[Any]]) -> Problem:
    """Draw settings, then the inputs' draws by a function of ``draw`` and the settings; keep what is accepted."""
    chosen = {name: draw(strategy) for name, strategy in settings.items()}
    made = Problem(CATALOGUE[op](**chosen), tuple(draws(draw, **chosen)), draw(st.integers(0, 2**32 - 1)))
    try:
        made.output  # noqa: B018 (asks the shape rule)
    except RuleBroken:
        assume(False)
    return made


def broadcasting(draw: st.DrawFn, second: Callable[..., Draw] = normal) -> list[Draw]:
    """Return two operands that broadcast: axes of a common shape, left out or made 1 on either side."""
    common = draw(shapes)
    pair = []
    for _ in range(2):
        kept = common[draw(st.integers(0, len(common))) :]
        pair.append(tuple(1 if draw(st.integers(0, 3)) == 3 else n for n in kept))
    return [normal(*pair[0]), second(*pair[1])]


def elementwise(made: Callable[..., Draw] = normal) -> Callable[..., list[Draw]]:
    """Return draws of one tensor of any shape."""
    return lambda draw, **_: [made(*draw(shapes))]


def some(draw: st.DrawFn, made: Draw) -> Draw | None:
    """Fill an optional slot, or leave it empty."""
    return made if draw(st.booleans()) else None


def matrices(draw: st.DrawFn) -> list[Draw]:
    n, k, m = (draw(sizes) for _ in range(3))
    left, right = broadcasting(draw)
    a = draw(st.sampled_from([(k,), (*left.shape[:2], n, k)]))
    b = draw(st.sampled_from([(k,), (*right.shape[:2], k, m)]))
    return [normal(*a), normal(*b)]


def layer(draw: st.DrawFn) -> list[Draw | None]:
    fan_in, fan_out = draw(sizes), draw(sizes)
    return [normal(*draw(shapes)[:3], fan_in), normal(fan_out, fan_in), some(draw, normal(fan_out))]


def image(draw: st.DrawFn, channels: int) -> Shape:
    places = st.sampled_from([4, 5, 3, 6, 7, 2, 1, 4, 5, 6, 3, 0])
    return (draw(st.sampled_from([1, 2, 1, 2, 0])), channels, draw(places), draw(places))


def convolved(draw: st.DrawFn, groups: int, **_: Any) -> list[Draw | None]:
    inside, out = draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    return [normal(*image(draw, groups * inside)), normal(out, inside, *kernel), some(draw, normal(out))]


def batch(draw: st.DrawFn, training: bool, **_: Any) -> list[Draw | None]:
    c = draw(sizes)
    tail = draw(st.lists(sizes, max_size=2))
    running = [None, None] if training else [normal(c), positive(c)]
    return [normal(draw(sizes), c, *tail), some(draw, normal(c)), some(draw, normal(c)), *running]


def rows(draw: st.DrawFn, normalized_shape: int | list[int], **_: Any) -> list[Draw | None]:
    tail = [normalized_shape] if isinstance(normalized_shape, int) else normalized_shape
    x = normal(*draw(shapes)[:2], *tail)
    return [x, some(draw, normal(*tail)), some(draw, normal(*tail))]


def parts(draw: st.DrawFn, dim: int) -> list[Draw]:
    common = list(draw(st.lists(sizes, min_size=1, max_size=3)))
    assume(-len(common) <= dim < len(common))
    made = []
    for _ in range(draw(st.integers(1, 3))):
        common[dim] = draw(sizes)
        made.append(normal(*common))
    return made


def same_shape(draw: st.DrawFn, **_: Any) -> list[Draw]:
    shape = draw(shapes)
    return [normal(*shape), normal(*shape)]


axis = st.integers(-3, 3)
reduced = {"dim": st.none() | axis | st.lists(axis, max_size=3), "keepdim": st.booleans()}
losses = {"reduction": st.sampled_from(["mean", "sum", "none"])}


def both_axes(low: int, high: int) -> Strategy:
    """Return one number, or one per axis."""
    return st.integers(low, high) | st.lists(st.integers(low, high), min_size=2, max_size=2)


pool = {"kernel_size": both_axes(1, 3), "stride": st.none() | both_axes(1, 3), "padding": both_axes(0, 1)}


def pooled(made: Callable[..., Draw]) -> Callable[..., list[Draw]]:
    """Return draws of an image."""
    return lambda draw, **_: [made(*image(draw, draw(st.sampled_from([1, 2, 2, 1, 0]))))]


Problems: TypeAlias = dict[str, st.SearchStrategy[Problem]]


def problems(*rows: tuple[str, dict[str, Strategy], Callable[..., Sequence[Any]]]) -> Problems:
    """Return one strategy per row: an operator's name, its settings, its inputs."""
    return {op: problem(op, settings, draws) for op, settings, draws in rows}
