"""Parquet, through pyarrow: a row for every contribution; what the pass was in the metadata of the schema."""

from __future__ import annotations

from itertools import islice
from typing import IO, Any, Final

from resdebug.errors import Fault, UsageError
from resdebug.export.contributions import ABOUT, COLUMNS, count, rows
from resdebug.export.registry import Progress, Request, Size
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass
from resdebug.text import plural
from resdebug.version import __version__

_GROUP: Final = 1 << 14
"""Rows that are held, and written together."""
_TEXT: Final = frozenset({"node", "consumer", "slot", "rule"})
_COUNTS: Final = frozenset({"event", "arrival", "elements", "zeros", "nans", "infinities"})


def write(pass_: Pass | StreamedPass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Write the table. Raises UsageError where pyarrow is not installed."""
    pa, parquet = _library()
    schema = _schema(pa, pass_)
    total, done = count(pass_, request.selection), 0
    source = rows(pass_, request.selection)
    with parquet.ParquetWriter(_Kept(stream), schema, compression="zstd") as writer:
        while group := list(islice(source, _GROUP)):
            columns = dict(zip(COLUMNS, map(list, zip(*group, strict=True)), strict=True))
            writer.write_table(pa.table(columns, schema=schema), row_group_size=_GROUP)
            done += len(group)
            progress(done, total)
    progress(total, total)


def size(pass_: Pass | StreamedPass, request: Request) -> Size:
    """Estimate the bytes that will be written: columns are compressed, which numbers hardly are."""
    return Size(6500 + 36 * count(pass_, request.selection), exact=False)


def _library() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        hint = "pip install 'resdebug[parquet]', or write .csv"
        raise UsageError(Fault("X008", "Parquet needs the library pyarrow, which is not installed", hint)) from None
    return pa, parquet


def _schema(pa: Any, pass_: Pass | StreamedPass) -> Any:
    kinds = {
        name: pa.string() if name in _TEXT else pa.int64() if name in _COUNTS else pa.float64() for name in COLUMNS
    }
    columns = [pa.field(name, kind, metadata={"about": ABOUT[name]}) for name, kind in kinds.items()]
    pass_about = {"generator": f"resdebug {__version__}", "digest": pass_.digest(), "target": pass_.target}
    return pa.schema(columns, metadata=pass_about | {"rule": pass_.rule})


class _Kept:
    """A stream that stays open when the library is done with it."""

    closed = False

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._written = 0

    def write(self, data: Any) -> int:
        """Write, and count."""
        written = self._stream.write(data)
        self._written += written
        return written

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._written

    def flush(self) -> None:
        """Leave it to whoever opened the stream."""

    def close(self) -> None:
        """Leave it to whoever opened the stream."""

    def readable(self) -> bool:
        """Only written to."""
        return False

    def writable(self) -> bool:
        """Only written to."""
        return True

    def seekable(self) -> bool:
        """Written from the beginning to the end."""
        return False


def content(pass_: Pass | StreamedPass, selection: Selection) -> str:
    """Return what would be in the table."""
    return f"{plural(count(pass_, selection), 'row')} of {len(COLUMNS)} columns, one for every contribution"
