"""Which numbers an operator met where it made a certain element: of an output, or of a contribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from resdebug.debugger.shares import LINEAR, TooDear, largest, shares
from resdebug.engine.forward import operator_of
from resdebug.network.model import Edge, Node
from resdebug.network.signature import slots_of
from resdebug.ops.base import Array
from resdebug.passes.protocol import Pass

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """One number that went in: the slot's name, or ``y`` and ``ȳ``; the node it belongs to; its place there."""

    name: str
    node: str
    index: Index
    value: float
    of: Literal["value", "adjoint", "contribution"] = "value"
    among: int = 1
    """Of how many numbers of this operand it is the most telling one: in a sum, the one of the largest product."""


def forward_operands(node: Node, index: Index, y: Array, inputs: Sequence[Array | None]) -> tuple[Operand, ...]:
    """Return one number per filled slot of ``node``: what made element ``index`` of its output.

    For an elementwise operator it is the number itself. For one that reads many (a sum, a window, a row), it is the one
    of the largest product, or of the largest magnitude, among those that the element depends on.
    """
    operator = operator_of(node)
    found = []
    for edge, array, slot in zip(node.inputs, inputs, slots_of(node.operator, len(node.inputs)), strict=True):
        if edge is None or array is None or not array.size:
            continue
        among = 1
        if operator.elementwise or array.shape == () or not slot.differentiable or array.dtype.kind != "f":
            if len(array.shape) > len(y.shape) or not _fits(array.shape, y.shape):
                continue
            place = broadcast_place(index, array.shape)
        else:
            place, among = _telling(node, edge, index, y, inputs, array)
        found.append(Operand(edge.slot, edge.source, place, float(array[place]), "value", among))
    return tuple(found)


def reverse_operands(pass_: Pass, edge: Edge, index: Index, made: float) -> tuple[Operand, ...]:
    """Return the numbers that the VJP of ``edge`` met for element ``index`` of the contribution: ȳ, y, the inputs."""
    node = pass_.network.nodes[edge.consumer_index]
    ybar, y = pass_.adjoint(node.name), pass_.value(node.name)
    if ybar is None or y is None:
        return ()
    place, parts = _sender(pass_, edge, index, made, ybar)
    found = [
        Operand("ȳ", node.name, place, float(ybar[place]), "adjoint", parts),
        Operand("y", node.name, place, float(y[place])),
    ]
    operator = operator_of(node)
    for e in node.inputs:
        array = None if e is None else pass_.value(e.source)
        if e is None or array is None:
            continue
        if e.index == edge.index:
            found.append(Operand(e.slot, e.source, index, float(array[index])))
        elif operator.elementwise or _fits(array.shape, y.shape):
            at = broadcast_place(place, array.shape)
            found.append(Operand(e.slot, e.source, at, float(array[at])))
    return tuple(found)


def broadcast_place(index: Index, shape: tuple[int, ...]) -> Index:
    """Return the element of an operand of ``shape`` that broadcasting puts at ``index`` of the output."""
    return tuple(0 if n == 1 else i for i, n in zip(index[len(index) - len(shape) :], shape, strict=True))


def _fits(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    return len(shape) <= len(whole) and all(n in (1, m) for n, m in zip(shape[::-1], whole[::-1], strict=False))


def _telling(
    node: Node, edge: Edge, index: Index, y: Array, inputs: Sequence[Array | None], array: Array
) -> tuple[Index, int]:
    """Return the operand's most telling element for one element of the output, and among how many."""
    operator = operator_of(node)
    one: Array = np.zeros(y.shape, node.dtype)
    if node.op in LINEAR:
        one[index] = 1
        factors = np.asarray(operator.vjp(edge.position, one, y, inputs))
        sizes = np.abs(array * factors)
        met = int(np.count_nonzero(factors))
        return _unravel(largest(sizes), array.shape), max(met, 1)
    one[index] = np.nan
    field = np.isnan(operator.vjp(edge.position, one, np.nan_to_num(y), inputs))
    if not field.any():
        field = np.ones(array.shape, bool)
    sizes = np.where(field, np.abs(array), -1)
    return _unravel(largest(np.where(np.isnan(array) & field, np.inf, sizes)), array.shape), int(field.sum())


def _sender(pass_: Pass, edge: Edge, index: Index, made: float, ybar: Array) -> tuple[Index, int]:
    try:
        found = shares(pass_, edge, index, made)
    except TooDear:
        return _unravel(largest(ybar), ybar.shape), ybar.size
    return _unravel(int(found.places[found.largest]), ybar.shape), int(found.places.size)


def _unravel(flat: int, shape: tuple[int, ...]) -> Index:
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()
