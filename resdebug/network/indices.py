"""Indices that stand in the file are checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from resdebug.network.faults import FaultList
from resdebug.network.model import Edge
from resdebug.network.signature import Signature
from resdebug.network.types import TensorType
from resdebug.network.values import Numbers, Value
from resdebug.network.wiring import operator_name
from resdebug.text import visible


def check_indices(
    faults: FaultList,
    raw: Sequence[Mapping[str, Any]],
    operators: Sequence[Signature | None],
    inputs: Sequence[tuple[Edge | None, ...]],
    types: Sequence[TensorType | None],
    values: Mapping[int, Value],
) -> None:
    """Report every leaf whose numbers are in memory already and point beyond what a consumer has."""
    for i, (operator, edges) in enumerate(zip(operators, inputs, strict=True)):
        if operator is None or types[i] is None or not _takes_indices(type(operator)):
            continue
        given = [None if edge is None else types[edge.source_index] for edge in edges]
        for slot, bound in operator.index_bounds(*given).items():
            edge = next((e for e in edges if e is not None and e.slot == slot), None)
            value = None if edge is None else values.get(edge.source_index)
            if edge is None or not isinstance(value, Numbers) or value.type.is_float:
                continue
            array = value.numbers
            beyond = (array < 0) | (array >= bound.count)
            if bound.ignored is not None:
                beyond &= array != bound.ignored
            if beyond.any():
                where = tuple(int(k) for k in np.argwhere(beyond)[0])
                place = f"[{', '.join(map(str, where))}]" if where else ""
                what = (
                    f'"{visible(edge.source)}"{place} is {int(array[where])}, and slot {slot} of '
                    f'"{visible(edge.consumer)}" ({operator_name(operator)}) has {bound.count} {bound.what}'
                )
                pointer = f"/nodes/{edge.source_index}/value{_path(raw[edge.source_index], array.shape, where)}"
                hint = f"from 0 to {bound.count - 1}" if bound.count else "there is nothing to point at"
                faults.add("N001", what, hint, pointer=pointer, node=edge.source)


@cache
def _takes_indices(operator: type[Signature]) -> bool:
    return any(slot.elements != "float" for slot in operator.slots)


def _path(node: Mapping[str, Any], shape: tuple[int, ...], where: tuple[int, ...]) -> str:
    """Return the way from a value to one of its numbers, which may stand in a flat list beside a shape."""
    written = node.get("value")
    if not where or not isinstance(written, list):
        return ""
    if len(shape) > 1 and written and not isinstance(written[0], list):
        return f"/{int(np.ravel_multi_index(where, shape))}"
    return "".join(f"/{k}" for k in where)
