"""What a case is, and what else a family of operators brings to the tests."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from resdebug.network.types import TensorType
from resdebug.ops.base import Operator
from tests.ops.draws import Array, Draw, normal
from tests.ops.strategies import Problems

INF, NAN = math.inf, math.nan

Shape: TypeAlias = tuple[int, ...] | None

EmptyRow: TypeAlias = tuple[Operator, list[Shape], tuple[int, ...]]
"""An operator, one shape per slot with a size 0 among them, and the output's shape."""

RefusedRow: TypeAlias = tuple[Operator, list[Shape], str, list[str], str]
"""An operator, one shape per slot, the key that is blamed, and what the message and the hint must hold."""

WrongRow: TypeAlias = tuple[str, dict[str, Any], str]
"""An operator's name, attributes of which one is wrong, and the name of that one."""

PointRow: TypeAlias = tuple[Operator, float, float, float]
"""An operator, x, f(x), and f'(x): what it does at a kink, a pole, or far out."""

KinkRow: TypeAlias = tuple[str, Operator, list[Any], Callable[..., Any]]
"""A name, an operator, one nested list of numbers per slot, and the same in PyTorch: what both do at kinks and ties."""


@dataclass(frozen=True)
class Case:
    """One operator with its settings and inputs, and the same function in PyTorch."""

    id: str
    operator: Operator
    draws: tuple[Draw | None, ...]
    torch: Callable[..., Any]

    def rng(self, purpose: int = 0) -> np.random.Generator:
        """Return a generator that depends on the case and the purpose alone, not on the order of the tests."""
        return np.random.default_rng([zlib.crc32(self.id.encode()), purpose])

    def arrays(self, dtype: str = "float64") -> list[Array | None]:
        """Return one read-only array per slot."""
        rng = self.rng()
        return [None if draw is None else draw.array(rng, dtype) for draw in self.draws]

    def ybar(self, dtype: str = "float64") -> Array:
        """Return a random adjoint of the output, read-only, independent of the inputs."""
        drawn: Array = np.asarray(self.rng(1).standard_normal(self.inferred().shape)).astype(dtype)
        drawn.flags.writeable = False
        return drawn

    def types(self, dtype: str = "float64") -> list[TensorType | None]:
        """Return the type of the input in every slot."""
        return [None if d is None else TensorType(d.shape, d.fixed or dtype) for d in self.draws]

    def inferred(self, dtype: str = "float64") -> TensorType:
        """Return the output's type by the operator's own shape rule."""
        return self.operator.infer(*self.types(dtype))

    def positions(self) -> list[int]:
        """Return the filled slots that take an adjoint; whole numbers never do."""
        count = len(self.draws)
        floats = [i for i, d in enumerate(self.draws) if d is not None and not d.fixed]
        return [i for i in floats if self.operator.slot(i, count).differentiable]


def case(id_: str, operator: Operator, draws: Sequence[Draw | None], torch: Callable[..., Any]) -> Case:
    """Return a case whose id starts with the operator's name."""
    return Case(f"{operator.op()}-{id_}", operator, tuple(draws), torch)


def on(operator: Operator, torch: Callable[..., Any], **draws: Draw) -> list[Case]:
    """Return one case per input, for an operator with one slot."""
    return [case(id_, operator, [draw], torch) for id_, draw in draws.items()]


def both(operator: Operator, torch: Callable[..., Any], b: Callable[..., Draw] = normal) -> list[Case]:
    """Return the cases of elementwise arithmetic: every way in which one or both operands are stretched."""
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
        "same": ((3, 4), (3, 4)),
        "scalars": ((), ()),
        "scalar-left": ((), (2, 3)),
        "scalar-right": ((2, 3), ()),
        "row": ((2, 3, 4), (4,)),
        "column": ((2, 3), (2, 1)),
        "mutual": ((2, 1, 4), (3, 1)),
        "longer-right": ((4,), (2, 1, 4)),
        "ones": ((1, 1), (1,)),
    }
    return [case(id_, operator, [normal(*left), b(*right)], torch) for id_, (left, right) in shapes.items()]


def alike(shape: tuple[int, ...], *operators: Operator) -> list[EmptyRow]:
    """Return rows of elementwise operators on one shape."""
    return [(operator, [shape], shape) for operator in operators]


@dataclass(frozen=True)
class Family:
    """All that the tests of every operator need to know of one family."""

    cases: Sequence[Case]
    empty: Sequence[EmptyRow]
    problems: Problems
    refused: Sequence[RefusedRow] = ()
    wrong: Sequence[WrongRow] = ()
    points: Sequence[PointRow] = ()
    kinks: Sequence[KinkRow] = ()
    elements: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Which slots take other elements than floats: (operator, slot) to ``any`` or ``integer``."""
    not_analytic: Mapping[str, str] = field(default_factory=dict)
    """Operators that the complex step cannot check, and why. All others run on complex numbers as they are: numpy
    orders those by their real parts, so that relu and max_pool2d choose as they do on real ones."""
    nan_touches_some: Mapping[str, str] = field(default_factory=dict)
    """Operators (or cases by id) where an input full of NaN leaves some of the output as it was, and what."""
    nan_stops: Mapping[str, str] = field(default_factory=dict)
    """Operators (or cases by id) where NaN in an input does not show in the output at all, and why."""
