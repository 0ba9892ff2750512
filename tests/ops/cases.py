"""The table of cases: every operator with a spread of settings and shapes, and the same in PyTorch.

The last entry of a case is a function of the module ``torch`` and one tensor per filled slot (None where an optional
slot is empty), so that the table can be read where PyTorch is not installed. Inputs stay away from kinks, ties and
poles: relu and div use ``off_zero``, max_pool2d ``distinct``, log, sqrt, variances and fractional powers ``positive``.
What happens at those places is a convention, and test_conventions.py has it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from resdebug.network.signature import LEAVES
from resdebug.network.types import TensorType
from resdebug.ops import CATALOGUE
from resdebug.ops.activations import Relu, Sigmoid, Tanh
from resdebug.ops.arithmetic import Add, Div, Mul, Sub
from resdebug.ops.base import Operator
from resdebug.ops.convolution import Conv2d
from resdebug.ops.elementwise import Exp, Identity, Log, Neg, Pow, Scale, Sqrt
from resdebug.ops.linear_algebra import Linear, Matmul
from resdebug.ops.losses import CrossEntropy, MseLoss
from resdebug.ops.normalisation import BatchNorm, LayerNorm
from resdebug.ops.pooling import AvgPool2d, GlobalAvgPool, MaxPool2d
from resdebug.ops.reductions import Mean, Sum
from resdebug.ops.shaping import Concat, Flatten, Reshape, Transpose
from resdebug.ops.softmaxes import LogSoftmax, Softmax
from tests.ops.draws import Array, Draw, classes, distinct, normal, off_zero, positive

DIFFERENTIATED: Final = tuple(name for name in CATALOGUE if name not in LEAVES)
"""Every operator that computes something."""

NOT_ANALYTIC: Final = {"sigmoid": "forward takes |x|, which drops the imaginary part"}
"""Operators that the complex step cannot check, and why. All others run on complex numbers as they are: numpy orders
those by their real parts, so that relu and max_pool2d choose as they do on real ones."""


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
        return [None if d is None else TensorType(d.shape, "int64" if d.integer else dtype) for d in self.draws]

    def inferred(self, dtype: str = "float64") -> TensorType:
        """Return the output's type by the operator's own shape rule."""
        return self.operator.infer(*self.types(dtype))

    def positions(self) -> list[int]:
        """Return the filled slots that take an adjoint."""
        count = len(self.draws)
        return [i for i, d in enumerate(self.draws) if d is not None and self.operator.slot(i, count).differentiable]


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


ELEMENTWISE: Final = [
    *both(Add(), lambda _, a, b: a + b),
    *both(Sub(), lambda _, a, b: a - b),
    *both(Mul(), lambda _, a, b: a * b),
    *both(Div(), lambda _, a, b: a / b, b=off_zero),
    *on(Identity(), lambda _, x: x.clone(), plane=normal(2, 3), scalar=normal()),
    *on(Neg(), lambda _, x: -x, plane=normal(2, 3), scalar=normal()),
    *on(Scale(factor=0.5), lambda _, x: 0.5 * x, half=normal(2, 3)),
    *on(Scale(factor=-3.0), lambda _, x: -3.0 * x, minus3=normal(2, 1, 2)),
    *on(Scale(factor=0.0), lambda _, x: 0.0 * x, zero=normal()),
    *on(Pow(exponent=2.0), lambda _, x: x**2, square=normal(2, 3)),
    *on(Pow(exponent=3.0), lambda _, x: x**3, cube_scalar=normal()),
    *on(Pow(exponent=1.0), lambda _, x: x**1, one=normal(3)),
    *on(Pow(exponent=0.0), lambda _, x: x**0, zero=normal(3)),
    *on(Pow(exponent=0.5), lambda _, x: x**0.5, root=positive(2, 3)),
    *on(Pow(exponent=-1.5), lambda _, x: x**-1.5, minus1_5=positive(4)),
    *on(Exp(), lambda _, x: x.exp(), plane=normal(2, 3), scalar=normal()),
    *on(Log(), lambda _, x: x.log(), plane=positive(2, 3), scalar=positive()),
    *on(Sqrt(), lambda _, x: x.sqrt(), plane=positive(2, 3), scalar=positive()),
    *on(Relu(), lambda _, x: x.relu(), plane=off_zero(3, 4), scalar=off_zero(), image=off_zero(1, 2, 3, 2)),
    *on(Tanh(), lambda _, x: x.tanh(), plane=normal(3, 4), scalar=normal()),
    *on(Sigmoid(), lambda _, x: x.sigmoid(), plane=normal(3, 4), scalar=normal()),
]


def products(**shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> list[Case]:
    """Return matrix products of these shapes."""
    return [
        case(id_, Matmul(), [normal(*left), normal(*right)], lambda _, a, b: a @ b)
        for id_, (left, right) in shapes.items()
    ]


def layers(**shapes: tuple[int, ...]) -> list[Case]:
    """Return fully connected layers from the last of ``shape`` to 3, with and without a bias."""
    return [
        case(f"{id_}{'-bias' if bias else ''}", Linear(), [normal(*x), normal(3, x[-1]), bias],
             lambda t, x, w, b: t.nn.functional.linear(x, w, b))
        for id_, x in shapes.items() for bias in (None, normal(3))
    ]  # fmt: skip


LINEAR_ALGEBRA: Final = [
    *products(
        vectors=((3,), (3,)),
        vector_matrix=((3,), (3, 4)),
        matrix_vector=((2, 3), (3,)),
        matrices=((2, 3), (3, 4)),
        square=((3, 3), (3, 3)),
        batches=((2, 3, 4), (2, 4, 2)),
        batch_matrix=((2, 3, 4), (4, 2)),
        matrix_batch=((3, 4), (2, 4, 2)),
        vector_batch=((4,), (2, 4, 3)),
        batch_vector=((2, 3, 4), (4,)),
        stretched=((2, 1, 3, 4), (3, 4, 2)),
        ones=((1, 1), (1, 1)),
        inner_one=((3, 1), (1, 2)),
    ),
    *layers(rows=(4, 5), vector=(5,), sequence=(2, 4, 5), single=(1, 1)),
]


def convolution(id_: str, x: tuple[int, ...], weight: tuple[int, ...], *, bias: bool = False, **settings: Any) -> Case:
    """Return a convolution with these settings."""
    return case(
        id_,
        Conv2d(**settings),
        [normal(*x), normal(*weight), normal(weight[0]) if bias else None],
        lambda t, x, w, b: t.nn.functional.conv2d(x, w, b, **settings),
    )


CONVOLUTIONS: Final = [
    convolution("plain", (2, 3, 5, 4), (4, 3, 3, 3)),
    convolution("bias", (2, 2, 4, 4), (3, 2, 3, 3), bias=True),
    convolution("same-size", (1, 2, 4, 5), (2, 2, 3, 3), padding=1, bias=True),
    convolution("stride2", (2, 2, 6, 5), (3, 2, 3, 3), stride=2, padding=1),
    convolution("stride-leaves-rows-unseen", (1, 2, 6, 8), (2, 2, 2, 3), stride=3),
    convolution("stride-pair", (1, 2, 5, 6), (2, 2, 2, 2), stride=[1, 2]),
    convolution("padding-pair", (1, 2, 4, 3), (2, 2, 3, 2), padding=[0, 2]),
    convolution("dilation2", (1, 2, 6, 7), (2, 2, 3, 3), dilation=2),
    convolution("dilation-pair", (2, 1, 6, 4), (2, 1, 3, 2), dilation=[2, 3]),
    convolution("groups2", (2, 4, 4, 4), (6, 2, 3, 3), groups=2, padding=1, bias=True),
    convolution("depthwise", (1, 3, 4, 4), (6, 1, 3, 3), groups=3, padding=1),
    convolution("pointwise", (2, 3, 3, 2), (4, 3, 1, 1), bias=True),
    convolution("projection", (2, 2, 4, 4), (3, 2, 1, 1), stride=2),
    convolution("rectangle", (1, 2, 4, 6), (2, 2, 1, 4), padding=[0, 1]),
    convolution("kernel-fills-image", (2, 2, 3, 4), (2, 2, 3, 4)),
    convolution("ones", (1, 1, 1, 1), (1, 1, 1, 1), bias=True),
    convolution("kernel-over-border", (1, 1, 1, 2), (1, 1, 3, 3), padding=[1, 2]),
    convolution(
        "everything", (2, 4, 7, 8), (4, 2, 2, 3), stride=[2, 1], padding=[1, 2], dilation=[3, 2], groups=2, bias=True
    ),
]


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


NORMALISATIONS: Final = [
    *batch_norms(),
    layer_norm("rows", (3, 4), 4, "wb"),
    layer_norm("sequence", (2, 3, 4), [4], "wb"),
    layer_norm("two-axes", (2, 3, 4), [3, 4], "wb"),
    layer_norm("whole", (3, 4), [3, 4], "wb"),
    layer_norm("bare", (2, 5), 5, ""),
    layer_norm("weight", (2, 5), 5, "w"),
    layer_norm("bias", (2, 5), 5, "b", 0.1),
]


def max_pool(id_: str, x: tuple[int, ...], kernel: int | list[int], **settings: Any) -> Case:
    """Return a max pooling with these settings."""
    return case(
        id_,
        MaxPool2d(kernel_size=kernel, **settings),
        [distinct(*x)],
        lambda t, x: t.nn.functional.max_pool2d(x, kernel, **settings),
    )


def avg_pool(id_: str, x: tuple[int, ...], kernel: int | list[int], **settings: Any) -> Case:
    """Return an average pooling with these settings."""
    return case(
        id_,
        AvgPool2d(kernel_size=kernel, **settings),
        [normal(*x)],
        lambda t, x: t.nn.functional.avg_pool2d(x, kernel, **settings),
    )


POOLING: Final = [
    *(
        row
        for pool in (max_pool, avg_pool)
        for row in (
            pool("halving", (2, 2, 4, 6), 2),
            pool("stem", (1, 2, 6, 7), 3, stride=2, padding=1),
            pool("overlapping", (1, 2, 4, 4), 2, stride=1),
            pool("pairs", (2, 1, 5, 7), [2, 3], stride=[1, 2], padding=[1, 0]),
            pool("leaves-rows-unseen", (1, 1, 5, 5), 2),
            pool("gaps", (1, 2, 6, 6), 2, stride=3),
            pool("single", (1, 1, 1, 1), 1),
        )
    ),
    avg_pool("without-padding-counted", (2, 2, 5, 4), 3, stride=2, padding=1, count_include_pad=False),
    avg_pool("without-padding-counted-pairs", (1, 2, 3, 5), [2, 4], stride=1, padding=[1, 2], count_include_pad=False),
    *on(
        GlobalAvgPool(),
        lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, 1),
        image=normal(2, 3, 4, 5),
        single=normal(1, 1, 1, 1),
    ),
]


def joins(**rows: tuple[int, list[tuple[int, ...]]]) -> list[Case]:
    """Return concatenations along ``dim`` of tensors of these shapes."""
    return [
        case(id_, Concat(dim=dim), [normal(*s) for s in shapes], lambda t, *xs, dim=dim: t.cat(xs, dim))
        for id_, (dim, shapes) in rows.items()
    ]


SHAPING: Final = [
    *on(Reshape(shape=[6, 4]), lambda _, x: x.reshape(6, 4), full=normal(2, 3, 4)),
    *on(Reshape(shape=[2, -1]), lambda _, x: x.reshape(2, -1), open=normal(2, 3, 4)),
    *on(Reshape(shape=[-1]), lambda _, x: x.reshape(-1), vector=normal(2, 3), scalar=normal()),
    *on(Reshape(shape=[]), lambda _, x: x.reshape(()), to_scalar=normal(1, 1)),
    *on(Flatten(), lambda _, x: x.flatten(), all=normal(2, 3, 4), scalar=normal(), vector=normal(3)),
    *on(Flatten(start_dim=1), lambda _, x: x.flatten(1), examples=normal(2, 3, 2, 2)),
    *on(Flatten(start_dim=-3, end_dim=-2), lambda _, x: x.flatten(-3, -2), middle=normal(2, 3, 2, 2)),
    *on(Transpose(dim0=0, dim1=1), lambda _, x: x.transpose(0, 1), matrix=normal(2, 3), more=normal(2, 3, 4)),
    *on(Transpose(dim0=-1, dim1=0), lambda _, x: x.transpose(-1, 0), ends=normal(2, 3, 4)),
    *on(Transpose(dim0=1, dim1=1), lambda _, x: x.transpose(1, 1), nothing=normal(2, 3)),
    *joins(
        alone=(0, [(2, 3)]),
        rows=(0, [(2, 3), (1, 3)]),
        columns=(1, [(2, 1), (2, 3), (2, 2)]),
        channels=(1, [(2, 1, 2, 2), (2, 3, 2, 2)]),
        last=(-1, [(2, 2), (2, 1)]),
        first_from_behind=(-2, [(1, 2), (2, 2), (3, 2)]),
        vectors=(0, [(1,), (2,), (3,)]),
    ),
]


def reductions(kind: type[Sum | Mean]) -> list[Case]:
    """Return reductions over no axis named, one, from behind, and several, with and without ``keepdim``."""
    name = kind.op()
    rows: list[tuple[str, tuple[int, ...], int | list[int] | None]] = [
        ("all", (2, 3, 4), None), ("scalar", (), None), ("first", (2, 3), 0), ("last", (2, 3, 4), -1),
        ("several", (2, 3, 4), [0, 2]), ("unordered", (2, 3, 4), [-1, 0]), ("ones", (1, 1), [1]),
    ]  # fmt: skip
    return [
        case(id_, kind(dim=dim), [normal(*x)],
             lambda t, x, dim=dim: getattr(t, name)(x) if dim is None else getattr(t, name)(x, dim))
        for id_, x, dim in rows
    ] + [
        case(f"{id_}-keepdim", kind(dim=dim, keepdim=True), [normal(*x)],
             lambda t, x, dim=dim: getattr(t, name)(x, tuple(range(x.ndim)) if dim is None else dim, keepdim=True))
        for id_, x, dim in rows
    ]  # fmt: skip


REDUCTIONS: Final = [*reductions(Sum), *reductions(Mean)]

SOFTMAXES: Final = [
    case(id_, kind(dim=dim), [normal(*x)], lambda t, x, dim=dim, kind=kind: getattr(t, kind.op())(x, dim))
    for kind in (Softmax, LogSoftmax)
    for id_, x, dim in (
        ("rows", (3, 4), -1), ("columns", (3, 4), 0), ("middle", (2, 3, 4), 1), ("vector", (5,), 0), ("one", (2, 1), 1),
    )
]  # fmt: skip

LOSSES: Final = [
    *(
        case(f"{id_}-{reduction}", CrossEntropy(reduction=reduction), [normal(*x), classes(x[min(1, len(x) - 1)], *y)],
             lambda t, x, y, reduction=reduction: t.nn.functional.cross_entropy(x, y, reduction=reduction))
        for reduction in ("mean", "sum", "none")
        for id_, x, y in (
            ("batch", (4, 3), (4,)), ("single", (3,), ()), ("pixels", (2, 3, 2, 2), (2, 2, 2)), ("ones", (1, 1), (1,)),
        )
    ),
    *(
        case(f"{id_}-{reduction}", MseLoss(reduction=reduction), [normal(*x), normal(*x)],
             lambda t, x, y, reduction=reduction: t.nn.functional.mse_loss(x, y, reduction=reduction))
        for reduction in ("mean", "sum", "none")
        for id_, x in (("plane", (3, 4)), ("scalar", ()), ("ones", (1, 1)))
    ),
]  # fmt: skip

CASES: Final[list[Case]] = [
    *ELEMENTWISE, *LINEAR_ALGEBRA, *CONVOLUTIONS, *NORMALISATIONS, *POOLING, *SHAPING, *REDUCTIONS, *SOFTMAXES, *LOSSES,
]  # fmt: skip

SLOTS: Final = [(c, position) for c in CASES for position in c.positions()]
"""Every case with every slot of it that takes an adjoint."""

SLOT_IDS: Final = [f"{c.id}-{c.operator.slot(position, len(c.draws)).name}" for c, position in SLOTS]
