"""Faults that no text alone brings about: of the file system, and of a pass that runs."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import resdebug
from resdebug.errors import BadInput, IOFailure, MissingInput, ResdebugError, UsageError
from tests.network.making import (
    MEMORY,
    beside,
    edge,
    leaf,
    load,
    node,
    npy,
    npz,
    plain,
    save,
    stored,
    unmarked,
)


@dataclass(frozen=True)
class Special:
    """Something done in an empty folder that must end in this error."""

    name: str
    act: Callable[[Path], object]
    code: str
    error: type[ResdebugError]
    hint: str = ""
    what: str = ""


def _missing(folder: Path) -> object:
    save(folder, plain())
    return resdebug.load(folder / "nett.json")


def _pipe(folder: Path) -> object:
    os.mkfifo(folder / "pipe.json")
    return resdebug.load(folder / "pipe.json")


def _loop(folder: Path) -> object:
    (folder / "loop.json").symlink_to(folder / "loop.json")
    return resdebug.load(folder / "loop.json")


def _large(folder: Path) -> object:
    with (folder / "large.json").open("wb") as file:
        file.truncate((1 << 30) + 1)
    return resdebug.load(folder / "large.json")


def _pass_of(archive: bytes) -> Callable[[Path], object]:
    def act(folder: Path) -> object:
        text, _ = unmarked(stored("w.npz"))
        return resdebug.differentiate(load(folder, text, {"w.npz": archive}))

    return act


def _changed_to(archive: bytes) -> Callable[[Path], object]:
    def act(folder: Path) -> object:
        text, _ = unmarked(stored("w.npz"))
        network = load(folder, text, {"w.npz": npz(("w.npy", npy(np.arange(3.0))))})
        (folder / "w.npz").write_bytes(archive)
        return resdebug.differentiate(network)

    return act


def spoilt(method: int) -> bytes:
    """Return an archive whose only array is described soundly, and whose last numbers were changed."""
    content = npz(("w.npy", npy(np.random.default_rng(1).standard_normal(100_000))), method=method)
    at = content.index(b"PK\x01\x02") - 40
    return content[:at] + bytes(255 - b for b in content[at : at + 20]) + content[at + 20 :]


def _classes(folder: Path) -> object:
    text = beside(
        leaf("x", 2, 3),
        node("t", "input", '"value": {"init": "constant", "value": 3, "shape": [2]}, "dtype": "int64"'),
        node("z", "cross_entropy"),
        edges=[edge("x", "z", '"x"'), edge("t", "z", '"target"')],
        about='"target": "z"',
    )
    return resdebug.differentiate(load(folder, text))


SPECIAL = [
    Special("missing", _missing, "J001", MissingInput, 'did you mean "net.json"?', "no such file"),
    Special("missing folder", lambda f: resdebug.load(f / "a" / "b.json"), "J001", MissingInput, "check the path"),
    Special("a folder", resdebug.load, "J002", MissingInput, what="a directory"),
    Special("a pipe", _pipe, "J002", MissingInput, "copy it to a file", "not a plain file"),
    Special("a device", lambda _: resdebug.load("/dev/zero"), "J002", MissingInput, "copy it to a file"),
    Special("a link to itself", _loop, "J003", MissingInput, what="symbolic links"),
    Special("a name too long", lambda f: resdebug.load(f / ("n" * 300)), "J003", MissingInput, what="too long"),
    Special("a NUL in the name", lambda f: resdebug.load(f / "n\0.json"), "J003", MissingInput, what="not a file name"),
    Special("below a file", lambda f: resdebug.load(save(f, plain()) / "x.json"), "J003", MissingInput),
    Special("over 1 GiB", _large, "J004", BadInput, ".safetensors", "1 GiB"),
    Special("reading breaks off", lambda _: resdebug.load("/proc/self/mem"), "J005", IOFailure, what="broke off"),
    Special(
        "stored bytes changed", _pass_of(spoilt(zipfile.ZIP_STORED)), "W025", BadInput, "write the file again", "CRC"
    ),
    Special("deflated bytes changed", _pass_of(spoilt(zipfile.ZIP_DEFLATED)), "W025", BadInput),
    Special("bzip2 bytes changed", _pass_of(spoilt(zipfile.ZIP_BZIP2)), "W020", BadInput),
    Special("lzma bytes changed", _pass_of(spoilt(zipfile.ZIP_LZMA)), "W025", BadInput),
    Special("another name since it was checked", _changed_to(npz(("v.npy", npy(1.0)))), "W025", BadInput),
    Special("another shape since it was checked", _changed_to(npz(("w.npy", npy(np.arange(5.0))))), "W025", BadInput),
    Special("another file since it was checked", _changed_to(b"hello"), "W025", BadInput),
    Special("a class that is not there", _classes, "N001", BadInput, "correct the index", "target[0] is 3"),
    Special(
        "an unknown rule",
        lambda f: resdebug.differentiate(load(f, plain()), rule="summ"),
        "G053",
        UsageError,
        'did you mean "sum"?',
    ),
    Special(
        "a value for a sum",
        lambda f: resdebug.differentiate(load(f, plain()), inputs={"end": 1.0}),
        "G052",
        UsageError,
        "there is: one",
        '"end" is not an input',
    ),
    Special(
        "a value for nobody",
        lambda f: resdebug.differentiate(load(f, plain()), inputs={"onee": 1.0}),
        "G052",
        UsageError,
        'did you mean "one"?',
    ),
    Special(
        "an unknown target asked for",
        lambda f: resdebug.load(save(f, plain()), target="ende", memory=MEMORY),
        "G050",
        BadInput,
        'did you mean "end"?',
    ),
    Special(
        "an unknown target to differentiate",
        lambda f: resdebug.differentiate(load(f, plain()), target="ende"),
        "G050",
        UsageError,
        'did you mean "end"?',
    ),
    Special(
        "too little memory",
        lambda f: resdebug.load(save(f, plain()), memory=10),
        "S002",
        BadInput,
        "--memory",
        "32 B, over the limit of 10 B",
    ),
]
