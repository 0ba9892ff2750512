"""Network files whose tensor files are broken, hostile, or not where they should be."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from resdebug.errors import MissingInput
from tests.network.making import END, Broken, edge, entry, graph, node, npy, npy_of, npz, safetensors, stored

RAN = "the-pickle-ran"
"""A pickle in these tests would make a directory of this name, were it ever loaded."""


class Mine:
    """What a hostile pickle does when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (RAN,)


FINE = npz(("w.npy", npy(np.arange(3.0))))
_PICKLE = pickle.dumps(Mine())
_OBJECTS = npy(np.array([Mine()], dtype=object), allow_pickle=True)
_F8 = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }"


def _key(codes: str) -> str:
    """Return the key that a fault is placed at: the tensor's name where the file itself is sound."""
    return "name" if codes in {"W011", "W024"} else "file"


def _of(name: str, codes: str, content: bytes, hint: str = "", what: str = "") -> Broken:
    """Return the case of an npz archive with this content."""
    return Broken(name, stored("w.npz", at=_key(codes)), codes, hint, what, {"w.npz": content})


def _member(name: str, codes: str, content: bytes, hint: str = "", what: str = "") -> Broken:
    """Return the case of an npz archive whose only member has this content."""
    return _of(name, codes, npz(("w.npy", content)), hint, what)


def _safe(name: str, codes: str, content: bytes, hint: str = "", what: str = "") -> Broken:
    """Return the case of a safetensors file with this content."""
    return Broken(name, stored("w.safetensors", at=_key(codes)), codes, hint, what, {"w.safetensors": content})


def _damaged(method: int) -> bytes:
    """Return an archive whose first packed bytes were changed."""
    content = bytearray(npz(("w.npy", npy(np.arange(1000.0))), method=method))
    for at in range(39, 50):
        content[at] ^= 0xFF
    return bytes(content)


def _outside(folder: Path) -> Path:
    """Return a sound archive that does not lie below ``folder``."""
    path = folder.with_name(folder.name + "-outside.npz")
    path.write_bytes(FINE)
    return path


def _link_out(folder: Path) -> None:
    (folder / "w.npz").symlink_to(_outside(folder))


def _folder_link_out(folder: Path) -> None:
    outside = folder.with_name(folder.name + "-outside")
    outside.mkdir()
    (outside / "w.npz").write_bytes(FINE)
    (folder / "sub").symlink_to(outside)


def _hard_link(folder: Path) -> None:
    (folder / "w.npz").hardlink_to(_outside(folder))


def _loop(folder: Path) -> None:
    (folder / "w.npz").symlink_to(folder / "w.npz")


def _sparse(folder: Path) -> None:
    with (folder / "w.npz").open("wb") as file:
        file.truncate((1 << 36) + 1)


PATHS = [
    Broken("an absolute path", stored("/etc/w.npz"), "W001", hint="beside the graph file"),
    Broken("a drive", stored("C:\\w.npz"), "W001", hint="beside the graph file"),
    Broken("a drive without a slash", stored("C:w.npz"), "W001", hint="beside the graph file"),
    Broken("a share", stored("\\\\host\\share\\w.npz"), "W001", hint="beside the graph file"),
    Broken("up and out", stored("../w.npz"), "W001", hint="beside the graph file"),
    Broken("up and back", stored("sub/../w.npz"), "W001", hint="beside the graph file"),
    Broken("up with backslashes", stored("sub\\..\\w.npz"), "W001", hint="beside the graph file"),
    Broken("an empty path", stored(""), "W001"),
    Broken("a NUL in the path", stored("w\0.npz"), "W001", what="w⟨U+0000⟩.npz"),
    Broken("a link that leaves the folder", stored("w.npz"), "W001", what="link", prepare=_link_out),
    Broken("a folder that is a link out", stored("sub/w.npz"), "W001", what="link", prepare=_folder_link_out),
    Broken("a name too long", stored("w" * 300 + ".npz"), "W001"),
    Broken("a PyTorch file", stored("w.pt"), "W002", what="neither .npz nor .safetensors", hint="convert it"),
    Broken("a single array", stored("w.npy"), "W002", what="neither .npz nor .safetensors", hint="convert it"),
    Broken("no suffix", stored(".npz"), "W002"),
    Broken("a hard link", stored("w.npz"), "W003", what="hard link", hint="copy it", prepare=_hard_link),
    Broken("a folder", stored("w.npz"), "W003", what="directory", prepare=lambda f: (f / "w.npz").mkdir()),
    Broken("a pipe", stored("w.npz"), "W003", what="pipe", hint="copy", prepare=lambda f: os.mkfifo(f / "w.npz")),
    Broken("64 GiB", stored("w.npz"), "W003", what="over the limit of 64 GiB", prepare=_sparse),
    Broken("no such file", stored("v.npz"), "W010", hint='"w.npz"', files={"w.npz": FINE}, error=MissingInput),
    Broken("no such folder", stored("sub/w.npz"), "W010", what="there is no file sub/w.npz", error=MissingInput),
    Broken("a link to itself", stored("w.npz"), "W010", prepare=_loop, error=MissingInput),
    Broken(
        "two files missing",
        graph(
            [
                node("a", "input", '"value": {"file": ¦"u.npz", "name": "w"}'),
                node("b", "input", '"value": {"file": ¦"v.npz", "name": "w"}'),
                END,
            ],
            [edge("a", "end")],
        ),
        "W010 W010",
        error=MissingInput,
    ),
    Broken(
        "a file missing and an operator unknown",
        graph([node("a", "input", '"value": {"file": ¦"u.npz", "name": "w"}'), '{"id": "end", "op": ¦"summ"}']),
        "W010 G020",
    ),
    Broken(
        "no such tensor",
        stored("w.npz", "v", at="name"),
        "W011",
        'did you mean "vv"?',
        files={"w.npz": npz(("vv.npy", npy(1.0)))},
    ),
    Broken("no tensor like it", stored("w.npz", "zzz", at="name"), "W011", hint="there is: w", files={"w.npz": FINE}),
    Broken("an archive of nothing", stored("w.npz", at="name"), "W011", files={"w.npz": npz()}),
]

ARCHIVES = [
    _of("an empty file", "W020", b"", what="w.npz is not an npz archive", hint="write it again"),
    _of("not an archive", "W020", b"hello, world", what="not an npz archive"),
    _of("a pickle", "W020", _PICKLE, what="not an npz archive"),
    _of("cut off", "W020", FINE[:-30], what="not an npz archive"),
    _of("the beginning is lost", "W020", FINE[40:], what="not an npz archive"),
    _of("deflated and damaged", "W020", _damaged(zipfile.ZIP_DEFLATED), hint="write it again"),
    _of("packed by bzip2 and damaged", "W020", _damaged(zipfile.ZIP_BZIP2), hint="write it again"),
    _of("packed by lzma and damaged", "W020", _damaged(zipfile.ZIP_LZMA), hint="write it again"),
    _of("a text file within", "W021", npz(("w.npy", npy(1.0)), ("readme.txt", b"hello")), hint="numpy.savez"),
    _member("a pickle in disguise", "W021", _PICKLE, what='member "w.npy" is not a plain array'),
    _member("an empty member", "W021", b"", what="not a plain array"),
    _member("an unknown version", "W021", npy_of("x", version=(9, 9)), what="version (9, 9)"),
    _member("a header cut off", "W021", npy_of(_F8 % 1)[:30], what="not a plain array"),
    _member("a header that is an expression", "W021", npy_of("__import__('os').mkdir('" + RAN + "')")),
    _member("a header of another kind", "W021", npy_of("[1, 2]")),
    _member("a header without a shape", "W021", npy_of("{'descr': '<f8', 'fortran_order': False}")),
    _member("a header with an open bracket", "W021", npy_of("{'descr': (")),
    _member("a header with an open string", "W021", npy_of("'''")),
    _member("a header of 9 000 minus signs", "W021", npy_of("-" * 9000 + "1")),
    _member("a header with an empty type", "W021", npy_of("{'descr': (), 'fortran_order': False, 'shape': ()}")),
    _member("a header with half a type", "W021", npy_of("{'descr': ('<f8',), 'fortran_order': False, 'shape': ()}")),
    _member("a header with a type of a number", "W021", npy_of("{'descr': 5, 'fortran_order': False, 'shape': ()}")),
    _member("a shape of truth", "W021", npy_of(_F8 % "True", bytes(8))),
    _member("fewer bytes than declared", "W022", npy_of(_F8 % 3, bytes(16)), what="(3) float64"),
    _member("more bytes than declared", "W022", npy_of(_F8 % 1, bytes(16)), what="(1) float64"),
    _member("a terabyte declared", "W022", npy_of(_F8 % (1 << 37), bytes(16)), what="(137438953472) float64"),
    _member("a negative size", "W022", npy_of(_F8 % -1, bytes(8)), what="(-1)"),
    _of(
        "64 MiB of zeros in little space",
        "W023",
        npz(("w.npy", npy(np.zeros(1 << 23))), method=zipfile.ZIP_DEFLATED),
        what="64 MiB, more than 100 times",
        hint="numpy.savez",
    ),
    _member("strings", "W024", npy(np.array(["a", "bc"])), what="elements of type <U2", hint="float64"),
    _member("bytes", "W024", npy(np.array([b"a"])), what="|S1", hint="float64"),
    _member("records", "W024", npy(np.zeros(2, dtype=[("a", "<f8"), ("b", "<i4")])), what="'<i4'", hint="float64"),
    _member("complex numbers", "W024", npy(np.array([1j])), what="complex128", hint="float64"),
    _member("dates", "W024", npy(np.array(["2020-01-01"], dtype="datetime64[D]")), what="datetime64", hint="float64"),
    _member("unsigned 64 bits", "W024", npy(np.array([1], dtype=np.uint64)), what="uint64", hint="int64"),
    _member("objects", "W026", _OBJECTS, what="never loaded", hint="numpy.savez"),
    _of("objects in another member", "W026", npz(("w.npy", npy(1.0)), ("v.npy", _OBJECTS)), what='"v.npy"'),
    _of("a name twice", "W030", npz(("w.npy", npy(1.0)), ("w.npy", npy(2.0))), what='two members named "w"'),
    _of("a name twice, once without suffix", "W030", npz(("w.npy", npy(1.0)), ("w", npy(2.0))), hint="keep one"),
    _of("a member that climbs out", "W031", npz(("../w.npy", npy(1.0))), what='"../w.npy"', hint="numpy.savez"),
    _of("a member that climbs further in", "W031", npz(("a/../../w.npy", npy(1.0)))),
    _of("a member with an absolute path", "W031", npz(("/etc/w.npy", npy(1.0)))),
]

_ONE = {"w": entry("F64", [1], 0, 8)}
_TWICE = b'{"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"w":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}'

SAFETENSORS = [
    _safe("an empty file", "W020", b"", what="w.safetensors is not a safetensors file", hint="safetensors library"),
    _safe("not safetensors", "W020", b"hello, world, hello", what="not a safetensors file"),
    _safe("an npz archive", "W020", FINE, what="not a safetensors file"),
    _safe("a header longer than the file", "W020", b"\xff" * 7 + b"\0{}"),
    _safe("a header that is not JSON", "W020", safetensors(b'{"w":')),
    _safe("a header that is an array", "W020", safetensors(b"[]")),
    _safe("a header nested 100 000 deep", "W020", safetensors(b'{"w":' + b"[" * 100_000)),
    _safe("fewer bytes than declared", "W020", safetensors(_ONE, bytes(7))),
    _safe("bytes after the last tensor", "W020", safetensors(_ONE, bytes(9))),
    _safe("a hole", "W020", safetensors({**_ONE, "v": entry("F64", [1], 9, 17)}, bytes(17))),
    _safe("two on one place", "W020", safetensors({**_ONE, "v": entry("F64", [1], 4, 12)}, bytes(12))),
    _safe("another size than the shape's", "W020", safetensors({"w": entry("F64", [2], 0, 8)}, bytes(8))),
    _safe("a size beyond 64 bits", "W020", safetensors({"w": entry("F64", [1 << 62, 1 << 62], 0, 8)}, bytes(8))),
    _safe("an end before the start", "W020", safetensors({"w": entry("F64", [1], 8, 0)}, bytes(8))),
    _safe("an unknown type", "W020", safetensors({"w": entry("Q7", [1], 0, 8)}, bytes(8))),
    _safe("a name twice", "W030", safetensors(_TWICE, bytes(8))),
    _safe("eight-bit floats", "W024", safetensors({"w": entry("F8_E4M3", [1], 0, 1)}, bytes(1)), what="F8_E4M3"),
    _safe("unsigned 64 bits", "W024", safetensors({"w": entry("U64", [1], 0, 8)}, bytes(8)), what="U64"),
    _safe("no such tensor", "W011", safetensors({"v": entry("F64", [1], 0, 8)}, bytes(8)), hint="there is: v"),
    _safe("its metadata for a tensor", "W011", safetensors({"__metadata__": {"w": "1"}, "v": entry("U8", [0], 0, 0)})),
]
