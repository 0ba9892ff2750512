"""The safetensors format, written tensor by tensor: none is held.

A file is the length of its header (8 bytes, little endian), the header in JSON, and the bytes of all tensors, one right
after the other. Header and padding: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import IO, Any, Final

import msgspec

from resdebug.errors import Fault, UsageError
from resdebug.network.types import TensorType
from resdebug.ops.base import Array
from resdebug.passes.encoding import little_endian

KINDS: Final = {
    "float64": "F64", "float32": "F32", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8",
    "bool": "BOOL",
}  # fmt: skip
MOST: Final = 100_000_000
"""Longest header that the library reads."""


def header(tensors: Iterable[tuple[str, TensorType]], metadata: Mapping[str, str], length: int = 0) -> bytes:
    """Return what a file begins with: the header's length, and the header, filled up with spaces to ``length`` bytes.

    Raises UsageError when there are more tensors than the format can name.
    """
    entries: dict[str, Any] = {"__metadata__": dict(metadata)}
    at = 0
    for name, type_ in tensors:
        entries[name] = {"dtype": KINDS[type_.dtype], "shape": type_.shape, "data_offsets": [at, at + type_.nbytes]}
        at += type_.nbytes
    text = msgspec.json.encode(entries)
    text = text.ljust(max(length, -(-len(text) // 8) * 8))
    if len(text) > MOST:
        raise UsageError(Fault("X007", f"safetensors cannot name {len(entries)} tensors", "choose some with --nodes"))
    return len(text).to_bytes(8, "little") + text


class Stream:
    """A file whose tensors are not all known beforehand: room is left for the header, which is written last."""

    def __init__(self, stream: IO[bytes], most: int, metadata: Mapping[str, str]) -> None:
        """``most`` is how many bytes of JSON the header may take."""
        self._stream = stream
        self._metadata = metadata
        self._length = -(-most // 8) * 8
        self._tensors: list[tuple[str, TensorType]] = []
        stream.write(header((), metadata, self._length))

    def put(self, name: str, array: Array) -> int:
        """Write a tensor; returns the CRC-32 of its bytes."""
        data = little_endian(array)
        self._stream.write(data)
        self._tensors.append((name, TensorType(array.shape, array.dtype.name)))
        return zlib.crc32(data)

    def close(self) -> None:
        """Write the header."""
        self._stream.seek(0)
        self._stream.write(header(self._tensors, self._metadata, self._length))
        self._stream.seek(0, 2)
