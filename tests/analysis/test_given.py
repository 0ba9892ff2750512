"""Files of gradients: every form is read to the same numbers; what is broken or hostile gets one clear error."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from resdebug.api import read_gradients
from resdebug.errors import BadInput, MissingInput, ResdebugError

NUMBERS = {"W": np.array([[1.0, -2.5], [1e-30, np.nan]]), "b": np.array(3.0)}


def as_json(path: Path) -> None:
    path.write_text('{"W": [[1, -2.5], [1e-30, "NaN"]], "b": 3}', encoding="utf-8")


WRITERS: dict[str, Callable[[Path], None]] = {
    "g.npz": lambda path: np.savez(path, W=NUMBERS["W"], b=NUMBERS["b"]),
    "c.npz": lambda path: np.savez_compressed(path, W=NUMBERS["W"], b=NUMBERS["b"]),
    "g.safetensors": lambda path: save_file(NUMBERS, path),
    "g.json": as_json,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_gives_the_same_numbers(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    found = read_gradients(tmp_path / name)
    assert found.keys() == NUMBERS.keys()
    for key, array in NUMBERS.items():
        assert np.array_equal(found[key], array, equal_nan=True)
        assert found[key].dtype == np.float64


def test_nested_names_whole_numbers_and_what_is_not_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_text('{"layer1": {"0": {"weight": [1, 2]}}, "x": null, "e": [[], []]}', encoding="utf-8")
    found = read_gradients(path)
    assert found["layer1.0.weight"].tolist() == [1, 2]
    assert np.isnan(found["x"])
    assert found["e"].shape == (2, 0)
    np.savez(tmp_path / "i.npz", n=np.array([1, 2]), h=np.array([0.5], np.float16))
    whole = read_gradients(tmp_path / "i.npz")
    assert [whole["n"].dtype.name, whole["h"].dtype.name] == ["float64", "float32"]


def text(content: str, name: str = "g.json") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


def objects(folder: Path) -> Path:
    path = folder / "g.npz"
    np.savez(path, W=np.array([{"a": 1}], dtype=object))
    return path


def climbing(folder: Path) -> Path:
    path = folder / "g.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../evil.npy", b"\x93NUMPY")
    return path


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "g.npz")
    return folder / "g.npz"


def misnamed(folder: Path) -> Path:
    (folder / "g.npz").symlink_to(text("{}")(folder))
    return folder / "g.npz"


def complex_(folder: Path) -> Path:
    np.savez(folder / "g.npz", W=np.array([1j]))
    return folder / "g.npz"


BROKEN: list[tuple[str, Callable[[Path], Path], str]] = [
    ("empty", text(""), "J021"),
    ("torn", text('{"W": [1, 2'), "J021"),
    ("list", text("[1, 2]"), "A003"),
    ("ragged", text('{"W": [[1, 2], [3]]}'), "A003"),
    ("mixed", text('{"W": [[1, 2], 3]}'), "A003"),
    ("deeper", text('{"W": [1, [2]]}'), "A003"),
    ("bool", text('{"W": [true]}'), "A003"),
    ("text", text('{"W": ["1.5"]}'), "A003"),
    ("twice", text('{"a": {"b": 1}, "a.b": 2}'), "A003"),
    ("repeated", text('{"a": 1, "a": 2}'), "J031"),
    ("bare NaN", text('{"a": NaN}'), "J033"),
    ("depth", text('{"a": ' + "[" * 600 + "]" * 600 + "}"), "J030"),
    ("dimensions", text('{"a": ' + "[" * 40 + "1" + "]" * 40 + "}"), "A003"),
    ("suffix", text("1 2 3", "g.txt"), "A002"),
    ("not an archive", text("hello", "g.npz"), "W020"),
    ("not safetensors", text("hello", "g.safetensors"), "W020"),
    ("objects", objects, "W026"),
    ("climbing", climbing, "W031"),
    ("complex", complex_, "W024"),
    ("pipe", fifo, "J002"),
    ("link of another kind", misnamed, "A002"),
]


@pytest.mark.parametrize(("act", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_files_get_one_clear_error(tmp_path: Path, act: Callable[[Path], Path], code: str) -> None:
    path = act(tmp_path)
    with pytest.raises(ResdebugError) as caught:
        read_gradients(path)
    assert [fault.code for fault in caught.value.faults] == [code]
    assert isinstance(caught.value, BadInput | MissingInput)


def test_a_missing_file_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "grads.npz").touch()
    with pytest.raises(MissingInput) as caught:
        read_gradients(tmp_path / "gards.npz")
    assert "grads.npz" in caught.value.faults[0].hint


class Evil:
    """What a hostile file would run."""

    def __reduce__(self) -> Any:
        return os.system, ("touch hacked",)


def test_pytorch_files_are_read_by_pytorch_alone_and_never_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    torch.save({"W": torch.tensor([1.0, 2.0]), "half": torch.tensor([0.5], dtype=torch.bfloat16)}, "g.pt")
    found = read_gradients("g.pt")
    assert found["W"].tolist() == [1, 2]
    assert [found["W"].dtype.name, found["half"].dtype.name] == ["float32", "float32"]
    torch.save({"W": Evil()}, "evil.pt")
    Path("junk.pt").write_bytes(b"junk")
    torch.save([1, 2], "list.pt")
    for name in ("evil.pt", "junk.pt", "list.pt"):
        with pytest.raises(BadInput) as caught:
            read_gradients(name)
        assert [fault.code for fault in caught.value.faults] == ["A004"]
    assert not Path("hacked").exists()


def test_without_pytorch_its_files_get_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    (tmp_path / "g.pt").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BadInput) as caught:
        read_gradients(tmp_path / "g.pt")
    assert "safetensors" in caught.value.faults[0].hint


def test_hostile_names_are_made_visible(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_text(json.dumps({"\x1b[2J": ["x"]}), encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_gradients(path)
    assert "⟨U+001B⟩[2J" in str(caught.value)
    assert "\x1b" not in str(caught.value)
