"""Tensors in ``.npz`` and ``.safetensors`` files that lie beside a graph file or below it.

A file from a stranger is described from its headers alone, refused when it would unpack to something it does not
declare, and never unpickled. Shapes and element types are known before any element is read.
"""

from __future__ import annotations

import lzma
import os
import struct
import warnings
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from resdebug.errors import BadInput, Fault, Place, ResdebugError
from resdebug.network import limits
from resdebug.network.document import repeats_a_key
from resdebug.network.source import open_regular
from resdebug.network.types import ITEM_BYTES, TensorType, shape_text
from resdebug.text import did_you_mean, human_bytes, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAFETENSORS: Final = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
_WIDENED: Final = {"float16": "float32", "bfloat16": "float32"}
_BROKEN_ARCHIVE: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError,
    OSError,
)  # fmt: skip


class TensorFault(Exception):
    """A tensor file or a tensor in it is refused; carries the code, what, and what to do."""

    def __init__(self, code: str, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.hint = hint


class Stored:
    """Where one tensor lies: its declared type in the file (halves are widened to float32 when read)."""

    def __init__(self, declared: str, shape: tuple[int, ...]) -> None:
        self.declared = declared
        self.type = TensorType(shape, _WIDENED.get(declared, declared))


class TensorFiles:
    """The tensor files of one folder, each opened and described once."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._described: dict[str, Mapping[str, Stored] | TensorFault] = {}

    def describe(self, file: str, name: str) -> Stored:
        """Return the type of tensor ``name`` in ``file``, from the header alone.

        Raises TensorFault when the path leaves the folder, the file is at fault, or has no such tensor.
        """
        if file not in self._described:
            self._described[file] = self._describe(file)
        tensors = self._described[file]
        if isinstance(tensors, TensorFault):
            raise tensors
        if name not in tensors:
            raise TensorFault("W011", f'{visible(file)} has no tensor "{visible(name)}"', did_you_mean(name, tensors))
        stored = tensors[name]
        if stored.type.dtype not in ITEM_BYTES:
            what = f'tensor "{visible(name)}" in {visible(file)} has elements of type {visible(stored.declared)}'
            raise TensorFault("W024", what, "use one of " + ", ".join(ITEM_BYTES))
        return stored

    def names(self, file: str) -> tuple[str, ...]:
        """Return the names of all tensors in ``file``. Raises TensorFault as ``describe`` does."""
        if file not in self._described:
            self._described[file] = self._describe(file)
        tensors = self._described[file]
        if isinstance(tensors, TensorFault):
            raise tensors
        return tuple(tensors)

    def _describe(self, file: str) -> Mapping[str, Stored] | TensorFault:
        try:
            path = self.resolve(file)
            return _npz(path) if path.suffix == ".npz" else _safetensors(path)
        except TensorFault as fault:
            return fault

    def read(self, file: str, name: str) -> np.ndarray:
        """Return tensor ``name`` of ``file`` in native byte order. Raises TensorFault."""
        stored = self.describe(file, name)
        path = self.resolve(file)
        try:
            array = _read_npz(path, name) if path.suffix == ".npz" else _read_safetensors(path, name, stored.declared)
        except _BROKEN_ARCHIVE as error:
            what = f'tensor "{visible(name)}" in {visible(file)} cannot be read: {visible(str(error), limit=80)}'
            raise TensorFault("W025", what, "write the file again") from None
        if array.shape != stored.type.shape:
            what = f'tensor "{visible(name)}" in {visible(file)} has changed its shape since it was checked'
            raise TensorFault("W025", what, "run again")
        return array.astype(stored.type.dtype, copy=False)

    def resolve(self, file: str) -> Path:
        """Return the path of a tensor file, refusing whatever is not a plain file in the folder or below it."""
        if self.folder is None:
            raise TensorFault("W001", "a network from memory has no folder to read tensor files from", "pass folder=")
        outside = "a tensor file lies beside the graph file or below it"
        pure = PurePosixPath(file)
        windows = PureWindowsPath(file)
        if pure.is_absolute() or windows.drive or windows.root or ".." in pure.parts or ".." in windows.parts:
            raise TensorFault("W001", f"the path {visible(file)} leaves the graph's folder", outside)
        if not file or "\x00" in file or "\\" in file:
            raise TensorFault("W001", f'"{visible(file)}" is not a file name', outside)
        if pure.suffix not in {".npz", ".safetensors"}:
            raise TensorFault("W002", f"{visible(file)} is neither .npz nor .safetensors", "convert it")
        path = self.folder / pure
        try:
            real = Path(os.path.realpath(path))
            there = real.exists()
        except (OSError, ValueError):
            raise TensorFault("W001", f'"{visible(file)}" is not a file name', outside) from None
        if not real.is_relative_to(os.path.realpath(self.folder)):
            raise TensorFault("W001", f"{visible(file)} is a link that leaves the graph's folder", outside)
        if not there:
            near = [p.name for p in path.parent.glob("*") if p.suffix in {".npz", ".safetensors"}]
            raise TensorFault("W010", f"there is no file {visible(file)}", did_you_mean(pure.name, near))
        if real.is_file() and real.stat().st_nlink > 1:
            raise TensorFault("W003", f"{visible(file)} is a hard link to another file", "copy it")
        try:
            os.close(open_regular(real, limits.TENSOR_FILE_BYTES))
        except ResdebugError as error:
            raise TensorFault("W003", f"{visible(file)} {error.faults[0].what}", error.faults[0].hint) from None
        return real


def refused(error: TensorFault, place: Place) -> BadInput:
    """Return the error that a run ends with when a tensor turns out to be at fault while it is read."""
    return BadInput(Fault(error.code, error.what, error.hint, place))


def _npz(path: Path) -> dict[str, Stored]:
    """Describe every array of an npz archive from the headers of its members."""
    try:
        with zipfile.ZipFile(path) as archive:
            tensors: dict[str, Stored] = {}
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name in tensors:
                    raise TensorFault(
                        "W030", f'{visible(path.name)} has two members named "{visible(name)}"', "keep one"
                    )
                tensors[name] = _npy_header(archive, member)
            return tensors
    except _BROKEN_ARCHIVE as error:
        raise TensorFault(
            "W020", f"{visible(path.name)} is not an npz archive: {visible(str(error))}", "write it again"
        ) from None


def _npy_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Stored:
    what = f'member "{visible(member.filename)}"'
    if member.filename.startswith("/") or ".." in PurePosixPath(member.filename).parts:
        raise TensorFault("W031", f"{what} has a path that leaves the archive", "write the file with numpy.savez")
    if member.file_size > 1 << 24 and member.file_size > limits.UNPACK_RATIO * max(member.compress_size, 1):
        size = f"{human_bytes(member.compress_size)} unpack to {human_bytes(member.file_size)}"
        raise TensorFault("W023", f"{what}: {size}, more than {limits.UNPACK_RATIO} times", "use numpy.savez")
    with archive.open(member) as file:
        shape, dtype = read_npy_header(file, what)
        expected = file.tell() + dtype.itemsize * _product(shape)
    if member.file_size != expected:
        sizes = f"declares {shape_text(shape)} {dtype} ({expected} bytes with its header) and has {member.file_size}"
        raise TensorFault("W022", f"{what} {sizes}", "write the file again")
    return Stored(dtype.newbyteorder("=").name if dtype.kind in "fiub" else str(dtype), shape)


def read_npy_header(file: IO[bytes], what: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read the header of an npy stream: shape and element type; objects and non-arrays are refused."""
    hint = "write plain arrays with numpy.savez"
    try:
        version = np.lib.format.read_magic(file)
        if version not in {(1, 0), (2, 0)}:
            raise ValueError(f"version {version}")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, _, dtype = read(file)
        if any(type(n) is not int for n in shape):
            raise ValueError("the shape is not made of whole numbers")
    except (zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - numpy parses the header as Python text and lets anything through
        raise TensorFault("W021", f"{what} is not a plain array: {visible(str(error), limit=80)}", hint) from None
    if dtype.hasobject:
        raise TensorFault("W026", f"{what} holds pickled Python objects, which are never loaded", hint)
    if any(n < 0 for n in shape):
        raise TensorFault("W022", f"{what} declares the shape {shape_text(shape)}", hint)
    return shape, dtype


def _read_npz(path: Path, name: str) -> np.ndarray:
    with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        members = archive.namelist()
        with archive.open(f"{name}.npy" if f"{name}.npy" in members else name) as file:
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
            file.read()
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _safetensors(path: Path) -> dict[str, Stored]:
    """Describe every tensor of a safetensors file; the library checks the header's rules."""
    from safetensors import SafetensorError, safe_open

    hint = "write it again with the safetensors library"
    try:
        with safe_open(path, "np"):
            pass
        header, entries = _safetensors_header(path)
    except (SafetensorError, OSError, ValueError) as error:
        what = f"{visible(path.name)} is not a safetensors file: {visible(str(error), limit=120)}"
        raise TensorFault("W020", what, hint) from None
    tensors = len(entries) - ("__metadata__" in entries)
    if header.count(b'"data_offsets"') != tensors and repeats_a_key(header, entries):
        raise TensorFault("W030", f"{visible(path.name)} names a tensor twice", hint)
    entries.pop("__metadata__", None)
    return {
        name: Stored(_SAFETENSORS.get(entry["dtype"], entry["dtype"]), tuple(entry["shape"]))
        for name, entry in entries.items()
    }


def _safetensors_header(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the header of a safetensors file that the library has accepted: its text, and what it says."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = file.read(length)
    return header, msgspec.json.decode(header)


def _read_safetensors(path: Path, name: str, declared: str) -> np.ndarray:
    from safetensors import SafetensorError, safe_open

    try:
        # The library checks the header. Read through it, pages of the file and a copy would take the memory twice.
        with safe_open(path, "np"):
            pass
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    header, entries = _safetensors_header(path)
    entry = entries[name]
    dtype = np.dtype("u2" if declared == "bfloat16" else _SAFETENSORS[entry["dtype"]]).newbyteorder("<")
    start, end = entry["data_offsets"]
    array = np.fromfile(path, dtype, (end - start) // dtype.itemsize, offset=8 + len(header) + start)
    if declared == "bfloat16":
        # Which numpy lacks: it is the upper half of a float32.
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.reshape(entry["shape"])


def _product(shape: tuple[int, ...]) -> int:
    result = 1
    for n in shape:
        result *= n
    return result
