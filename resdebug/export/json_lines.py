"""JSONL, the reference trace format: the header, then one record a line, written as it goes."""

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
    stream.write(encoder.encode(header_of(pass_, f"resdebug {__version__}")) + b"\n")
    for done, record in enumerate(records_of(pass_)):
        stream.write(encoder.encode(record) + b"\n")
        progress(done, total)
