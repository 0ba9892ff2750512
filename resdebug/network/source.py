"""Reading a file that may be anything: present, a plain file, of bearable size, in UTF-8."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from resdebug.errors import BadInput, Fault, IOFailure, MissingInput, Place
from resdebug.network import limits
from resdebug.text import human_bytes


def open_regular(path: Path, limit: int) -> int:
    """Open a plain file for reading and return its descriptor; never blocks on a pipe or device.

    Raises MissingInput when it is not there, not a file or not readable, BadInput when it is over ``limit`` bytes.
    """
    place = Place(file=str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise MissingInput(Fault("J001", "no such file", near_files(path), place)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "not a file name"
        raise MissingInput(Fault("J003", f"cannot be read: {reason}", "", place)) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise MissingInput(Fault("J002", "is a directory, not a file", near_files(path / "x"), place))
        raise MissingInput(Fault("J002", "is not a plain file (a pipe or device)", "copy it to a file first", place))
    if status.st_size > limit:
        os.close(descriptor)
        what = f"is {human_bytes(status.st_size)}, over the limit of {human_bytes(limit)}"
        raise BadInput(Fault("J004", what, "keep large tensors in a .safetensors or .npz file", place))
    return descriptor


def near_files(path: Path) -> str:
    """Return a hint that names what could have been meant: the graphs beside a file that is missing."""
    from resdebug.text import did_you_mean

    try:
        names = sorted(p.name for p in path.parent.iterdir() if p.suffix in {".json", ".jsonl"})[:200]
    except OSError:
        return "check the path"
    return did_you_mean(path.name, names) or "check the path"


def read_text(path: Path, limit: int = limits.GRAPH_FILE_BYTES) -> bytes:
    """Return a file's bytes without a byte order mark, checked to be UTF-8.

    Raises MissingInput, BadInput (size, encoding) and IOFailure.
    """
    descriptor = open_regular(path, limit)
    try:
        with os.fdopen(descriptor, "rb") as file:
            data = file.read()
    except OSError as error:
        raise IOFailure(Fault("J005", f"reading broke off: {error.strerror}", "", Place(file=str(path)))) from None
    return utf8(data, str(path))


def utf8(data: bytes, file: str) -> bytes:
    """Return ``data`` without a UTF-8 byte order mark; raise BadInput when it is another encoding."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    place = Place(file=file)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in data[:4]:
        raise BadInput(Fault("J010", "is UTF-16 or UTF-32 (or not text at all)", "save it as UTF-8", place))
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            what = f"is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}"
            line = data.count(b"\n", 0, error.start) + 1
            column = error.start - data.rfind(b"\n", 0, error.start)
            raise BadInput(Fault("J010", what, "save it as UTF-8", Place(file, line, column))) from None
    return data
