"""Whatever is done to a sound file, what comes out is a network or a ResdebugError, and nothing else."""

from __future__ import annotations

import copy
import json
import math
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as save_safetensors

import resdebug
from resdebug.errors import ResdebugError
from resdebug.network.model import Network
from tests.network.making import MEMORY, load, npy, npz, stored, unmarked

mangle = settings(
    max_examples=150, derandomize=True, deadline=None, phases=[Phase.generate], report_multiple_bugs=False
)

EDGES = [
    ("x", "conv", "x"), ("W", "conv", "weight"), ("conv", "norm", "x"), ("scale", "norm", "weight"),
    ("shift", "norm", "bias"), ("norm", "relu", "x"), ("relu", "join", "a"), ("x", "join", "b"), ("join", "pool", "x"),
    ("pool", "score", "a"), ("mix", "score", "b"), ("score", "loss", "x"), ("label", "loss", "target"),
]  # fmt: skip


@cache
def resblock() -> str:
    """Return a residual block of twelve nodes with all its numbers in the file."""
    numbers = np.random.default_rng(0).standard_normal(2 * 2 * 3 * 3 + 16).round(3).tolist()
    nodes: list[dict[str, Any]] = [
        {"id": "x", "op": "input", "shape": [1, 2, 2, 4], "value": numbers[36:]},
        {"id": "W", "op": "parameter", "shape": [2, 2, 3, 3], "value": numbers[:36], "block": "b"},
        {"id": "scale", "op": "parameter", "value": [1.0, 0.5], "block": "b"},
        {"id": "shift", "op": "parameter", "value": {"init": "normal", "shape": [2], "std": 0.1, "seed": 7}},
        {"id": "mix", "op": "parameter", "value": [[1.0, -1.0, 0.5], [0.0, 2.0, -0.5]]},
        {"id": "label", "op": "input", "value": [2], "dtype": "int64"},
        {"id": "conv", "op": "conv2d", "stride": 1, "padding": [1, 1], "block": "b"},
        {"id": "norm", "op": "batch_norm", "training": True, "eps": 1e-5, "block": "b"},
        {"id": "relu", "op": "relu", "block": "b"},
        {"id": "join", "op": "add", "block": "b"},
        {"id": "pool", "op": "mean", "dim": [2, 3]},
        {"id": "score", "op": "matmul"},
        {"id": "loss", "op": "cross_entropy", "reduction": "mean"},
    ]
    edges = [{"source": source, "target": target, "slot": slot} for source, target, slot in EDGES]
    about = {"name": "resblock", "target": "loss", "dtype": "float64"}
    return json.dumps({"directed": True, "multigraph": True, "graph": about, "nodes": nodes, "edges": edges}, indent=1)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def survives(folder: Path, document: str | bytes | dict[str, Any], files: dict[str, bytes] | None = None) -> bool:
    """Load, and run what loads; return whether it ran. Any error but resdebug's own, and any warning, goes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            network = load(folder, document, files)
            assert type(network) is Network
            pass_ = resdebug.differentiate(network)
        except ResdebugError as error:
            assert error.faults
            assert all(fault.what and fault.code for fault in error.faults)
            assert all(line.isprintable() for line in str(error).split("\n"))
            return False
    value = pass_.value(network.target)
    assert value is not None
    assert value.size == 1
    return True


def test_the_example_is_sound(folder: Path) -> None:
    assert survives(folder, resblock())
    network = resdebug.load(folder / "net.json", memory=MEMORY)
    assert [network[name].shape for name in ("conv", "pool", "score", "loss")] == [(1, 2, 2, 4), (1, 2), (1, 3), ()]


@given(st.data())
@mangle
def test_bytes_changed(folder: Path, data: st.DataObject) -> None:
    content = bytearray(resblock().encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "any", "cut", "double"])):
            case "flip":
                content[at] ^= 1 << data.draw(st.integers(0, 7))
            case "any":
                content[at] = data.draw(st.integers(0, 255))
            case "cut":
                del content[at : at + data.draw(st.integers(1, 60))]
            case _:
                content[at:at] = content[at : at + data.draw(st.integers(1, 60))]
    survives(folder, bytes(content))


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value in plain data, the innermost last."""
    if here:
        yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, (*here, key))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    """Return the value at the end of a way."""
    for key in path:
        document = document[key]
    return document


WAYS = list(paths(json.loads(resblock())))
STRANGE: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 2**31, 2**63, 10**19, 10**400, 0.5, 1.0, -0.0, 1e308, 1e-320, math.pi, "", "x",
    "loss", "relu", "conv2d", "input", "concat", "reshape", "float32", "int64", "a", "\x1b[0m", "__class__", [], [[]],
    {}, [1, 2], [0, 0], [-1], [1] * 40, [10**19, 0], [[1], [2, 3]], {"init": "ones", "shape": [2]},
    {"id": "y", "op": "relu"},
    {"init": "zeros", "shape": [0, 10**19]}, {"init": "zeros", "shape": [10**12] * 32}, {"file": "w.npz", "name": "w"},
    {"source": "x", "target": "join"},
]  # fmt: skip


@given(st.data())
@settings(mangle, max_examples=250)
def test_values_changed(folder: Path, data: st.DataObject) -> None:
    document = json.loads(resblock())
    for _ in range(data.draw(st.integers(1, 3))):
        way = data.draw(st.sampled_from(WAYS))
        try:
            holder = at(document, way[:-1])
            old = holder[way[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took it away
        if isinstance(holder, str):
            continue
        match data.draw(st.sampled_from(["strange", "elsewhere", "remove", "rename"])):
            case "elsewhere":
                holder[way[-1]] = copy.deepcopy(at(json.loads(resblock()), data.draw(st.sampled_from(WAYS))))
            case "remove":
                del holder[way[-1]]
            case "rename" if isinstance(holder, dict):
                holder[data.draw(st.sampled_from(["id", "op", "shape", "dtype", "stride", "dim", "slot", "q"]))] = old
            case _:
                holder[way[-1]] = copy.deepcopy(data.draw(st.sampled_from(STRANGE)))
    survives(folder, document)


ARRAYS: dict[str, Any] = {"w": np.arange(12.0).reshape(3, 4), "v": np.arange(3, dtype=np.int32)}
MEMBERS = [(f"{name}.npy", npy(array)) for name, array in ARRAYS.items()]
ARCHIVES = {
    "stored.npz": npz(*MEMBERS),
    "deflated.npz": npz(*MEMBERS, method=zipfile.ZIP_DEFLATED),
    "bzip2.npz": npz(*MEMBERS, method=zipfile.ZIP_BZIP2),
    "lzma.npz": npz(*MEMBERS, method=zipfile.ZIP_LZMA),
    "plain.safetensors": save_safetensors(ARRAYS),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_tensor_files_are_sound(name: str, folder: Path) -> None:
    assert survives(folder, unmarked(stored(name))[0], {name: ARCHIVES[name]})


@pytest.mark.parametrize("name", ARCHIVES)
@given(data=st.data())
@mangle
def test_tensor_files_changed(name: str, folder: Path, data: st.DataObject) -> None:
    content = bytearray(ARCHIVES[name])
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "any", "cut", "end"])):
            case "flip":
                content[at] ^= 1 << data.draw(st.integers(0, 7))
            case "any":
                content[at] = data.draw(st.integers(0, 255))
            case "cut":
                del content[at : at + data.draw(st.integers(1, 20))]
            case _:
                del content[max(at, 1) :]
    survives(folder, unmarked(stored(name))[0], {name: bytes(content)})


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"
TOKENS = [
    "'",
    "(",
    ")",
    "{",
    "}",
    "[",
    ",",
    ":",
    "-",
    "1",
    "L",
    " ",
    "\\",
    "True",
    "None",
    "'O'",
    "()",
    "9" * 30,
    "\n",
    "é",
    "|S",
]


@given(st.data())
@settings(mangle, max_examples=200)
def test_array_headers_changed(folder: Path, data: st.DataObject) -> None:
    header = HEADER
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(header)))
        end = data.draw(st.integers(start, min(len(header), start + 6)))
        header = header[:start] + data.draw(st.sampled_from(["", *TOKENS])) + header[end:]
    head = header.encode("latin-1")
    content = b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head + bytes(8)
    survives(folder, unmarked(stored("w.npz"))[0], {"w.npz": npz(("w.npy", content))})
