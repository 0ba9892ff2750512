"""All formats that a pass can be written in; a new one is a file in this package and a row here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, cast

from resdebug.errors import Fault, IOFailure, Place, UsageError
from resdebug.export.writing import whole_files
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import EVERYTHING, Level, Selection
from resdebug.passes.streamed import StreamedPass
from resdebug.passes.trace import BESIDE
from resdebug.text import did_you_mean, human_bytes, plural, visible

Progress = Callable[[int, int], None]
"""Called with the events written so far, and how many there are."""
Writer = Callable[..., None]
"""``write(pass_, stream, progress)``, and a ``Request`` where the format has levels."""


@dataclass(frozen=True, slots=True)
class Recording:
    """How a session on the screen is recorded."""

    columns: int = 100
    rows: int = 30
    pace: float = 1.0
    """Seconds from key to key."""
    theme: str = "dark"
    keys: tuple[str, ...] = ()
    """Keys to press; none steps node by node to the end."""
    colours: str | None = "truecolor"
    """Of what kind of terminal, as rich calls it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants of a pass, and where the large tensors go."""

    selection: Selection = EVERYTHING
    beside: IO[bytes] | None = None
    """A second file for large tensors; None puts them all into the first."""
    beside_name: str | None = None
    recording: Recording | None = None
    """Of formats that record the screen."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many bytes an export takes, known or estimated."""

    bytes: int
    exact: bool

    def __str__(self) -> str:
        return human_bytes(self.bytes) if self.exact else f"about {human_bytes(self.bytes)}"


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a pass: its name, its suffix, what it is, and the module whose ``write`` does it.

    Where ``levels`` are named, or the screen is recorded, ``write`` takes a ``Request`` as its last argument.
    """

    name: str
    suffix: str
    about: str
    module: str
    levels: tuple[Level, ...] = ()
    """Which levels it can be written at; none where it is always the same."""
    beside: bool = False
    """Whether large tensors may lie in a second file."""
    records: bool = False
    """Whether it is a recording of the screen."""
    streams: bool = False
    """Whether a pass of which nothing is kept can be written."""

    def writer(self) -> Writer:
        """Import the module and return its ``write``."""
        return cast("Writer", import_module(self.module).write)

    def told(self, name: str) -> Callable[[Any, Any], Any] | None:
        """Return another function of the module: ``size``, ``note`` or ``content``, where it has one."""
        return cast("Callable[[Any, Any], Any] | None", getattr(import_module(self.module), name, None))


_ALL: Final = tuple(Level)
FORMATS: Final = {
    f.name: f
    for f in (
        Format(
            "jsonl", ".jsonl", "one event a line, readable while it is written", "resdebug.export.json_lines",
            levels=_ALL, beside=True, streams=True,
        ),
        Format("json", ".json", "the same as one document", "resdebug.export.json_document", levels=_ALL, streams=True),
        Format(
            "npz", ".npz", "all values and adjoints by node, for numpy", "resdebug.export.npz",
            levels=(Level.ADJOINTS, Level.FULL), streams=True,
        ),
        Format(
            "safetensors", ".safetensors", "all values and adjoints by node, for safetensors",
            "resdebug.export.safetensors_file", levels=(Level.ADJOINTS, Level.FULL), streams=True,
        ),
        Format(
            "csv", ".csv", "a row for every contribution, for spreadsheets", "resdebug.export.csv_table",
            levels=(Level.STATS,), streams=True,
        ),
        Format(
            "parquet", ".parquet", "the same for data frames (needs pyarrow)", "resdebug.export.parquet_table",
            levels=(Level.STATS,), streams=True,
        ),
        Format(
            "graphml", ".graphml", "the network with norms of adjoints, for networkx and yEd",
            "resdebug.export.graphml", levels=(Level.STATS,),
        ),
        Format("dot", ".dot", "the same for Graphviz", "resdebug.export.dot", levels=(Level.STATS,)),
        Format("mermaid", ".mmd", "the same for Mermaid", "resdebug.export.mermaid", levels=(Level.STATS,)),
        Format(
            "markdown", ".md", "the derivation, with formulas as GitHub draws them",
            "resdebug.export.derivation_markdown",
        ),
        Format("latex", ".tex", "the derivation for pdflatex", "resdebug.export.derivation_latex"),
        Format("html", ".html", "the derivation as a page with MathML", "resdebug.export.derivation_html"),
        Format(
            "perfetto", ".perfetto.json", "measured times and bytes of every event, for ui.perfetto.dev",
            "resdebug.export.perfetto", levels=(Level.STATS,),
        ),
        Format(
            "replay", ".replay.html", "the debugger as one web page: panes, keys, back and forth in time",
            "resdebug.export.replay", levels=_ALL,
        ),
    )
}  # fmt: skip


def register(format_: Format) -> None:
    """Add a format whose module is on a floor above this one, as a recording of the screen is."""
    FORMATS.setdefault(format_.name, format_)


def choose_format(path: Path | None, name: str | None) -> Format:
    """Return the format called ``name``, else the one that the path's suffix says. Raises UsageError."""
    known = ", ".join(f"{f.name} ({f.suffix})" for f in FORMATS.values())
    if name is not None:
        if name not in FORMATS:
            what = f'there is no format "{visible(name)}"'
            raise UsageError(Fault("X005", what, did_you_mean(name, FORMATS) or known))
        return FORMATS[name]
    file = path.name.lower() if path is not None else ".jsonl"
    for found in sorted(FORMATS.values(), key=lambda f: -len(f.suffix)):
        if file.endswith(found.suffix):
            return found
    suffix = path.suffix if path is not None else ""
    what = f'no format goes with the suffix "{visible(suffix)}"' if suffix else "the file name has no suffix"
    raise UsageError(Fault("X005", what, f"use one of {known}, or --format"))


@dataclass(frozen=True, slots=True)
class Written:
    """The files that an export made, each with its size in bytes; the one that was asked for comes last."""

    files: tuple[tuple[Path, int], ...]

    @property
    def size(self) -> int:
        """All bytes together."""
        return sum(size for _, size in self.files)


def export(
    pass_: Pass,
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002 - the command's own word
    force: bool = False,
    progress: Progress | None = None,
    selection: Selection | None = None,
    inline: bool = False,
) -> int:
    """Write ``pass_`` to ``path``, whole or not at all; returns the bytes written.

    ``selection`` bounds what is written; ``inline`` keeps large tensors out of a second file. Raises UsageError for an
    unknown format or a level that it does not have, CannotCreate when the path may not be written, IOFailure when
    writing breaks off.
    """
    chosen = choose_format(Path(path), format)
    return export_files(pass_, path, chosen, force=force, progress=progress, selection=selection, inline=inline).size


def export_files(
    pass_: Pass | StreamedPass,
    path: str | Path,
    format_: Format,
    *,
    force: bool = False,
    progress: Progress | None = None,
    selection: Selection | None = None,
    inline: bool = False,
    recording: Recording | None = None,
) -> Written:
    """Do the same, and return which files were written; a ``StreamedPass`` only in formats that can."""
    path = Path(path)
    wanted = narrowed(pass_, selection or Selection(), format_)
    paths = files_of(pass_, path, format_, wanted, inline=inline)
    tell = progress or _silent
    with whole_files(paths, force=force) as streams:
        beside = streams[0] if len(streams) > 1 else None
        request = Request(wanted, beside, paths[0].name if beside is not None else None, recording)
        write_to(pass_, streams[-1], format_, request, tell)
        sizes = [stream.seek(0, 2) for stream in streams]
    return Written(tuple(zip(paths, sizes, strict=True)))


def write_to(
    pass_: Pass | StreamedPass, stream: IO[bytes], format_: Format, request: Request, progress: Progress
) -> None:
    """Write to an open stream; in one piece unless the request names a second one."""
    write = format_.writer()
    if format_.levels or format_.records:
        write(pass_, stream, progress, request)
    else:
        write(pass_, stream, progress)


def expected(
    pass_: Pass | StreamedPass,
    path: str | Path,
    format_: Format,
    *,
    selection: Selection | None = None,
    inline: bool = False,
    recording: Recording | None = None,
) -> Size | None:
    """Return how many bytes ``export_files`` will write, None where the format cannot tell beforehand."""
    size = format_.told("size")
    if size is None:
        return None
    wanted = narrowed(pass_, selection or Selection(), format_)
    paths = files_of(pass_, Path(path), format_, wanted, inline=inline)
    request = Request(wanted, None, paths[0].name if len(paths) > 1 else None, recording)
    return cast("Size", size(pass_, request))


def note(pass_: Pass | StreamedPass, format_: Format, selection: Selection) -> str:
    """Return what whoever asks for a format should know of how it will look, or nothing."""
    told = format_.told("note")
    return "" if told is None else cast("str", told(pass_, selection))


def content(pass_: Pass | StreamedPass, format_: Format, selection: Selection) -> str:
    """Return what would be in the file, in a phrase; by default what the pass has, for formats that do not say more."""
    told = format_.told("content")
    if told is not None:
        return cast("str", told(pass_, selection))
    return f"{plural(len(pass_.network), 'node')}, {plural(len(pass_.events), 'event')}"


def check_room(path: Path, size: Size | None) -> None:
    """Raise IOFailure when the disk has clearly not enough room for ``size``."""
    if size is None:
        return
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return
    # An estimate may be some way off, and a refusal must not be.
    if size.bytes * (1.0 if size.exact else 0.8) > free:
        what = f"takes {size}, and there is room for {human_bytes(free)}"
        raise IOFailure(Fault("X009", what, "free some space, or bound it with --level and --nodes", Place(str(path))))


def files_of(
    pass_: Pass | StreamedPass, path: Path, format_: Format, selection: Selection, *, inline: bool
) -> list[Path]:
    """Return the files that an export writes, the one that is asked for last."""
    if inline or not format_.beside:
        return [path]
    from resdebug.export.looking import large

    beside = path.with_name(path.name + BESIDE)
    return [path] if next(large(pass_, selection), None) is None else [beside, path]


def narrowed(pass_: Pass | StreamedPass, selection: Selection, format_: Format) -> Selection:
    """Return what of ``selection`` a pass can give, which may itself hold only a part.

    Raises UsageError for a level that the format does not have, and for patterns that match nothing.
    """
    level = selection.level
    if format_.levels and level is Level.FULL:
        level = format_.levels[-1]
    if not selection.everything and level not in format_.levels:
        have = " and ".join(level.value for level in format_.levels)
        what = f"{format_.name} is not written at the level {level.value}"
        hint = f"it has {have}" if have else "leave --level and --nodes out: it is always the same"
        raise UsageError(Fault("X006", what, hint))
    selection.check(pass_.network)
    if format_.levels[-1:] == (Level.STATS,):
        # Whatever part a trace is, it has the statistics of everything.
        return Selection(level, selection.nodes)
    return Selection(level, selection.nodes).within(pass_.selection, pass_.network)


def _silent(_done: int, _total: int) -> None:
    """Report to nobody."""
