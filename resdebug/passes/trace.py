"""The reference trace format: a header, then one record an event, then an end mark.

In a JSONL trace every record is a line; a JSON trace is the header with the records under ``"records"``. All of it
is strict JSON; NaN and the infinities, which JSON lacks, are the strings ``"NaN"``, ``"Infinity"``, ``"-Infinity"``.
Numbers are written with as many digits as it takes to read back the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np

from resdebug.network.digest import node_link
from resdebug.network.types import ITEM_BYTES
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Contributed, Evaluated, Seeded
from resdebug.passes.protocol import Pass

FORMAT: Final = "resdebug-trace"
VERSION: Final = 1
_WORDS: Final = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


class Tensor(msgspec.Struct, frozen=True):
    """An array: ``data`` is a number, or nested lists of them in C order, one level a dimension."""

    shape: list[int]
    dtype: str
    data: Any


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What comes first: the network without its numbers, and how the pass was run."""

    format: str
    version: int
    generator: str
    digest: str
    target: str
    rule: str
    events: int
    network: dict[str, Any]


class EvaluatedRecord(msgspec.Struct, frozen=True, tag_field="event", tag="evaluated"):
    """The forward pass computed ``node``."""

    k: int
    node: str
    value: Tensor


class SeededRecord(msgspec.Struct, frozen=True, tag_field="event", tag="seeded"):
    """The target's adjoint was planted."""

    k: int
    node: str
    adjoint: Tensor


class CompletedRecord(msgspec.Struct, frozen=True, tag_field="event", tag="completed"):
    """All contributions to ``node`` have arrived."""

    k: int
    node: str
    adjoint: Tensor


class ContributedRecord(msgspec.Struct, frozen=True, tag_field="event", tag="contributed"):
    """``consumer`` sent ``contribution`` to ``node`` through ``slot``; ``partial`` is the running sum after it."""

    k: int
    node: str
    consumer: str
    slot: str
    contribution: Tensor
    partial: Tensor


class EndRecord(msgspec.Struct, frozen=True, tag_field="event", tag="end"):
    """The trace is whole: ``k`` events came before."""

    k: int


Record: TypeAlias = EvaluatedRecord | SeededRecord | CompletedRecord | ContributedRecord | EndRecord


def header_of(pass_: Pass, generator: str) -> Header:
    """Return the header of a trace of ``pass_``."""
    return Header(
        format=FORMAT,
        version=VERSION,
        generator=generator,
        digest=pass_.digest(),
        target=pass_.target,
        rule=pass_.rule,
        events=len(pass_.events),
        network=node_link(pass_.network),
    )


def records_of(pass_: Pass) -> Iterator[Record]:
    """Yield one record an event, and the end; only one visited node's ledger is held at a time."""
    partial: dict[str, tuple[int, Array]] = {}
    for k, event in enumerate(pass_.events, start=1):
        match event:
            case Evaluated(node):
                yield EvaluatedRecord(k, node, encode(_known(pass_.value(node))))
            case Seeded(node):
                yield SeededRecord(k, node, encode(_known(pass_.adjoint(node))))
            case Completed(node):
                partial.pop(node, None)
                yield CompletedRecord(k, node, encode(_known(pass_.adjoint(node))))
            case Contributed(edge):
                sent = pass_.contribution(edge)
                count, so_far = partial.get(edge.source, (0, None))
                running = pass_.accumulate(so_far, sent, count + 1)
                partial[edge.source] = (count + 1, running)
                yield ContributedRecord(k, edge.source, edge.consumer, edge.slot, encode(sent), encode(running))
    yield EndRecord(len(pass_.events))


def _known(array: Array | None) -> Array:
    if array is None:
        raise AssertionError("an event speaks of a tensor that the pass does not have")
    return array


def encode(array: Array) -> Tensor:
    """Return an array as strict JSON can say it."""
    data = array.tolist()
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        data = _spelled(data)
    return Tensor(list(array.shape), array.dtype.name, data)


def _spelled(data: Any) -> Any:
    if isinstance(data, list):
        return [_spelled(item) for item in data]
    if data != data:
        return "NaN"
    return data if abs(data) != np.inf else "Infinity" if data > 0 else "-Infinity"


def decode(tensor: Tensor) -> Array:
    """Return the array that a tensor record describes, read-only.

    Raises ValueError when its data are not numbers, or not as many as its shape says.
    """
    if tensor.dtype not in ITEM_BYTES:
        raise ValueError(f"unknown element type {tensor.dtype!r}")
    flat = list(_flat(tensor.data, tuple(tensor.shape)))
    kind = np.dtype(tensor.dtype).kind
    for item in flat:
        if isinstance(item, bool) != (kind == "b") or (kind in "iu" and not isinstance(item, int)):
            raise ValueError(f"{item!r} is no {tensor.dtype}")
    array = np.array(flat, dtype=tensor.dtype).reshape(tensor.shape)
    array.flags.writeable = False
    return array


def _flat(data: Any, shape: tuple[int, ...]) -> Iterator[Any]:
    if not shape:
        if isinstance(data, str):
            if data not in _WORDS:
                raise ValueError(f"{data[:40]!r} is not a number")
            yield _WORDS[data]
        elif isinstance(data, int | float):
            yield data
        else:
            raise ValueError(f"expected a number, got {type(data).__name__}")
        return
    if not isinstance(data, list) or len(data) != shape[0]:
        size = len(data) if isinstance(data, list) else 1
        raise ValueError(f"expected {shape[0]} entries, got {size}")
    for item in data:
        yield from _flat(item, shape[1:])
