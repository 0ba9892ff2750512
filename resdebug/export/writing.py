"""Writing a file whole or not at all: to a temporary one beside it, then renamed."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from resdebug.errors import CannotCreate, Fault, IOFailure, Place


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


@contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[IO[bytes]]:
    """Give a stream to write to; ``path`` appears, complete and on disk, only when the block ends without error.

    Raises CannotCreate when it may not be written, IOFailure when writing breaks off; what was there stays as it was
    and nothing is left beside it.
    """
    check_destination(path, force=force)
    place = Place(file=str(path))
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise CannotCreate(Fault("X003", f"cannot be created: {reason}", "choose another place", place)) from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(_mode(path))
        _put_in_place(temporary, path, force=force)
        _sync_folder(path.parent)
    except OSError as error:
        raise IOFailure(Fault("X004", f"writing broke off: {error.strerror}", _advice(error), place)) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


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
