"""npz: all values and adjoints, ``value/NODE`` and ``adjoint/NODE``, as ``numpy.load`` reads them.

The member ``__metadata__`` is JSON in UTF-8, as bytes.
"""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import IO, Final

import numpy as np

from resdebug.export.registry import Progress, Request, Size
from resdebug.export.tensors import Names, tensors_content, walk
from resdebug.ops.base import Array
from resdebug.passes.encoding import little_endian
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass

_ABOUT: Final = "__metadata__"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same pass gives the same file."""
_LARGE: Final = (1 << 31) - 1
_MANY: Final = 0xFFFF


def write(pass_: Pass | StreamedPass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Write the archive; holds one tensor at a time. Nothing is compressed: gradients hardly shrink."""
    names = Names(pass_, request.selection)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, _ABOUT, _about(names))
        walk(pass_, names, lambda of, node, array: _put(archive, names.of(of, node), array), progress)


def _about(names: Names) -> Array:
    return np.frombuffer(json.dumps(names.about).encode(), dtype=np.uint8)


def _put(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    member = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
    member.external_attr = 0o600 << 16
    head = _npy_header(array.shape, array.dtype.name)
    member.file_size = len(head) + array.nbytes
    with archive.open(member, "w") as file:
        file.write(head)
        file.write(little_endian(array))


def _npy_header(shape: tuple[int, ...], dtype: str) -> bytes:
    kept = BytesIO()
    described = np.lib.format.dtype_to_descr(np.dtype(dtype).newbyteorder("<"))
    np.lib.format.write_array_header_1_0(kept, {"descr": described, "fortran_order": False, "shape": shape})
    return kept.getvalue()


def size(pass_: Pass | StreamedPass, request: Request) -> Size:
    """Return the bytes that will be written: of each member its header, its numbers, and its line in the directory."""
    names = Names(pass_, request.selection)
    members: list[tuple[str, tuple[int, ...], str]] = [(_ABOUT, (len(_about(names)),), "uint8")]
    members += [(names.of(of, node.name), node.shape, node.dtype) for of, node in names.tensors]
    total = directory = 0
    for name, shape, dtype in members:
        length = len(f"{name}.npy".encode())
        data = len(_npy_header(shape, dtype)) + int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
        far, long = total > _LARGE, data > _LARGE
        wide = data * 1.05 > _LARGE
        directory += 46 + length + (4 + 16 * long + 8 * far if far or long else 0)
        total += 30 + length + 20 * wide + data
    end = 76 if len(members) > _MANY or total > _LARGE or directory > _LARGE else 0
    return Size(total + directory + end + 22, exact=True)


def content(pass_: Pass | StreamedPass, selection: Selection) -> str:
    """Return what would be in the file."""
    return tensors_content(pass_, selection)
