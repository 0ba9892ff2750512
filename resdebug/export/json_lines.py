"""JSONL, the reference trace format: the header, then one record a line, written as it goes."""

from __future__ import annotations

from typing import IO

import msgspec

from resdebug.export.looking import Look, records, room, seen
from resdebug.export.registry import Progress, Request, Size
from resdebug.export.safetensors_stream import Stream
from resdebug.export.trace_size import trace_content, trace_size
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass
from resdebug.passes.trace import FORMAT, VERSION, EndRecord, header_of, sealed
from resdebug.version import __version__


def write(pass_: Pass | StreamedPass, stream: IO[bytes], progress: Progress, request: Request | None = None) -> None:
    """Write the trace of ``pass_``; holds one record at a time. Every line carries its checksum."""
    wanted = request or Request()
    encoder = msgspec.json.Encoder()
    total = len(pass_.events)
    header = header_of(pass_, f"resdebug {__version__}", wanted.selection, wanted.beside_name)
    stream.write(sealed(encoder.encode(header)))
    beside = None
    if wanted.beside is not None:
        about = {"format": FORMAT, "version": str(VERSION), "digest": header.digest}
        beside = Stream(wanted.beside, room(pass_, wanted.selection), about)
    k = 0
    for k, record in enumerate(records(seen(pass_, Look(wanted.selection, beside))), start=1):
        stream.write(sealed(encoder.encode(record)))
        progress(k, total)
    if beside is not None:
        beside.close()
    stream.write(sealed(encoder.encode(EndRecord(k))))
    progress(total, total)


def size(pass_: Pass | StreamedPass, request: Request) -> Size:
    """Estimate the bytes that will be written."""
    return trace_size(pass_, request)


def content(pass_: Pass | StreamedPass, selection: Selection) -> str:
    """Return what would be in the trace."""
    return trace_content(pass_, selection)
