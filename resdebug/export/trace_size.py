"""How large a trace will be: tensors beside to the byte, text as it is in a sample."""

from __future__ import annotations

import msgspec

from resdebug.export.looking import large, room
from resdebug.export.registry import Request, Size
from resdebug.network.digest import node_link
from resdebug.network.model import Node
from resdebug.passes.encoding import numbers
from resdebug.passes.events import Completed, Seeded
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass
from resdebug.passes.trace import INLINE
from resdebug.text import plural

_RECORD, _SENT, _TENSOR, _STATISTICS, _OF_ONE, _NAMED, _HEADER = 70, 64, 34, 205, 160, 66, 320
"""Bytes of a record, of what a contribution has more, of a tensor, of statistics, of those of one number, of a tensor's
name, of the header."""
_NUMBER = {"float64": 20.0, "float32": 20.0, "bool": 5.0}
_SAMPLE = 24


def trace_size(pass_: Pass | StreamedPass, request: Request) -> Size:
    """Return about how many bytes a trace takes, the file beside included."""
    selection, nodes, schedule = request.selection, pass_.network.nodes, pass_.schedule
    beside = request.beside_name is not None
    number = _bytes_a_number(pass_)
    total = float(_HEADER + len(msgspec.json.encode(node_link(pass_.network))))
    for i in schedule.order:
        node = nodes[i]
        value = _tensor(node, selection.value(node.name), beside, number)
        total += _RECORD + len(node.name) + value
        if schedule.active[i]:
            arriving = schedule.arrivals[i]
            total += _RECORD + len(node.name) + _tensor(node, selection.adjoint(node.name), beside, number)
            total += len(arriving) * (_RECORD + _SENT + len(node.name) + 2 * value)
            total += sum(len(edge.consumer) + len(edge.slot) for edge in arriving)
    if beside:
        total += room(pass_, selection) + _stored(pass_, selection)
    if not pass_.whole:
        # The records of what did not happen are not there.
        total *= len(pass_.events) / (
            len(schedule.order) + 1 + len(schedule.reverse) + sum(map(len, schedule.arrivals))
        )
    return Size(round(total), exact=False)


def trace_content(pass_: Pass | StreamedPass, selection: Selection) -> str:
    """Return how many events a trace would have, and how many of their tensors with all their numbers."""
    order = [pass_.network.nodes[i].name for i in pass_.schedule.order]
    total = len(pass_.events)
    full = 0
    for event in pass_.events:
        adjoint = isinstance(event, Seeded | Completed)
        full += selection.adjoint(event.node) if adjoint else selection.value(event.node)
    told = f"{plural(total, 'event')} of {plural(len(order), 'node')}: "
    if full == total:
        return f"{told}every value, contribution and adjoint with all its numbers"
    if not full:
        return f"{told}statistics of every tensor, no numbers"
    return f"{told}{plural(full, 'tensor')} with all their numbers, statistics of the other {total - full}"


def _tensor(node: Node, wanted: bool, beside: bool, number: dict[str, float]) -> float:
    if not wanted:
        return _TENSOR + (_STATISTICS if node.type.size > 1 else _OF_ONE)
    if beside and node.type.size > INLINE:
        return _TENSOR + _NAMED + min(60, len(node.name))
    rows = node.type.size // max(1, node.shape[-1]) if node.shape else 0
    return _TENSOR + node.type.size * number[node.dtype] + 2 * rows


def _stored(pass_: Pass | StreamedPass, selection: Selection) -> int:
    """Return the bytes of all tensors in the file beside; the same tensor twice in succession is there once."""
    schedule, total = pass_.schedule, 0
    for node in {node.index: node for node in large(pass_, selection)}.values():
        arriving = len(schedule.arrivals[node.index]) if schedule.active[node.index] else 0
        kept = 1 + max(0, 2 * arriving - 1) if selection.value(node.name) else int(schedule.active[node.index])
        total += kept * node.type.nbytes
    return total


def _bytes_a_number(pass_: Pass | StreamedPass) -> dict[str, float]:
    """Return how many bytes of text a number of each element type takes, its comma included."""
    told: dict[str, list[float]] = {}
    if isinstance(pass_, Pass):
        order = pass_.schedule.order
        for i in order[:: max(1, len(order) // _SAMPLE)]:
            node = pass_.network.nodes[i]
            for array in (pass_.value(node.name), pass_.adjoint(node.name)):
                if array is not None and array.size:
                    some = array.ravel()[:INLINE]
                    told.setdefault(node.dtype, []).append(len(msgspec.json.encode(numbers(some))) / some.size)
    means = {dtype: sum(found) / len(found) for dtype, found in told.items()}
    return {node.dtype: means.get(node.dtype, _NUMBER.get(node.dtype, 5.0)) for node in pass_.network.nodes}
