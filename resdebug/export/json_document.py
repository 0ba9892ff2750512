"""JSON: the same as JSONL in one document, the records in an array, every tensor inline and with its checksum."""

from __future__ import annotations

from typing import IO

import msgspec

from resdebug.export.looking import Look, records, seen
from resdebug.export.registry import Progress, Request, Size
from resdebug.export.trace_size import trace_content, trace_size
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass
from resdebug.passes.trace import EndRecord, header_of
from resdebug.version import __version__


def write(pass_: Pass | StreamedPass, stream: IO[bytes], progress: Progress, request: Request | None = None) -> None:
    """Write the trace of ``pass_``; holds one record at a time."""
    wanted = request or Request()
    encoder = msgspec.json.Encoder()
    total = len(pass_.events)
    header = encoder.encode(header_of(pass_, f"resdebug {__version__}", wanted.selection))
    stream.write(header.removesuffix(b"}") + b',"records":[\n')
    k = 0
    for k, record in enumerate(records(seen(pass_, Look(wanted.selection, checksums=True))), start=1):
        stream.write(encoder.encode(record) + b",\n")
        progress(k, total)
    stream.write(encoder.encode(EndRecord(k)) + b"\n]}\n")
    progress(total, total)


def size(pass_: Pass | StreamedPass, request: Request) -> Size:
    """Estimate the bytes that will be written."""
    return trace_size(pass_, request)


def content(pass_: Pass | StreamedPass, selection: Selection) -> str:
    """Return what would be in the trace."""
    return trace_content(pass_, selection)
