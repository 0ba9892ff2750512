"""A recorded session is what the app shows, read by asciinema and drawn by a terminal that is not ours."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import pytest

import resdebug
from resdebug.errors import IOFailure, UsageError
from resdebug.export.registry import Format, Recording, Written, export_files
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Level, Selection
from tests.export.test_writing import Failing
from tests.support import block
from tests.tui.driving import opened

CAST = Format("asciicast", ".cast", "a session", "resdebug.tui.cast", records=True)


def recorded(pass_: Pass, path: Path, **settings: object) -> Written:
    return export_files(pass_, path, CAST, force=True, recording=Recording(**settings))  # type: ignore[arg-type]


def events(path: Path) -> Iterator[tuple[float, str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        at, kind, data = json.loads(line)
        yield at, kind, data


def test_the_last_picture_is_what_the_app_shows(tmp_path: Path) -> None:
    pyte = pytest.importorskip("pyte")
    pass_, path = block().run(), tmp_path / "t.cast"
    size, keys = (100, 30), ("n", "n", "s", "N")
    recorded(pass_, path, columns=size[0], rows=size[1], keys=keys, pace=0.5)
    header = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    assert (header["version"], header["width"], header["height"]) == (2, *size)
    screen = pyte.Screen(*size)
    terminal = pyte.Stream(screen)
    times = []
    for at, kind, data in events(path):
        times.append(at)
        if kind == "o":
            terminal.feed(data)
    assert times == [0.0, 0.5, 0.5, 1.0, 1.0, 1.5, 1.5, 2.0, 2.0, 3.0]
    again = tmp_path / "again.cast"
    recorded(pass_, again, columns=size[0], rows=size[1], keys=keys, pace=0.5)
    assert again.read_bytes() == path.read_bytes()
    shown = [line.rstrip() for line in screen.display]
    assert len(shown) == size[1]
    assert any("resdebug" in line for line in shown)
    assert any("relu2" in line for line in shown)
    markers = [data for _, kind, data in events(path) if kind == "m"]
    debugger = resdebug.Debugger(pass_)
    for key, told in zip(keys, markers, strict=True):
        position = {"n": debugger.step, "s": lambda: debugger.step("edge"), "N": debugger.back}[key]()
        assert told.startswith(f"{position}: ")


async def test_the_picture_is_the_apps(tmp_path: Path) -> None:
    pyte = pytest.importorskip("pyte")
    pass_, path = block().run(), tmp_path / "t.cast"
    async with opened(pass_, (100, 30), name="block") as driver:
        await driver.press("n", "n")
        expected = driver.screen().split("\n")
    from asyncio import to_thread

    await to_thread(recorded, pass_, path, keys=("n", "n"))
    screen = pyte.Screen(100, 30)
    terminal = pyte.Stream(screen)
    for _, kind, data in events(path):
        if kind == "o":
            terminal.feed(data)
    plain = [_without_marks(line) for line in screen.display]
    assert plain == [_without_marks(line) for line in expected]


def _without_marks(line: str) -> str:
    """Leave combining characters out: terminals differ in how they keep them."""
    import unicodedata

    return "".join(c for c in unicodedata.normalize("NFD", line) if not unicodedata.combining(c)).rstrip()


def test_asciinema_reads_it(tmp_path: Path) -> None:
    asciicast = pytest.importorskip("asciinema.asciicast")
    path = tmp_path / "t.cast"
    recorded(block().run(), path, columns=80, rows=24)
    with asciicast.open_from_url(str(path)) as cast:
        assert cast.version == 2
        output = [(at, data) for at, kind, data in cast.events() if kind == "o"]
    assert len(output) == 2 + len(block().run().schedule.reverse)
    assert [at for at, _ in output] == sorted(at for at, _ in output)


def test_whichever_write_fails_leaves_the_old_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, pass_, k = tmp_path / "t.cast", block().run(), 0
    path.write_bytes(b"old")
    opening = cast("Callable[..., IO[bytes]]", os.fdopen)
    while True:
        monkeypatch.setattr(os, "fdopen", lambda *a, _k=k: Failing(opening(*a), _k, errno.ENOSPC))
        try:
            recorded(pass_, path, columns=40, rows=12, keys=("n",))
        except IOFailure as failure:
            assert failure.faults[0].code == "X004"
            assert path.read_bytes() == b"old"
            assert [p.name for p in tmp_path.iterdir()] == ["t.cast"]
            k += 1
        else:
            break
    assert k > 4
    assert path.read_bytes() != b"old"


def test_what_cannot_be_recorded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="X011"):
        recorded(block().run(), tmp_path / "t.cast", keys=("foo",))
    from resdebug.export.registry import export

    export(block().run(), tmp_path / "t.jsonl", selection=Selection(Level.STATS))
    with pytest.raises(UsageError, match="X011"):
        recorded(resdebug.load_trace(tmp_path / "t.jsonl"), tmp_path / "t.cast")
    assert not (tmp_path / "t.cast").exists()
