"""safetensors: all values and adjoints, ``value/NODE`` and ``adjoint/NODE``; what they belong to in the metadata."""

from __future__ import annotations

from typing import IO

from resdebug.export.registry import Progress, Request, Size
from resdebug.export.safetensors_stream import header
from resdebug.export.tensors import Names, tensors_content, walk
from resdebug.ops.base import Array
from resdebug.passes.encoding import little_endian
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass


def write(pass_: Pass | StreamedPass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Write the file; holds one tensor at a time. Raises UsageError when there are too many for the format."""
    names = Names(pass_, request.selection)
    stream.write(_header(names))

    def put(_of: Of, _node: str, array: Array) -> None:
        stream.write(little_endian(array))

    walk(pass_, names, put, progress)


def size(pass_: Pass | StreamedPass, request: Request) -> Size:
    """Return the bytes that will be written."""
    names = Names(pass_, request.selection)
    return Size(len(_header(names)) + sum(node.type.nbytes for _, node in names.tensors), exact=True)


def _header(names: Names) -> bytes:
    return header(((names.of(of, node.name), node.type) for of, node in names.tensors), names.about)


def content(pass_: Pass | StreamedPass, selection: Selection) -> str:
    """Return what would be in the file."""
    return tensors_content(pass_, selection)
