"""A trace file as a header and records, one at a time; any record again by its place.

Only places are kept, so that memory does not grow with the tensors of a trace in JSON Lines. One that is a single
document is held as text.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from resdebug.errors import BadInput, Fault, IOFailure, MissingInput, Place
from resdebug.text import visible
from resdebug.verification.beside import Beside
from resdebug.verification.measured import Array
from resdebug.verification.records import Record, Tensor
from resdebug.verification.rules import Broken

_SEAL: Final = b',"crc":'
_DIGITS: Final = 10
"""Of a checksum at most."""
_SIZES: Final = {"float64": 8, "float32": 4, "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1}
_NAN: Final = re.compile(r"NaN:([0-9a-f]{1,16})")
_STATISTICS: Final = ("norm", "minimum", "maximum", "mean", "deviation", "zeros", "nans", "infinities")
_HEAD: Final[dict[str, type | tuple[type, ...]]] = {
    "format": str, "version": int, "generator": str, "digest": str, "target": str, "rule": str, "events": int,
    "network": dict,
}  # fmt: skip
_BLOCK: Final = 1 << 20


Placed = tuple[int, int, Record]
"""Line (0 in a document), where it is found again, and the record."""


class TraceFile:
    """One trace. Raises MissingInput, IOFailure, and BadInput for what is no trace at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise MissingInput(Fault("J001", "there is no such file", place=Place(visible(str(path)))))
        if not path.is_file():
            raise BadInput(Fault("J002", "is not a plain file", place=Place(visible(str(path)))))
        try:
            self._stream = path.open("rb")
        except OSError as error:
            raise IOFailure(Fault("J003", error.strerror or str(error), place=Place(visible(str(path))))) from None
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        first = self._stream.readline()
        if b'"resdebug-trace"' not in first[:4096] and b'"resdebug-trace"' not in first + self._stream.read(4096):
            hint = "verify reads traces; write one with resdebug trace GRAPH -o t.jsonl"
            raise BadInput(Fault("T001", "is not a trace", hint, Place(visible(str(self.path)), 1, 1)))
        self._records: list[msgspec.Raw] | None = None
        self.sealed: bool | None = None
        self.unsummed = 0
        """Tensors in records without a checksum of their own."""
        self._summed: bool | None = None
        """Whether the tensors of a document have one."""
        self.broken: Broken | None = None
        """What is wrong with the header line, where it can be read in spite of it."""
        self._decoder = msgspec.json.Decoder(Record)
        self.header = self._header(first)
        self.beside: Beside | None = None

    def _header(self, first: bytes) -> dict[str, Any]:
        self._start = len(first)
        try:
            header = msgspec.json.decode(first)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            header = self._document()
        else:
            if isinstance(header, dict) and "records" in header:
                header = self._document()
            else:
                self._check_seal(first)
        if not isinstance(header, dict):
            raise Broken("V001", "the first line is not an object")
        for key, type_ in _HEAD.items():
            if not isinstance(header.get(key), type_) or isinstance(header.get(key), bool):
                raise Broken("V001", f'the header has no "{key}", or of another type')
        if header["format"] != "resdebug-trace" or header["version"] not in {1, 2}:
            raise Broken("V001", f"format or version {header['version']} is not known")
        if header["rule"] not in {"sum", "mean", "overwrite", "first", "twice"}:
            raise Broken("V001", f'there is no rule "{visible(header["rule"])}"')
        return header

    def _document(self) -> dict[str, Any]:
        self._stream.seek(0)
        try:
            document = msgspec.json.decode(self._stream.read(), type=dict[str, msgspec.Raw])
            self._records = msgspec.json.decode(document.pop("records"), type=list[msgspec.Raw])
            return {key: msgspec.json.decode(raw) for key, raw in document.items()}
        except KeyError:
            raise Broken("V001", "the first line is not a header, nor is the file one document with records") from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Broken("V001", f"the header cannot be read: {visible(str(error))}") from None

    def _check_seal(self, line: bytes) -> None:
        at = line.rfind(_SEAL)
        said = line[at + len(_SEAL) : -2]
        sealed = at >= 0 and line.endswith(b"}\n") and len(said) <= _DIGITS and said.isdigit()
        if sealed and zlib.crc32(memoryview(line)[:at]) != int(said):
            self.broken = Broken("V003", "the line is not as it was written: its checksum is another")
        if self.sealed is None:
            self.sealed = sealed
        elif self.sealed != sealed:
            what = (
                "has no checksum, and lines before it have" if self.sealed else "has a checksum, and others have none"
            )
            self.broken = Broken("V003", f"the line {what}: it was changed or added afterwards")

    def __iter__(self) -> Iterator[Placed]:
        """Yield the records; ``broken`` says of each what is wrong with its line. Raises Broken, to go on no more."""
        if self._records is not None:
            for i, raw in enumerate(self._records):
                self.line = 0
                yield 0, i, self._record(raw)
            return
        at, self.line = self._start, 1
        while True:
            self._stream.seek(at)
            block = self._stream.read(_BLOCK)
            if not block:
                return
            end = block.rfind(b"\n") + 1
            if not end:
                self._stream.seek(at)
                block = self._stream.readline()
                end = len(block)
            for line in block[:end].splitlines(keepends=True) if b"\r" not in block else _lines(block[:end]):
                self.line += 1
                self.broken = None
                if line.strip():
                    self._check_seal(line)
                    if self.broken is not None and not line.endswith(b"\n"):
                        raise Broken("V002", "the last line is torn")
                    yield self.line, at, self._record(line)
                at += len(line)

    def _record(self, line: bytes | msgspec.Raw) -> Record:
        try:
            return self._decoder.decode(line)
        except msgspec.ValidationError as error:
            raise Broken("V002", f"the line is not a record of an event: {visible(str(error), limit=200)}") from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Broken("V002", f"the line is not strict JSON: {visible(str(error))}") from None

    def again(self, at: int) -> Record:
        """Return the record at a place once more."""
        if self._records is not None:
            return self._record(self._records[at])
        self._stream.seek(at)
        return self._record(self._stream.readline())

    def array(self, tensor: Tensor) -> Array | None:
        """Return the numbers of a tensor, read-only; None where there are statistics. Raises Broken."""
        shape, dtype, crc = tensor.shape, tensor.dtype, tensor.crc
        if self._records is not None and tensor.data is not None:
            self._check_summed(isinstance(crc, int))
        if crc is None and shape == [] and dtype == "float64" and type(tensor.data) is float and _is_plain(tensor):
            self.unsummed += 1
            alone = np.array(tensor.data)
            alone.setflags(write=False)
            return alone
        if not isinstance(shape, list) or not isinstance(dtype, str) or dtype not in _SIZES:
            raise Broken("V020", "a tensor has no shape, or no known element type")
        if any(type(n) is not int or n < 0 for n in shape):
            raise Broken("V020", "a tensor has an impossible shape")
        there = [key for key in ("data", "name", "statistics") if getattr(tensor, key) is not None]
        if len(there) != 1:
            raise Broken("V020", f"a tensor has {' and '.join(there) or 'neither data nor name nor statistics'}")
        if there == ["statistics"]:
            _check_statistics(tensor.statistics, shape, dtype)
            return None
        if there == ["name"]:
            if self.beside is None:
                if not self.header.get("tensors"):
                    raise Broken("V021", "a record names a tensor, and the header no file of tensors")
                self.beside = Beside(self.path, self.header)
            return self.beside.read(str(tensor.name), shape, str(dtype), crc if isinstance(crc, int) else None)
        array = _numbers(tensor.data, shape, str(dtype))
        self.unsummed += not isinstance(crc, int)
        if isinstance(crc, int) and zlib.crc32(_little_endian(array)) != crc:
            raise Broken("V026", "a tensor has other numbers than its checksum says")
        array.setflags(write=False)
        return array

    def _check_summed(self, summed: bool) -> None:
        if self._summed is None:
            self._summed = summed
        elif self._summed != summed:
            what = "no checksum, and others have one" if self._summed else "a checksum, and others have none"
            raise Broken("V026", f"a tensor has {what}: it was changed or added afterwards")

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()


def _lines(block: bytes) -> list[bytes]:
    """Split at line feeds alone."""
    return [line + b"\n" for line in block.split(b"\n")[:-1]] + ([last] if (last := block.split(b"\n")[-1]) else [])


def _is_plain(tensor: Tensor) -> bool:
    return tensor.name is None and tensor.statistics is None


def _little_endian(array: Array) -> memoryview:
    """Return the bytes of the numbers as a file has them."""
    if sys.byteorder == "little":
        return np.ascontiguousarray(array).data
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data


def _numbers(data: Any, shape: list[int], dtype: str) -> Array:
    """Return nested numbers as an array. Raises Broken."""
    flat = [data]
    for size in shape:
        if any(type(part) is not list or len(part) != size for part in flat):
            raise Broken("V020", f"a tensor does not have the numbers that its shape {shape} says")
        flat = [item for part in flat for item in part]
    words = {i: item for i, item in enumerate(flat) if type(item) is str}
    for i in words:
        flat[i] = 0.0
    wanted: set[type] = {bool} if dtype == "bool" else {int, float} if dtype.startswith("float") else {int}
    if not set(map(type, flat)) <= wanted or (words and not dtype.startswith("float")):
        raise Broken("V020", f"a tensor of {dtype} has something else in it")
    try:
        with np.errstate(over="raise"):
            array = np.array(flat, dtype=dtype)
    except (FloatingPointError, OverflowError):
        raise Broken("V020", f"a number is beyond {dtype}") from None
    for i, word in words.items():
        _spell(array, i, word)
    return array.reshape(shape)


def _spell(array: Array, i: int, word: str) -> None:
    known = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
    match = _NAN.fullmatch(word)
    if word in known:
        array[i] = known[word]
    elif match:
        bits = int(match.group(1), 16)
        if bits < 1 << 8 * array.itemsize:
            array.view(f"u{array.itemsize}")[i] = bits
        if not np.isnan(array[i]):
            raise Broken("V020", f"{visible(word, limit=40)!r} is not a NaN")
    else:
        raise Broken("V020", f"{visible(word, limit=40)!r} is not a number")


def _check_statistics(found: Any, shape: list[int], dtype: str) -> None:
    if not isinstance(found, dict) or any(key not in found for key in _STATISTICS):
        raise Broken("V020", "statistics lack some of their numbers")
    numbers = {}
    for key in _STATISTICS:
        number = found[key]
        if isinstance(number, str) and key == "norm":
            number = {"NaN": np.nan, "Infinity": np.inf}.get(number, -1.0)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise Broken("V020", f"{key} is not a number")
        numbers[key] = number
    count = int(np.prod(shape, dtype=float))
    odd = numbers["nans"] + numbers["infinities"]
    slack = 1e-5 * max(abs(numbers["minimum"]), abs(numbers["maximum"]), 1e-300)
    low, high = numbers["minimum"] - slack, numbers["maximum"] + slack
    largest = max(abs(numbers["minimum"]), abs(numbers["maximum"])) if count > odd else 0.0
    wrong = (
        "norm is below 0" if numbers["norm"] < 0
        else "more elements are counted than there are" if numbers["zeros"] + odd > count
        else "a count is below 0" if min(numbers["zeros"], numbers["nans"], numbers["infinities"]) < 0
        else "the mean is not between minimum and maximum" if not low <= numbers["mean"] <= high
        else "the deviation is impossible" if not -slack <= numbers["deviation"] <= high - low
        else "the norm does not fit the extremes" if not odd and dtype.startswith("float")
        and not largest * (1 - 1e-4) <= numbers["norm"] <= largest * (1 + 1e-4) * np.sqrt(count)
        else ""
    )  # fmt: skip
    if wrong:
        raise Broken("V024", f"these are statistics of no tensor: {wrong}")
