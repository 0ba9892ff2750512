"""What an export would write, before it is written: which files, how large, with what in them, over what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from resdebug.export.registry import Format, Size, content, expected, files_of, narrowed, note
from resdebug.export.writing import check_destination, check_not_source
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection


@dataclass(frozen=True, slots=True)
class Preview:
    """An export that has not been done yet."""

    files: tuple[Path, ...]
    """What would be written; the file that was asked for comes last."""
    size: Size | None
    """All files together; None where the format cannot tell."""
    content: str
    """What would be in them, in a phrase."""
    note: str
    """What is to be known of the format, or nothing."""
    taken: tuple[Path, ...]
    """Which of the files exist already."""


def preview(
    pass_: Pass, path: Path, format_: Format, selection: Selection | None = None, *, source: Path | None = None
) -> Preview:
    """Return what ``export`` would write.

    Raises UsageError for a level that the format does not have and for patterns that match nothing, CannotCreate for a
    destination that cannot be written or is the ``source`` that was read. That it exists is no error here.
    """
    wanted = narrowed(pass_, selection or Selection(), format_)
    files = files_of(pass_, path, format_, wanted, inline=False)
    check_not_source(path, source)
    for file in files:
        check_destination(file, force=True)
    return Preview(
        tuple(files),
        expected(pass_, path, format_, selection=selection),
        content(pass_, format_, wanted),
        note(pass_, format_, wanted),
        tuple(file for file in files if file.exists()),
    )
