"""What the tests of network files are made of: graphs as text with a mark before each fault, archives byte by byte."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import resdebug
from resdebug.errors import BadInput, ResdebugError
from resdebug.network.digest import digest as fingerprint
from resdebug.network.model import Network

MARK = "¦"
"""Stands in a test's text right before the place where a fault is expected."""

MEMORY = 1 << 28
"""A fixed limit, so that no test depends on the machine that runs it."""

TOP = '"directed": true, "multigraph": true'


def unmarked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return ``text`` without its marks, and the line and column (from 1) of each."""
    clean, places = "", []
    *pieces, rest = text.split(MARK)
    for piece in pieces:
        clean += piece
        places.append((clean.count("\n") + 1, len(clean) - clean.rfind("\n")))
    return clean + rest, places


def graph(
    nodes: Sequence[str], edges: Sequence[str] = (), about: str = "", *, top: str = TOP, key: str = "edges"
) -> str:
    """Return a network file, one node and one edge a line; all parts are JSON text."""
    listed = [",\n  ".join(part) for part in (nodes, edges)]
    return f'{{{top},\n "graph": {{{about}}},\n "nodes": [\n  {listed[0]}],\n "{key}": [\n  {listed[1]}]}}\n'


def edge(source: str, target: str, slot: str = "") -> str:
    """Return an edge; ``slot`` is JSON text."""
    return json.dumps({"source": source, "target": target})[:-1] + (f', "slot": {slot}}}' if slot else "}")


def node(name: str, op: str, more: str = "") -> str:
    """Return a node; ``more`` is JSON text of further keys."""
    return json.dumps({"id": name, "op": op})[:-1] + (f", {more}}}" if more else "}")


def leaf(name: str, *shape: int, more: str = "") -> str:
    """Return an input of zeros."""
    return node(name, "input", f'"value": {{"init": "zeros", "shape": {list(shape)}}}' + (f", {more}" if more else ""))


ONE = node("one", "input", '"value": 1.0')
END = node("end", "sum")
"""With ONE before it and an edge between them, a network that has nothing wrong; tests add what is."""
LINK = edge("one", "end")


def beside(*nodes: str, edges: Sequence[str] = (), about: str = '"target": "end"', top: str = TOP) -> str:
    """Return a sound network with ``nodes`` and ``edges`` added, which the target does not depend on."""
    return graph([ONE, END, *nodes], [LINK, *edges], about, top=top)


def valued(more: str) -> str:
    """Return a network whose input ``a`` has the keys ``more``."""
    return graph([node("a", "input", more), END], [edge("a", "end")])


def stored(file: str, name: str = "w", at: str = "file") -> str:
    """Return a network whose input ``a`` lies in a tensor file; the file or the tensor's name is marked."""
    marks = {key: MARK if key == at else "" for key in ("file", "name")}
    return valued(f'"value": {{"file": {marks["file"]}{json.dumps(file)}, "name": {marks["name"]}{json.dumps(name)}}}')


def plain(**keys: Any) -> dict[str, Any]:
    """Return a sound network as plain data, with ``keys`` at its top replaced."""
    return {**json.loads(beside()), **keys}


def save(folder: Path, document: str | bytes | dict[str, Any], files: Mapping[str, bytes] | None = None) -> Path:
    """Write a network file and what lies beside it; return its path."""
    path = folder / "net.json"
    if isinstance(document, dict):
        document = json.dumps(document)
    path.write_bytes(document if isinstance(document, bytes) else document.encode())
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content)
    return path


def load(folder: Path, document: str | bytes | dict[str, Any], files: Mapping[str, bytes] | None = None) -> Network:
    """Write a network file and load it."""
    return resdebug.load(save(folder, document, files), memory=MEMORY)


def npy(array: Any, *, allow_pickle: bool = False) -> bytes:
    """Return an array in numpy's own format."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=allow_pickle)
    return stream.getvalue()


def npy_of(header: str | bytes, body: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """Return an array file with any header at all."""
    text = header.encode("latin-1") if isinstance(header, str) else header
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text)) + text + body


def npz(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of these members; two may have the same name."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, content in members:
                archive.writestr(name, content)
    return stream.getvalue()


def safetensors(header: Mapping[str, Any] | bytes, body: bytes = b"") -> bytes:
    """Return a safetensors file with any header at all."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(dtype: str, shape: Iterable[int], start: int, end: int) -> dict[str, Any]:
    """Return what a safetensors header says of one tensor."""
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


@dataclass(frozen=True)
class Broken:
    """A broken network file and what is expected of it.

    There is one mark in ``text`` for each code, both in the order of the file; a text without marks has faults that
    lie in no line. ``what`` and ``hint`` must occur in the first fault.
    """

    name: str
    text: str | bytes
    codes: str
    hint: str = ""
    what: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    error: type[ResdebugError] = BadInput
    prepare: Callable[[Path], object] | None = None
    places: tuple[tuple[int, int], ...] = ()
    """The expected lines and columns where the text is bytes and has no marks."""

    def write(self, folder: Path) -> tuple[Path, list[tuple[int, int]]]:
        """Write the files; return the graph's path and the expected places."""
        text, places = (self.text, list(self.places)) if isinstance(self.text, bytes) else unmarked(self.text)
        if self.prepare is not None:
            self.prepare(folder)
        return save(folder, text, self.files), places


def check(case: Broken, folder: Path) -> None:
    """Load a broken file and compare every fault: code, place, what, hint, and how it is printed."""
    path, places = case.write(folder)
    codes = case.codes.split()
    try:
        resdebug.load(path, memory=MEMORY)
    except ResdebugError as raised:
        error = raised
    else:
        raise AssertionError(f"{case.name}: nothing was reported")
    assert [fault.code for fault in error.faults] == codes, str(error)
    assert type(error) is case.error
    found = [(fault.place.line, fault.place.column) for fault in error.faults]
    assert found == (places or [(0, 0)] * len(codes)), str(error)
    for fault, (line, column) in zip(error.faults, found, strict=True):
        first, *others = str(fault).split("\n")
        where = f"{path}:{line}:{column}" if line else f"{path}"
        assert first == f"{where}: error[{fault.code}]: {fault.what}"
        assert others == ([f"  hint: {fault.hint}"] if fault.hint else [])
        assert fault.what
        assert first.isprintable()
    assert case.what in error.faults[0].what
    assert case.hint in error.faults[0].hint


def digest(network: Network) -> str:
    """Return the fingerprint of a network with its own numbers."""
    return fingerprint(network, lambda name: network.values[name].array())
