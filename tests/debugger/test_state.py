"""A session is kept by the content of its file, and whatever lies there instead is no error."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from resdebug.debugger.debugger import Debugger
from resdebug.debugger.state import content_key, restore, save, state_folder
from resdebug.errors import IOFailure
from tests.support import Builder, block, two_path

KEY = content_key(b"{}")


def left() -> Debugger:
    d = Debugger(block().run())
    for stop in ("conv1", "op relu", "norm(adj) > 0.3", "fork"):
        d.stops.add(stop)
    d.stops.delete(1)
    d.stops.enable(2, enabled=False)
    d.watches.add("norm(adj)")
    d.bookmarks.set("the fork", 41)
    d.jump(23)
    return d


def test_all_comes_back(tmp_path: Path) -> None:
    path = save(left(), KEY, ["b1"], tmp_path / "new" / "folder")
    assert path.name == f"{KEY}.json"
    d = Debugger(block().run())
    d.stops.add("join")
    restored = restore(d, KEY, tmp_path / "new" / "folder")
    assert (restored.found, restored.folds, restored.warnings) == (True, ("b1",), ())
    assert [(str(stop.spec), stop.enabled) for stop in d.stops] == [
        ("op relu", False), ("if norm(adj) > 0.3", True), ("fork", True),
    ]  # fmt: skip
    assert [watch.expression.text for watch in d.watches] == ["norm(adj)"]
    assert (d.position, list(d.bookmarks)) == (23, [("the fork", 41)])
    assert list(path.parent.iterdir()) == [path]


def test_what_a_file_is_kept_under() -> None:
    keys = {content_key(b"a"), content_key(b"b"), content_key(b"a", "x"), content_key(b"a", "", "mean")}
    assert len(keys) == 4
    assert content_key(b"a") == content_key(b"a")


def test_nothing_kept_is_nothing_restored(tmp_path: Path) -> None:
    d = Debugger(two_path().run())
    assert restore(d, KEY, tmp_path) == restore(d, KEY, tmp_path / "none")
    assert not restore(d, KEY, tmp_path).found


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"{", b"[]", b"null", b"{}", b"[" * 100_000, b"x" * (2 << 20),
        b'{"version": 2, "events": 47, "cursor": 1}', b'{"version": 1, "events": 46, "cursor": 1}',
        b'{"version": 1, "events": 47, "cursor": -1}', b'{"version": 1, "events": 47, "cursor": 1e300}',
        b'{"version": 1, "events": 47, "cursor": 1, "stops": [{"kind": "eval", "about": "x", "enabled": true}]}',
        b'{"version": 1, "events": 47, "cursor": "\\ud800"}',
    ],
)  # fmt: skip
def test_a_bad_file_is_ignored_with_a_warning(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{KEY}.json").write_bytes(content)
    d = left()
    restored = restore(d, KEY, tmp_path)
    assert not restored.found
    (warning,) = restored.warnings
    assert (warning.code, warning.severity) == ("C020", "warning")
    assert str(warning).isprintable() or "\n  hint" in str(warning)
    assert (d.position, len(d.stops)) == (23, 3)


def test_parts_that_do_not_fit_are_left_out_with_a_warning(tmp_path: Path) -> None:
    path = save(left(), KEY, [], tmp_path)
    saved = json.loads(path.read_bytes())
    saved["stops"].append({"kind": "if", "about": "(" * 5000, "enabled": True})
    saved["stops"].append({"kind": "node", "about": "gone\x1b[31m", "enabled": True})
    saved["watches"].append("nrm(adj)")
    saved["bookmarks"].append({"name": "\x00", "position": 1})
    saved["cursor"] = 10**9
    path.write_text(json.dumps(saved), encoding="utf-8")
    d = Debugger(block().run())
    restored = restore(d, KEY, tmp_path)
    assert restored.found
    assert len(restored.warnings) == 4
    assert "\x1b" not in "".join(map(str, restored.warnings))
    assert (len(d.stops), len(d.watches), len(d.bookmarks), d.position) == (3, 1, 1, len(d.timeline))


def test_names_that_look_like_the_language_come_back(tmp_path: Path) -> None:
    b = Builder("y")
    b.leaf('"fork"', 2.0, block='"op"')
    b.add("y", "neg", {"x": '"fork"'})
    d = Debugger(b.run())
    d.toggle_breakpoint('"fork"')
    save(d, KEY, [], tmp_path)
    other = Debugger(b.run())
    assert restore(other, KEY, tmp_path).warnings == ()
    assert other.breakpoints == {'"fork"'}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IOFailure, match="cannot be kept"):
        save(left(), KEY, [], tmp_path / "file" / "sessions")


def test_an_old_session_survives_a_failed_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(left(), KEY, [], tmp_path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(IOFailure, match="No space left"):
        save(left(), KEY, ["b1"], tmp_path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_it_lies_in_the_users_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = state_folder()
    assert folder.name == "sessions"
    assert "resdebug" in str(folder)
    if os.name == "posix":
        assert save(left(), KEY).is_relative_to(tmp_path)
