"""A file is written whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self, cast

import pytest

from resdebug.errors import CannotCreate, IOFailure, ResdebugError
from resdebug.export.registry import FORMATS, export
from resdebug.export.writing import whole_file
from tests.export.test_trace_files import large
from tests.support import GRAPHS, two_path


def listing(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_appears_complete_with_ordinary_permissions(tmp_path: Path) -> None:
    with whole_file(tmp_path / "t") as stream:
        stream.write(b"one")
        assert "t" not in listing(tmp_path)
        stream.write(b" two")
    assert (tmp_path / "t").read_bytes() == b"one two"
    assert listing(tmp_path) == ["t"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o666 & ~mask


def test_an_exception_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_file(tmp_path / "t") as stream:
        stream.write(b"half")
        raise RuntimeError
    assert listing(tmp_path) == []


def test_what_exists_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"old")
    with pytest.raises(CannotCreate, match="--force") as caught, whole_file(path):
        pass
    assert caught.value.exit_code == 73
    assert path.read_bytes() == b"old"
    with whole_file(path, force=True) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t"
    with pytest.raises(CannotCreate), whole_file(path) as stream:
        stream.write(b"mine")
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"
    assert listing(tmp_path) == ["t"]


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    with whole_file(tmp_path / "t") as stream:
        stream.write(b"whole")
    assert listing(tmp_path) == ["t"]


@pytest.mark.parametrize("force", [False, True])
def test_links_directories_and_pipes_are_not_written_through(tmp_path: Path, force: bool) -> None:
    (tmp_path / "real").write_bytes(b"real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = listing(tmp_path)
    for name in ("link", "dangling", "folder", "pipe"):
        with pytest.raises(CannotCreate) as caught, whole_file(tmp_path / name, force=force):
            pass
        assert caught.value.faults[0].code == "X002"
    assert (tmp_path / "real").read_bytes() == b"real"
    assert listing(tmp_path) == before


@pytest.mark.parametrize("name", ["no/such/folder/t", "n\x00ul", "x" * 300])
def test_impossible_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotCreate), whole_file(tmp_path / name):
        pass


class Failing:
    """A stream whose k-th call fails, whether it writes, goes elsewhere in the file or empties its buffer."""

    def __init__(self, stream: IO[bytes], k: int, number: int) -> None:
        self.stream = stream
        self.left = k
        self.number = number

    def _call(self) -> None:
        if not self.left:
            raise OSError(self.number, os.strerror(self.number))
        self.left -= 1

    def write(self, data: bytes) -> int:
        self._call()
        return self.stream.write(data)

    def seek(self, *place: int) -> int:
        self._call()
        return self.stream.seek(*place)

    def flush(self) -> None:
        self._call()
        self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_whichever_call_fails_leaves_the_old_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    path = tmp_path / "t"
    path.write_bytes(b"old")
    pass_ = two_path().run()
    opening = cast("Callable[..., IO[bytes]]", os.fdopen)
    k = 0
    while True:
        monkeypatch.setattr(os, "fdopen", lambda *a, _k=k: Failing(opening(*a), _k, number))
        try:
            export(pass_, path, format=name, force=True)
        except IOFailure as failure:
            assert failure.exit_code == 74
            assert path.read_bytes() == b"old"
            assert listing(tmp_path) == ["t"]
            k += 1
        else:
            break
    # A derivation is written in one piece; then the buffer is emptied.
    least = {"jsonl": len(pass_.events), "json": len(pass_.events), "markdown": 1, "latex": 1, "html": 1}
    assert k > least.get(name, 2)
    assert path.read_bytes() != b"old"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_neither_of_two_files_is_left_when_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path, pass_ = tmp_path / "t.jsonl", large().run()
    opening = cast("Callable[..., IO[bytes]]", os.fdopen)
    for which in (0, 1):
        k = 0
        while True:
            opened = 0

            def fail(*arguments: Any, k: int = k, which: int = which) -> IO[bytes]:
                nonlocal opened
                opened += 1
                stream = opening(*arguments)
                return cast("IO[bytes]", Failing(stream, k, number)) if opened - 1 == which else stream

            monkeypatch.setattr(os, "fdopen", fail)
            try:
                export(pass_, path)
            except IOFailure as failure:
                assert failure.faults[0].code == "X004"
                assert listing(tmp_path) == []
                k += 1
            else:
                break
        assert k > 5
        assert listing(tmp_path) == ["t.jsonl", "t.jsonl.safetensors"]
        for file in tmp_path.iterdir():
            file.unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="locks of files as POSIX has them")
@pytest.mark.parametrize("name", FORMATS)
def test_killed_while_writing_leaves_the_old_bytes_and_what_is_left_is_swept(tmp_path: Path, name: str) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    path = tmp_path / "t"
    path.write_bytes(b"old")
    code = (
        "import sys, time, resdebug\n"
        "from resdebug.export.registry import export\n"
        f"p = resdebug.differentiate(resdebug.load({str(GRAPHS / 'two_path.json')!r}))\n"
        "def wait(*_):\n"
        "    print('here', flush=True); time.sleep(60)\n"
        f"export(p, 't', format={name!r}, force=True, progress=wait)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "here\n"
    child.kill()
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    (left,) = tmp_path.glob(".t.*.part")
    os.utime(left, (time.time() - 3600,) * 2)
    export(two_path().run(), path, format=name, force=True)
    assert listing(tmp_path) == ["t"]
    assert path.read_bytes() != b"old"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_failing_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    path = tmp_path / "t"
    path.write_bytes(b"old")
    owner: object = os if call == "fsync" else Path
    monkeypatch.setattr(owner, call, fail)
    with pytest.raises(ResdebugError), whole_file(path, force=True) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["t"]


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(CannotCreate, match="Permission denied") as caught, whole_file(tmp_path / "t"):
        pass
    assert (caught.value.exit_code, caught.value.faults[0].code) == (73, "X003")
