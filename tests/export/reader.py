"""Reads a trace as .github/TRACE_FORMAT.md describes it, with nothing but the standard library and numpy."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

KINDS = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1"}


def refuse(word: str) -> Any:
    raise ValueError(f"{word} is not strict JSON")


class Trace:
    """A header, and records whose tensors are arrays (or dictionaries of statistics)."""

    def __init__(self, path: Path) -> None:
        self.lines = path.read_bytes().splitlines()
        self.header = self.object(self.lines[0])
        self.blob, self.index = b"", {}
        if self.header.get("tensors"):
            whole = (path.parent / self.header["tensors"]).read_bytes()
            (length,) = struct.unpack("<Q", whole[:8])
            self.index = json.loads(whole[8 : 8 + length])
            self.blob = whole[8 + length :]

    def object(self, line: bytes) -> dict[str, Any]:
        body, mark, crc = line.rpartition(b',"crc":')
        if mark and re.fullmatch(rb"\d+\}", crc) and zlib.crc32(body) != int(crc[:-1]):
            raise ValueError("a line is not as it was written")
        found: dict[str, Any] = json.loads(line, parse_constant=refuse)
        return found

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for line in self.lines[1:]:
            record = self.object(line)
            tensors = {k: self.tensor(v) for k, v in record.items() if isinstance(v, dict)}
            yield record | tensors

    def tensor(self, tensor: dict[str, Any]) -> Any:
        if "statistics" in tensor:
            return tensor["statistics"]
        if "name" not in tensor:
            return self.numbers(tensor["data"], tensor["dtype"]).reshape(tensor["shape"])
        entry = self.index[tensor["name"]]
        stored = self.blob[slice(*entry["data_offsets"])]
        assert zlib.crc32(stored) == tensor["crc"]
        assert np.dtype(KINDS[entry["dtype"]]).name == tensor["dtype"]
        return np.frombuffer(stored, KINDS[entry["dtype"]]).reshape(tensor["shape"])

    def numbers(self, data: Any, dtype: str) -> np.ndarray:
        if isinstance(data, list):
            return np.array([self.numbers(item, dtype) for item in data], dtype)
        if isinstance(data, str) and data.startswith("NaN:"):
            return np.array(int(data[4:], 16), "u8" if dtype == "float64" else "u4").view(dtype)
        return np.array(float(data) if isinstance(data, str) else data, dtype)
