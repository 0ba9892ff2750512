"""What an operator is: one class with its attributes, slots, shape rule, forward function, one VJP per slot, formulas.

A vector-Jacobian product turns the adjoint ``ȳ`` of the output into the contribution ``(∂y/∂x)ᵀ ȳ`` to the input in
one slot; it may use the output and all inputs of the forward pass, which are saved. It never changes what it is
given, and may return a view of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from resdebug.network.signature import Bound, RuleBroken, Slot, slots_of
from resdebug.network.types import TensorType, shape_text

Array: TypeAlias = NDArray[np.floating[Any]]

ADJOINT_PREFIX = "vjp_"

MANY = 64
"""Fewer rows than this are added in their own precision."""


SCIPY: Final = 16 << 20
"""Bytes of SciPy's special functions, once loaded."""


class Operator(msgspec.Struct, frozen=True, tag_field="op"):
    """Base of all operators; the fields of a subclass are the operator's attributes.

    A subclass sets ``tag`` (the name in files), ``slots``, ``formula``, ``shapes``, and defines ``infer``, ``forward``
    and, for every slot with a contribution formula, ``vjp_<slot>(self, ybar, y, *inputs)``.
    """

    slots: ClassVar[tuple[Slot, ...]] = ()
    variadic: ClassVar[bool] = False
    formula: ClassVar[str] = ""
    """In the notation of ``resdebug.ops.notation``, as are the slots' contributions."""
    shapes: ClassVar[str] = ""
    """What shapes go in and come out, in a line: ``a (…, n, k), b (…, k, m) → (…, n, m)``."""
    convention: ClassVar[str] = ""
    """What it does where mathematics leaves it open: kinks, ties, poles."""
    source: ClassVar[str] = ""
    """Where the operator, or the formula, was published."""
    generic_words: ClassVar[Mapping[str, str]] = {}
    """Words that ``words`` hands out for a typical node, for formulas without one."""
    analytic: ClassVar[bool] = True
    """Whether forward, given complex numbers, is the analytic continuation of itself next to where it is smooth; it is
    not where it takes sizes, which drop the imaginary part."""
    vjps: ClassVar[tuple[Callable[..., Array] | None, ...]] = ()
    loads: ClassVar[int] = 0
    """Bytes of the modules that are loaded when it is first used."""
    elementwise: ClassVar[bool] = False
    """Whether on tensors of one shape every place of the output and of the contributions depends on that place alone,
    to the last bit: then many nodes may be computed in one call."""

    def __init_subclass__(cls) -> None:
        rules = [getattr(cls, ADJOINT_PREFIX + slot.name, None) for slot in cls.slots]
        for slot, rule in zip(cls.slots, rules, strict=True):
            if slot.differentiable != (rule is not None):
                raise TypeError(
                    f"{cls.__name__}: slot {slot.name} needs both a contribution formula and a VJP, or neither"
                )
        cls.vjps = tuple(rules)

    @classmethod
    def op(cls) -> str:
        """Return the operator's name in files."""
        return str(cls.__struct_config__.tag)

    def infer(self, *inputs: Any, **_: Any) -> TensorType:
        """Return the output's type from the inputs' types. Raises RuleBroken."""
        raise NotImplementedError

    def index_bounds(self, *inputs: Any) -> Mapping[str, Bound]:
        """Return what the indices in each slot that takes them point at."""
        return {}

    def workspace(self, *inputs: Any) -> int:
        """Return how many bytes forward or a VJP takes for itself, where that may be much more than the output."""
        return 0

    def layouts(self, *inputs: Any) -> int:
        """Return how many bytes a large weight takes in other layouts while it is worked with."""
        return 0

    def forward(self, *inputs: Any, **_: Any) -> Array:
        """Return the output from one array per slot (None where an optional slot is empty)."""
        raise NotImplementedError

    def vjp(self, position: int, ybar: Array, y: Array, inputs: Sequence[Array | None]) -> Array:
        """Return the contribution ``(∂y/∂x)ᵀ ȳ`` to the input in the slot at ``position``, of that input's shape."""
        rule = self.vjps[position]
        if rule is None:
            raise ValueError(f"{self.op()}: slot {self.slots[position].name} takes no adjoint")
        contribution: Array = rule(self, ybar, y, *inputs)
        return contribution

    def divides(self, dtype: np.dtype[Any]) -> bool:
        """Whether the operator itself shares a contribution of such numbers between threads."""
        return False

    def words(self, inputs: Sequence[TensorType | None]) -> dict[str, str]:
        """Return what the formulas' placeholders for attributes stand for, given the inputs' types."""
        return {name: _setting(value) for name, value in msgspec.structs.asdict(self).items()}

    def slot(self, position: int, count: int) -> Slot:
        """Return the slot at ``position`` of this operator with ``count`` inputs."""
        return slots_of(self, count)[position]


def _setting(value: Any) -> str:
    """Write an attribute as a formula has it: ``2``, ``(3, 3)``."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)


def sum_over(x: Array, axes: int | tuple[int, ...], *, keepdims: bool = False) -> Array:
    """Return the sum over ``axes``, as an array also where it is a single number.

    numpy adds up a leading axis row by row, which in single precision loses digits over many rows; those are added in
    double precision.
    """
    along = (axes,) if isinstance(axes, int) else axes
    if x.dtype != np.float32 or 0 not in along or x.ndim < 2 or x.shape[0] < MANY:
        return reduced(np.add, x, along, keepdims=keepdims)
    total: Array = np.asarray(np.add.reduce(x, axis=along, dtype=np.float64)).astype(np.float32)
    return np.expand_dims(total, along) if keepdims else total


def reduced(operation: np.ufunc, x: Array, axes: tuple[int, ...], *, keepdims: bool = False) -> Array:
    """Return the reduction of ``x`` over ``axes``, as an array also where it is a single number."""
    result: Array = np.asarray(operation.reduce(x, axis=axes))
    return np.expand_dims(result, axes) if keepdims else result


def unbroadcast(contribution: Array, shape: tuple[int, ...]) -> Array:
    """Sum a contribution down to the shape that broadcasting stretched: the adjoint of a copy is a sum."""
    if contribution.shape == shape:
        return contribution
    extra = contribution.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + i for i, n in enumerate(shape) if n == 1 and contribution.shape[extra + i] != 1
    )
    return sum_over(contribution, axes).reshape(shape)


def broadcast(a: TensorType, b: TensorType) -> TensorType:
    """Return the type of an elementwise operation on ``a`` and ``b``, by numpy's rule. Raises RuleBroken."""
    try:
        return a.with_shape(*np.broadcast_shapes(a.shape, b.shape))
    except ValueError:
        what = f"a is {shape_text(a.shape)} and b is {shape_text(b.shape)}, which do not broadcast"
        hint = "from the right, sizes must be equal, or one of them 1"
        raise RuleBroken(what, key="b", hint=hint) from None


def normal_axis(axis: int, ndim: int, key: str) -> int:
    """Return ``axis`` counted from the front. Raises RuleBroken when there is no such axis."""
    if not -ndim <= axis < ndim:
        what = f"{key} {axis} is out of range for {ndim} dimensions"
        raise RuleBroken(what, key=key, hint=f"from {-ndim} to {ndim - 1}" if ndim else "a scalar has no axes")
    return axis % ndim
