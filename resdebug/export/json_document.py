"""JSON: the same as JSONL in one document, the records in an array."""

from __future__ import annotations

from typing import IO

import msgspec

from resdebug.export.registry import Progress
from resdebug.passes.protocol import Pass
from resdebug.passes.trace import header_of, records_of
from resdebug.version import __version__


def write(pass_: Pass, stream: IO[bytes], progress: Progress) -> None:
    """Write the trace of ``pass_``; holds one record at a time."""
    encoder = msgspec.json.Encoder()
    total = len(pass_.events)
    header = encoder.encode(header_of(pass_, f"resdebug {__version__}"))
    stream.write(header.removesuffix(b"}") + b',"records":[')
    for done, record in enumerate(records_of(pass_)):
        stream.write((b",\n" if done else b"\n") + encoder.encode(record))
        progress(done, total)
    stream.write(b"\n]}\n")
