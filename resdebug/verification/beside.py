"""The safetensors file beside a trace, read by its published rules."""

from __future__ import annotations

import json
import mmap
import struct
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from resdebug.text import visible
from resdebug.verification.measured import Array
from resdebug.verification.rules import Broken

_TYPES: Final = {
    "F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_MOST: Final = 100_000_000
"""Longest header, in bytes."""


class Beside:
    """Tensors by name, looked at where they lie; which of them were asked for."""

    def __init__(self, trace: Path, header: dict[str, Any]) -> None:
        name = str(header["tensors"])
        self.shown = visible(name)
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise Broken("V022", f'"{self.shown}" is not the name of a safetensors file in the folder of the trace')
        path = trace.parent / name
        if not path.is_file() and (trace.parent / f"{trace.name}.safetensors").is_file():
            path = trace.parent / f"{trace.name}.safetensors"
        if not path.is_file() or path.is_symlink():
            raise Broken("V022", f"{self.shown} is not there")
        self.used: set[str] = set()
        with path.open("rb") as stream:
            size = path.stat().st_size
            if size < 8:
                raise Broken("V022", f"{self.shown} is not a safetensors file")
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > min(size - 8, _MOST):
                raise Broken("V022", f"{self.shown} is cut off in its header")
            text = stream.read(length)
            self._start = 8 + length
            self._data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            entries = json.loads(text.decode("utf-8"))
            about = entries.pop("__metadata__", {})
        except (ValueError, AttributeError, RecursionError):
            raise Broken("V022", f"the header of {self.shown} is not JSON") from None
        if text.rstrip(b" ")[-1:] != b"}":
            raise Broken("V022", f"the header of {self.shown} is padded with something else than blanks")
        ours = {"format": header["format"], "version": str(header["version"]), "digest": header.get("digest", "")}
        if about != ours:
            raise Broken("V022", f"{self.shown} is of another trace: its metadata are not this header's")
        self.entries: dict[str, Any] = entries
        self._check(size - self._start)

    def _check(self, room: int) -> None:
        """Require that the tensors lie one behind the other and fill the file."""
        spans = []
        for name, entry in self.entries.items():
            try:
                start, end = entry["data_offsets"]
                kind, count = np.dtype(_TYPES[entry["dtype"]]), 1
                for n in entry["shape"]:
                    count *= n
                if set(entry) != {"dtype", "shape", "data_offsets"} or end - start != count * kind.itemsize:
                    raise ValueError
            except (KeyError, TypeError, ValueError):
                raise Broken("V022", f'tensor "{visible(name)}" in {self.shown} is not described rightly') from None
            spans.append((start, end))
        at = 0
        for start, end in sorted(spans):
            if start != at:
                raise Broken("V022", f"the tensors in {self.shown} do not lie one behind the other")
            at = end
        if at != room:
            raise Broken("V022", f"{self.shown} has {room} bytes of tensors and describes {at}")

    def read(self, name: str, shape: list[int], dtype: str, crc: int | None) -> Array:
        """Return a tensor, read-only. Raises Broken."""
        entry = self.entries.get(name)
        if entry is None:
            raise Broken("V021", f'{self.shown} has no tensor "{visible(name)}"')
        if np.dtype(_TYPES[entry["dtype"]]).name != dtype or entry["shape"] != shape:
            raise Broken("V021", f'tensor "{visible(name)}" in {self.shown} has another shape or type than said')
        start, end = entry["data_offsets"]
        stored = memoryview(self._data)[self._start + start : self._start + end]
        if crc is not None and name not in self.used and zlib.crc32(stored) != crc:
            raise Broken("V021", f'tensor "{visible(name)}" in {self.shown} has other bytes than its checksum says')
        self.used.add(name)
        return np.frombuffer(stored, dtype=_TYPES[entry["dtype"]]).reshape(shape)

    def unused(self) -> list[str]:
        """Return tensors that nobody asked for."""
        return [name for name in self.entries if name not in self.used]
