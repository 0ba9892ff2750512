"""The tensors that lie in the file beside a trace: looked at where they lie, not copied."""

from __future__ import annotations

import mmap
import struct
import zlib
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from resdebug.network.tensorfiles import TensorFault, TensorFiles
from resdebug.ops.base import Array
from resdebug.passes.trace import BESIDE, Tensor
from resdebug.text import visible

_KINDS: Final = {
    "F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip


class Beside:
    """The safetensors file of one trace, opened when the first tensor of it is asked for."""

    def __init__(self, trace: Path, file: str | None) -> None:
        self.trace = trace
        self.file = file
        self._map: mmap.mmap | None = None
        self._start = 0
        self._entries: dict[str, Any] = {}

    def read(self, tensor: Tensor) -> Array:
        """Return a tensor, read-only. Raises TensorFault when it is not there, or not what the trace says of it."""
        name = tensor.name or ""
        if self._map is None:
            self._open()
        entry = self._entries.get(name)
        if self._map is None or entry is None:
            raise TensorFault(
                "T011", f'{self._shown} has no tensor "{visible(name)}"', "the two files do not belong together"
            )
        dtype = _KINDS.get(entry["dtype"])
        if dtype is None or np.dtype(dtype).name != tensor.dtype or entry["shape"] != tensor.shape:
            what = f'tensor "{visible(name)}" in {self._shown} is not of the shape and type that the trace says'
            raise TensorFault("T011", what, "the two files do not belong together")
        start, end = entry["data_offsets"]
        stored = memoryview(self._map)[self._start + start : self._start + end]
        if tensor.crc is not None and zlib.crc32(stored) != tensor.crc:
            what = f'tensor "{visible(name)}" in {self._shown} is not as it was written'
            raise TensorFault("T012", what, "the file was changed, or is of another trace")
        array = np.frombuffer(stored, dtype=dtype).reshape(tensor.shape)
        return array if array.flags.aligned and array.dtype.isnative else _copied(array)

    @property
    def _shown(self) -> str:
        return visible(self.file or "")

    def _open(self) -> None:
        if self.file is None:
            raise TensorFault("T011", "a record names a tensor, and the header no file of tensors")
        if Path(self.file).name != self.file or not self.file.endswith(BESIDE):
            what = f'"{self._shown}" is not the name of a safetensors file in the folder of the trace'
            raise TensorFault("T011", what)
        path = self._resolved(self.file)
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            self._entries = msgspec.json.decode(stream.read(length))
            self._entries.pop("__metadata__", None)
            self._start = 8 + length
            self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)

    def _resolved(self, file: str) -> Path:
        """Return the checked file, or, where both files of a trace were renamed, that of the trace's new name."""
        files = TensorFiles(self.trace.parent)
        try:
            _check(files, file)
        except TensorFault as fault:
            renamed = self.trace.name + BESIDE
            if fault.code != "W010" or renamed == file or not (self.trace.parent / renamed).is_file():
                raise
            _check(files, renamed)
            file = renamed
        return files.resolve(file)


def _check(files: TensorFiles, file: str) -> None:
    """Have the library check every rule of the file's header. Raises TensorFault."""
    try:
        files.describe(file, "")
    except TensorFault as fault:
        if fault.code != "W011":
            raise


def _copied(array: Array) -> Array:
    copy = array.astype(array.dtype.newbyteorder("="))
    copy.flags.writeable = False
    return copy
