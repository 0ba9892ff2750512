"""All formats that a pass can be written in; a new one is a file in this package and a row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Final, cast

from resdebug.errors import Fault, UsageError
from resdebug.export.writing import whole_file
from resdebug.passes.protocol import Pass
from resdebug.text import did_you_mean, visible

Progress = Callable[[int, int], None]
"""Called with the events written so far, and how many there are."""
Writer = Callable[[Pass, IO[bytes], Progress], None]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a pass: its name, its suffix, what it is, and the module whose ``write`` does it."""

    name: str
    suffix: str
    about: str
    module: str

    def writer(self) -> Writer:
        """Import the module and return its ``write``."""
        return cast("Writer", import_module(self.module).write)


FORMATS: Final = {
    f.name: f
    for f in (
        Format("jsonl", ".jsonl", "one event a line, readable while it is written", "resdebug.export.json_lines"),
        Format("json", ".json", "the same as one document", "resdebug.export.json_document"),
    )
}


def choose_format(path: Path | None, name: str | None) -> Format:
    """Return the format called ``name``, else the one that the path's suffix says. Raises UsageError."""
    known = ", ".join(f"{f.name} ({f.suffix})" for f in FORMATS.values())
    if name is not None:
        if name not in FORMATS:
            what = f'there is no format "{visible(name)}"'
            raise UsageError(Fault("X005", what, did_you_mean(name, FORMATS) or known))
        return FORMATS[name]
    suffix = path.suffix.lower() if path is not None else ".jsonl"
    for found in FORMATS.values():
        if found.suffix == suffix:
            return found
    what = f'no format goes with the suffix "{visible(suffix)}"' if suffix else "the file name has no suffix"
    raise UsageError(Fault("X005", what, f"use one of {known}, or --format"))


def export(
    pass_: Pass,
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002 - the command's own word
    force: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write ``pass_`` to ``path``, whole or not at all; returns the bytes written.

    Raises UsageError for an unknown format, CannotCreate when the path may not be written, IOFailure when writing
    breaks off.
    """
    path = Path(path)
    write = choose_format(path, format).writer()
    with whole_file(path, force=force) as stream:
        write(pass_, stream, progress or _silent)
        return stream.tell()


def _silent(_done: int, _total: int) -> None:
    """Report to nobody."""
