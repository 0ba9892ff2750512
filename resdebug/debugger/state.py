"""A session kept for later: cursor, stops, watches, bookmarks and folds of one file, by its content.

It lies in the user's state directory, one JSON file a network or trace. A file that cannot be used is no error: the
debugger starts afresh and says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec

from resdebug.debugger.debugger import Debugger
from resdebug.debugger.stops import Spec, StopKind, check_stop
from resdebug.errors import BadInput, Fault, IOFailure, Place
from resdebug.text import visible

VERSION: Final = 1
MOST_BYTES: Final = 1 << 20

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]


class SavedStop(msgspec.Struct, frozen=True):
    """A stop as it is kept."""

    kind: StopKind
    about: str
    enabled: bool


class SavedMark(msgspec.Struct, frozen=True):
    """A bookmark as it is kept."""

    name: str
    position: Count


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept of a session."""

    version: int
    events: Count
    cursor: Count
    stops: list[SavedStop] = []
    watches: list[str] = []
    bookmarks: list[SavedMark] = []
    folds: list[str] = []


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a saved session: whether there was one, its folds, and what of it could not be used."""

    found: bool
    folds: tuple[str, ...] = ()
    warnings: tuple[Fault, ...] = ()


def content_key(data: bytes, target: str = "", rule: str = "sum") -> str:
    """Return what sessions on a file are kept under: a hash of its content, and of how its pass is run."""
    state = hashlib.sha256(data)
    state.update(b"\0" + target.encode("utf-8", "surrogatepass") + b"\0" + rule.encode())
    return state.hexdigest()


def state_folder() -> Path:
    """Return the folder in the user's state directory where sessions are kept; it need not exist."""
    from platformdirs import user_state_path

    return user_state_path("resdebug", appauthor=False) / "sessions"


def save(debugger: Debugger, key: str, folds: Iterable[str] = (), folder: Path | None = None) -> Path:
    """Keep a session under ``key``; returns the file. It is replaced whole or not at all.

    Raises IOFailure where it cannot be written.
    """
    saved = Saved(
        version=VERSION,
        events=len(debugger.timeline),
        cursor=debugger.position,
        stops=[SavedStop(stop.spec.kind, stop.spec.about, stop.enabled) for stop in debugger.stops],
        watches=[watch.expression.text for watch in debugger.watches],
        bookmarks=[SavedMark(name, at) for name, at in debugger.bookmarks],
        folds=list(folds),
    )
    path = _path(key, folder)
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(prefix=".session.", suffix=".part", dir=path.parent)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(saved))
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        what = f"the session cannot be kept: {error.strerror or error}"
        raise IOFailure(Fault("X004", what, "", Place(file=str(path)))) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - it is there only when the renaming failed
    return path


def restore(debugger: Debugger, key: str, folder: Path | None = None) -> Restored:
    """Bring a debugger to where the session under ``key`` was left.

    Never raises for what the file holds: what cannot be used is left out, with a warning.
    """
    path = _path(key, folder)
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Restored(found=False)
    except OSError as error:
        return Restored(found=False, warnings=(_warning(path, error.strerror or str(error)),))
    try:
        if len(data) > MOST_BYTES:
            raise ValueError(f"it is longer than {MOST_BYTES} bytes")
        saved = msgspec.json.decode(data, type=Saved)
        if saved.version != VERSION:
            raise ValueError(f"it is of version {saved.version}; this reads version {VERSION}")
        if saved.events != len(debugger.timeline):
            raise ValueError(f"it is of a pass of {saved.events} events; this one has {len(debugger.timeline)}")
    except (ValueError, RecursionError) as error:
        return Restored(found=False, warnings=(_warning(path, str(error)),))
    return Restored(True, tuple(saved.folds), tuple(_apply(debugger, saved, path)))


def _apply(debugger: Debugger, saved: Saved, path: Path) -> Iterable[Fault]:
    network = debugger.pass_.network
    warnings: list[Fault] = []
    debugger.stops.clear()
    debugger.watches.clear()
    for stop in saved.stops:
        try:
            set_ = debugger.stops.add(check_stop(Spec(stop.kind, stop.about), network))
            debugger.stops.enable(set_.number, enabled=stop.enabled)
        except BadInput as error:
            warnings.append(_warning(path, f'stop "{stop.about}": {error.faults[0].what}'))
    for text in saved.watches:
        try:
            debugger.watches.add(text)
        except BadInput as error:
            warnings.append(_warning(path, f'watch "{text}": {error.faults[0].what}'))
    for mark in saved.bookmarks:
        try:
            debugger.bookmarks.set(mark.name, min(mark.position, saved.events))
        except BadInput as error:
            warnings.append(_warning(path, error.faults[0].what))
    debugger.jump(saved.cursor)
    return warnings


def _path(key: str, folder: Path | None) -> Path:
    if not (key.isascii() and key.isalnum()):
        raise ValueError(f"{key!r} is no key of a session")
    return (folder or state_folder()) / f"{key}.json"


def _warning(path: Path, why: str) -> Fault:
    what = f"the saved session cannot be used: {visible(why)}"
    return Fault("C020", what, "the debugger starts afresh", Place(file=str(path)), "warning")
