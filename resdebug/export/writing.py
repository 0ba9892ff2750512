"""Writing files whole or not at all: to temporary ones beside them, then renamed."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from resdebug.errors import CannotCreate, Fault, IOFailure, Place

_PART: Final = ".part"
_FRESH: Final = 60.0
"""Seconds for which a temporary file is left alone in any case: its writer may not have locked it yet."""


def check_destination(path: Path, *, force: bool) -> None:
    """Raise CannotCreate when ``path`` may not be written: it exists (unless ``force``), or is no plain file."""
    place = Place(file=str(path))
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        if path.parent.is_dir():
            return
        hint = "make the folder first"
        raise CannotCreate(Fault("X003", f"there is no folder {path.parent}", hint, place)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise CannotCreate(Fault("X003", f"cannot be created: {reason}", "choose another name", place)) from None
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a directory", stat.S_IFIFO: "a pipe"}
        what = f"is {kinds.get(stat.S_IFMT(mode), 'a device')}, and is not written through"
        raise CannotCreate(Fault("X002", what, "choose another name", place))
    if not force:
        raise CannotCreate(Fault("X001", "exists already", "--force replaces it", place))


def check_not_source(path: Path, *sources: Path | None) -> None:
    """Raise CannotCreate when ``path`` is one of the files that are read."""
    for source in sources:
        if source is not None and path.exists() and source.exists() and path.samefile(source):
            what = "is what is read: it would be lost"
            raise CannotCreate(Fault("X002", what, "choose another name", Place(file=str(path))))


@contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[IO[bytes]]:
    """Give a stream to write to; ``path`` appears, complete and on disk, only when the block ends without error.

    Raises CannotCreate when it may not be written, IOFailure when writing breaks off; what was there stays as it was
    and nothing is left beside it.
    """
    with whole_files([path], force=force) as (stream,):
        yield stream


@contextmanager
def whole_files(paths: Sequence[Path], *, force: bool = False) -> Iterator[list[IO[bytes]]]:
    """Give a stream to write to for each path; all files appear, or none does. Raises as ``whole_file`` does.

    They appear in the order given, so the last should be the one that names the others.
    """
    for path in paths:
        check_destination(path, force=force)
        sweep(path)
    part = Path()
    temporaries: list[Path] = []
    try:
        with ExitStack() as open_:
            streams: list[IO[bytes]] = []
            for path in paths:
                part = path
                descriptor = _temporary(path, temporaries)
                stream: IO[bytes] = open_.enter_context(os.fdopen(descriptor, "wb"))
                _lock(descriptor)
                streams.append(stream)
            yield streams
            for path, stream in zip(paths, streams, strict=True):
                part = path
                stream.flush()
                os.fsync(stream.fileno())
        _put_all_in_place(temporaries, paths, force=force)
    except OSError as error:
        place = Place(file=str(part))
        raise IOFailure(Fault("X004", f"writing broke off: {error.strerror}", _advice(error), place)) from None
    finally:
        for temporary in temporaries:
            with suppress(OSError):
                temporary.unlink()


def _temporary(path: Path, made: list[Path]) -> int:
    """Create a file beside ``path``, add its name to ``made``, and return its descriptor."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f"{_prefix(path)}.", suffix=_PART, dir=path.parent)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        fault = Fault("X003", f"cannot be created: {reason}", "choose another place", Place(file=str(path)))
        raise CannotCreate(fault) from None
    made.append(Path(name))
    return descriptor


def _prefix(path: Path) -> str:
    return f".{path.name[:100]}"


def sweep(path: Path) -> None:
    """Remove what writers of ``path`` left that were killed: temporary files that nobody holds a lock on."""
    if sys.platform == "win32":
        return
    with suppress(OSError, ValueError):
        for left in path.parent.iterdir():
            name = left.name.removeprefix(f"{_prefix(path)}.")
            if not re.fullmatch(rf"[a-z0-9_]{{8}}{re.escape(_PART)}", name):
                continue
            with suppress(OSError):
                descriptor = os.open(left, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    if _lock(descriptor) and os.fstat(descriptor).st_mtime < time.time() - _FRESH:
                        left.unlink()
                finally:
                    os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Hold a temporary file as long as it is written; returns False when somebody else does."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return False
    return True


def _put_all_in_place(temporaries: Sequence[Path], paths: Sequence[Path], *, force: bool) -> None:
    """Rename every file; where that fails midway, undo what was done."""
    for temporary, path in zip(temporaries, paths, strict=True):
        temporary.chmod(_mode(path))
    done: list[tuple[Path, Path | None]] = []
    try:
        for k, (temporary, path) in enumerate(zip(temporaries, paths, strict=True)):
            kept = _kept(path) if k < len(paths) - 1 else None
            if kept is None:
                _put_in_place(temporary, path, force=force)
                done.append((path, None))
            else:
                done.append((path, kept))
                _put_in_place(temporary, path, force=force)
    except BaseException:
        for path, kept in reversed(done):
            with suppress(OSError):
                if kept is None:
                    path.unlink()
                else:
                    kept.replace(path)
        raise
    for path, kept in done:
        _sync_folder(path.parent)
        if kept is not None:
            with suppress(OSError):
                kept.unlink()


def _kept(path: Path) -> Path | None:
    """Give the file that is about to be replaced a second name, to be able to put it back; None without one."""
    if not path.exists():
        return None
    kept = path.parent / f"{_prefix(path)}.{secrets.token_hex(4)}{_PART}"
    try:
        os.link(path, kept)
    except OSError:  # a file system without hard links
        shutil.copy2(path, kept)
    return kept


def _put_in_place(temporary: Path, path: Path, *, force: bool) -> None:
    """Rename; without ``force`` a file that appeared meanwhile is not replaced."""
    if force:
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        place = Place(file=str(path))
        raise CannotCreate(Fault("X001", "exists already", "--force replaces it", place)) from None
    except OSError:  # a file system without hard links
        check_destination(path, force=False)
        temporary.replace(path)


def _sync_folder(folder: Path) -> None:
    """Put the new name on disk too, where a folder can be synchronised."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _mode(path: Path) -> int:
    """Return the permissions of the file that is replaced, or those of a new one."""
    try:
        return stat.S_IMODE(os.lstat(path).st_mode)
    except FileNotFoundError:
        return 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _advice(error: OSError) -> str:
    full = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
    return "free some space, or write elsewhere" if error.errno in full else "write elsewhere"
