"""CSV (RFC 4180, UTF-8): a row for every contribution.

Text that a spreadsheet would take for a formula gets an apostrophe before it, and so does text that begins with one;
whoever reads it back takes one off. Numbers stand as they are; NaN and the infinities are ``NaN``, ``Infinity`` and
``-Infinity``; a cell without a number is empty.
"""

from __future__ import annotations

import csv
import math
from io import StringIO
from itertools import islice
from typing import IO, Any, Final

from resdebug.export.contributions import COLUMNS, Row, count, rows
from resdebug.export.registry import Progress, Request, Size
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass
from resdebug.text import plural

_FORMULA: Final = tuple("=+-@\t\r\n'")


def write(pass_: Pass | StreamedPass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Write the table; holds one node's rows at a time."""
    total = count(pass_, request.selection)
    buffer = StringIO(newline="")
    table = csv.writer(buffer)
    table.writerow(COLUMNS)
    for done, row in enumerate(rows(pass_, request.selection)):
        table.writerow(_cells(row))
        stream.write(buffer.getvalue().encode())
        buffer.seek(0)
        buffer.truncate()
        progress(done, total)
    stream.write(buffer.getvalue().encode())
    progress(total, total)


def size(pass_: Pass | StreamedPass, request: Request) -> Size:
    """Estimate the bytes that will be written from the names, and what numbers usually take."""
    network, selection = pass_.network, request.selection
    numbers = _numbers(pass_, selection)
    total = sum(map(len, COLUMNS)) + len(COLUMNS)
    for i in pass_.schedule.reverse:
        name = network.nodes[i].name
        if selection.chosen(name):
            for edge in pass_.schedule.arrivals[i]:
                total += len(name.encode()) + len(edge.consumer.encode()) + len(edge.slot) + numbers
    return Size(total, exact=False)


def _numbers(pass_: Pass | StreamedPass, selection: Selection) -> int:
    """Return how many bytes a row takes but for its names: about what it does in a sample."""
    if isinstance(pass_, StreamedPass):
        return 130
    sample = list(islice(rows(pass_, selection, max(1, len(pass_.schedule.reverse) // 32)), 64))
    lengths = [sum(len(str(cell)) + 1 for cell in _cells(r)) - len(r.node + r.consumer + r.slot) + 1 for r in sample]
    return round(sum(lengths) / max(1, len(lengths)))


def _cells(row: Row) -> list[Any]:
    return [_cell(item) for item in row]


def _cell(item: str | float | None) -> str | int:
    if item is None:
        return ""
    if isinstance(item, str):
        return f"'{item}" if item.startswith(_FORMULA) else item
    if isinstance(item, int):
        return item
    return repr(item) if math.isfinite(item) else "NaN" if item != item else "Infinity" if item > 0 else "-Infinity"


def content(pass_: Pass | StreamedPass, selection: Selection) -> str:
    """Return what would be in the table."""
    return f"{plural(count(pass_, selection), 'row')} of {len(COLUMNS)} columns, one for every contribution"
