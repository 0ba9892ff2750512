"""The text of a trace as a header and records, each with its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

import msgspec

from resdebug.errors import BadInput, Fault, Place
from resdebug.network.progress import Report
from resdebug.passes.trace import FORMAT, EndRecord, Header, Record, is_torn
from resdebug.text import visible

_EVERY: Final = 256
_Item = TypeVar("_Item")


class Line(NamedTuple):
    """A record, and where it stands: 0 in a trace that is one document."""

    number: int
    record: Record


@dataclass(frozen=True)
class Text:
    """What a trace says."""

    header: Header
    lines: list[Line]
    broken: Fault | None
    """Why the lines end before the end mark, None when they do not."""


class _Document(Header, frozen=True, kw_only=True):
    records: list[Record] | None = None


def is_trace(data: bytes) -> bool:
    """Whether a file's text says of itself, in its first object, that it is a trace."""
    head = data[:4096].lstrip()
    return head.startswith(b"{") and b'"format"' in head and FORMAT.encode() in head


def told(items: Iterable[_Item], report: Report | None, done: int, total: int) -> Iterator[_Item]:
    """Yield what there is to read, and report now and then; ``done`` of ``total`` are through before."""
    for k, item in enumerate(items, start=done):
        if report is not None and k % _EVERY == 0:
            report("reading", min(k, total), total)
        yield item


def split(data: bytes, file: str, report: Report | None = None) -> Text:
    """Separate the header from the records, of either form; every event is reported twice, here and when it is taken.

    Raises BadInput when there is no header. Where a record cannot be read the lines before it are returned.
    """
    first, _, rest = data.partition(b"\n")
    if is_torn(first):
        raise BadInput(_torn(file, 1))
    try:
        if rest.strip() and first.rstrip().endswith(b"}"):
            header = msgspec.json.decode(first, type=Header)
        else:
            document = msgspec.json.decode(data, type=_Document)
            header = Header(**{name: getattr(document, name) for name in Header.__struct_fields__})
            if document.records is not None:
                lines = [Line(0, record) for record in document.records]
                return Text(header, lines, _unfinished(lines, file))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        what = f"is not a trace: {visible(str(error))}"
        raise BadInput(Fault("T001", what, "write it with resdebug trace", Place(file, 1, 1))) from None
    lines = []
    try:
        for line in told(_lines(rest, file), report, 0, 2 * (header.events + 1)):
            lines.append(line)
    except BadInput as error:
        return Text(header, lines, error.faults[0])
    return Text(header, lines, _unfinished(lines, file))


def _unfinished(lines: list[Line], file: str) -> Fault | None:
    if lines and isinstance(lines[-1].record, EndRecord):
        return None
    number = lines[-1].number if lines else 1
    what = "the trace ends before its end mark"
    return Fault("T004", what, "it was cut off; --recover takes what is whole", Place(file, number, 1 if number else 0))


def _torn(file: str, number: int) -> Fault:
    what = f"line {number} is not as it was written: its checksum is another"
    return Fault("T012", what, "--recover takes the events before it", Place(file, number, 1))


def _lines(rest: bytes, file: str) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(Record)
    for number, line in enumerate(rest.split(b"\n"), start=2):
        if not line.strip():
            continue
        if is_torn(line):
            raise BadInput(_torn(file, number))
        try:
            record = decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            what = f"line {number} is not a record: {visible(str(error))}"
            hint = "the trace was cut off or changed; --recover takes the events before it"
            raise BadInput(Fault("T003", what, hint, Place(file, number, 1))) from None
        yield Line(number, record)
