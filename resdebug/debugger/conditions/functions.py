"""The functions of the condition language, with their help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from resdebug.debugger.conditions.columns import Column, Columns, Quick, Reducer
from resdebug.debugger.conditions.places import Places
from resdebug.debugger.conditions.typed import Kind, Need, Typed, elementwise, numeric, scalar
from resdebug.engine.norms import norm
from resdebug.ops.base import Array
from resdebug.passes.summary import cosine

Check: TypeAlias = Callable[[tuple[Typed, ...]], Typed | str]
"""Takes the arguments; returns what becomes of them, or what is expected in their place."""


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """A function: how it is written, what it means, and what it becomes."""

    name: str
    usage: str
    about: str
    build: Check


def reducing(name: str, of: Reducer, quick: Quick | None, kind: Kind = Kind.NUMBER) -> Check:
    """Return what builds a number, or a truth, of one tensor."""

    def build(arguments: tuple[Typed, ...]) -> Typed | str:
        if [a.kind for a in arguments] != [Kind.TENSOR]:
            return "one tensor"
        (argument,) = arguments

        def column(columns: Columns, places: Places) -> Column:
            made = columns.reduce(name, of, quick, argument.tensors(columns, places))
            if kind is Kind.TRUTH:
                return Column(made.known & (made.data == 1), np.ones(len(made), bool))
            return made

        return scalar(kind, argument.need, column)

    return build


def extreme(name: str, of: Reducer, between: Callable[[Array, Array], Array]) -> Check:
    """Return what builds the extreme of a tensor's elements, or of several numbers."""
    over_elements = reducing(name, of, lambda v: v)

    def build(arguments: tuple[Typed, ...]) -> Typed | str:
        if [a.kind for a in arguments] == [Kind.TENSOR]:
            return over_elements(arguments)
        if len(arguments) < 2 or any(a.kind is not Kind.NUMBER for a in arguments):
            return "one tensor, or two or more numbers"
        return numeric(lambda *numbers: _fold(between, numbers), *arguments)

    return build


def _fold(of: Callable[[Array, Array], Array], arrays: tuple[Array, ...]) -> Array:
    result = arrays[0]
    for array in arrays[1:]:
        result = of(result, array)
    return result


def mapping(of: Callable[[Array], Array]) -> Check:
    """Return what applies a function to a number, or to every element of a tensor."""

    def build(arguments: tuple[Typed, ...]) -> Typed | str:
        if len(arguments) != 1 or arguments[0].kind not in {Kind.NUMBER, Kind.TENSOR}:
            return "one number or tensor"
        return (elementwise if arguments[0].kind is Kind.TENSOR else numeric)(of, *arguments)

    return build


def asking(of: Callable[[Array], Array]) -> Check:
    """Return what asks something of a number."""

    def build(arguments: tuple[Typed, ...]) -> Typed | str:
        if [a.kind for a in arguments] != [Kind.NUMBER]:
            return "one number; for tensors there are anynan(t) and anyinf(t)"
        return numeric(of, *arguments, kind=Kind.TRUTH)

    return build


def pairing(of: Callable[[Array, Array], float | None]) -> Check:
    """Return what makes a number of two tensors of one shape; absent where there is none."""

    def build(arguments: tuple[Typed, ...]) -> Typed | str:
        if [a.kind for a in arguments] != [Kind.TENSOR, Kind.TENSOR]:
            return "two tensors"
        left, right = arguments

        def column(columns: Columns, places: Places) -> Column:
            one, other = left.tensors(columns, places), right.tensors(columns, places)
            data, known = np.full(len(places), np.nan), np.zeros(len(places), bool)
            for k in range(len(places)):
                a = one.get(k)
                b = None if a is None else other.get(k)
                found = None if a is None or b is None or a.shape != b.shape else of(a, b)
                if found is not None:
                    data[k], known[k] = found, True
            return Column(data, known)

        return scalar(Kind.NUMBER, max(left.need, right.need), column)

    return build


def _known(arguments: tuple[Typed, ...]) -> Typed | str:
    if len(arguments) != 1:
        return "one argument"
    (argument,) = arguments

    def column(columns: Columns, places: Places) -> Column:
        if argument.kind is Kind.TENSOR:
            return columns.reduce("known", lambda _: 1.0, None, argument.tensors(columns, places))
        return argument.column(columns, places)

    def truth(columns: Columns, places: Places) -> Column:
        return Column(column(columns, places).known, np.ones(len(places), bool))

    return scalar(Kind.TRUTH, argument.need, truth)


def _dot(a: Array, b: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.dot(a.ravel().astype(np.float64), b.ravel().astype(np.float64)))


def _some(of: Callable[[Array], Any]) -> Reducer:
    """Return a reducer that makes NaN of a tensor without elements."""
    return lambda array: float(of(array)) if array.size else float("nan")


def _share_of_zeros(array: Array) -> float:
    return (array.size - int(np.count_nonzero(array))) / array.size


def _deviation(array: Array) -> float:
    return float(np.std(array, dtype=np.float64))


def _root_mean_square(array: Array) -> float:
    return norm(array) / float(np.sqrt(array.size))


FUNCTIONS: Final = {
    row.name: row
    for row in (
        FunctionRow("norm", "norm(t)", "the Euclidean norm", reducing("norm", norm, np.abs)),
        FunctionRow("max", "max(t), max(a, b, ...)", "the largest element, or the largest of numbers",
                    extreme("max", _some(np.max), np.maximum)),
        FunctionRow("min", "min(t), min(a, b, ...)", "the smallest element, or the smallest of numbers",
                    extreme("min", _some(np.min), np.minimum)),
        FunctionRow("absmax", "absmax(t)", "the largest magnitude",
                    reducing("absmax", _some(lambda a: np.max(np.abs(a))), np.abs)),
        FunctionRow("mean", "mean(t)", "the mean", reducing("mean", _some(lambda a: np.mean(a, dtype=np.float64)),
                                                            lambda v: v)),
        FunctionRow("sum", "sum(t)", "the sum",
                    reducing("sum", lambda a: float(np.sum(a, dtype=np.float64)), lambda v: v)),
        FunctionRow("std", "std(t)", "the standard deviation", reducing("std", _some(_deviation), None)),
        FunctionRow("rms", "rms(t)", "the root of the mean square", reducing("rms", _some(_root_mean_square), np.abs)),
        FunctionRow("zeros", "zeros(t)", "the share of elements that are 0, from 0 to 1",
                    reducing("zeros", _some(_share_of_zeros), lambda v: v == 0)),
        FunctionRow("nans", "nans(t)", "how many elements are NaN",
                    reducing("nans", lambda a: float(np.count_nonzero(np.isnan(a))), np.isnan)),
        FunctionRow("infs", "infs(t)", "how many elements are infinite",
                    reducing("infs", lambda a: float(np.count_nonzero(np.isinf(a))), np.isinf)),
        FunctionRow("anynan", "anynan(t)", "whether an element is NaN",
                    reducing("anynan", lambda a: float(np.isnan(a).any()), np.isnan, Kind.TRUTH)),
        FunctionRow("anyinf", "anyinf(t)", "whether an element is infinite",
                    reducing("anyinf", lambda a: float(np.isinf(a).any()), np.isinf, Kind.TRUTH)),
        FunctionRow("cos", "cos(s, t)", "the cosine of the angle between two tensors, absent where one is 0",
                    pairing(cosine)),
        FunctionRow("dot", "dot(s, t)", "the sum of products of elements", pairing(_dot)),
        FunctionRow("abs", "abs(x)", "the magnitude of a number or of every element", mapping(np.abs)),
        FunctionRow("sqrt", "sqrt(x)", "the square root", mapping(np.sqrt)),
        FunctionRow("exp", "exp(x)", "the exponential", mapping(np.exp)),
        FunctionRow("log", "log(x)", "the natural logarithm", mapping(np.log)),
        FunctionRow("log10", "log10(x)", "the decimal logarithm", mapping(np.log10)),
        FunctionRow("log2", "log2(x)", "the binary logarithm", mapping(np.log2)),
        FunctionRow("isnan", "isnan(a)", "whether a number is NaN", asking(np.isnan)),
        FunctionRow("isinf", "isinf(a)", "whether a number is infinite", asking(np.isinf)),
        FunctionRow("known", "known(x)", "whether there is such a thing at all: known(skip)", _known),
    )
}  # fmt: skip

SPECIAL: Final = {
    "prev": ("prev(x)", "x at the place before, where the same kind of event happened"),
    "changed": ("changed(node), changed(x)", "whether the node's adjoint, or x, is another than just before"),
    "adj": ("adj(node)", "the adjoint of the node named, as far as it has come"),
    "value": ("value(node)", "the value of the node named, once it is evaluated"),
    "glob": ('glob(text, "layer3.*")', "the same as text ~ pattern: * any text, ? one character, [ab] one of them"),
}
"""Functions whose arguments are names, or whose time is another; ``compiling`` builds them."""

NEEDS: Final = {"adj": Need.ADJOINT, "value": Need.VALUE}
