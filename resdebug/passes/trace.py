"""The reference trace format: a header, then one record an event, then an end mark.

In a JSONL trace every record is a line; a JSON trace is the header with the records under ``"records"``. Small tensors
stand in the records, large ones in a safetensors file beside a JSONL trace; where a trace is partial, statistics stand
in for tensors. A line may carry its own checksum. ``.github/TRACE_FORMAT.md`` tells all of it.
"""

from __future__ import annotations

import zlib
from typing import Any, Final, TypeAlias

import msgspec

from resdebug.network.digest import node_link
from resdebug.ops.base import Array
from resdebug.passes.encoding import from_numbers, little_endian, numbers, type_name
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass

FORMAT: Final = "resdebug-trace"
VERSION: Final = 2
READABLE: Final = frozenset({1, 2})
"""Versions that can be read."""
INLINE: Final = 256
"""Tensors of up to so many elements stand in the record."""
BESIDE: Final = ".safetensors"
"""What the name of a trace gets for that of the file with its large tensors."""
_CHECKSUM: Final = b',"crc":'
_DIGITS: Final = 11
"""Of a checksum at most, and the brace after it."""


class Statistics(msgspec.Struct, frozen=True):
    """A tensor in numbers; minimum, maximum, mean and deviation are over its finite elements."""

    norm: float | str
    minimum: float
    maximum: float
    mean: float
    deviation: float
    zeros: int
    nans: int
    infinities: int


class Tensor(msgspec.Struct, frozen=True, omit_defaults=True):
    """An array, in one of three ways.

    ``data`` is a number, or nested lists of them in C order, one level a dimension; ``name`` is that of a tensor in the
    file beside; ``statistics`` are what is left of a tensor that is not there. ``crc`` is the CRC-32 of its bytes.
    """

    shape: list[int]
    dtype: str
    data: Any = msgspec.UNSET
    name: str | None = None
    crc: int | None = None
    statistics: Statistics | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What comes first: the network without its numbers, and how the pass was run."""

    format: str
    version: int
    generator: str
    digest: str
    target: str
    rule: str
    events: int
    level: str = "full"
    nodes: list[str] = []
    tensors: str | None = None
    whole: bool = True
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


def header_of(
    pass_: Pass | StreamedPass, generator: str, selection: Selection | None = None, tensors: str | None = None
) -> Header:
    """Return the header of a trace of ``pass_`` whose large tensors lie in the file ``tensors``, if in any."""
    chosen = pass_.selection if selection is None else selection
    return Header(
        format=FORMAT,
        version=VERSION,
        generator=generator,
        digest=pass_.digest(),
        target=pass_.target,
        rule=pass_.rule,
        events=len(pass_.events),
        level=chosen.level.value,
        nodes=list(chosen.nodes),
        tensors=tensors,
        whole=pass_.whole,
        network=node_link(pass_.network),
    )


def encode(array: Array, *, checksum: bool = False) -> Tensor:
    """Return an array as strict JSON can say it, and where lines have no checksum of their own, with one."""
    crc = zlib.crc32(little_endian(array)) if checksum else None
    return Tensor(list(array.shape), type_name(array.dtype), numbers(array), crc=crc)


def decode(tensor: Tensor) -> Array:
    """Return the array that stands in a tensor record, read-only.

    Raises ValueError when its data are not numbers, or not as many as its shape says.
    """
    if tensor.data is msgspec.UNSET:
        raise ValueError("it has neither data nor a name nor statistics")
    return from_numbers(tensor.data, tuple(tensor.shape), tensor.dtype)


def sealed(line: bytes) -> bytes:
    """Return a line of JSON with its checksum, and its end."""
    body = line.removesuffix(b"}")
    return b"%b%b%d}\n" % (body, _CHECKSUM, zlib.crc32(body))


def is_torn(line: bytes) -> bool:
    """Whether a line carries a checksum, and another one than it should."""
    at = line.rfind(_CHECKSUM)
    rest = line[at + len(_CHECKSUM) :].rstrip() if at >= 0 else b""
    if not (rest[-1:] == b"}" and len(rest) <= _DIGITS and rest[:-1].isdigit()):
        return False
    return zlib.crc32(memoryview(line)[:at]) != int(rest[:-1])
