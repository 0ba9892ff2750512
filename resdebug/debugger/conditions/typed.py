"""A part of a condition with its kind, and how it becomes a column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, TypeAlias

import numpy as np

from resdebug.debugger.conditions.columns import Column, Columns, Tensors
from resdebug.debugger.conditions.places import Places
from resdebug.ops.base import Array


class Kind(Enum):
    """What a part of a condition is."""

    NUMBER = "a number"
    TRUTH = "true or false"
    TEXT = "a text"
    TENSOR = "a tensor"


class Need(IntEnum):
    """What of a pass a part speaks of; the strongest need of a condition decides at which events it is asked."""

    NODE = 0
    VALUE = 1
    ADJOINT = 2
    CONTRIBUTION = 3
    EVENT = 4


ASKED_AT = {
    Need.NODE: "where an adjoint is complete",
    Need.VALUE: "where a value was evaluated",
    Need.ADJOINT: "where an adjoint is complete",
    Need.CONTRIBUTION: "where a contribution arrives",
    Need.EVENT: "at every event",
}

Make: TypeAlias = Callable[[Columns, Places], Column]
MakeTensors: TypeAlias = Callable[[Columns, Places], Tensors]


@dataclass(frozen=True, slots=True)
class Typed:
    """A part of a condition: ``column`` where it is a number, truth or text, ``tensors`` where it is a tensor."""

    kind: Kind
    need: Need
    column: Make
    tensors: MakeTensors
    constant: float | str | bool | None = None
    """What it is, where it is written out."""


def _no_column(_: Columns, __: Places) -> Column:
    raise AssertionError("a tensor is no column")


def _no_tensors(_: Columns, __: Places) -> Tensors:
    raise AssertionError("a column holds no tensors")


def scalar(kind: Kind, need: Need, column: Make) -> Typed:
    """Return a part that is a number, truth or text at every place."""
    return Typed(kind, need, column, _no_tensors)


def tensor(need: Need, tensors: MakeTensors) -> Typed:
    """Return a part that is a tensor at every place."""
    return Typed(Kind.TENSOR, need, _no_column, tensors)


def constant(kind: Kind, value: float | str | bool) -> Typed:
    """Return a part that is the same everywhere."""

    def column(_: Columns, places: Places) -> Column:
        return everywhere(value, len(places))

    return Typed(kind, Need.NODE, column, _no_tensors, value)


def everywhere(value: float | str | bool, count: int) -> Column:
    """Return a column of one entry, ``count`` times."""
    dtype: Any = object if isinstance(value, str) else np.bool_ if isinstance(value, bool) else np.float64
    return Column(np.full(count, value, dtype), np.ones(count, bool))


def elementwise(of: Callable[..., Array], *parts: Typed) -> Typed:
    """Return ``of`` applied to tensors, or tensors and numbers, element by element; absent where a part is, or where
    their shapes do not go together."""

    def tensors(columns: Columns, places: Places) -> Tensors:
        made = [
            part.tensors(columns, places) if part.kind is Kind.TENSOR else part.column(columns, places)
            for part in parts
        ]

        def get(k: int) -> Array | None:
            operands: list[Any] = []
            for operand in made:
                if isinstance(operand, Tensors):
                    array = operand.get(k)
                    if array is None:
                        return None
                    operands.append(array.astype(np.float64) if array.dtype.kind != "f" else array)
                elif not operand.known[k]:
                    return None
                else:
                    operands.append(float(operand.data[k]))
            with np.errstate(all="ignore"):
                try:
                    return of(*operands)
                except ValueError:
                    return None

        return Tensors(get, len(places))

    return tensor(max(part.need for part in parts), tensors)


def numeric(of: Callable[..., Array], *parts: Typed, kind: Kind = Kind.NUMBER) -> Typed:
    """Return ``of`` applied to columns of numbers; absent where a part is."""

    def column(columns: Columns, places: Places) -> Column:
        made = [part.column(columns, places) for part in parts]
        known = np.logical_and.reduce([operand.known for operand in made])
        with np.errstate(all="ignore"):
            data = of(*(operand.data.astype(np.float64) for operand in made))
        return Column(data & known if kind is Kind.TRUTH else data, known | (kind is Kind.TRUTH))

    return scalar(kind, max(part.need for part in parts), column)
