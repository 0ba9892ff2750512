"""Indices that stand in the file are checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from resdebug.network.distinct import Distinct
from resdebug.network.faults import FaultList
from resdebug.network.signature import Signature, name_of, slots_of
from resdebug.network.types import TensorType
from resdebug.network.values import Numbers, Value
from resdebug.network.wires import Wires
from resdebug.text import visible


def check_indices(
    faults: FaultList,
    raw: Sequence[Mapping[str, Any]],
    names: Sequence[str | None],
    operators: Distinct[Signature | None],
    wires: Wires,
    types: Distinct[TensorType | None],
    values: Mapping[int, Value],
) -> None:
    """Report every leaf whose numbers are in memory already and point beyond what a consumer has."""
    for i in np.flatnonzero(operators.where(_takes_indices)).tolist():
        operator = operators.at(i)
        if operator is None or types.at(i) is None:
            continue
        sources = [wires.source[k] if k >= 0 else -1 for k in wires.inputs(i)]
        slots = {slot.name: source for slot, source in zip(slots_of(operator, len(sources)), sources, strict=True)}
        given = [None if source < 0 else types.at(source) for source in sources]
        for slot, bound in operator.index_bounds(*given).items():
            source = slots.get(slot, -1)
            value = values.get(source)
            if not isinstance(value, Numbers) or value.type.is_float:
                continue
            array = value.numbers
            beyond = (array < 0) | (array >= bound.count)
            if bound.ignored is not None:
                beyond &= array != bound.ignored
            if beyond.any():
                where = tuple(int(k) for k in np.argwhere(beyond)[0])
                place = f"[{', '.join(map(str, where))}]" if where else ""
                name = names[source] or ""
                what = (
                    f'"{visible(name)}"{place} is {int(array[where])}, and slot {slot} of '
                    f'"{visible(names[i] or "")}" ({name_of(operator)}) has {bound.count} {bound.what}'
                )
                pointer = f"/nodes/{source}/value{_path(raw[source], array.shape, where)}"
                hint = f"from 0 to {bound.count - 1}" if bound.count else "there is nothing to point at"
                faults.add("N001", what, hint, pointer=pointer, node=name)


def _takes_indices(operator: Signature | None) -> bool:
    return operator is not None and any(slot.elements != "float" for slot in operator.slots)


def _path(node: Mapping[str, Any], shape: tuple[int, ...], where: tuple[int, ...]) -> str:
    """Return the way from a value to one of its numbers, which may stand in a flat list beside a shape."""
    written = node.get("value")
    if not where or not isinstance(written, list):
        return ""
    if len(shape) > 1 and written and not isinstance(written[0], list):
        return f"/{int(np.ravel_multi_index(where, shape))}"
    return "".join(f"/{k}" for k in where)
